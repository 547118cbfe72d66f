// SPDX-License-Identifier: Apache-2.0
// Parts of the training result as JSON: links, critical path, faults, one chip.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "training/train.hpp"

namespace zettatwin::report::detail {

[[nodiscard]] nlohmann::ordered_json links_json(const training::TrainingResult& result);
[[nodiscard]] nlohmann::ordered_json path_json(const training::TrainingResult& result);
[[nodiscard]] nlohmann::ordered_json faults_json(const training::TrainingResult& result);
[[nodiscard]] nlohmann::ordered_json chip_json(const training::TrainingResult& result);

}  // namespace zettatwin::report::detail
