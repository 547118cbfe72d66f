// SPDX-License-Identifier: Apache-2.0
// How one instance may be cut over chips: the layouts that a search tries.
// Tensor-parallel sizes are powers of two that divide the heads and stay inside the scale-up domain. Models with experts also get data-parallel attention with
// experts over all chips of a stage, up to one chip per expert; sizes are powers of two and whole units of the machine's levels, and copies of
// experts fill up what does not divide. Pipeline stages are added by
// the search where a model does not fit otherwise.
#pragma once

#include <cstdint>
#include <vector>

#include "hardware/machine.hpp"
#include "inference/deployment.hpp"
#include "model/architecture.hpp"

namespace zettatwin::capacity {

// `base` says formats, software changes and the rest that is not searched. At most `chips` per stage. Smallest first.
[[nodiscard]] std::vector<inference::Pool> layouts(const hardware::Machine& machine, const model::Architecture& model, const inference::Pool& base, std::int64_t chips);

}  // namespace zettatwin::capacity
