// SPDX-License-Identifier: Apache-2.0
// Where one instance sits on a machine, and how many of them it holds. An instance lies inside the smallest unit of the machine that holds it, on equally many
// chips of each unit below, as many as possible; tensor-parallel groups are not cut if that can be helped. Ranks: tp innermost, then dp, then the chips of the
// feed-forwards, then pp.
#pragma once

#include <cstdint>
#include <optional>

#include "hardware/machine.hpp"
#include "topology/fabric.hpp"

namespace zettatwin::inference {

// Nothing if the machine has fewer chips, or if no equal parts of its units make up `chips`.
[[nodiscard]] std::optional<topology::Fabric> place_instance(const hardware::Machine& machine, std::int64_t chips, std::int64_t tp);

// How many such instances fit on the first `available` chips (0: all).
[[nodiscard]] std::int64_t instances_on(const topology::Fabric& fabric, std::int64_t available);

// Which instance has chip `chip` of the machine, instances one after the other from chip `first` on; nothing if none has.
[[nodiscard]] std::optional<std::int64_t> instance_with(const topology::Fabric& fabric, std::int64_t first, std::int64_t chip);

// What joins so many chips that lie one after the other: the machine's innermost level of which one unit holds them.
struct Between {
  std::size_t level = 0;
  units::BytesPerSecond per_chip;  // achieved by long messages, one direction
  units::Seconds latency;
};
[[nodiscard]] Between between(const hardware::Machine& machine, std::int64_t chips);

}  // namespace zettatwin::inference
