// SPDX-License-Identifier: Apache-2.0
// Whole ranks: schedules, policies, buffers, the answer "does not fit" and what would help.
#include "workload/memory.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "memory_models.hpp"

namespace zettatwin::workload {
namespace {

using plan::Plan;
using plan::Recompute;
using plan::ScheduleKind;
using testing::Case;
using testing::part;

TEST(Memory, OneForwardOneBackwardHoldsDistanceToTheEnd) {
  const Case c{.architecture = testing::llama(32, 4096, 14336, 32, 8), .plan = {.pp = 4, .layers_per_chunk = {8, 8, 8, 8}}, .microbatches = 16};
  const auto report = c.report();
  ASSERT_EQ(report.ranks.size(), 4u);
  for (std::size_t rank = 0; rank < 4; ++rank) {
    EXPECT_EQ(report.ranks[rank].in_flight.forward[0], 4 - static_cast<std::int64_t>(rank));
    EXPECT_DOUBLE_EQ(part(report.ranks[rank], "activations"), report.ranks[rank].activation_bytes[0] * (4 - static_cast<double>(rank)));
  }
  EXPECT_EQ(part(report.ranks[0], "logits and loss"), 0);
  EXPECT_DOUBLE_EQ(part(report.ranks[3], "logits and loss"), 4096.0 * (2 * 128256 + 4 * 4096));
  Case eager = c;
  eager.software.loss = software::LossKernel::eager;
  EXPECT_DOUBLE_EQ(part(eager.report().ranks[3], "logits and loss"), 4096.0 * (14 * 128256 + 4 * 4096));
}

TEST(Memory, FewMicrobatchesHoldFewActivations) {
  const Case c{.architecture = testing::llama(32, 4096, 14336, 32, 8), .plan = {.pp = 4}, .microbatches = 2};
  EXPECT_EQ(c.report().ranks[0].in_flight.forward[0], 2);
}

TEST(Memory, InterleavingHoldsMore) {
  // Narayanan et al. 2021: p (1 + (p-1)/(p v)) stages' worth of layers.
  Case c{.architecture = testing::llama(32, 4096, 14336, 32, 8), .plan = {.pp = 4, .layers_per_chunk = {8, 8, 8, 8}}, .microbatches = 16};
  const auto plain = part(c.report().ranks[0], "activations");
  c.plan.schedule = ScheduleKind::interleaved;
  c.plan.vpp = 2;
  c.plan.layers_per_chunk = {4, 4, 4, 4, 4, 4, 4, 4};
  EXPECT_NEAR(part(c.report().ranks[0], "activations") / plain, 1 + 3.0 / 8, 0.01);
}

TEST(Memory, PartsSumAndPeakIsTheLargest) {
  Case c{.architecture = testing::latent_experts(3, 58), .plan = {.tp = 2, .ep = 64, .pp = 8, .zero = 1}, .dp = 128, .microbatches = 32, .software = test::catalog_software()};
  const auto report = c.report();
  for (const auto& rank : report.ranks) {
    double sum = 0;
    for (const auto& p : rank.parts) {
      EXPECT_GT(p.bytes.si(), 0) << p.name;
      EXPECT_FALSE(p.formula.empty()) << p.name;
      sum += p.bytes.si();
    }
    EXPECT_DOUBLE_EQ(sum, rank.total().si());
    EXPECT_LE(rank.total(), report.peak().total());
  }
  EXPECT_DOUBLE_EQ(part(report.peak(), "workspace"), 2147483648.0);
  EXPECT_GT(part(report.peak(), "fragmentation"), 0);
}

// bf16, one of each shape: attention, feed-forward and head of a rank; none where products do not add weight gradients, as under ZeRO 2.
TEST(Memory, UnusedGradientsAreOfOneLayerAndTheHead) {
  Case c{.architecture = testing::llama(32, 4096, 14336, 32, 8), .plan = {.tp = 4, .zero = 1}, .dp = 8};
  const auto unused = [&] { return part(c.report().ranks[0], "unused gradients"); };
  c.software.accumulation.present = false;
  EXPECT_EQ(unused(), 0) << "not this software";
  c.software.dummy_gradients = true;
  EXPECT_DOUBLE_EQ(unused(), 2 * (2 * 4096.0 * 4096 + 2 * 4096.0 * 1024 + 3 * 4096.0 * 14336 + 4096.0 * 128256) / 4);
  c.plan.zero = 2;
  EXPECT_EQ(unused(), 0);
  c.plan.zero = 1;
  c.software.accumulation.present = true;
  EXPECT_EQ(unused(), 0) << "a kernel of its own adds";
}

// Without tables of 128,256 x 4,096 at both ends, states are those of layers; a layer's activations have no dropout mask and token numbers of the embedding.
TEST(Memory, LayersAloneLeaveOutTheEnds) {
  Case c{.architecture = testing::llama(32, 4096, 14336, 32, 8), .plan = {.pp = 4, .layers_per_chunk = {8, 8, 8, 8}}, .microbatches = 16};
  c.software.dropout = true;
  const auto report = c.report();
  const auto states = [&](std::size_t rank) {
    double sum = 0;
    for (const auto* name : {"weights", "gradients", "master weights", "optimizer moments"}) sum += part(report.ranks[rank], name);
    return sum;
  };
  EXPECT_DOUBLE_EQ(report.ranks[1].layer_states.si(), states(1)) << "no table is here";
  EXPECT_DOUBLE_EQ(report.ranks[0].layer_states.si(), states(1)) << "as many layers";
  EXPECT_NEAR(states(0) - report.ranks[0].layer_states.si(), states(1) / 8 * (128256.0 * 4096) / (2 * 4096.0 * 4096 + 2 * 4096.0 * 1024 + 3 * 4096.0 * 14336 + 2 * 4096), 1e6);
  EXPECT_DOUBLE_EQ(report.ranks[1].layer_activations.si(), part(report.ranks[1], "activations"));
  EXPECT_DOUBLE_EQ(part(report.ranks[0], "activations") - report.ranks[0].layer_activations.si(), 4 * (8 * 4096.0 + 4096.0 * 4096)) << "four microbatches";
}

TEST(Memory, RecomputationSavesInOrder) {
  for (const auto& a : {testing::llama(32, 4096, 14336, 32, 8), testing::latent_experts(2, 14)}) {
    Case c{.architecture = a, .plan = {.pp = 4}, .dp = 8, .microbatches = 8};
    const auto none = part(c.report().ranks[0], "activations");
    c.plan.recompute = Recompute::selective;
    const auto selective = part(c.report().ranks[0], "activations");
    c.plan.recompute = Recompute::full;
    const auto full = part(c.report().ranks[0], "activations");
    EXPECT_LT(selective, none);
    EXPECT_LT(full, selective);
    c.plan.recompute_layers = 0;
    EXPECT_DOUBLE_EQ(part(c.report().ranks[0], "activations"), none);
    double before = none;
    for (c.plan.recompute_layers = 1; c.plan.recompute_layers <= 8; ++c.plan.recompute_layers) {
      const auto now = part(c.report().ranks[0], "activations");
      EXPECT_LE(now, before);
      before = now;
    }
    EXPECT_DOUBLE_EQ(before, full);  // no chunk has more
  }
}

TEST(Memory, ShardingNeverCostsStates) {
  Case c{.architecture = testing::latent_experts(2, 14), .plan = {.ep = 8, .zero = 0}, .dp = 64};
  double before = 1e300;
  for (c.plan.zero = 0; c.plan.zero <= 3; ++c.plan.zero) {
    const auto report = c.report();
    const auto& b = report.peak();
    const double states = part(b, "weights") + part(b, "gradients") + part(b, "master weights") + part(b, "optimizer moments");
    EXPECT_LT(states, before);
    before = states;
  }
}

TEST(Memory, ZeroBubbleKeepsPendingWeightGradients) {
  Case c{.architecture = testing::llama(32, 4096, 14336, 32, 8), .plan = {.pp = 4, .schedule = ScheduleKind::zb_h1}, .microbatches = 16};
  const auto report = c.report();
  double pending = 0;
  for (const auto& rank : report.ranks) pending += part(rank, "pending weight gradients");
  EXPECT_GT(pending, 0);
  for (const auto kind : {ScheduleKind::zb_v, ScheduleKind::dualpipe, ScheduleKind::dualpipe_v}) {
    c.plan.schedule = kind;
    EXPECT_EQ(c.report().ranks[0].in_flight.forward.size(), 2u);
  }
}

TEST(Memory, MultiTokenPredictionAddsAPassThroughTheHead) {
  Case c{.architecture = testing::latent_experts(2, 14), .plan = {.ep = 8, .pp = 2, .layers_per_chunk = {8, 8}}, .dp = 8, .microbatches = 4};
  const auto without = c.report();
  c.architecture.mtp_depth = 1;
  c.architecture.mtp_layer = c.architecture.kinds[1];
  const auto with = c.report();
  EXPECT_DOUBLE_EQ(part(with.ranks[1], "logits and loss"), 2 * part(without.ranks[1], "logits and loss"));
  EXPECT_GT(part(with.ranks[1], "activations"), part(without.ranks[1], "activations"));
  EXPECT_DOUBLE_EQ(with.ranks[0].total().si(), without.ranks[0].total().si());
}

// Figure 1 of Korthikanti et al. 2022 (arXiv 2205.05198), GiB on the first stage. The paper counts 18 bytes per parameter of the layers and leaves out the
// input table and the dropout mask of its output, which is all that separates our figures from it.
TEST(Memory, MatchesPublishedFiguresOfFourModels) {
  struct Row { std::int64_t layers, hidden, heads, pp, vpp, micro_batch, microbatches; double states, activations; };
  for (const Row& row : {Row{48, 6144, 64, 1, 1, 4, 1, 45.5625, 59.25}, Row{96, 12288, 96, 8, 3, 1, 64, 45.5625, 66.84375},
                         Row{105, 20480, 128, 35, 3, 1, 280, 31.640625, 114.0234375}, Row{128, 25600, 160, 64, 1, 1, 512, 32.958984375, 131.25}}) {
    Plan plan{.tp = 8, .pp = row.pp, .vpp = row.vpp, .sequence_parallel = false, .zero = 0, .micro_batch = row.micro_batch,
              .schedule = row.vpp > 1 ? ScheduleKind::interleaved : ScheduleKind::one_f_one_b};
    plan.layers_per_chunk.assign(static_cast<std::size_t>(row.pp * row.vpp), row.layers / (row.pp * row.vpp));
    const Case c{.architecture = testing::gpt(row.layers, row.hidden, row.heads), .plan = plan, .sequence = 2048, .microbatches = row.microbatches,
                 .software = {.flash_attention = false, .dropout = true}};
    const auto first = c.report().ranks[0];
    const auto h = static_cast<double>(row.hidden), tokens = 2048 * static_cast<double>(row.micro_batch);
    const double states = part(first, "weights") + part(first, "gradients") + part(first, "master weights") + part(first, "optimizer moments") - 18 * h * 51200 / 8;
    EXPECT_NEAR(states / units::GiB.si() / row.states, 1, 1e-3) << row.hidden;  // norms
    const double embedding = static_cast<double>(first.in_flight.forward[0]) * tokens * (h + 8);
    EXPECT_NEAR((part(first, "activations") - embedding) / units::GiB.si() / row.activations, 1, 1e-3) << row.hidden;
  }
}

TEST(Memory, InfeasibleNamesRoleAndPart) {
  const Case c{.architecture = testing::llama(80, 8192, 28672, 64, 8), .plan = {.tp = 8, .micro_batch = 4}, .dp = 2, .sequence = 8192, .microbatches = 8};
  const auto report = c.report();
  EXPECT_FALSE(report.fits());
  EXPECT_GT(report.excess().si(), 0);
  const auto text = infeasible_text(report);
  EXPECT_NE(text.find("pipeline rank 0 needs"), std::string::npos);
  EXPECT_NE(text.find("largest part: activations"), std::string::npos) << text;
}

TEST(Remedies, HelpAndAreSorted) {
  const Case c{.architecture = testing::llama(80, 8192, 28672, 64, 8), .plan = {.tp = 8, .micro_batch = 4}, .dp = 16, .sequence = 8192, .microbatches = 8};
  const auto capacity = units::Bytes::from_si(80e9);
  const auto found = c.remedies(capacity);
  ASSERT_FALSE(found.empty());
  EXPECT_TRUE(std::is_sorted(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.saves > b.saves; }));
  const auto full = std::find_if(found.begin(), found.end(), [](const auto& r) { return r.change == "recompute=full"; });
  ASSERT_NE(full, found.end());
  Case changed = c;
  changed.plan.recompute = Recompute::full;
  EXPECT_DOUBLE_EQ((c.report().peak().total() - changed.report().peak().total()).si(), full->saves.si());
  EXPECT_EQ(full->fits, changed.report().fits());
  for (const auto& r : found) EXPECT_EQ(r.change.find("ep="), std::string::npos) << "a dense model has no experts";
}

TEST(Remedies, NoneForAPlanWithoutChoices) {
  const Case c{.architecture = testing::gpt(1, 128, 1), .plan = {.zero = 3, .recompute = Recompute::full, .gradient_type = plan::NumberType::bf16, .moment_type = plan::NumberType::bf16}};
  EXPECT_TRUE(c.remedies(units::Bytes::from_si(1)).empty());
}

}  // namespace
}  // namespace zettatwin::workload
