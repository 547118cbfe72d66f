// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/files.hpp"
#include "cli/output.hpp"

namespace CLI {
class App;
}

namespace zettatwin::cli {

void add_calibrate(CLI::App& app, const FileSource& source, Exit& exit);

}  // namespace zettatwin::cli
