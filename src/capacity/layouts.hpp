// SPDX-License-Identifier: Apache-2.0
// How one instance may be cut over chips: the layouts that a search tries.
// Tensor-parallel sizes are powers of two that divide the heads and stay inside the scale-up domain. Models with experts also get data-parallel attention with
// experts over all chips of a stage, up to one chip per expert; sizes are powers of two and whole units of the machine's levels, and copies of
// experts fill up what does not divide. A layout may be repeated as 2, 4 or 8 pipeline stages: with stages beyond the scale-up domain, and where sums over
// tensor-parallel chips cost more than sends.
#pragma once

#include <cstdint>
#include <vector>

#include "hardware/machine.hpp"
#include "inference/deployment.hpp"
#include "model/architecture.hpp"

namespace zettatwin::capacity {

// `base` says formats, software changes and the rest that is not searched. At most `chips` per stage. Smallest first.
[[nodiscard]] std::vector<inference::Pool> layouts(const hardware::Machine& machine, const model::Architecture& model, const inference::Pool& base, std::int64_t chips);
// The same in one, two, four and eight pipeline stages as far as layers and chips go, each layout's fewest stages first.
[[nodiscard]] std::vector<inference::Pool> with_stages(const std::vector<inference::Pool>& flat, const model::Architecture& model, std::int64_t chips);

}  // namespace zettatwin::capacity
