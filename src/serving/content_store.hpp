// SPDX-License-Identifier: Apache-2.0
// A pool of cached content that many instances share: memory of other nodes behind a network (Mooncake's store, a disaggregated memory pool, host memory attached to
// the scale-up network). Model:
// - An instance writes content when it has been computed; it stays until room is needed, least recently used first. Writes cost nothing: they travel the other way
//   and nobody waits for them. What is written is there at once.
// - A read of b bytes at time t takes latency + max(b / port, wait + b / bandwidth): `port` is the reader's own, `bandwidth` the pool's for all readers together, served
//   in the order in which they come, `wait` until those before are served.
// Whoever shares a store calls it in order of time. O(1) per piece of content; memory by content, which the capacity bounds.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "serving/detail/index_map.hpp"
#include "units/picoseconds.hpp"
#include "units/quantity.hpp"

namespace zettatwin::serving {

class ContentStore final {
 public:
  struct Settings {
    units::Bytes capacity;
    units::BytesPerSecond bandwidth;  // of all reads together; zero: never what they wait for
    units::Seconds latency;           // of a read
  };
  struct Counts {
    std::int64_t reads = 0;           // of any number of pieces each
    double bytes_read = 0, bytes_written = 0, bytes_evicted = 0;
    double wait_seconds = 0;          // of reads, for those before
    double busy_seconds = 0;          // bytes read / bandwidth
    double used = 0, used_peak = 0;   // bytes
  };

  explicit ContentStore(Settings settings) : settings_(settings) {}

  [[nodiscard]] bool has(std::uint64_t content) const { return index_.find(content) != nullptr; }
  // Content that has been used, or computed: it becomes the newest. What is larger than the store is not kept.
  void put(std::uint64_t content, double bytes);
  // Expects has(content).
  void use(std::uint64_t content);
  // How long a read of so many bytes takes that begins at `at`.
  [[nodiscard]] units::Picoseconds read(double bytes, units::BytesPerSecond port, units::Picoseconds at);
  [[nodiscard]] const Counts& counts() const { return counts_; }

 private:
  using Index = std::uint32_t;
  static constexpr Index kNone = 0xffffffff;
  struct Entry {
    std::uint64_t content = 0;
    double bytes = 0;
    Index older = kNone, newer = kNone;
  };
  void append(Index entry);
  void unlink(Index entry);
  void evict();

  Settings settings_;
  Counts counts_;
  units::Picoseconds free_;  // when the reads so far are served
  std::vector<Entry> entries_;
  std::vector<Index> spare_;
  Index oldest_ = kNone, newest_ = kNone;
  detail::IndexMap<Index> index_;
};

// An instance's way to a store.
struct StoreAccess {
  ContentStore* store = nullptr;   // null: none; outlives the instance
  double bytes_per_token = 0;
  units::BytesPerSecond port;      // zero: never what a read waits for
  std::uint64_t model = 0;         // content of different models is different
  [[nodiscard]] std::uint64_t key(std::uint64_t content) const { return content ^ (model * 0x9e3779b97f4a7c15ULL); }
};

}  // namespace zettatwin::serving
