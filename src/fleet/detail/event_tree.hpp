// SPDX-License-Identifier: Apache-2.0
// Which of n clocks rings first: a tournament. O(log n) to set one, O(1) to ask; of equal times the lowest index.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "units/picoseconds.hpp"

namespace zettatwin::fleet {

inline constexpr units::Picoseconds kNever{std::numeric_limits<std::int64_t>::max()};

class EventTree final {
 public:
  explicit EventTree(std::size_t clocks) : leaves_(std::bit_ceil(clocks == 0 ? std::size_t{1} : clocks)), time_(2 * leaves_, kNever) {}

  // Room for as many clocks at least; new ones never ring. O(n), so that growing one by one costs O(1) each on average.
  void grow(std::size_t clocks) {
    if (clocks <= leaves_) return;
    EventTree more(clocks);
    for (std::size_t clock = 0; clock < leaves_; ++clock) more.set(clock, time_[leaves_ + clock]);
    *this = std::move(more);
  }
  void set(std::size_t clock, units::Picoseconds time) {
    std::size_t node = leaves_ + clock;
    if (time_[node] == time) return;
    time_[node] = time;
    for (node /= 2; node >= 1; node /= 2) {
      const units::Picoseconds first = time_[2 * node] <= time_[2 * node + 1] ? time_[2 * node] : time_[2 * node + 1];
      if (time_[node] == first) break;
      time_[node] = first;
    }
  }
  [[nodiscard]] units::Picoseconds next() const { return time_[1]; }
  [[nodiscard]] std::size_t first() const {
    std::size_t node = 1;
    while (node < leaves_) node = time_[2 * node] == time_[node] ? 2 * node : 2 * node + 1;
    return node - leaves_;
  }

 private:
  std::size_t leaves_;
  std::vector<units::Picoseconds> time_;
};

}  // namespace zettatwin::fleet
