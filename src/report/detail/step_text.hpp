// SPDX-License-Identifier: Apache-2.0
// Parts of the training report: links, critical path, one chip.
#pragma once

#include <string>

#include "training/train.hpp"

namespace zettatwin::report::detail {

[[nodiscard]] std::string links_text(const training::TrainingResult& result);
[[nodiscard]] std::string path_text(const training::TrainingResult& result);
[[nodiscard]] std::string chip_text(const training::TrainingResult& result);

}  // namespace zettatwin::report::detail
