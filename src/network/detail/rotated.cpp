// SPDX-License-Identifier: Apache-2.0
// Multi-dimensional rotated: the buffer in D parts, one per level of a block of meshes and tori. Part d runs the hierarchical algorithm from
// level d on (d, d+1, ..., d-1), so that in each of D steps every level works, for another part. Levels outside the block follow as in the
// hierarchical form. Source: Cho et al., BlueConnect, MLSys 2019; Rashidi et al., Themis, ISCA 2022 (multi-rail collectives).
#include <algorithm>

#include "base/contract.hpp"
#include "network/detail/route.hpp"

namespace zettatwin::network::detail {
namespace {

constexpr std::int64_t kChunksMax = 64;

bool direct(const Crossing& crossing) {
  const auto kind = crossing.link.level->network.kind;
  return kind == hardware::NetworkKind::full_mesh || kind == hardware::NetworkKind::torus;
}

// One after the other in time, bytes of both: what a level does in several steps.
Stage together(const Stage& a, const Stage& b) {
  if (a.algorithm == Algorithm::automatic) return b;
  const units::Bytes bytes = a.bytes + b.bytes;
  const units::Seconds busy = a.time() - a.latency + (b.time() - b.latency);
  return {a.algorithm, a.latency + b.latency, bytes, busy.si() > 0 ? bytes / busy : a.bandwidth, a.datasheet};
}

Route in_chunks(const std::vector<Crossing>& crossings, std::size_t block, Collective op, units::Bytes message, std::int64_t chunks) {
  Route route{.name = "rotated", .chunks = chunks};
  const auto step = [&](std::size_t crossing, std::size_t number, units::Bytes bytes) {
    route.steps.push_back({crossing, number, best_stage(Algorithm::automatic, op, crossings[crossing].link, bytes)});
  };
  for (std::size_t k = 0; k < block; ++k)
    for (std::size_t level = 0; level < block; ++level) {
      std::int64_t below = 1;  // members that the part has been shrunk by
      for (std::size_t done = 1; done <= k; ++done) below *= crossings[(level + block - done) % block].link.fanout;
      step(level, k, message / static_cast<double>(chunks * static_cast<std::int64_t>(block) * below));
    }
  for (std::size_t i = block; i < crossings.size(); ++i) step(i, i, message / static_cast<double>(chunks * crossings[i].members_below));
  route.stages.resize(crossings.size());
  std::vector<units::Seconds> times(crossings.size()), latencies(crossings.size()), slowest(crossings.size()), slowest_latency(crossings.size());
  for (const auto& [crossing, number, stage] : route.steps) {
    route.stages[crossing] = together(route.stages[crossing], stage);
    times[crossing] += stage.time();
    latencies[crossing] += stage.latency;
    slowest[number] = std::max(slowest[number], stage.time());
    slowest_latency[number] = std::max(slowest_latency[number], stage.latency);
  }
  const double more = static_cast<double>(chunks - 1);
  const units::Seconds launch = launch_of(crossings);
  route.latency = launch + more * busiest(crossings, latencies);
  route.time = launch + more * busiest(crossings, times);
  for (std::size_t i = 0; i < crossings.size(); ++i) {
    route.latency += slowest_latency[i];
    route.time += slowest[i];
  }
  return route;
}

}  // namespace

std::size_t levels_to_rotate(const std::vector<Crossing>& crossings) {
  std::size_t block = 0;
  while (block < crossings.size() && direct(crossings[block])) ++block;
  return block > 1 ? block : 0;
}

Route rotated(const std::vector<Crossing>& crossings, Collective op, units::Bytes message) {
  const std::size_t block = levels_to_rotate(crossings);
  ZT_EXPECT(block > 1, "fewer than two meshes or tori inside");
  Route best = in_chunks(crossings, block, op, message, 1);
  for (std::int64_t chunks = 2; chunks <= kChunksMax; chunks *= 2) {
    Route route = in_chunks(crossings, block, op, message, chunks);
    if (route.time < best.time) best = std::move(route);
  }
  best.combination = "launch + sum over steps of the slowest t + (chunks - 1) max over levels of the sum of t, t of one part of one chunk";
  return best;
}

}  // namespace zettatwin::network::detail
