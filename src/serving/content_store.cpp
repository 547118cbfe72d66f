// SPDX-License-Identifier: Apache-2.0
#include "serving/content_store.hpp"

#include <algorithm>

#include "base/contract.hpp"

namespace zettatwin::serving {

using units::Picoseconds;

void ContentStore::put(std::uint64_t content, double bytes) {
  ZT_EXPECT(bytes > 0, "content takes room");
  if (has(content)) return use(content);
  const double capacity = settings_.capacity.si();
  if (bytes > capacity) return;
  while (counts_.used + bytes > capacity) evict();
  Index entry = kNone;
  if (spare_.empty()) {
    entry = static_cast<Index>(entries_.size());
    entries_.emplace_back();
  } else {
    entry = spare_.back();
    spare_.pop_back();
  }
  entries_[entry] = {.content = content, .bytes = bytes};
  ZT_ASSERT(index_.insert(content, entry), "content is stored once");
  append(entry);
  counts_.bytes_written += bytes;
  counts_.used += bytes;
  counts_.used_peak = std::max(counts_.used_peak, counts_.used);
}

void ContentStore::use(std::uint64_t content) {
  const Index* entry = index_.find(content);
  ZT_EXPECT(entry != nullptr, "content that is here");
  unlink(*entry);
  append(*entry);
}

Picoseconds ContentStore::read(double bytes, units::BytesPerSecond port, Picoseconds at) {
  ++counts_.reads;
  counts_.bytes_read += bytes;
  const double alone = port.si() > 0 ? bytes / port.si() : 0;
  if (settings_.bandwidth.si() <= 0) return Picoseconds::from(settings_.latency + units::Seconds::from_si(alone));
  const double serving = bytes / settings_.bandwidth.si();
  const double wait = std::max(Picoseconds(0), free_ - at).seconds().si();
  free_ = std::max(free_, at) + Picoseconds::from(units::Seconds::from_si(serving));
  counts_.wait_seconds += wait;
  counts_.busy_seconds += serving;
  return Picoseconds::from(settings_.latency + units::Seconds::from_si(std::max(alone, wait + serving)));
}

void ContentStore::evict() {
  const Index entry = oldest_;
  ZT_ASSERT(entry != kNone, "a store that is full has content");
  unlink(entry);
  index_.erase(entries_[entry].content);
  counts_.used -= entries_[entry].bytes;
  counts_.bytes_evicted += entries_[entry].bytes;
  if (oldest_ == kNone) counts_.used = 0;  // nothing is left of rounding
  spare_.push_back(entry);
}

void ContentStore::append(Index entry) {
  Entry& e = entries_[entry];
  e.older = newest_;
  e.newer = kNone;
  (newest_ == kNone ? oldest_ : entries_[newest_].newer) = entry;
  newest_ = entry;
}

void ContentStore::unlink(Index entry) {
  const Entry& e = entries_[entry];
  (e.older == kNone ? oldest_ : entries_[e.older].newer) = e.newer;
  (e.newer == kNone ? newest_ : entries_[e.newer].older) = e.older;
}

}  // namespace zettatwin::serving
