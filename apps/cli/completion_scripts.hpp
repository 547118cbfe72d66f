// SPDX-License-Identifier: Apache-2.0
// Completion scripts for shells. Names of the catalog are asked for when they are needed (`zettatwin catalog list --names KIND`, about 5 ms), so that a script
// follows the catalog that the program reads.
#pragma once

#include <string>
#include <vector>

#include "cli/completion.hpp"

namespace zettatwin::cli {

[[nodiscard]] std::string bash_script(const std::vector<CompletedCommand>& commands);
[[nodiscard]] std::string zsh_script(const std::vector<CompletedCommand>& commands);
[[nodiscard]] std::string fish_script(const std::vector<CompletedCommand>& commands);

}  // namespace zettatwin::cli
