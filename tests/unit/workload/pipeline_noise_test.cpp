// SPDX-License-Identifier: Apache-2.0
// Noisy pipelines against the same instructions with drawn durations, played many times with a fixed seed.
#include "workload/pipeline_noise.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <numbers>
#include <tuple>

#include "../../support/random.hpp"

namespace zettatwin::workload {
namespace {

using units::Picoseconds;

constexpr double kForward = 1e-3, kBackward = 2e-3;  // s

struct Noise {
  double each = 0, lasting = 0;  // relative
};

RandomEnd folded(const Schedule& schedule, const Noise& noise) {
  const auto ranks = static_cast<std::size_t>(schedule.ranks);
  const auto times = [&](double s) {
    const auto of = [s](double t) { return Picoseconds::from(units::Seconds::from_si(s * t)); };
    return std::vector(ranks, std::vector{ChunkTimes{.forward = of(kForward), .backward = of(kBackward), .backward_input = {}, .backward_weight = {}}});
  };
  const std::vector pairs(ranks, std::vector(1, std::vector<Picoseconds>()));
  const std::vector sends(1, std::vector<Picoseconds>(ranks));
  return run_noisy_pipeline(schedule, {.chunks = times(1), .pairs = pairs, .forward_send = sends, .backward_send = sends, .send_occupancy = {}, .release = {}, .last_backward_extra = {}},
                            {{times(noise.each), pairs}, {times(noise.lasting), pairs}}, std::vector<Picoseconds>(ranks));
}

class Drawn final {
 public:
  Drawn(const Schedule& schedule, const Noise& noise) : noise_(noise) {
    for (const auto& program : schedule.programs) programs_.push_back(program.unrolled());
  }
  double end() {
    std::vector<double> clocks(programs_.size()), speeds;
    for (std::size_t r = 0; r < programs_.size(); ++r) speeds.push_back(noise_.lasting * normal());
    std::map<std::tuple<bool, std::size_t, std::int64_t>, double> finished;
    std::vector<std::size_t> next(programs_.size());
    for (bool moved = true; moved;) {
      moved = false;
      for (std::size_t r = 0; r < programs_.size(); ++r)
        for (; next[r] < programs_[r].size(); ++next[r], moved = true) {
          const auto& i = programs_[r][next[r]];
          const bool forward = i.action == Action::forward, fed = forward ? r > 0 : r + 1 < programs_.size();
          const auto from = finished.find({forward, forward ? r - 1 : r + 1, i.microbatch});
          if (fed && from == finished.end()) break;
          if (fed) clocks[r] = std::max(clocks[r], from->second);
          clocks[r] += (forward ? kForward : kBackward) * (1 + speeds[r] + noise_.each * normal());
          finished[{forward, r, i.microbatch}] = clocks[r];
        }
    }
    return *std::max_element(clocks.begin(), clocks.end());
  }

 private:
  double normal() {
    const auto uniform = [this] { return (static_cast<double>(random_.next() >> 11) + 0.5) * 0x1p-53; };
    return std::sqrt(-2 * std::log(uniform())) * std::cos(2 * std::numbers::pi * uniform());
  }
  Noise noise_;
  test::Random random_{5};
  std::vector<std::vector<Instruction>> programs_;
};

void compare(std::int64_t ranks, std::int64_t microbatches, const Noise& noise) {
  SCOPED_TRACE(testing::Message() << ranks << " ranks, " << microbatches << " microbatches, each " << noise.each << ", lasting " << noise.lasting);
  const auto schedule = make_schedule(plan::ScheduleKind::one_f_one_b, ranks, 1, microbatches);
  const double without = folded(schedule, {}).mean.si();
  EXPECT_NEAR(without, (kForward + kBackward) * static_cast<double>(microbatches + ranks - 1), 1e-9);
  Drawn drawn(schedule, noise);
  constexpr int kRuns = 60;
  double sum = 0, squares = 0;
  for (int i = 0; i < kRuns; ++i) {
    const double t = drawn.end() - without;
    sum += t;
    squares += t * t;
  }
  const double mean = sum / kRuns, deviation = std::sqrt((squares - sum * mean) / (kRuns - 1));
  const auto end = folded(schedule, noise);
  EXPECT_NEAR(end.mean.si() - without, mean, 0.1 * mean + 3 * deviation / std::sqrt(double{kRuns}));
  EXPECT_NEAR(end.deviation.si(), deviation, 0.4 * deviation);
}

TEST(PipelineNoise, AgreesWithDrawnDurations) {
  for (const std::int64_t ranks : {2, 4, 8})
    for (const std::int64_t microbatches : {8, 64}) compare(ranks, microbatches, {.each = 0.05});
}

TEST(PipelineNoise, ThatLastsAgreesWithDrawnSpeeds) {
  compare(4, 64, {.each = 0, .lasting = 0.02});
  compare(8, 32, {.each = 0.05, .lasting = 0.02});
}

TEST(PipelineNoise, OfLongLoopsGrowsEvenly) {
  compare(4, 400, {.each = 0.05});
  compare(4, 400, {.each = 0.05, .lasting = 0.02});
}

TEST(PipelineNoise, OfOneRankAddsVariances) {
  const auto end = folded(make_schedule(plan::ScheduleKind::one_f_one_b, 1, 1, 10), {.each = 0.1});
  EXPECT_NEAR(end.mean.si(), 0.03, 1e-12);
  EXPECT_NEAR(end.deviation.si(), 0.1 * std::sqrt(10 * (kForward * kForward + kBackward * kBackward)), 1e-9);
}

}  // namespace
}  // namespace zettatwin::workload
