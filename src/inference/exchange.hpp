// SPDX-License-Identifier: Apache-2.0
// Small messages of serving engines over the levels of a machine, at the rates of hardware::ServingTraffic, and the collective library's answer where that is
// quicker. N ranks, S bytes per rank:
// - all-reduce inside one level: launch + min((N - 1) S, 2 (N - 1) / N S) / (B share): every rank reads all others' buffers, or their parts and their sums.
//   The second form takes two more synchronisations, half a launch.
// - dispatch or combine: launch + gap N + the longest of bytes / (B share) over the levels, levels that share ports added up. Low-latency kernels send every
//   copy on its own; high-throughput kernels send one copy per unit of a level that scales out.
#pragma once

#include <cstdint>

#include "topology/fabric.hpp"

namespace zettatwin::inference {

struct ExchangeRequest {
  double tokens = 0;                // that the rank sends or gets back
  double copies = 0;                // experts per token
  double bytes_per_copy = 0;
  std::int64_t reachable_units = 0; // units of a scale-out level that a token's experts may lie in; 0: all
};

struct MessageTime {
  double seconds = 0;
  double launch = 0;      // of it
  const char* how = "";
  bool scale_out = false; // leaves the memory fabric
  bool bulk = false;      // high-throughput kernels, which run on the chip's cores
};

[[nodiscard]] MessageTime all_reduce(const topology::Fabric& fabric, const topology::Spread& spread, double bytes);
[[nodiscard]] MessageTime exchange(const topology::Fabric& fabric, const topology::Spread& spread, const ExchangeRequest& request);
// All-gather of `bytes` in all, or reduce-scatter of as many.
[[nodiscard]] MessageTime gather(const topology::Fabric& fabric, const topology::Spread& spread, double bytes, bool reduce);
[[nodiscard]] MessageTime send(const topology::Fabric& fabric, const topology::Spread& spread, double bytes);

}  // namespace zettatwin::inference
