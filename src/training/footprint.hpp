// SPDX-License-Identifier: Apache-2.0
// What a communication keeps busy while it runs, and how much two that run at the same time slow each other down.
// Model: running alone, a message uses the share u_l <= 1 of the time of one chip's ports of level l. Two messages at the rates r_a, r_b, in units of
// their speed alone, fit if r_a u_al + r_b u_bl <= 1 on every level; max-min fair rates under r <= 1 are equal, r = min(1, 1 / max_l(u_al + u_bl))
// (docs/math/overlap.md).
#pragma once

#include <cstdint>
#include <vector>

#include "units/picoseconds.hpp"

namespace zettatwin::training {

// Links of a mesh lead to one peer each: messages to different peers do not meet. Bit c mod 64 stands for the peer c units further.
inline constexpr std::uint64_t kAllPeers = ~std::uint64_t{0};

struct PortUse {
  double share = 0;
  std::uint64_t peers = kAllPeers;
};
using Footprint = std::vector<PortUse>;  // by level of the machine whose ports they are

// How much longer each takes while both run: 1 to 2. 1 if either is null.
[[nodiscard]] double stretch(const Footprint* a, const Footprint* b);

[[nodiscard]] bool have_ports_in_common(const Footprint* a, const Footprint* b);

// A message or the sum of like ones.
struct Traffic {
  const Footprint* ports = nullptr;
  units::Picoseconds time;  // alone
};

}  // namespace zettatwin::training
