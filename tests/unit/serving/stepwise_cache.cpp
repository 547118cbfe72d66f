// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/contract.hpp"
#include "stepwise_instance.hpp"

namespace zettatwin::test {

StepwiseCache::StepwiseCache(std::int64_t blocks, std::int64_t unit, const std::vector<CacheTier>& tiers) : unit_(unit), capacity_{0}, order_(1 + tiers.size()) {
  for (std::int64_t id = blocks; id-- > 0;) free_.push_back(id);
  for (const auto& tier : tiers) capacity_.push_back(tier.blocks / unit);
}

std::int64_t StepwiseCache::available() const { return static_cast<std::int64_t>(free_.size()) + unit_ * static_cast<std::int64_t>(order_[0].size()); }

int StepwiseCache::place_of(std::uint64_t hash) const {
  const auto entry = entries_.find(hash);
  return entry == entries_.end() ? -1 : static_cast<int>(entry->second.place);
}

bool StepwiseCache::idle(std::uint64_t hash) const {
  const auto entry = entries_.find(hash);
  return entry != entries_.end() && entry->second.place == 0 && entry->second.uses == 0;
}

void StepwiseCache::take(std::vector<std::int64_t>& table, std::int64_t count) {
  ZT_EXPECT(count <= available(), "blocks are free");
  while (static_cast<std::int64_t>(free_.size()) < count) evict();
  for (; count > 0; --count) {
    table.push_back(free_.back());
    free_.pop_back();
  }
}

void StepwiseCache::give(std::vector<std::int64_t>& table) {
  free_.insert(free_.end(), table.begin(), table.end());
  table.clear();
}

void StepwiseCache::use(std::uint64_t hash) {
  Entry& entry = entries_.at(hash);
  ZT_EXPECT(entry.place == 0, "in the chips");
  if (entry.uses++ == 0) order_[0].remove(hash);
}

void StepwiseCache::release(std::uint64_t hash) {
  Entry& entry = entries_.at(hash);
  ZT_EXPECT(entry.place == 0 && entry.uses > 0, "in use");
  if (--entry.uses == 0) order_[0].push_back(hash);
}

void StepwiseCache::leave_tier(std::uint64_t hash) {
  const auto entry = entries_.find(hash);
  order_[entry->second.place].remove(hash);
  entries_.erase(entry);
}

void StepwiseCache::enter(std::uint64_t hash, std::vector<std::int64_t>& table) {
  ZT_EXPECT(static_cast<std::int64_t>(table.size()) >= unit_, "the blocks are there");
  std::vector<std::int64_t> blocks(table.begin(), table.begin() + unit_);
  table.erase(table.begin(), table.begin() + unit_);
  if (place_of(hash) > 0) leave_tier(hash);
  if (place_of(hash) == 0) {
    use(hash);
    give(blocks);
  } else {
    entries_[hash] = Entry{.place = 0, .uses = 1, .blocks = std::move(blocks)};
  }
}

std::int64_t StepwiseCache::entries_in_chips() const {
  return std::count_if(entries_.begin(), entries_.end(), [](const auto& entry) { return entry.second.place == 0; });
}

// The content that was idle longest leaves the chips for the first tier.
void StepwiseCache::evict() {
  const std::uint64_t hash = order_[0].front();
  order_[0].pop_front();
  give(entries_.at(hash).blocks);
  entries_.erase(hash);
  evicted += unit_;
  put(hash, 1);
}

// Into a tier, whose least recently used content makes room.
void StepwiseCache::put(std::uint64_t hash, std::size_t place) {
  if (place >= order_.size()) return;
  if (capacity_[place] == 0) return put(hash, place + 1);
  if (static_cast<std::int64_t>(order_[place].size()) == capacity_[place]) {
    const std::uint64_t oldest = order_[place].front();
    order_[place].pop_front();
    entries_.erase(oldest);
    put(oldest, place + 1);
  }
  entries_[hash] = Entry{.place = place, .uses = 0, .blocks = {}};
  order_[place].push_back(hash);
}

}  // namespace zettatwin::test
