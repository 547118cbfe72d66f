// SPDX-License-Identifier: Apache-2.0
#include "engine/executor.hpp"

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>

#include "base/contract.hpp"

namespace zettatwin::engine {

void Channel::grow() {
  std::vector<Picoseconds> larger(2 * ring_.size());
  for (std::uint64_t i = head_; i != tail_; ++i) larger[i & (larger.size() - 1)] = ring_[i & (ring_.size() - 1)];
  ring_ = std::move(larger);
}

Executor::Executor(const TokenNetwork& network, std::int64_t trace_limit, bool winners)
    : network_(network),
      trace_limit_(trace_limit),
      cursors_(network.processes.size()),
      clocks_(network.processes.size()),
      channels_(static_cast<std::size_t>(network.channels)),
      waiter_(static_cast<std::size_t>(network.channels), kNone),
      probes_(static_cast<std::size_t>(network.probes)),
      trace_(trace_limit > 0 ? network.processes.size() : 0),
      winners_(winners ? network.processes.size() : 0) {
  std::vector<std::size_t> consumer(channels_.size(), network.processes.size());
  for (std::size_t p = 0; p < network.processes.size(); ++p) {
    for (const Step& step : network.processes[p].steps) {
      ZT_EXPECT(step.duration >= Picoseconds() && step.occupancy >= Picoseconds(), "negative duration in process " + std::to_string(p));
      for (const std::int32_t channel : step.takes) {
        if (channel == kNone) continue;
        std::size_t& known = consumer.at(static_cast<std::size_t>(channel));
        ZT_EXPECT(known == network.processes.size() || known == p, "two consumers of channel " + std::to_string(channel));
        known = p;
      }
    }
  }
}

bool Executor::advance(std::int64_t iterations) {
  std::ranges::fill(waiter_, kNone);
  agenda_.resize(cursors_.size());
  std::iota(agenda_.begin(), agenda_.end(), 0);
  while (!agenda_.empty()) {
    const auto process = static_cast<std::size_t>(agenda_.back());
    agenda_.pop_back();
    run_process(process, iterations);
  }
  return std::ranges::all_of(cursors_, [iterations](const Cursor& c) {
    return c.section == Section::end || (c.section == Section::body && c.index == 0 && c.iterations == iterations);
  });
}

void Executor::run_process(std::size_t process, std::int64_t iterations) {
  const Process& program = network_.processes[process];
  Cursor& cursor = cursors_[process];
  if (cursor.section == Section::prologue && run_steps(process, program.prologue, cursor.index)) cursor = {Section::body, 0, 0};
  while (cursor.section == Section::body && cursor.iterations < std::min(iterations, program.repeats)) {
    if (!run_steps(process, program.body, cursor.index)) return;
    cursor.index = 0;
    ++cursor.iterations;
  }
  const bool loop_over = cursor.section == Section::body && cursor.iterations == program.repeats && iterations > program.repeats;
  if (loop_over) cursor = {Section::epilogue, 0, cursor.iterations};
  if (cursor.section == Section::epilogue && run_steps(process, program.epilogue, cursor.index)) cursor.section = Section::end;
}

// True if the section ended, false if a token is missing.
bool Executor::run_steps(std::size_t process, const std::vector<std::int32_t>& code, std::size_t& index) {
  const std::vector<Step>& steps = network_.processes[process].steps;
  for (; index < code.size(); ++index) {
    const Step& step = steps[static_cast<std::size_t>(code[index])];
    const std::int32_t channel = missing(step);
    if (channel != kNone) {
      waiter_[static_cast<std::size_t>(channel)] = static_cast<std::int32_t>(process);
      return false;
    }
    run_step(process, step);
  }
  return true;
}

std::int32_t Executor::missing(const Step& step) const {
  for (const std::int32_t channel : step.takes) {
    if (channel != kNone && channels_[static_cast<std::size_t>(channel)].empty()) return channel;
  }
  return kNone;
}

bool Executor::wait_for(Picoseconds& start, Picoseconds time) {
  if (slack_ != nullptr) slack_->push_back((start - time).count());
  if (time <= start) return false;
  start = time;
  return true;
}

void Executor::run_step(std::size_t process, const Step& step) {
  Picoseconds start = clocks_[process];
  std::uint8_t winner = kClockWon;
  if (step.earliest > Picoseconds() && wait_for(start, step.earliest)) winner = kEarliestWon;
  for (std::size_t i = 0; i < step.takes.size(); ++i) {
    if (step.takes[i] != kNone && wait_for(start, channels_[static_cast<std::size_t>(step.takes[i])].pop())) winner = static_cast<std::uint8_t>(kTokenWon + i);
  }
  if (!winners_.empty()) winners_[process].push_back(winner);
  const Picoseconds finish = start + step.duration;
  for (std::size_t i = 0; i < step.puts.size(); ++i) {
    if (step.puts[i] == kNone) continue;
    const auto channel = static_cast<std::size_t>(step.puts[i]);
    channels_[channel].push(finish + step.delays[i]);
    if (waiter_[channel] != kNone) agenda_.push_back(std::exchange(waiter_[channel], kNone));
  }
  clocks_[process] = finish + step.occupancy;
  if (step.probe != kNone) probes_[static_cast<std::size_t>(step.probe)] = {start, finish};
  if (!trace_.empty() && static_cast<std::int64_t>(trace_[process].size()) < trace_limit_) trace_[process].push_back({start, finish});
}

template <class Visit>
void Executor::visit_state(Visit visit) {
  for (Picoseconds& clock : clocks_) visit(clock);
  for (Channel& channel : channels_) channel.each(visit);
}

std::vector<std::int64_t> Executor::state() {
  std::vector<std::int64_t> values;
  visit_state([&values](Picoseconds time) { values.push_back(time.count()); });
  return values;
}

void Executor::jump(std::int64_t iterations, std::int64_t times, const std::vector<std::int64_t>& increments) {
  std::size_t next = 0;
  visit_state([&](Picoseconds& time) {
    std::int64_t shift = 0;
    std::int64_t later = 0;
    const bool overflow = __builtin_mul_overflow(times, increments[next++], &shift) || __builtin_add_overflow(time.count(), shift, &later);
    ZT_EXPECT(!overflow, "the run is longer than the 106 days that picoseconds can count");
    time = Picoseconds(later);
  });
  for (Cursor& cursor : cursors_) cursor.iterations += iterations;
}

std::optional<Stuck> Executor::stuck() const {
  for (std::size_t p = 0; p < cursors_.size(); ++p) {
    const Cursor& cursor = cursors_[p];
    if (cursor.section == Section::end) continue;
    const Process& program = network_.processes[p];
    std::size_t position = cursor.index;
    if (cursor.section != Section::prologue) {
      position += program.prologue.size() + static_cast<std::size_t>(cursor.iterations) * program.body.size();
    }
    return Stuck{p, static_cast<std::int64_t>(position)};
  }
  return std::nullopt;
}

}  // namespace zettatwin::engine
