// SPDX-License-Identifier: Apache-2.0
// A fleet with a cache pool, by samples of its content (SHARDS: Waldspurger, Park, Garthwaite, Ahmad, FAST'15; miniature simulations: Waldspurger, Saemundsson, Ahmad, Park, ATC'17).
// Of `divisor` parts of the fleet (divided.hpp) some are simulated, each with all requests of its families of content. Half widths have two terms: the spread between these
// parts, and the change when each of them is halved again, which is what is left of the size (waiting for the pool, mean field, content that is found by chance in
// the chips): it is of the order of 1/instances, so that halving a part shows all that is missing to a fleet of any size. Derivation: docs/math/fleet.md.
// Cost: that of the simulated requests, twice, and of drawing those of all parts where the traffic is no law that can be thinned.
#pragma once

#include <cstdint>
#include <optional>

#include "fleet/result.hpp"
#include "fleet/spec.hpp"

namespace zettatwin::fleet {

struct ContentSample {
  std::int64_t divisor = 1;
  std::int64_t parts = 0;  // that are simulated
};
// How the fleet is sampled; none where it is played whole: few requests, few instances, or a fleet that cannot be divided.
[[nodiscard]] std::optional<ContentSample> content_sample_of(const FleetSpec& spec);
// Expects content_sample_of(spec).
[[nodiscard]] FleetResult simulate_sample(const FleetSpec& spec, const ContentSample& sample);

}  // namespace zettatwin::fleet
