// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/App.hpp>

#include "cli/output.hpp"

namespace zettatwin::cli {

// `zettatwin completion`: scripts of all that `app` defines, before and after this call.
void add_completion(CLI::App& app, Exit& exit);

}  // namespace zettatwin::cli
