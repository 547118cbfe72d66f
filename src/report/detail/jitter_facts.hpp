// SPDX-License-Identifier: Apache-2.0
// What jitter costs, for people and as JSON.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "training/train.hpp"

namespace zettatwin::report::detail {

// Empty if it was not asked for.
[[nodiscard]] std::string jitter_text(const training::Job& job, const training::TrainingResult& result);
[[nodiscard]] nlohmann::ordered_json jitter_json(const training::Job& job, const training::TrainingResult& result);

}  // namespace zettatwin::report::detail
