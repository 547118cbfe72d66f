// SPDX-License-Identifier: Apache-2.0
// Layers whose queries choose their keys (DeepSeek-V3.2, MiniMax-M3): shapes, work and memory by hand.
#include "operations_fixture.hpp"
#include "workload/memory_activations.hpp"
#include "workload/memory_states.hpp"

namespace zettatwin::workload {
namespace {

using namespace testing;
using compute::AttentionOp;
using compute::ChosenAttention;
using compute::ChosenPass;
using compute::Gemm;
using compute::IndexScores;

// The latent model; four index heads of 32 choose 256 keys.
model::Architecture choosing_model() {
  auto a = latent_model();
  a.kinds[0].attention.indexer = {.heads = 4, .head_dim = 32, .top = 256};
  return a;
}

constexpr double kPairs = 2 * (256 * 257 / 2.0 + (2048 - 256) * 256);  // two sequences of 2,048
constexpr double kAllPairs = 2 * (2048 * 2049 / 2.0);

TEST(ChosenOperations, LatentAttentionRunsInItsAbsorbedForm) {
  const auto ops = layer_of(choosing_model(), {});
  EXPECT_EQ(text(work_of<Gemm>(ops.forward, "indexer queries")), "4096 x 128 x 512");
  EXPECT_EQ(text(work_of<Gemm>(ops.forward, "indexer keys and weights")), "4096 x 36 x 1024") << "one key of 32, a weight per head";
  const auto& scores = work_of<IndexScores>(ops.forward, "choice of keys");
  EXPECT_EQ(scores.pairs, kAllPairs);
  EXPECT_EQ(scores.heads, 4);
  const auto& keys = work_of<Gemm>(ops.forward, "absorbed key projection");
  EXPECT_EQ(text(keys), "4096 x 256 x 128");
  EXPECT_EQ(keys.batch, 8);
  EXPECT_EQ(text(work_of<Gemm>(ops.forward, "absorbed value projection")), "4096 x 128 x 256");
  const auto& core = work_of<ChosenAttention>(ops.forward, "attention on chosen keys");
  EXPECT_EQ(core.pairs, kPairs);
  EXPECT_EQ(core.queries, 4096);
  EXPECT_EQ(core.heads, 8);
  EXPECT_EQ(core.latent + core.rope, 320);
  for (const auto& name : names_of(ops.forward)) EXPECT_NE(name, "kv up projection");
}

TEST(ChosenOperations, TheIndexerLearnsFromChosenPairsAndStopsItsGradientThere) {
  const auto ops = layer_of(choosing_model(), {});
  const auto& again = work_of<ChosenAttention>(ops.backward_input, "what the indexer learns from");
  EXPECT_EQ(again.pass, ChosenPass::scores);
  EXPECT_EQ(again.pairs, kPairs);
  EXPECT_EQ(work_of<IndexScores>(ops.backward_input, "indexer gradients").pairs, 3 * kPairs);
  for (const auto& name : names_of(ops.backward_input)) EXPECT_NE(name, "indexer queries") << "its input takes no gradient";
  EXPECT_EQ(text(work_of<Gemm>(ops.backward_weight, "indexer queries")), "128 x 512 x 4096");
  plan::Plan frozen;
  frozen.frozen_weights = true;
  for (const auto& name : names_of(layer_of(choosing_model(), frozen).backward_input)) EXPECT_NE(name, "indexer gradients");
}

TEST(ChosenOperations, ShortSequencesSeeEveryKey) {
  auto model = choosing_model();
  model.kinds[0].attention.indexer.top = 2048;
  EXPECT_EQ(names_of(layer_of(model, {}).forward), names_of(layer_of(latent_model(), {}).forward));
  EXPECT_EQ(model_flop_per_token(model, 2048).si(), model_flop_per_token(latent_model(), 2048).si());
}

TEST(ChosenOperations, AChoiceUsedAgainScoresNothing) {
  auto model = choosing_model();
  model.kinds[0].attention.indexer.heads = 0;
  const auto ops = layer_of(model, {});
  for (const auto& name : names_of(ops.forward)) EXPECT_EQ(name.find("index"), std::string::npos) << name;
  EXPECT_EQ(work_of<ChosenAttention>(ops.forward, "attention on chosen keys").pairs, kPairs);
}

TEST(ChosenOperations, BlocksOfKeysCostAWindowOfAsMany) {
  auto model = dense_model();
  model.kinds[0].attention.indexer = {.heads = 2, .head_dim = 64, .top = 2, .block = 128};
  const auto ops = layer_of(model, {});
  EXPECT_EQ(work_of<AttentionOp>(ops.forward, "attention").window, 256);
  EXPECT_EQ(text(work_of<Gemm>(ops.forward, "indexer queries and keys")), "4096 x 192 x 1024") << "two heads and one key of 64";
  EXPECT_EQ(work_of<IndexScores>(ops.forward, "choice of keys").block, 128);
  EXPECT_EQ(work_of<IndexScores>(layer_of(model, {.tp = 2}).forward, "choice of keys").heads, 1);
}

TEST(ChosenOperations, TensorParallelRanksChooseForTheirHeads) {
  const auto ops = layer_of(choosing_model(), {.tp = 4});
  EXPECT_EQ(work_of<ChosenAttention>(ops.forward, "attention on chosen keys").heads, 2);
  EXPECT_EQ(work_of<IndexScores>(ops.forward, "choice of keys").heads, 4) << "every rank needs the choice of all index heads";
  EXPECT_EQ(work_of<Gemm>(ops.forward, "absorbed value projection").batch, 2);
  const auto hidden = [](const model::Architecture& a, std::int64_t tp) { return layer_on_rank(a, a.kinds[0], {.tp = tp}).hidden; };
  const auto whole = hidden(choosing_model(), 1), quarter = hidden(choosing_model(), 4);
  const auto plain = hidden(latent_model(), 4), all = hidden(latent_model(), 1);
  EXPECT_EQ(whole - all, 512 * 128 + 1024 * 36 + 64);
  EXPECT_EQ(quarter - plain, whole - all) << "the indexer is whole on every rank";
}

TEST(ChosenOperations, ContextParallelRanksShareTheQueries) {
  plan::Plan ring{.cp = 2};
  const auto r = layer_of(choosing_model(), ring);
  EXPECT_EQ(work_of<ChosenAttention>(r.forward, "attention on chosen keys").pairs, kPairs / 2);
  EXPECT_EQ(work_of<IndexScores>(r.forward, "choice of keys").pairs, kAllPairs / 2);
  EXPECT_EQ(bytes_of(r.forward, "exchange of latent keys"), 2 * 320 * kTokens) << "vectors of all tokens, not keys and values of heads";
  EXPECT_EQ(bytes_of(r.forward, "exchange of indexer keys"), 2 * 32 * kTokens);
  ring.cp_kind = plan::ContextParallelKind::all_to_all;
  const auto u = layer_of(choosing_model(), ring);
  EXPECT_EQ(work_of<ChosenAttention>(u.forward, "attention on chosen keys").pairs, kPairs);
  EXPECT_EQ(work_of<ChosenAttention>(u.forward, "attention on chosen keys").heads, 4);
  EXPECT_EQ(bytes_of(u.forward, "exchange of indexer keys"), 2 * 32 * kTokens);
}

TEST(ChosenOperations, ModelFlopAreThoseOfTheProjectedFormOnChosenPairs) {
  auto small = choosing_model();
  const double with = model_flop_per_token(small, 2048).si();
  small.kinds[0].attention.indexer = {};
  const double without = model_flop_per_token(small, 2048).si();
  const double layers = 4, per_pair = 2.0 * 8 * (192 + 128), index = 2.0 * 4 * 32;
  const double expected = 3 * layers * ((kPairs / 2 - kAllPairs / 2) * per_pair + kAllPairs / 2 * index + 2048 * 2.0 * (128 * 512 + 36 * 1024)) / 2048;
  EXPECT_NEAR(with - without, expected, 1e-9 * with);
}

TEST(ChosenOperations, MemoryOfAChoice) {
  const auto model = choosing_model();
  const auto software = test::catalog_software();
  const auto saved = [&](const model::Architecture& a, std::string_view name) {
    const auto activations = layer_activations(RankShape(a, plan::Plan{}, 2048, software), a.kinds[0]);
    for (const auto& tensor : activations.tensors)
      if (tensor.name == name) return tensor.bytes;
    return 0.0;
  };
  EXPECT_EQ(saved(model, "chosen keys"), 4 * 2048 * 256);
  EXPECT_EQ(saved(model, "absorbed queries"), 2 * 2048 * 8 * 320);
  EXPECT_EQ(saved(model, "latent values of all heads"), 2 * 2048 * 8 * 256);
  EXPECT_EQ(saved(model, "expanded keys and values"), 0);
  EXPECT_EQ(saved(model, "indexer queries, keys and weights"), 2 * 2048 * (5 * 32 + 4));
  EXPECT_EQ(saved(latent_model(), "chosen keys"), 0);
}

TEST(ChosenOperations, MoreKeysNeverTakeLess) {
  const auto chip = compute::round_chip();
  auto model = choosing_model();
  const auto seconds = [&](std::int64_t top) {
    model.kinds[0].attention.indexer.top = top;
    double sum = 0;
    const auto ops = layer_of(model, {});
    for (const auto* list : {&ops.forward, &ops.backward_input})
      for (const auto& op : *list)
        if (const auto* c = std::get_if<ChosenAttention>(&op.work)) sum += compute::time_of(chip, *c).time.seconds().si();
    return sum;
  };
  for (std::int64_t keys = 1; keys < 2040; keys += 7) EXPECT_LE(seconds(keys), seconds(keys + 7)) << keys;
  EXPECT_LT(seconds(100), seconds(1000));
}

}  // namespace
}  // namespace zettatwin::workload
