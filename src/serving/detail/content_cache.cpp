// SPDX-License-Identifier: Apache-2.0
#include "serving/detail/content_cache.hpp"

#include "base/contract.hpp"

namespace zettatwin::serving::detail {

ContentCache::ContentCache(std::int64_t blocks, std::int64_t unit, const std::vector<CacheTier>& tiers) : unit_(unit), empty_(blocks), lists_(1 + tiers.size()) {
  for (std::size_t tier = 0; tier < tiers.size(); ++tier) lists_[tier + 1].capacity = tiers[tier].blocks / unit;
}

void ContentCache::use(Index entry) {
  if (entries_[entry].uses++ == 0) unlink(entry);
}

void ContentCache::release(std::uint64_t content) {
  const Index entry = find(content);
  ZT_ASSERT(entry != kNone && entries_[entry].place == 0 && entries_[entry].uses > 0, "released content is in use");
  if (--entries_[entry].uses == 0) append(0, entry);
}

void ContentCache::leave_tier(Index entry) {
  unlink(entry);
  erase(entry);
}

void ContentCache::enter(std::uint64_t content) {
  Index entry = find(content);
  if (entry != kNone && entries_[entry].place > 0) {
    leave_tier(entry);
    entry = kNone;
  }
  if (entry != kNone) {
    use(entry);
    empty_ += unit_;
    return;
  }
  index_.insert(content, entries_.add({.content = content, .mark = 0, .uses = 1, .place = 0}));
}

void ContentCache::append(std::size_t place, Index entry) {
  entries_[entry].place = static_cast<std::uint32_t>(place);
  entries_.append(lists_[place].age, entry);
}

void ContentCache::unlink(Index entry) { entries_.remove(lists_[entries_[entry].place].age, entry); }

void ContentCache::erase(Index entry) {
  index_.erase(entries_[entry].content);
  entries_.give_back(entry);
}

void ContentCache::evict() {
  const Index entry = lists_.front().age.oldest;
  ZT_ASSERT(entry != kNone, "no more blocks are taken than are available");
  unlink(entry);
  empty_ += unit_;
  evicted_ += unit_;
  put(entry, 1);
}

// Into a tier; the one that makes room goes further down.
void ContentCache::put(Index entry, std::size_t place) {
  for (; place < lists_.size(); ++place) {
    List& list = lists_[place];
    if (list.capacity == 0) continue;
    const Index oldest = list.age.size == list.capacity ? list.age.oldest : kNone;
    if (oldest != kNone) unlink(oldest);
    append(place, entry);
    if (oldest == kNone) return;
    entry = oldest;
  }
  erase(entry);
}

}  // namespace zettatwin::serving::detail
