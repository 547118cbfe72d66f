// SPDX-License-Identifier: Apache-2.0
// Costs of chunks: sums of layers, recomputation, pairs.
#include "../../support/toy.hpp"
#include "training/stage_costs.hpp"

namespace zettatwin::training {
namespace {

constexpr double kLink = 1e9;

struct Stage {
  Job job;
  plan::Placement placement;
  LeafTable leaves;
  std::optional<OperationTimer> timer;
  std::optional<StageCosts> costs;
};

std::unique_ptr<Stage> stage(plan::Plan plan, std::int64_t chips = 8, test::Toy toy = {}, const std::string& model = test::kToyExperts) {
  toy.levels = {{"node", chips, kLink}};
  auto s = std::make_unique<Stage>(Stage{.job = test::toy_job(toy, model)});
  s->job.plan = std::move(plan);
  config::Diagnostics diagnostics;
  auto placement = plan::place(s->job.plan, s->job.machine, 0, config::location_in("test"), diagnostics);
  EXPECT_TRUE(placement) << test::text_of(diagnostics);
  s->placement = std::move(*placement);
  s->timer.emplace(s->job.machine.chip, s->job.plan, s->placement, s->job.architecture);
  s->costs.emplace(s->job.architecture, s->job.plan, workload::MicrobatchShape{.sequences = s->job.plan.micro_batch, .sequence_length = 1024}, s->job.software, *s->timer, s->leaves);
  return s;
}

plan::ModelChunk layers(std::size_t kind, std::int64_t count) { return {.layers = {{kind, count, 0}}}; }

TEST(StageCosts, ChunksAreSumsOfTheirParts) {
  auto s = stage({.ep = 8});
  const auto one = s->costs->of(layers(1, 1)).forward.time, dense = s->costs->of(layers(0, 1)).forward.time;
  EXPECT_EQ(s->costs->of(layers(1, 3)).forward.time, 3 * one);
  EXPECT_EQ(s->costs->of({.layers = {{0, 2, 0}, {1, 3, 2}}}).forward.time, 2 * dense + 3 * one);
  const auto ends = s->costs->of({.has_embedding = true}).backward.time + s->costs->of({.has_head = true}).backward.time;
  EXPECT_EQ(s->costs->of({.has_embedding = true, .has_head = true}).backward.time, ends);
}

TEST(StageCosts, LedgersSumToTheTime) {
  for (const bool overlap : {false, true}) {
    plan::Plan plan{.tp = 2, .ep = 4, .zero = 3, .recompute = plan::Recompute::selective};
    plan.overlap.ep = overlap;
    auto s = stage(plan, 8, {.bytes_per_s = 1e12, .interference = 0.3, .host_s = 1e-4});
    const plan::ModelChunk chunk{.layers = {{0, 1, 0}, {1, 3, 1}}, .has_embedding = true, .has_head = true};
    const auto& c = s->costs->of(chunk);
    for (const auto* pass : {&c.forward, &c.backward, &c.backward_input, &c.backward_weight}) EXPECT_EQ(pass->ledger.total(), pass->time);
    const auto pair = s->costs->pair(chunk, chunk);
    EXPECT_EQ(pair.ledger.total(), pair.time);
  }
}

// E[largest of N normals] is 1.4236 for 8 and 1.7660 for 16 (tables); Blom's approximation is within 1 %.
TEST(StageCosts, MatrixWorkWaitsForTheSlowestChip) {
  const auto time = [](double spread, std::int64_t chips) {
    auto s = stage({}, chips, {.bytes_per_s = 1e12});
    s->job.machine.chip.efficiency.spread = {.value = units::Ratio::from_si(spread), .provenance = {}, .present = true};
    s->timer.emplace(s->job.machine.chip, s->job.plan, s->placement, s->job.architecture);
    s->costs.emplace(s->job.architecture, s->job.plan, workload::MicrobatchShape{.sequences = 1, .sequence_length = 1024}, s->job.software, *s->timer, s->leaves);
    return s->costs->of(layers(0, 1)).forward;
  };
  const auto none = time(0, 16), some = time(0.1, 16);
  EXPECT_EQ(time(0.1, 8).time, time(0, 8).time) << "sustained rates are those of the slowest of eight";
  EXPECT_GT(some.time, none.time);
  const double longer = (some.time - none.time).seconds().si() / none.time.seconds().si();
  EXPECT_GT(longer, 0.01) << "memory-bound kernels do not wait";
  EXPECT_LT(longer, 0.1 * (1.7660 - 1.4236) * 1.01);
}

TEST(StageCosts, BackwardIsItsTwoParts) {
  auto s = stage({});
  const auto& c = s->costs->of(layers(0, 1));
  EXPECT_EQ(c.backward.time, c.backward_input.time + c.backward_weight.time) << "nothing overlaps on one rank";
}

TEST(StageCosts, FullRecomputationAddsTheForwardPass) {
  const auto none = stage({.ep = 8})->costs->of(layers(1, 1));
  const auto full = stage({.ep = 8, .recompute = plan::Recompute::full})->costs->of(layers(1, 1));
  EXPECT_EQ(full.forward.time, none.forward.time);
  EXPECT_EQ(full.backward.time, none.backward.time + none.forward.time);
  EXPECT_EQ(full.backward_weight.time, none.backward_weight.time) << "recomputed before the input gradients";
}

TEST(StageCosts, RecomputedLayersAreCounted) {
  const auto none = stage({})->costs->of(layers(0, 4)).backward.time, full = stage({.recompute = plan::Recompute::full})->costs->of(layers(0, 4)).backward.time;
  const auto one = stage({.recompute = plan::Recompute::full, .recompute_layers = 1})->costs->of(layers(0, 4)).backward.time;
  EXPECT_EQ(4 * (one - none), full - none);
}

// A prediction module recomputes like a layer, but not its pass through the head.
TEST(StageCosts, PredictionModulesRecompute) {
  const auto module = [](plan::Recompute recompute, std::int64_t layers = -1) {
    auto s = stage({.ep = 8, .recompute = recompute, .recompute_layers = layers}, 8, {.bytes_per_s = 1e11});
    s->job.architecture.mtp_depth = 1;
    s->job.architecture.mtp_layer = s->job.architecture.kinds[1];
    struct Costs { ChunkCosts mtp; ChunkCosts head; };
    return Costs{s->costs->of({.mtp = 1}), s->costs->of({.has_head = true})};
  };
  const auto none = module(plan::Recompute::none), full = module(plan::Recompute::full);
  EXPECT_EQ(full.mtp.forward.time, none.mtp.forward.time);
  EXPECT_EQ(full.mtp.backward.time - none.mtp.backward.time, none.mtp.forward.time - none.head.forward.time);
  EXPECT_LT(none.mtp.backward.time, module(plan::Recompute::selective).mtp.backward.time);
  EXPECT_EQ(module(plan::Recompute::full, 0).mtp.backward.time, none.mtp.backward.time);
  EXPECT_EQ(module(plan::Recompute::full, 1).mtp.backward.time, full.mtp.backward.time);
}

TEST(StageCosts, SelectiveRecomputationIsBetween) {
  const test::Toy toy{.bytes_per_s = 1e11};
  const auto time = [&](plan::Recompute r) { return stage({.recompute = r}, 8, toy)->costs->of(layers(0, 1)).backward.time; };
  EXPECT_LT(time(plan::Recompute::none), time(plan::Recompute::selective));
  EXPECT_LT(time(plan::Recompute::selective), time(plan::Recompute::full));
}

TEST(StageCosts, WithoutOverlapAPairIsForwardAndBackward) {
  auto s = stage({.ep = 8});
  const auto f = layers(1, 2), b = layers(0, 1);
  EXPECT_EQ(s->costs->pair(f, b).time, s->costs->of(f).forward.time + s->costs->of(b).backward.time);
}

TEST(StageCosts, AnOverlappedPairHidesCommunicationButNoComputation) {
  plan::Plan plan{.ep = 8};
  const auto exposed = stage(plan);
  plan.overlap.ep = true;
  auto s = stage(plan);
  const auto chunk = layers(1, 2);
  const auto pair = s->costs->pair(chunk, chunk).time;
  const auto& apart = exposed->costs->of(chunk);
  EXPECT_LE(pair, apart.forward.time + apart.backward.time);
  EXPECT_GT(apart.forward.time, s->costs->of(chunk).forward.bound);
  // What is left at least: the products of both, and the traffic of both.
  const auto alone = stage({})->costs->of(chunk);
  EXPECT_GE(pair, alone.forward.time + alone.backward.time);
  EXPECT_LT(pair, apart.forward.time + apart.backward.time) << "something was hidden";
}

TEST(StageCosts, InterferenceTaxesAnOverlappedPair) {
  plan::Plan plan{.ep = 8};
  plan.overlap.ep = true;
  const auto chunk = layers(1, 2);
  const auto free = stage(plan)->costs->pair(chunk, chunk), taxed = stage(plan, 8, {.interference = 0.5})->costs->pair(chunk, chunk);
  EXPECT_GT(taxed.time, free.time);
  EXPECT_LE(taxed.time.count(), free.time.count() * 3 / 2);
}

TEST(StageCosts, TheHostLimitsPairsToo) {
  plan::Plan plan{.ep = 8};
  plan.overlap.ep = true;
  auto s = stage(plan, 8, {.host_s = 10});
  const auto chunk = layers(1, 2);
  EXPECT_NEAR(s->costs->pair(chunk, chunk).time.seconds().si(), 20, 1e-6) << "two layers forward and backward";
}

TEST(StageCosts, Zero3TrafficOfEmbeddingAndHeadIsCounted) {
  auto s = stage({.zero = 3}, 8, {.flop_per_s = 1e30});
  const double table = 1024.0 * 512;
  // Gathered forward; gathered and reduced backward: 7/8 cross the link.
  EXPECT_NEAR(s->costs->of({.has_head = true}).forward.time.seconds().si(), 2 * table * 7 / 8 / kLink, 1e-9);
  EXPECT_NEAR(s->costs->of({.has_embedding = true}).backward.time.seconds().si(), (2 + 4) * table * 7 / 8 / kLink, 1e-9);
}

TEST(StageCosts, WeightsFollowTheTimes) {
  auto s = stage({});
  const auto weights = s->costs->weights();
  ASSERT_EQ(weights.kinds.size(), 2u);
  const auto& head = s->costs->of({.has_head = true});
  EXPECT_DOUBLE_EQ(weights.head, (head.forward.time + head.backward.time).seconds().si());
  EXPECT_GT(weights.head, 0);
  EXPECT_LT(weights.embedding, weights.head);
}

TEST(PathElement, LettersDigitsAndUnderscores) {
  EXPECT_EQ(path_element("qkv projection"), "qkv_projection");
  EXPECT_EQ(path_element("all-to-all of q, k, v"), "all_to_all_of_q_k_v");
  EXPECT_EQ(path_element("exposed (last)"), "exposed_last");
}

}  // namespace
}  // namespace zettatwin::training
