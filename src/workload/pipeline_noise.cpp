// SPDX-License-Identifier: Apache-2.0
#include "workload/pipeline_noise.hpp"

#include <algorithm>
#include <cmath>
#include <deque>

#include "base/contract.hpp"
#include "noise/joint_normal.hpp"
#include "workload/pipeline_network.hpp"

namespace zettatwin::workload {
namespace {

using engine::kNone;
using noise::JointNormal;
using units::Picoseconds;
using Variable = JointNormal::Variable;

// The same networks with durations, and with the two deviations in their place.
struct Networks {
  engine::TokenNetwork times, each, lasting;
};

engine::TokenNetwork network_of(const Schedule& schedule, PipelineCosts costs, const Deviations& deviations) {
  costs.chunks = deviations.chunks;
  costs.pairs = deviations.pairs;
  for (auto* ends : {&costs.release, &costs.last_backward_extra})  // kept in shape, so that steps keep their numbers
    for (auto& rank : *ends) std::fill(rank.begin(), rank.end(), Picoseconds());
  return network_alone(schedule, costs);
}

class RandomRun final {
 public:
  explicit RandomRun(const Networks& networks) : n_(networks), cursors_(networks.times.processes.size()), channels_(static_cast<std::size_t>(networks.times.channels)) {
    for (std::size_t p = 0; p < cursors_.size(); ++p) clocks_.push_back(state_.add(0, 0));
    for (std::size_t p = 0; p < cursors_.size(); ++p) lasting_.push_back(state_.add(0, 1));
  }

  RandomEnd run(const std::vector<Picoseconds>& tails) {
    // A step of each process in turn keeps few tokens under way; times do not depend on it.
    for (bool moved = true; moved;) {
      moved = false;
      for (std::size_t p = 0; p < cursors_.size(); ++p) moved |= advance(p);
    }
    for (std::size_t p = 0; p < cursors_.size(); ++p) {
      ZT_ENSURE(cursors_[p] == length(p), "a rank of the noisy pipeline waits forever");
      state_.shift(clocks_[p], tails[p].seconds().si(), 0);
      if (p > 0) state_.take_max(clocks_[0], clocks_[p]);
    }
    return {units::Seconds::from_si(state_.mean(clocks_[0])), units::Seconds::from_si(std::sqrt(state_.variance(clocks_[0])))};
  }

 private:
  [[nodiscard]] std::int64_t length(std::size_t p) const {
    const auto& program = n_.times.processes[p];
    return static_cast<std::int64_t>(program.prologue.size() + program.epilogue.size()) + program.repeats * static_cast<std::int64_t>(program.body.size());
  }

  [[nodiscard]] std::size_t kind_at(std::size_t p, std::int64_t position) const {
    const auto& program = n_.times.processes[p];
    const auto body = static_cast<std::int64_t>(program.body.size());
    if (position < static_cast<std::int64_t>(program.prologue.size())) return static_cast<std::size_t>(program.prologue[static_cast<std::size_t>(position)]);
    position -= static_cast<std::int64_t>(program.prologue.size());
    if (position < program.repeats * body) return static_cast<std::size_t>(program.body[static_cast<std::size_t>(position % body)]);
    return static_cast<std::size_t>(program.epilogue[static_cast<std::size_t>(position - program.repeats * body)]);
  }

  bool advance(std::size_t p) {
    if (cursors_[p] == length(p)) return false;
    const auto kind = kind_at(p, cursors_[p]);
    const auto& step = n_.times.processes[p].steps[kind];
    for (const auto channel : step.takes)
      if (channel != kNone && channels_[static_cast<std::size_t>(channel)].empty()) return false;
    ++cursors_[p];
    start(p, step);
    const double each = n_.each.processes[p].steps[kind].duration.seconds().si();
    state_.shift(clocks_[p], step.duration.seconds().si(), each * each);
    if (const double lasting = n_.lasting.processes[p].steps[kind].duration.seconds().si(); lasting > 0) state_.add_multiple(clocks_[p], lasting, lasting_[p]);
    for (std::size_t i = 0; i < step.puts.size(); ++i) {
      if (step.puts[i] == kNone) continue;
      const auto token = state_.copy(clocks_[p]);
      state_.shift(token, step.delays[i].seconds().si(), 0);
      channels_[static_cast<std::size_t>(step.puts[i])].push_back(token);
    }
    state_.shift(clocks_[p], step.occupancy.seconds().si(), 0);
    return true;
  }

