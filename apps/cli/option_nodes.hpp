// SPDX-License-Identifier: Apache-2.0
// Options as document nodes, to be laid over a scenario file; their place is the option.
#pragma once

#include <optional>
#include <string>

#include "cli/files.hpp"
#include "config/document.hpp"

namespace zettatwin::cli {

[[nodiscard]] config::Node scalar(const std::string& option, const std::string& text);
[[nodiscard]] config::Node mapping(const std::string& name);
// Adds `key: text` if there is a text.
void set(config::Node& mapping, const char* key, const std::string& option, const std::string& text);

// The scenario file; an empty mapping without one. Nothing after errors.
[[nodiscard]] std::optional<config::Node> read_scenario(const std::string& path, const FileSource& source, config::Diagnostics& diagnostics);

// "auto", "key=value,..." or a file: what options such as --plan and --deployment take.
[[nodiscard]] config::Node choice_of(const std::string& option, const std::string& text, const FileSource& source, config::Diagnostics& diagnostics);

}  // namespace zettatwin::cli
