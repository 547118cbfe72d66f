// SPDX-License-Identifier: Apache-2.0
// A message under way in a fluid simulation. Its work is the time that it takes alone; it gets done at a rate of at most 1. Work and time are whole
// picoseconds: at rate 1 nothing is rounded, at others what is done is rounded down and what is left up, each time by less than a picosecond.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

#include "units/picoseconds.hpp"

namespace zettatwin::training {

class MessageFlow final {
 public:
  MessageFlow() = default;
  MessageFlow(units::Picoseconds now, units::Picoseconds work) : left_(work), since_(now), finish_(now + work) {}

  [[nodiscard]] units::Picoseconds finish() const { return finish_; }  // if the rate stays
  // Of its work, at a time not after the finish.
  [[nodiscard]] units::Picoseconds left_at(units::Picoseconds now) const {
    const auto passed = now - since_;
    if (rate_ == 1) return left_ - passed;
    return left_ - units::Picoseconds(static_cast<std::int64_t>(std::floor(static_cast<double>(passed.count()) * rate_)));
  }
  void set_rate(units::Picoseconds now, double rate) {
    if (rate == rate_) return;
    left_ = std::max(units::Picoseconds(), left_at(now));
    since_ = now;
    rate_ = rate;
    finish_ = now + (rate == 1 ? left_ : units::Picoseconds(static_cast<std::int64_t>(std::ceil(static_cast<double>(left_.count()) / rate))));
  }
  // Calls visit.time for each time, visit.number for what else the future depends on.
  template <class Visitor>
  void visit(Visitor& visitor) {
    visitor.time(since_);
    visitor.time(finish_);
    visitor.number(left_.count());
    visitor.number(static_cast<std::int64_t>(std::bit_cast<std::uint64_t>(rate_)));
  }

 private:
  units::Picoseconds left_, since_, finish_;
  double rate_ = 1;
};

}  // namespace zettatwin::training