  void start(std::size_t p, const engine::Step& step) {
    const auto wait_for = [&](Variable arrival) {
      state_.take_max(clocks_[p], arrival);
      state_.release(arrival);
    };
    if (step.earliest.count() > 0) wait_for(state_.add(step.earliest.seconds().si(), 0));
    for (const auto channel : step.takes) {
      if (channel == kNone) continue;
      auto& tokens = channels_[static_cast<std::size_t>(channel)];
      wait_for(tokens.front());
      tokens.pop_front();
    }
  }

  const Networks& n_;
  JointNormal state_;
  std::vector<Variable> clocks_, lasting_;
  std::vector<std::int64_t> cursors_;
  std::vector<std::deque<Variable>> channels_;
};

double latest(const engine::TokenNetwork& network, const std::vector<Picoseconds>& tails) {
  const auto run = engine::run(network);
  ZT_ENSURE(!run.stuck, "a rank of the pipeline waits forever");
  Picoseconds end;
  for (std::size_t p = 0; p < run.finish.size(); ++p) end = std::max(end, run.finish[p] + tails[p]);
  return end.seconds().si();
}

bool any(const Deviations& deviations) {
  for (const auto& rank : deviations.chunks)
    for (const auto& times : rank)
      if (times.forward.count() > 0 || times.backward.count() > 0 || times.backward_input.count() > 0 || times.backward_weight.count() > 0) return true;
  return false;
}

struct Excess {
  double mean = 0, variance = 0;
};

// Of a run whose loops lack `less` iterations.
Excess excess(Networks networks, std::int64_t less, const std::vector<Picoseconds>& tails) {
  for (auto& process : networks.times.processes) process.repeats -= less;
  const auto end = RandomRun(networks).run(tails);
  return {end.mean.si() - latest(networks.times, tails), end.deviation.si() * end.deviation.si()};
}

}  // namespace

RandomEnd run_noisy_pipeline(const Schedule& schedule, const PipelineCosts& costs, const PipelineNoise& noise, const std::vector<Picoseconds>& tails) {
  const Networks networks{network_alone(schedule, costs), network_of(schedule, costs, noise.each), network_of(schedule, costs, noise.lasting)};
  std::int64_t loop = networks.times.processes.front().repeats;
  for (const auto& process : networks.times.processes) loop = std::min(loop, process.repeats);
  constexpr std::int64_t enough = 96;  // iterations after which the excess grows evenly
  const auto less = std::max<std::int64_t>(0, loop - enough);
  Excess sum = excess(networks, less, tails);
  if (less > 0) {
    const Excess half = excess(networks, less + enough / 2, tails);
    const auto all = static_cast<double>(loop), played = static_cast<double>(enough);
    const double bend = any(noise.lasting) ? std::max(0.0, (sum.variance - 2 * half.variance) / (played * played / 2)) : 0;
    const double slope = any(noise.lasting) ? sum.variance / played - bend * played : (sum.variance - half.variance) / (played / 2);
    sum.mean += (all - played) * (sum.mean - half.mean) / (played / 2);
    sum.variance += (all - played) * (slope + bend * (all + played));
  }
  return {units::Seconds::from_si(latest(make_network(schedule, costs), tails) + sum.mean), units::Seconds::from_si(std::sqrt(std::max(0.0, sum.variance)))};
}

}  // namespace zettatwin::workload
