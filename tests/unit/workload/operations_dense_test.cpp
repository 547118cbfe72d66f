// SPDX-License-Identifier: Apache-2.0
// A dense layer with grouped-query attention, operation by operation.
#include "operations_fixture.hpp"

namespace zettatwin::workload {
namespace {

using namespace testing;
using compute::AttentionOp;
using compute::Gemm;
using compute::Quantise;
using Names = std::vector<std::string>;

TEST(DenseOperations, OnOneRank) {
  const auto ops = layer_of(dense_model(), {});
  EXPECT_EQ(names_of(ops.forward), (Names{"norm", "residual", "qkv projection", "rotary embedding and layout", "attention", "attention output projection", "norm", "residual",
                                          "feed-forward up projection", "activation", "feed-forward down projection"}));
  EXPECT_EQ(names_of(ops.backward_input),
            (Names{"feed-forward down projection", "activation", "feed-forward up projection", "residual", "norm", "attention output projection", "attention backward",
                   "rotary embedding and layout", "qkv projection", "residual", "norm"}));
  EXPECT_EQ(names_of(ops.backward_weight), (Names{"feed-forward down projection", "feed-forward up projection", "attention output projection", "qkv projection"}));
}

TEST(DenseOperations, ShapesOfTheProducts) {
  const auto ops = layer_of(dense_model(), {});
  // 8 + 2 + 2 heads of 128; gate and up side by side.
  EXPECT_EQ(text(work_of<Gemm>(ops.forward, "qkv projection")), "4096 x 1536 x 1024");
  EXPECT_EQ(text(work_of<Gemm>(ops.forward, "attention output projection")), "4096 x 1024 x 1024");
  EXPECT_EQ(text(work_of<Gemm>(ops.forward, "feed-forward up projection")), "4096 x 8192 x 1024");
  EXPECT_EQ(text(work_of<Gemm>(ops.forward, "feed-forward down projection")), "4096 x 1024 x 4096");
  EXPECT_EQ(text(work_of<Gemm>(ops.backward_input, "feed-forward up projection")), "4096 x 1024 x 8192") << "dX = dY W";
  EXPECT_EQ(text(work_of<Gemm>(ops.backward_weight, "feed-forward up projection")), "8192 x 1024 x 4096") << "dW = dY^T X";
  const auto& weights = work_of<Gemm>(ops.backward_weight, "qkv projection");
  EXPECT_TRUE(weights.accumulate);
  EXPECT_EQ(weights.output_bytes, 4) << "into fp32 gradients";
  EXPECT_FALSE(work_of<Gemm>(ops.forward, "qkv projection").accumulate);
}

TEST(DenseOperations, AttentionIsCausalOverTheSequence) {
  const auto ops = layer_of(dense_model(), {});
  const auto& a = work_of<AttentionOp>(ops.forward, "attention");
  EXPECT_EQ(a.batch, 2);
  EXPECT_EQ(a.heads, 8);
  EXPECT_EQ(a.kv_heads, 2);
  EXPECT_EQ(a.q_length, 2048);
  EXPECT_EQ(a.kv_length, 2048);
  EXPECT_FALSE(a.backward);
  EXPECT_EQ(a.library, compute::Library::training);
  EXPECT_TRUE(work_of<AttentionOp>(ops.backward_input, "attention backward").backward);
  // 2 sequences x 8 heads x 2 (128 + 128) FLOP x 2048 * 2049 / 2 pairs.
  EXPECT_DOUBLE_EQ(flop_of({named(ops.forward, "attention")}), 2.0 * 8 * 2 * 256 * (2048.0 * 2049 / 2));
}

TEST(DenseOperations, BytesOfTheMemoryBoundKernels) {
  const auto ops = layer_of(dense_model(), {});
  EXPECT_EQ(bytes_of(ops.forward, "activation"), 6 * kTokens * 4096) << "reads gate and up, writes their product, 2 bytes each";
  EXPECT_EQ(bytes_of(ops.backward_input, "activation"), 10 * kTokens * 4096) << "reads gradient, gate and up, writes two gradients";
  EXPECT_EQ(bytes_of(ops.forward, "rotary embedding and layout"), 8 * kTokens * 1536);
  EXPECT_EQ(std::get<compute::MemoryOp>(ops.forward[0].work).bytes.si(), 4 * kTokens * 1024) << "norm: read and write";
  EXPECT_EQ(std::get<compute::MemoryOp>(ops.forward[1].work).bytes.si(), 6 * kTokens * 1024) << "residual: read two, write one";
}

TEST(DenseOperations, AnUngatedFeedForwardIsHalfAsWide) {
  auto model = dense_model();
  model.kinds[0].dense->gated = false;
  const auto ops = layer_of(model, {});
  EXPECT_EQ(text(work_of<Gemm>(ops.forward, "feed-forward up projection")), "4096 x 4096 x 1024");
  EXPECT_EQ(bytes_of(ops.forward, "activation"), 4 * kTokens * 4096);
}

TEST(DenseOperations, TensorAndSequenceParallel) {
  plan::Plan plan{.tp = 4};
  const auto ops = layer_of(dense_model(), plan);
  EXPECT_EQ(names_of(ops.forward), (Names{"norm", "residual", "all-gather of inputs", "qkv projection", "rotary embedding and layout", "attention", "attention output projection",
                                          "reduce-scatter of outputs", "norm", "residual", "all-gather of inputs", "feed-forward up projection", "activation",
                                          "feed-forward down projection", "reduce-scatter of outputs"}));
  // The input is gathered again while the input gradient is computed, which is then scattered (Korthikanti et al. 2022, Megatron-LM).
  EXPECT_EQ(names_of(ops.backward_input),
            (Names{"all-gather of output gradients", "feed-forward down projection", "activation", "all-gather for weight gradients", "feed-forward up projection",
                   "reduce-scatter of input gradients", "residual", "norm", "all-gather of output gradients", "attention output projection", "attention backward",
                   "rotary embedding and layout", "all-gather for weight gradients", "qkv projection", "reduce-scatter of input gradients", "residual", "norm"}));
  // Two query heads and one (replicated) of two key/value heads per rank.
  EXPECT_EQ(text(work_of<Gemm>(ops.forward, "qkv projection")), "4096 x 512 x 1024");
  EXPECT_EQ(text(work_of<Gemm>(ops.forward, "attention output projection")), "4096 x 1024 x 256");
  EXPECT_EQ(text(work_of<Gemm>(ops.forward, "feed-forward up projection")), "4096 x 2048 x 1024");
  EXPECT_EQ(text(work_of<Gemm>(ops.forward, "feed-forward down projection")), "4096 x 1024 x 1024");
  EXPECT_EQ(std::get<compute::MemoryOp>(ops.forward[0].work).bytes.si(), 4 * (kTokens / 4) * 1024) << "norms are sharded over the sequence";
  for (const auto* list : {&ops.forward, &ops.backward_input})
    for (const auto& op : *list)
      if (const auto* c = std::get_if<Communication>(&op.work)) {
        EXPECT_EQ(c->bytes.si(), kTokens * 1024 * 2) << op.name << ": the whole microbatch in bf16";
        EXPECT_EQ(c->group, Group::tensor);
        EXPECT_EQ(op.hiding, op.name == "all-gather for weight gradients" ? Hiding::background : Hiding::none) << op.name;
      }
}

TEST(DenseOperations, TensorParallelWithoutSequenceParallel) {
  plan::Plan plan{.tp = 4, .sequence_parallel = false};
  const auto ops = layer_of(dense_model(), plan);
  const auto count = [](const std::vector<Operation>& list, network::Collective op) {
    std::size_t n = 0;
    for (const auto& o : list)
      if (const auto* c = std::get_if<Communication>(&o.work)) n += c->op == op;
    return n;
  };
  EXPECT_EQ(count(ops.forward, network::Collective::all_reduce), 2u) << "one per block";
  EXPECT_EQ(count(ops.backward_input, network::Collective::all_reduce), 2u);
  EXPECT_EQ(count(ops.forward, network::Collective::all_gather) + count(ops.backward_input, network::Collective::reduce_scatter), 0u);
  EXPECT_EQ(std::get<compute::MemoryOp>(ops.forward[0].work).bytes.si(), 4 * kTokens * 1024) << "norms run on all tokens everywhere";
  // In the backward pass the all-reduce follows the column-parallel product's input gradient.
  const auto names = names_of(ops.backward_input);
  EXPECT_EQ(names[3], "all-reduce of input gradients");
  EXPECT_EQ(names[2], "feed-forward up projection");
}

TEST(DenseOperations, OverlappedTensorParallelIsChunked) {
  plan::Plan plan{.tp = 4};
  plan.overlap.tp = true;
  const auto ops = layer_of(dense_model(), plan);
  EXPECT_EQ(ops.forward[2].hiding, Hiding::chunked);
  EXPECT_EQ(named(ops.forward, "feed-forward up projection").hiding, Hiding::none);
}

TEST(DenseOperations, Fp8CastsInputsAndGradients) {
  plan::Plan plan{.recipe = plan::Recipe::fp8_block};
  const auto ops = layer_of(dense_model(), plan);
  double cast = 0;
  for (const auto& op : ops.forward)
    if (const auto* q = std::get_if<Quantise>(&op.work)) {
      EXPECT_EQ(q->precision, hardware::Precision::fp8);
      EXPECT_EQ(q->copies, 2) << "rows for this product, columns for the weight gradient";
      cast += q->elements;
    }
  EXPECT_EQ(cast, kTokens * (1024 + 1024 + 1024 + 4096)) << "the four inputs";
  double gradients = 0;
  for (const auto& op : ops.backward_input)
    if (const auto* q = std::get_if<Quantise>(&op.work)) gradients += q->elements;
  EXPECT_EQ(gradients, kTokens * (1536 + 1024 + 8192 + 1024)) << "the four output gradients";
  for (const auto* list : {&ops.forward, &ops.backward_input, &ops.backward_weight})
    for (const auto& op : *list) {
      const auto* gemm = std::get_if<Gemm>(&op.work);
      const auto* attention = std::get_if<AttentionOp>(&op.work);
      EXPECT_TRUE(!gemm || gemm->precision == hardware::Precision::fp8) << op.name;
      EXPECT_TRUE(!attention || attention->precision == hardware::Precision::bf16) << op.name;
    }
}

TEST(DenseOperations, RingContextParallel) {
  plan::Plan plan{.cp = 4};
  const auto ops = layer_of(dense_model(), plan);
  const auto& a = work_of<AttentionOp>(ops.forward, "attention");
  EXPECT_EQ(a.q_length, 512);
  EXPECT_EQ(a.kv_length, 2048);
  EXPECT_DOUBLE_EQ(a.causal_share, 0.5 + 0.5 / 2048) << "the zig-zag order gives each rank the same share of the triangle";
  // Gathered: 4096 tokens of 2 key and 2 value heads of 128 in bf16; their gradients come back in fp32.
  EXPECT_EQ(bytes_of(ops.forward, "ring exchange of keys and values"), kTokens * 512 * 2);
  EXPECT_EQ(bytes_of(ops.backward_input, "ring exchange of key and value gradients"), kTokens * 512 * 4);
  EXPECT_EQ(text(work_of<Gemm>(ops.forward, "qkv projection")), "1024 x 1536 x 1024");
}

TEST(DenseOperations, ReplicatedKeyValueHeadsTravelWhole) {
  plan::Plan plan{.tp = 8, .cp = 2};  // two key/value heads on eight ranks: one on each
  const auto ops = layer_of(dense_model(), plan);
  EXPECT_EQ(bytes_of(ops.forward, "ring exchange of keys and values"), kTokens * (128 + 128) * 2);
}

TEST(DenseOperations, AllToAllContextParallel) {
  plan::Plan plan{.cp = 4, .cp_kind = plan::ContextParallelKind::all_to_all};
  auto model = dense_model();
  model.kinds[0].attention.kv_heads = 8;
  const auto ops = layer_of(model, plan);
  const auto& a = work_of<AttentionOp>(ops.forward, "attention");
  EXPECT_EQ(a.heads, 2);
  EXPECT_EQ(a.q_length, 2048) << "all of the sequence, a quarter of the heads";
  EXPECT_EQ(bytes_of(ops.forward, "all-to-all of q, k, v"), kTokens / 4 * 3 * 1024 * 2) << "what a rank sends, its own part included";
  EXPECT_EQ(bytes_of(ops.forward, "all-to-all of outputs"), kTokens / 4 * 1024 * 2);
  EXPECT_EQ(names_of(ops.backward_input)[5], "attention output projection");
  EXPECT_EQ(names_of(ops.backward_input)[6], "all-to-all of outputs") << "the way back runs in reverse";
  EXPECT_EQ(names_of(ops.backward_input)[7], "attention backward");
  EXPECT_EQ(names_of(ops.backward_input)[8], "all-to-all of q, k, v");
}

TEST(DenseOperations, SelectiveRecomputationRunsCheapOperationsAgain) {
  const auto ops = layer_of(dense_model(), {});
  for (const auto& op : ops.forward) {
    const bool cheap = op.name == "norm" || op.name == "activation";  // queries, keys and values are kept as attention reads them
    EXPECT_EQ(op.recomputed_selectively, cheap) << op.name;
  }
}

// h = 1024, 8 heads of 128, 4096 tokens: scores are 8 x 4096 x 4096.
TEST(DenseOperations, UnfusedAttentionStoresItsScores) {
  software::Profile software = test::catalog_software();
  software.flash_attention = false;
  software.scores = {test::bytes_figure(13), test::bytes_figure(19)};
  software.selective = {software::Module::core_attn};
  const auto model = dense_model();
  const auto ops = layer_operations(model, model.kinds[0], {}, kShape, software);
  const double scores = 8.0 * kShape.sequence_length * kShape.sequence_length * kShape.sequences;
  const auto bytes = [](const Operation& op) { return std::get<compute::MemoryOp>(op.work).bytes.si(); };
  EXPECT_DOUBLE_EQ(bytes(named(ops.forward, "softmax")), 13 * scores);
  EXPECT_DOUBLE_EQ(bytes(named(ops.backward_input, "softmax")), 19 * scores);
  double forward = 0, backward = 0;
  const auto flop = [](const Operation& op) {
    const auto* g = std::get_if<compute::Gemm>(&op.work);
    return g && op.category == Category::attention ? 2.0 * static_cast<double>(g->batch * g->m) * static_cast<double>(g->n * g->k) : 0.0;
  };
  for (const auto& op : ops.forward) {
    forward += flop(op);
    EXPECT_EQ(op.recomputed_selectively, op.name == "softmax" || op.name == "attention scores" || op.name == "attention values") << op.name;
  }
  for (const auto& op : ops.backward_input) backward += flop(op);
  EXPECT_DOUBLE_EQ(forward, 2 * 2 * scores * 128) << "two products over the full square";
  EXPECT_DOUBLE_EQ(backward, 2 * forward);
}

TEST(DenseOperations, WeightGradientsAreAddedByAKernelOfTheirOwn) {
  software::Profile software = test::catalog_software();
  software.accumulation = test::bytes_figure(12);
  const auto model = dense_model();
  const auto ops = layer_operations(model, model.kinds[0], {}, kShape, software);
  double bytes = 0, parameters = 0;
  for (const auto& op : ops.backward_weight) {
    if (const auto* m = std::get_if<compute::MemoryOp>(&op.work)) bytes += m->bytes.si();
    if (const auto* g = std::get_if<compute::Gemm>(&op.work)) {
      parameters += static_cast<double>(g->m * g->n);
      EXPECT_FALSE(g->accumulate);
    }
  }
  EXPECT_DOUBLE_EQ(bytes, 12 * parameters);
}

TEST(DenseOperations, EagerKernelsMoveMore) {
  software::Profile software = test::catalog_software();
  const auto model = dense_model();
  const auto fused = layer_operations(model, model.kinds[0], {}, kShape, software);
  software.eager = {.value = units::Ratio::from_si(2.5), .provenance = {}, .present = true};
  const auto eager = layer_operations(model, model.kinds[0], {}, kShape, software);
  ASSERT_EQ(eager.forward.size(), fused.forward.size());
  for (std::size_t i = 0; i < fused.forward.size(); ++i)
    if (const auto* m = std::get_if<compute::MemoryOp>(&fused.forward[i].work)) {
      EXPECT_DOUBLE_EQ(std::get<compute::MemoryOp>(eager.forward[i].work).bytes.si(), 2.5 * m->bytes.si()) << fused.forward[i].name;
    }
}

}  // namespace
}  // namespace zettatwin::workload
