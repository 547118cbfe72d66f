// SPDX-License-Identifier: Apache-2.0
// The blocks of an instance and the content that is cached in them and in the tiers behind. Blocks without content are alike, so they are counted, not
// listed. An entry is one content: `unit` blocks in the chips, or a place in a tier. In the chips it is used by sequences (counted) or idle; idle
// entries leave in the order in which they became idle when blocks run out, and go down the tiers, each of which drops its least recently entered.
// Constant time per block and entry; memory by entries, whose number the capacities bound.
#pragma once

#include <cstdint>
#include <vector>

#include "serving/detail/age_lists.hpp"
#include "serving/detail/index_map.hpp"
#include "serving/engine_settings.hpp"

namespace zettatwin::serving::detail {

class ContentCache final {
 public:
  using Index = AgeIndex;
  static constexpr Index kNone = kNoEntry;

  ContentCache(std::int64_t blocks, std::int64_t unit, const std::vector<CacheTier>& tiers);
  [[nodiscard]] std::int64_t unit() const { return unit_; }
  [[nodiscard]] std::int64_t empty() const { return empty_; }
  [[nodiscard]] std::int64_t available() const { return empty_ + unit_ * lists_.front().age.size; }
  [[nodiscard]] std::int64_t evicted_blocks() const { return evicted_; }
  void keep_count(std::int64_t evicted) { evicted_ = evicted; }

  void take(std::int64_t count) {  // expects count <= available()
    while (empty_ < count) evict();
    empty_ -= count;
  }
  void give(std::int64_t count) { empty_ += count; }

  [[nodiscard]] Index find(std::uint64_t content) const {
    const Index* entry = index_.find(content);
    return entry ? *entry : kNone;
  }
  [[nodiscard]] std::size_t place(Index entry) const { return entries_[entry].place; }  // 0: the chips
  [[nodiscard]] bool idle(Index entry) const { return entries_[entry].place == 0 && entries_[entry].uses == 0; }
  // Marks an entry; false if it bears this mark already.
  bool mark(Index entry, std::uint64_t mark) {
    if (entries_[entry].mark == mark) return false;
    entries_[entry].mark = mark;
    return true;
  }
  void use(Index entry);
  void release(std::uint64_t content);  // expects that it is used
  void leave_tier(Index entry);
  // `unit` blocks of a sequence become this content, used by it; if the chips have it, it is used there and the blocks are empty.
  void enter(std::uint64_t content);

 private:
  struct Entry {
    std::uint64_t content = 0, mark = 0;
    std::int32_t uses = 0;
    std::uint32_t place = 0;
  };
  struct List {
    std::int64_t capacity = 0;
    AgeList age;
  };
  void append(std::size_t place, Index entry);
  void unlink(Index entry);
  void erase(Index entry);
  void evict();
  void put(Index entry, std::size_t place);

  std::int64_t unit_, empty_, evicted_ = 0;
  AgeLists<Entry> entries_;
  std::vector<List> lists_;  // by place; in the chips only of idle entries
  IndexMap<Index> index_;
};

}  // namespace zettatwin::serving::detail
