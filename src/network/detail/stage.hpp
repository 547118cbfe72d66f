// SPDX-License-Identifier: Apache-2.0
// Closed forms of one collective on one level: f members, a buffer of M bytes, latency a per step, bandwidth B of one chip.
// Sources: Thakur, Rabenseifner, Gropp 2005 (ring, halving-doubling); Sanders, Speck, Traeff 2009 (two trees); Bruck et al. 1997.
#pragma once

#include <optional>
#include <string_view>

#include "network/collective.hpp"
#include "network/detail/link.hpp"

namespace zettatwin::network::detail {

struct Stage {
  Algorithm algorithm = Algorithm::automatic;
  units::Seconds latency;
  units::Bytes bytes;               // through one chip's ports
  units::BytesPerSecond bandwidth;  // achieved
  units::BytesPerSecond datasheet;  // of the links that it uses

  [[nodiscard]] units::Seconds time() const { return bytes.si() > 0 ? latency + bytes / bandwidth : latency; }
};

// The stage with one algorithm; nothing if it does not do this collective on this network.
[[nodiscard]] std::optional<Stage> stage_with(Algorithm algorithm, Collective op, const Link& link, units::Bytes message);

// The stage with the forced algorithm where it applies; else the cheapest of those that the level's library has.
[[nodiscard]] Stage best_stage(Algorithm forced, Collective op, const Link& link, units::Bytes message);

// Whether the level's library has the algorithm (the catalog may name those that it has).
[[nodiscard]] bool in_library(Algorithm algorithm, Collective op, const Link& link);

// All-reduce passes its buffer around twice (reduce-scatter, all-gather), the others once.
[[nodiscard]] inline double passes(Collective op) { return op == Collective::all_reduce ? 2 : 1; }

// "2(f-1)a + 2M(f-1)/(fB)"
[[nodiscard]] std::string_view formula_of(Algorithm algorithm, Collective op);

}  // namespace zettatwin::network::detail
