// SPDX-License-Identifier: Apache-2.0
// Faults on named cables and switches of levels that are graphs (docs/math/faults.md).
// Model: a training step prices such a level by the rates that its graph gives every chip when all send (hardware/graph_network.hpp). With the fault these are derived
// anew along the ways that are left, and hold for all: what waits for the slowest of a level's groups does not notice, others are charged as if they were it.
#pragma once

#include <optional>
#include <string>

#include "training/train.hpp"

namespace zettatwin::training {

// The graph or dragonfly that the fault's names belong to; nothing if it names none, or cables of another level.
[[nodiscard]] std::optional<std::size_t> graph_level_of(const traffic::Fault& fault, const hardware::Machine& machine);

struct WhatIsLeft {
  Job job;                 // with those levels' rates, without those faults
  std::string impossible;  // units of a level that have no way left
};
// Nothing if no fault names cables.
[[nodiscard]] std::optional<WhatIsLeft> without_named_cables(const Job& job);

}  // namespace zettatwin::training
