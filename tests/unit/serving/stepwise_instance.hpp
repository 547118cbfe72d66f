// SPDX-License-Identifier: Apache-2.0
// The semantics of an instance, step by step and sequence by sequence, with explicit tables of blocks: no jump, no heap, no incremental sum. Slow
// (O(sequences) per step) and obvious; what the fast instance must equal to the picosecond.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <vector>

#include "serving/instance.hpp"

namespace zettatwin::test {

using serving::CacheTier;
using serving::EngineSettings;
using serving::Instance;
using serving::InstanceOptions;
using serving::Observer;
using serving::StepTimer;

// Blocks with content, by hash, and which are free. Entry: `unit` blocks of the chips' memory, or a place in a tier.
class StepwiseCache final {
 public:
  StepwiseCache(std::int64_t blocks, std::int64_t unit, const std::vector<CacheTier>& tiers);
  [[nodiscard]] std::int64_t available() const;  // free, or cached and used by nobody
  [[nodiscard]] int place_of(std::uint64_t hash) const;  // 0: chips, i: tier i, -1: nowhere
  [[nodiscard]] bool idle(std::uint64_t hash) const;  // in the chips, used by nobody
  void take(std::vector<std::int64_t>& table, std::int64_t count);  // expects them available
  void give(std::vector<std::int64_t>& table);
  void use(std::uint64_t hash);      // in the chips
  void release(std::uint64_t hash);
  void leave_tier(std::uint64_t hash);
  // The first `unit` blocks of the table become this content, used once; if the chips have it already they are free instead.
  void enter(std::uint64_t hash, std::vector<std::int64_t>& table);
  [[nodiscard]] std::int64_t entries_in_chips() const;
  std::int64_t evicted = 0;  // blocks

 private:
  struct Entry { std::size_t place = 0; std::int64_t uses = 0; std::vector<std::int64_t> blocks; };
  void evict();
  void put(std::uint64_t hash, std::size_t place);
  std::int64_t unit_;
  std::vector<std::int64_t> capacity_;  // entries, by place; [0] unused
  std::vector<std::int64_t> free_;
  std::map<std::uint64_t, Entry> entries_;
  std::vector<std::list<std::uint64_t>> order_;  // least recently used first, by place; in the chips only of idle ones
};

[[nodiscard]] std::unique_ptr<Instance> make_stepwise(EngineSettings settings, const StepTimer& timer, Observer& observer, InstanceOptions options = {});

}  // namespace zettatwin::test
