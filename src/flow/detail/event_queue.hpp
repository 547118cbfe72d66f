// SPDX-License-Identifier: Apache-2.0
// Events of a simulation in the order of their times: a radix heap (Ahuja, Mehlhorn, Orlin, Tarjan, 1990). Time never goes back, so an event waits in the bucket
// of the highest bit in which its time differs from now, and moves to lower buckets as that time comes near. Pushing is O(1), an event moves at most 63 times and
// in practice a few, memory is walked in sequence, and all events of one picosecond come out together, whatever their number. Their order means nothing.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <vector>

#include "base/contract.hpp"
#include "flow/max_min.hpp"
#include "units/picoseconds.hpp"

namespace zettatwin::flow {

struct Event {
  std::int64_t time;  // ps
  FlowId flow;
  std::uint32_t version;
};

class EventQueue final {
 public:
  [[nodiscard]] bool empty() const { return filled_ == 0; }
  [[nodiscard]] units::Picoseconds now() const { return units::Picoseconds(now_); }
  void restart() {
    ZT_EXPECT(empty(), "events are left");
    now_ = 0;
  }

  void push(units::Picoseconds time, FlowId flow, std::uint32_t version) {
    ZT_EXPECT(time.count() >= now_, "an event in the past");
    put({time.count(), flow, version});
  }

  // Goes on to the time of the earliest event; expects one.
  void advance() {
    ZT_EXPECT(!empty(), "no event");
    const int earliest = std::countr_zero(filled_);
    if (earliest == 0) return;
    auto& bucket = buckets_[static_cast<std::size_t>(earliest)];
    now_ = std::ranges::min_element(bucket, {}, &Event::time)->time;
    filled_ ^= std::uint64_t{1} << earliest;
    for (const Event& event : bucket) put(event);  // into lower buckets: they agree with now in this bit
    bucket.clear();
  }

  // One that happens now.
  [[nodiscard]] bool happens_now() const { return (filled_ & 1) != 0; }
  Event take() {
    auto& bucket = buckets_[0];
    const Event event = bucket.back();
    bucket.pop_back();
    if (bucket.empty()) filled_ ^= 1;
    return event;
  }

 private:
  void put(const Event& event) {
    const auto i = static_cast<std::size_t>(std::bit_width(static_cast<std::uint64_t>(event.time ^ now_)));
    buckets_[i].push_back(event);
    filled_ |= std::uint64_t{1} << i;
  }

  std::array<std::vector<Event>, 64> buckets_;
  std::uint64_t filled_ = 0;  // which buckets have events
  std::int64_t now_ = 0;
};

}  // namespace zettatwin::flow
