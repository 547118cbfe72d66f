// SPDX-License-Identifier: Apache-2.0
// Whole steps of the toy model on the toy machine, worked out by hand in units of 2^-10 s (2^30 FLOP). Per layer and 1024 tokens: qkv 1.5, output projection
// 0.5, feed-forward 1 + 1; attention of 4 heads in 8 tiles of 128 queries over 576.5 keys on average, 32 * 128 * 576.5 * 512 FLOP.
#include "../../support/toy.hpp"
#include "compute/operator_time.hpp"

namespace zettatwin::training {
namespace {

constexpr double kLink = 1073741824.0;  // B/s: 2^20 bytes in one unit
constexpr double kGemm = 4, kHead = 1;
constexpr double kAttention = 32 * 128 * 576.5 * 512 / 1073741824.0;
constexpr double kForward = kGemm + kAttention, kBackward = 2 * kGemm + 2.5 * kAttention;  // of a layer
constexpr double kTolerance = 1e-6;  // of a unit: rounding of operations to picoseconds

double units_of(units::Picoseconds t) { return t.seconds().si() / test::kUnit; }

Job job_of(const plan::Plan& plan, std::int64_t chips, const std::string& model = test::kToyDense) {
  auto job = test::toy_job({.levels = {{"node", chips, kLink}}}, model);
  job.plan = plan;
  if (job.plan.global_batch == 0) job.plan.global_batch = 1;
  return job;
}

double step(const Job& job) { return units_of(test::answer(job).step_time); }

// The gradient norm: an all-reduce of 4 bytes over two ranks moves 4 bytes.
constexpr double kNormOfTwo = 4 / kLink / test::kUnit;

TEST(HandStep, OneChip) {
  EXPECT_NEAR(step(job_of({}, 1)), 2 * (kForward + kBackward) + 3 * kHead, kTolerance);
}

TEST(HandStep, MicrobatchesAddUp) {
  EXPECT_NEAR(step(job_of({.global_batch = 7}, 1)), 7 * (2 * (kForward + kBackward) + 3 * kHead), kTolerance);
}

TEST(HandStep, TwoSequencesPerMicrobatchDoTwiceTheWork) {
  EXPECT_NEAR(step(job_of({.micro_batch = 2, .global_batch = 2}, 1)), 2 * (2 * (kForward + kBackward) + 3 * kHead), kTolerance);
}

TEST(HandStep, Fp8HalvesTheProductsButNotHeadAndAttention) {
  // Casts take no time on this memory.
  EXPECT_NEAR(step(job_of({.recipe = plan::Recipe::fp8_block}, 1)), 2 * (3 * kGemm / 2 + 3.5 * kAttention) + 3 * kHead, kTolerance);
}

TEST(HandStep, FullRecomputationRunsLayersAgain) {
  EXPECT_NEAR(step(job_of({.recompute = plan::Recompute::full}, 1)), 2 * (2 * kForward + kBackward) + 3 * kHead, kTolerance);
  EXPECT_NEAR(step(job_of({.recompute = plan::Recompute::full, .recompute_layers = 1}, 1)), 2 * (kForward + kBackward) + kForward + 3 * kHead, kTolerance);
}

TEST(HandStep, SelectiveRecomputationIsFreeWhereMemoryIs) {
  EXPECT_NEAR(step(job_of({.recompute = plan::Recompute::selective}, 1)), 2 * (kForward + kBackward) + 3 * kHead, kTolerance);
}

TEST(HandStep, PipelineOfTwoStages) {
  // One layer each; the head makes the second stage the slower one: it sets the pace, the first adds its forward before and its backward behind.
  auto job = test::toy_job({.levels = {{"node", 2}}});
  job.plan = {.pp = 2, .global_batch = 4};
  const auto r = test::answer(job);
  EXPECT_NEAR(units_of(r.step_time), kForward + 4 * (kForward + kBackward + 3 * kHead) + kBackward, kTolerance);
  EXPECT_EQ(r.critical_role, 0) << "its gradients are ready last";
  ASSERT_EQ(r.roles.size(), 2u);
  EXPECT_NEAR(units_of(r.roles[0].busy), 4 * (kForward + kBackward), kTolerance);
  EXPECT_NEAR(units_of(r.roles[0].idle), kForward + 12 * kHead + kBackward, kTolerance);
  EXPECT_NEAR(units_of(r.roles[1].idle), kForward, kTolerance);
  EXPECT_EQ(r.roles[0].layers, "embedding + layer 0");
  EXPECT_EQ(r.roles[1].layers, "layer 1 + head");
}

TEST(HandStep, PipelineSends) {
  // 1024 x 512 values of 2 bytes: one unit each way. In the background the first forward and the last backward wait for one.
  const auto with = step(job_of({.pp = 2, .global_batch = 1}, 2));
  EXPECT_NEAR(with, 2 * (kForward + kBackward) + 3 * kHead + 2, kTolerance + 2 * kNormOfTwo);
}

TEST(HandStep, TensorAndSequenceParallel) {
  // Per layer four collectives of half a unit each way; the gather for the weight gradients hides behind the input gradient.
  const double forward = (kGemm + kAttention) / 2 + 4 * 0.5, backward = kGemm + 1.25 * kAttention + 4 * 0.5;
  const double embedding = 2 * 0.5;                 // scatter forward, gather backward
  const double head = 3 * kHead / 2 + 2 * 0.5;      // gather forward, scatter backward
  EXPECT_NEAR(step(job_of({.tp = 2}, 2)), 2 * (forward + backward) + embedding + head + kNormOfTwo, kTolerance);
}

TEST(HandStep, TensorParallelWithoutSequenceParallel) {
  // All-reduces of one unit: two per layer each way, one after the embedding, one behind the head.
  EXPECT_NEAR(step(job_of({.tp = 2, .sequence_parallel = false}, 2)), 2 * ((kForward + kBackward) / 2 + 4) + 3 * kHead / 2 + 2 + kNormOfTwo, kTolerance);
}

TEST(HandStep, OverlappedTensorParallel) {
  // Two chunks: max(g, d + g/2) - g of each d = 0.5 is exposed beside a product of g. Forward g: qkv 0.75, output 0.25, up and down 0.5.
  const auto exposed = [](double g) { return std::max(0.0, 0.5 + g / 2 - g); };
  const double forward = exposed(0.75) + exposed(0.25) + 2 * exposed(0.5);
  // Backward, input gradients: gather of output gradients before down 0.5 and output 0.25; scatter after up 0.5 and qkv 0.75, whose own time the gather
  // for the weight gradients takes first: 0.5 of link beside up, so that the scatter starts when up ends.
  const double backward = exposed(0.5) + 0.5 + exposed(0.25) + (0.5 - 0.25);
  auto job = job_of({.tp = 2}, 2);
  job.plan.overlap.tp = true;
  const double embedding = 2 * 0.5, head = 3 * kHead / 2 + exposed(0.5) + 0.5;
  EXPECT_NEAR(step(job), 2 * ((kForward + kBackward) / 2 + forward + backward) + embedding + head + kNormOfTwo, kTolerance);
}

// Gradients of 4 bytes, parameters of 2: half of them cross the link. A table takes 1 + 0.5 units, a layer 4.002 + 2.001.
constexpr double kLayerParameters = 4 * 512.0 * 512 + 2 * 512.0 * 1024 + 2 * 512;
constexpr double kLayerReduction = 4 * kLayerParameters / 2 / 1048576, kTableReduction = 1;

TEST(HandStep, DataParallelExposed) {
  auto job = job_of({.zero = 1, .global_batch = 2}, 2);
  job.plan.overlap.gradients = job.plan.overlap.parameters = false;
  const double reduction = 2 * kTableReduction + 2 * kLayerReduction;
  EXPECT_NEAR(step(job), 2 * (kForward + kBackward) + 3 * kHead + 1.5 * reduction + kNormOfTwo, kTolerance);
}

TEST(HandStep, GradientsHideBehindTheLastBackward) {
  auto job = job_of({.zero = 1, .global_batch = 2}, 2);
  job.plan.overlap.parameters = false;
  const double backward = 2 * kBackward + 2 * kHead;
  // A quarter of the backward pass per bucket: head, two layers, embedding. Each layer's reduction fits in a quarter, the table's is left over.
  ASSERT_LT(kLayerReduction, backward / 4);
  EXPECT_NEAR(step(job), 2 * (kForward + kBackward) + 3 * kHead + kTableReduction + (kTableReduction + kLayerReduction) + kNormOfTwo, kTolerance);
}

TEST(HandStep, ParametersArriveBehindTheFirstForward) {
  const auto job = job_of({.zero = 1, .global_batch = 2}, 2);
  // The table must be there first (0.5); the layers' gathers of 2.001 fit in quarters of the forward pass.
  ASSERT_LT(kLayerReduction / 2, (2 * kForward + kHead) / 4);
  EXPECT_NEAR(step(job), 2 * (kForward + kBackward) + 3 * kHead + kTableReduction + 0.5 + kNormOfTwo, kTolerance);
}

TEST(HandStep, Zero3GathersBeforeEachUse) {
  auto job = job_of({.zero = 3, .global_batch = 2}, 2);
  job.plan.overlap.gradients = job.plan.overlap.parameters = false;
  // Per microbatch each block is gathered forward and backward (0.5 per table, 2.001 per layer) and reduced once.
  const double reduction = 2 * kTableReduction + 2 * kLayerReduction;
  EXPECT_NEAR(step(job), 2 * (kForward + kBackward) + 3 * kHead + 2 * reduction + kNormOfTwo, kTolerance);
}

TEST(HandStep, Zero2ReducesEachMicrobatch) {
  auto job = job_of({.zero = 2, .global_batch = 6}, 2);
  job.plan.overlap.gradients = job.plan.overlap.parameters = false;
  const double reduction = 2 * kTableReduction + 2 * kLayerReduction;
  EXPECT_NEAR(step(job), 3 * (2 * (kForward + kBackward) + 3 * kHead + reduction) + reduction / 2 + kNormOfTwo, 2 * kTolerance);
}

TEST(HandStep, RingContextParallel) {
  auto job = job_of({.cp = 2, .zero = 0, .global_batch = 1}, 2);
  job.plan.overlap.cp = job.plan.overlap.gradients = false;
  // Half of the tokens: products halve. Attention: 4 heads x 4 tiles x (mean keys 512.5 + 64), half of the tiles of the whole sequence.
  // Keys and values of 1024 tokens, 2 x 2^20 bytes: one unit gathered forward, one backward, and two for their fp32 gradients.
  const double layer = (kForward + kBackward) / 2 + 1 + 1 + 2;
  const double reduction = 2 * (2 * kTableReduction + 2 * kLayerReduction);  // an all-reduce
  EXPECT_NEAR(step(job), 2 * layer + 3 * kHead / 2 + reduction + kNormOfTwo, kTolerance);
}

TEST(HandStep, ExpertsOnOneChip) {
  const auto job = job_of({}, 1, test::kToyExperts);
  // The router's 8 features are padded to a tile: its time is the operator's own test's.
  double router = 0;
  for (const auto& gemm : {compute::Gemm{1024, 8, 512}, compute::Gemm{1024, 512, 8}, compute::Gemm{8, 512, 1024}}) router += units_of(compute::time_of(job.machine.chip, gemm).time);
  // Attention 2 + scores. First layer, gated: 2 + 1. The others: shared expert of 256, 0.5 + 0.25; two experts of 256 per token, twice that.
  const double attention = 3 * 2 + 3.5 * kAttention;
  EXPECT_NEAR(step(job), 4 * attention + 3 * 3 + 3 * (3 * (0.75 + 1.5) + router) + 3 * kHead, kTolerance);
}

TEST(HandStep, ExpertParallelExchange) {
  // Two chips, a microbatch each: per MoE layer a dispatch and a combine each way, of bf16 copies to the other chip: a token reaches it unless both of its
  // experts are at home, 1 - C(4,2)/C(8,2).
  auto alone = job_of({.zero = 0, .global_batch = 1}, 1, test::kToyExperts);
  auto job = job_of({.ep = 2, .zero = 0, .global_batch = 2}, 2, test::kToyExperts);
  job.plan.overlap.gradients = false;
  const auto r = test::answer(job);
  const double exchange = (1 - 6.0 / 28) * 1024 * 1024 / kLink / test::kUnit;
  const auto* exposed = r.tree.find("breakdown.communication.expert_parallel");
  ASSERT_NE(exposed, nullptr);
  EXPECT_NEAR(exposed->si / test::kUnit, 3 * 4 * exchange, kTolerance);
  EXPECT_NEAR(r.tree.find("breakdown.compute")->si, test::answer(alone).tree.find("breakdown.compute")->si, 1e-9) << "as many copies arrive as leave";
}

TEST(HandStep, TheOptimizerStreamsItsStates) {
  auto job = test::toy_job({.flop_per_s = 1e30, .bytes_per_s = 1e9, .levels = {{"node", 1}}});
  const auto r = test::answer(job);
  const auto* update = r.tree.find("breakdown.optimizer.parameter_update");
  ASSERT_NE(update, nullptr);
  EXPECT_NEAR(update->si, 34 * (2 * kLayerParameters + 2 * 1024 * 512.0) / 1e9, 1e-10);
}

TEST(HandStep, TheHostCanBeTheLimit) {
  auto job = test::toy_job({.flop_per_s = 1e30, .host_s = 1e-3, .levels = {{"node", 1}}});
  job.plan.global_batch = 5;
  // One millisecond per layer and microbatch, forward and backward; embedding and head are not counted.
  EXPECT_NEAR(test::answer(job).step_time.seconds().si(), 5 * 2e-3, 1e-9);
}

TEST(HandStep, InterferenceLengthensWhatOverlaps) {
  auto job = test::toy_job({.interference = 0.5, .levels = {{"node", 2, kLink}}});
  job.plan = {.zero = 1, .global_batch = 2};
  job.plan.overlap.parameters = false;
  const double backward = 2 * kBackward + 2 * kHead, reduction = 2 * kTableReduction + 2 * kLayerReduction;
  // The last backward pass loses half the time of what is reduced while it runs: all but the last table, whose reduction is over before that is made up for.
  const double beside = reduction - kTableReduction;
  ASSERT_GT(beside / 2, kTableReduction);
  EXPECT_NEAR(step(job), 2 * kForward + kHead + backward + beside / 2 + reduction / 2 + kNormOfTwo, kTolerance);
}

TEST(HandStep, ModelFlopUtilisation) {
  const auto r = test::answer(job_of({}, 1));
  // Useful attention: 1025 / 2 keys per query on average, backward as twice the forward.
  const double flop = 3 * (2 * (kGemm + 4 * 1024 * 512.5 * 512 / 1073741824.0) + kHead);
  EXPECT_NEAR(r.mfu, flop / units_of(r.step_time), 1e-9);
  EXPECT_NEAR(r.tokens_per_s, 1024 / r.step_time.seconds().si(), 1e-6);
  EXPECT_NEAR(r.model_flop_per_token.si(), flop * 1073741824.0 / 1024, 1);
}

TEST(HandStep, TheBoundIsTheBusiestChipAtItsPeak) {
  auto job = job_of({.pp = 2, .global_batch = 4}, 2);
  job.fidelity = Fidelity::bound;
  // Second stage: useful attention only, no bubble, no sends; backward counts the five products that it computes.
  const double attention = 4 * 1024 * 512.5 * 512 / 1073741824.0;
  EXPECT_NEAR(step(job), 4 * (3 * kGemm + 3.5 * attention + 3 * kHead), kTolerance);
}

TEST(HandStep, TheBoundIsTheLongerOfComputationAndMessages) {
  auto job = job_of({.tp = 2}, 2);
  job.fidelity = Fidelity::bound;
  const double attention = 4 * 1024 * 512.5 * 512 / 1073741824.0;
  EXPECT_NEAR(step(job), (2 * (3 * kGemm + 3.5 * attention) + 3 * kHead) / 2, kTolerance);
  // On a link of a quarter of the speed each message takes two: ten per layer, two for the embedding, three for the head.
  job.machine = test::toy_machine({.levels = {{"node", 2, kLink / 4}}});
  EXPECT_NEAR(step(job), 2 * (2 * 10 + 2 + 3), kTolerance);
}

}  // namespace
}  // namespace zettatwin::training
