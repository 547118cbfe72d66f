// SPDX-License-Identifier: Apache-2.0
// A pool of cached content that many instances share: memory of other nodes behind a network (Mooncake's store, a disaggregated memory pool, host memory attached to
// the scale-up network). Model:
// - A read of b bytes at time t takes latency + max(b / port, wait + b / bandwidth): `port` is the reader's own, `bandwidth` the pool's for all readers together, served
//   in the order in which they come, `wait` until those before are served.
// - An instance writes content when it has been computed. A write takes as long as a read, through the other direction of ports and pool, so that reads do not wait
//   for writes, nor computing for either; the content can be read from its end on. It stays until room is needed, least recently used first.
// Whoever shares a store calls it in order of time. O(1) per piece of content; memory by content, which the capacity bounds.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "serving/detail/age_lists.hpp"
#include "serving/detail/index_map.hpp"
#include "units/picoseconds.hpp"
#include "units/quantity.hpp"

namespace zettatwin::serving {

class ContentStore final {
 public:
  struct Settings {
    units::Bytes capacity;
    units::BytesPerSecond bandwidth;  // of all reads together, and of all writes; zero: never what they wait for
    units::Seconds latency;           // of a read or a write
  };
  struct Counts {
    std::int64_t reads = 0;           // of any number of pieces each
    double bytes_read = 0, bytes_written = 0, bytes_evicted = 0;
    double wait_seconds = 0;          // of reads, for those before
    double busy_seconds = 0;          // bytes read / bandwidth
    double write_seconds = 0;         // bytes written / bandwidth
    double write_lag_max = 0;         // seconds from the end of computing to content that can be read, at most
    double used = 0, used_peak = 0;   // bytes
  };

  explicit ContentStore(Settings settings) : settings_(settings) {}

  // Whether it can be read.
  [[nodiscard]] bool has(std::uint64_t content, units::Picoseconds at) const {
    const auto* entry = index_.find(content);
    return entry && entries_[*entry].ready <= at;
  }
  // Content that has been used, or computed: it becomes the newest. What is larger than the store is not kept; what is known, or on its way, is not written again.
  void put(std::uint64_t content, double bytes, units::BytesPerSecond port, units::Picoseconds at);
  // Expects that it is here.
  void use(std::uint64_t content);
  // How long a read of so many bytes takes that begins at `at`.
  [[nodiscard]] units::Picoseconds read(double bytes, units::BytesPerSecond port, units::Picoseconds at);
  [[nodiscard]] const Counts& counts() const { return counts_; }

 private:
  struct Entry {
    std::uint64_t content = 0;
    double bytes = 0;
    units::Picoseconds ready;
  };
  // Seconds that a transfer takes whose direction is taken until `free`, and which it then takes further; `wait`: for those before.
  [[nodiscard]] double transfer(double bytes, units::BytesPerSecond port, units::Picoseconds at, units::Picoseconds& free, double& wait) const;
  void evict();

  Settings settings_;
  Counts counts_;
  units::Picoseconds reads_, writes_;  // when those so far are served
  detail::AgeLists<Entry> entries_;
  detail::AgeList used_;
  detail::IndexMap<detail::AgeIndex> index_;
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
