// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/App.hpp>

#include "cli/files.hpp"
#include "cli/output.hpp"

namespace zettatwin::cli {

// `zettatwin train` and `zettatwin compare`. The returned functions run the parsed command.
void add_train(CLI::App& app, const FileSource& source, Exit& exit);
void add_compare(CLI::App& app, const FileSource& source, Exit& exit);

// `zettatwin catalog list|show|check|schema`.
void add_catalog(CLI::App& app, const FileSource& source, Exit& exit);

}  // namespace zettatwin::cli
