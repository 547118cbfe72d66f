// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/App.hpp>

#include "cli/files.hpp"
#include "cli/output.hpp"

namespace zettatwin::cli {

void add_serve(CLI::App& app, const FileSource& source, Exit& exit);

}  // namespace zettatwin::cli
