// SPDX-License-Identifier: Apache-2.0
// Which decoding sequence ends next: a 4-ary heap by (token clock at its end, order of admission), from which any sequence can be taken out.
// O(log n) per operation, no allocation once it has been as large before.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace zettatwin::serving::detail {

class FinishHeap final {
 public:
  struct Entry {
    std::int64_t end;
    std::int64_t order;
    std::uint32_t slot;
    [[nodiscard]] bool before(const Entry& other) const { return end != other.end ? end < other.end : order < other.order; }
  };
  [[nodiscard]] bool empty() const { return entries_.empty(); }
  [[nodiscard]] const Entry& top() const { return entries_.front(); }
  void push(const Entry& entry) {
    if (entry.slot >= place_.size()) place_.resize(std::max<std::size_t>(entry.slot + 1, 2 * place_.size()));
    entries_.push_back(entry);
    up(entries_.size() - 1, entry);
  }
  void remove(std::uint32_t slot) {
    const std::size_t hole = place_[slot];
    const Entry last = entries_.back();
    entries_.pop_back();
    if (hole == entries_.size()) return;
    if (hole > 0 && last.before(entries_[(hole - 1) / 4])) up(hole, last);
    else down(hole, last);
  }
  void clear() { entries_.clear(); }

 private:
  void put(std::size_t i, const Entry& entry) {
    entries_[i] = entry;
    place_[entry.slot] = static_cast<std::uint32_t>(i);
  }
  void up(std::size_t i, const Entry entry) {
    for (; i > 0 && entry.before(entries_[(i - 1) / 4]); i = (i - 1) / 4) put(i, entries_[(i - 1) / 4]);
    put(i, entry);
  }
  void down(std::size_t i, const Entry entry) {
    for (;;) {
      const std::size_t first = 4 * i + 1, end = std::min(first + 4, entries_.size());
      if (first >= end) break;
      std::size_t best = first;
      for (std::size_t child = first + 1; child < end; ++child)
        if (entries_[child].before(entries_[best])) best = child;
      if (!entries_[best].before(entry)) break;
      put(i, entries_[best]);
      i = best;
    }
    put(i, entry);
  }
  std::vector<Entry> entries_;
  std::vector<std::uint32_t> place_;  // by slot
};

}  // namespace zettatwin::serving::detail
