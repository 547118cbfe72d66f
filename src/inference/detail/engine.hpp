// SPDX-License-Identifier: Apache-2.0
// Settings of one instance's engine: the software's, scaled to the instance's data-parallel ranks and pipeline stages, with what the pool says over them.
#pragma once

#include <optional>

#include "inference/deployment.hpp"
#include "inference/software.hpp"

namespace zettatwin::inference::detail {

[[nodiscard]] std::optional<serving::EngineSettings> engine_of(const Pool& pool, const Software& software, config::Diagnostics& diagnostics);

}  // namespace zettatwin::inference::detail
