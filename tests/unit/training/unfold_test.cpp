// SPDX-License-Identifier: Apache-2.0
// One chip's timeline: its streams have no overlaps, its instructions are tiled by its operations, and it ends with the step.
#include "training/unfold.hpp"

#include <map>

#include "../../support/random_jobs.hpp"

namespace zettatwin::training {
namespace {

using units::Picoseconds;

void expect_consistent(const ChipTimeline& chip, const TrainingResult& result, std::uint64_t seed) {
  std::map<Stream, Picoseconds> free;
  std::map<std::int64_t, Picoseconds> computed;
  for (const auto& op : chip.operations) {
    ASSERT_LE(op.start, op.finish) << seed;
    ASSERT_LE(op.finish, chip.step) << seed << op.name;
    if (op.stream != Stream::sends) {
      ASSERT_GE(op.start, free[op.stream]) << seed << " " << op.name << " on " << name_of(op.stream);
    }
    free[op.stream] = std::max(free[op.stream], op.finish);
    if (op.stream != Stream::computation || op.instruction < 0) continue;
    const auto& instruction = chip.instructions[static_cast<std::size_t>(op.instruction)];
    ASSERT_GE(op.start, instruction.start) << seed;
    if (op.name != "pipeline sends") computed[op.instruction] += op.finish - op.start;
  }
  ASSERT_EQ(chip.step, result.step_time) << seed;
  Picoseconds busy;
  for (std::size_t i = 0; i < chip.instructions.size(); ++i) {
    const auto& instruction = chip.instructions[i];
    ASSERT_EQ(computed[static_cast<std::int64_t>(i)], instruction.finish - instruction.start) << seed << " " << instruction.name;
    busy += instruction.finish - instruction.start;
  }
  if (chip.instructions_left_out == 0 && result.faults.empty()) {
    ASSERT_EQ(busy, result.roles[static_cast<std::size_t>(chip.pipeline_rank)].busy) << seed;
  }
}

TEST(Unfold, StreamsDoNotOverlapAndOperationsTileInstructions) {
  test::JobMaker maker;
  int seen = 0;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    test::Random r(seed);
    auto job = maker.make(r);
    if (!job || job->plan.global_batch > 300) continue;
    job->plan.straddle = false;
    config::Diagnostics diagnostics;
    job->unfold = 0;
    auto result = train(*job, config::location_in("test"), diagnostics);
    if (!result || !result->unfolded) continue;
    expect_consistent(*result->unfolded, *result, seed);
    job->unfold = result->chips - 1;
    result = train(*job, config::location_in("test"), diagnostics);
    ASSERT_TRUE(result && result->unfolded) << seed;
    expect_consistent(*result->unfolded, *result, seed);
    ++seen;
  }
  EXPECT_GT(seen, 20);
}

TEST(Unfold, SaysWhereTheChipIsAndHowItFeelsFaults) {
  auto job = test::toy_job({.levels = {{"board", 4, 1e11, 1e-6}, {"cluster", 4, 2e10, 5e-6}}}, test::kToyExperts);
  job.plan = {.tp = 2, .pp = 2, .global_batch = 16};
  config::Diagnostics diagnostics;
  job.faults.push_back(*traffic::parse_fault("slow-chip@board=2/chip=1:0.5", job.machine, config::location_in("--fault"), diagnostics));
  const auto of = [&](std::int64_t rank) {
    job.unfold = rank;
    const auto result = train(job, config::location_in("test"), diagnostics);
    EXPECT_TRUE(result && result->unfolded) << test::text_of(diagnostics);
    expect_consistent(*result->unfolded, *result, static_cast<std::uint64_t>(rank));
    return *result->unfolded;
  };
  const auto slow = of(9);
  EXPECT_EQ(slow.place, "board=2/gpu=1");
  EXPECT_EQ(slow.pipeline_rank, 1);
  EXPECT_EQ(slow.coordinates[0].peers, std::vector<std::int64_t>{8});
  EXPECT_EQ(slow.faults[0].how, "itself: clock at 50 %");
  EXPECT_EQ(of(8).faults[0].how, "through a rank of its stage that it waits for in every layer");
  EXPECT_EQ(of(0).faults[0].how, "through another stage of its pipeline");
  const auto other = of(2);
  EXPECT_EQ(other.faults[0].how, "at the reduction of gradients, where it waits for the slowest replicas");
  EXPECT_LT(other.instructions.back().finish, of(0).instructions.back().finish) << "done earlier, then it waits";
  EXPECT_EQ(other.step, of(0).step);
}

}  // namespace
}  // namespace zettatwin::training
