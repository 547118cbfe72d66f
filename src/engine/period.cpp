// SPDX-License-Identifier: Apache-2.0
#include "engine/period.hpp"

#include <algorithm>
#include <cstdlib>

namespace zettatwin::engine {

namespace {

// Clocks at the latest cuts, to guess the period from.
class History final {
 public:
  void clear() { cuts_.clear(); }
  void push(const std::vector<Picoseconds>& clocks) {
    if (cuts_.size() == kCapacity) cuts_.erase(cuts_.begin(), cuts_.begin() + kCapacity / 2);
    cuts_.push_back(clocks);
  }
  // The smallest period >= `from` in iterations whose last two increments of all clocks agree; 0 if none.
  [[nodiscard]] std::int64_t period(std::int64_t from) const {
    const std::size_t last = cuts_.size() - 1;
    for (auto period = static_cast<std::size_t>(from); 2 * period <= last; ++period) {
      if (repeats(cuts_[last], cuts_[last - period], cuts_[last - 2 * period])) return static_cast<std::int64_t>(period);
    }
    return 0;
  }

 private:
  static bool repeats(const std::vector<Picoseconds>& c, const std::vector<Picoseconds>& b, const std::vector<Picoseconds>& a) {
    for (std::size_t i = 0; i < c.size(); ++i) {
      if (c[i] - b[i] != b[i] - a[i]) return false;
    }
    return true;
  }

  static constexpr std::size_t kCapacity = 4096;  // cuts: bounds the memory, and the longest period that can be found to half of it
  std::vector<std::vector<Picoseconds>> cuts_;
};

std::vector<std::int64_t> difference(const std::vector<std::int64_t>& later, const std::vector<std::int64_t>& earlier) {
  std::vector<std::int64_t> result(later.size());
  for (std::size_t i = 0; i < later.size(); ++i) result[i] = later[i] - earlier[i];
  return result;
}

class Folder final {
 public:
  Folder(Executor& executor, std::size_t processes, std::int64_t last_cut)
      : executor_(executor), processes_(processes), last_cut_(last_cut) {}

  Folding run() {
    std::int64_t candidate = 1;  // the smallest period not yet refuted
    std::int64_t since_jump = 0;
    std::int64_t next_guess = 2;
    while (next_cut()) {
      if (++since_jump < next_guess) continue;
      const std::int64_t period = history_.period(candidate);
      candidate = period > 0 ? period + 1 : 1;
      // Guesses become rarer, so that their cost stays in proportion to the steps run.
      next_guess = since_jump + since_jump / 2;
      if (period > 0 && cut_ + 3 * period <= last_cut_ && jump(period)) {
        candidate = 1;
        since_jump = 0;
        next_guess = 2;
      }
    }
    return folding_;
  }

 private:
  bool next_cut() {
    if (cut_ == last_cut_ || !executor_.advance(cut_ + 1)) return false;
    ++cut_;
    history_.push(executor_.clocks());
    return true;
  }

  // Runs one period and appends its slacks.
  bool observe(std::int64_t period, std::vector<std::int64_t>& slack) {
    executor_.record_slack(&slack);
    bool closed = true;
    for (std::int64_t i = 0; i < period && closed; ++i) closed = next_cut();
    executor_.record_slack(nullptr);
    return closed;
  }

  bool jump(std::int64_t period) {
    std::vector<std::int64_t> first;
    std::vector<std::int64_t> second;
    const auto start = executor_.state();
    if (!observe(period, first)) return false;
    const auto middle = executor_.state();
    if (!observe(period, second)) return false;
    const auto end = executor_.state();
    const auto increments = difference(end, middle);
    if (increments != difference(middle, start)) return false;
    const std::int64_t periods = periods_without_change(first, second, (last_cut_ - cut_) / period);
    if (periods == 0) return false;
    executor_.jump(periods * period, periods, increments);
    cut_ += periods * period;
    folding_.jumps.push_back({cut_ - periods * period - folding_.iterations_jumped, period, periods});
    folding_.iterations_jumped += periods * period;
    folding_.period_iterations = period;
    folding_.period = Picoseconds(*std::max_element(increments.begin(), increments.begin() + static_cast<std::ptrdiff_t>(processes_)));
    history_.clear();
    return true;
  }

  Executor& executor_;
  std::size_t processes_;
  std::int64_t last_cut_;
  std::int64_t cut_ = 0;
  History history_;
  Folding folding_;
};

}  // namespace

std::int64_t periods_without_change(const std::vector<std::int64_t>& first, const std::vector<std::int64_t>& second, std::int64_t limit) {
  for (std::size_t i = 0; i < second.size(); ++i) {
    if ((first[i] < 0 && second[i] > 0) || (first[i] > 0 && second[i] < 0)) return 0;
    const std::int64_t shrinks = std::abs(first[i]) - std::abs(second[i]);
    if (shrinks > 0) limit = std::min(limit, std::abs(second[i]) / shrinks);
  }
  return limit;
}

Folding fold_loops(const TokenNetwork& network, Executor& executor) {
  std::int64_t last_cut = Executor::kToTheEnd;
  for (const Process& process : network.processes) last_cut = std::min(last_cut, process.repeats);
  if (network.processes.empty() || last_cut < 1 || !executor.advance(0)) return {};
  return Folder(executor, network.processes.size(), last_cut).run();
}

}  // namespace zettatwin::engine
