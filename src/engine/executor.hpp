// SPDX-License-Identifier: Apache-2.0
// Plays a token network step by step. A cut is the moment when all processes have ended the same number of loop iterations; between
// cuts the control flow is the same whatever the times are, which is what the period search (period.hpp) relies on.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "engine/token_network.hpp"

namespace zettatwin::engine {

// Tokens in flight between two processes: a ring of arrival times.
class Channel final {
 public:
  [[nodiscard]] bool empty() const { return head_ == tail_; }
  void push(Picoseconds arrival) {
    if (tail_ - head_ == ring_.size()) grow();
    ring_[tail_++ & (ring_.size() - 1)] = arrival;
  }
  Picoseconds pop() { return ring_[head_++ & (ring_.size() - 1)]; }
  template <class Visit>
  void each(Visit visit) {
    for (std::uint64_t i = head_; i != tail_; ++i) visit(ring_[i & (ring_.size() - 1)]);
  }

 private:
  void grow();
  std::vector<Picoseconds> ring_ = std::vector<Picoseconds>(2);
  std::uint64_t head_ = 0;
  std::uint64_t tail_ = 0;
};

class Executor final {
 public:
  static constexpr std::int64_t kToTheEnd = std::numeric_limits<std::int64_t>::max();

  Executor(const TokenNetwork& network, std::int64_t trace_limit, bool winners = false);

  // Runs every process as far as it gets, but not beyond `iterations` of its loop. True if all got so far (or to their end).
  bool advance(std::int64_t iterations);
  // While set, the slack of every comparison of times (clock less arrival) is appended to it.
  void record_slack(std::vector<std::int64_t>* slack) { slack_ = slack; }

  [[nodiscard]] const std::vector<Picoseconds>& clocks() const { return clocks_; }
  // Everything that the future depends on at a cut: clocks and arrivals of the tokens in flight, in a fixed order.
  [[nodiscard]] std::vector<std::int64_t> state();
  // Moves on by `iterations` whose only effect is to add `times` increments to the state.
  void jump(std::int64_t iterations, std::int64_t times, const std::vector<std::int64_t>& increments);

  [[nodiscard]] std::optional<Stuck> stuck() const;
  [[nodiscard]] std::vector<Span> take_probes() { return std::move(probes_); }
  [[nodiscard]] std::vector<std::vector<Span>> take_trace() { return std::move(trace_); }
  [[nodiscard]] std::vector<std::vector<std::uint8_t>> take_winners() { return std::move(winners_); }

 private:
  enum class Section { prologue, body, epilogue, end };
  struct Cursor {
    Section section = Section::prologue;
    std::size_t index = 0;        // within the section
    std::int64_t iterations = 0;  // of the body, ended
  };

  template <class Visit>
  void visit_state(Visit visit);
  void run_process(std::size_t process, std::int64_t iterations);
  bool run_steps(std::size_t process, const std::vector<std::int32_t>& code, std::size_t& index);
  void run_step(std::size_t process, const Step& step);
  [[nodiscard]] std::int32_t missing(const Step& step) const;
  // Whether it is `time` that start waits for.
  bool wait_for(Picoseconds& start, Picoseconds time);

  const TokenNetwork& network_;
  std::int64_t trace_limit_;
  std::vector<Cursor> cursors_;
  std::vector<Picoseconds> clocks_;
  std::vector<Channel> channels_;
  std::vector<std::int32_t> waiter_;  // per channel: the process that waits for its next token
  std::vector<std::int32_t> agenda_;  // processes that may get on, the last one first
  std::vector<Span> probes_;
  std::vector<std::vector<Span>> trace_;
  std::vector<std::vector<std::uint8_t>> winners_;
  std::vector<std::int64_t>* slack_ = nullptr;
};

}  // namespace zettatwin::engine
