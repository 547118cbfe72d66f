// SPDX-License-Identifier: Apache-2.0
// Reads Hugging Face config.json dialects into an Architecture.
#pragma once

#include <optional>
#include <string>

#include "config/document.hpp"
#include "model/architecture.hpp"

namespace zettatwin::model {

// Maps a config.json tree. An unknown model_type or a field that changes the computation and could not be
// mapped is an error that names the fields; fields without effect on shapes (token ids, dropout, initialiser)
// are ignored. `name` becomes Architecture::name.
[[nodiscard]] std::optional<Architecture> import_config(const config::Node& root, const std::string& name,
                                                        config::Diagnostics& diagnostics);

// The config with `overrides` (a mapping in the same dialect) laid over its language model.
[[nodiscard]] config::Node with_overrides(config::Node root, const config::Node& overrides);

}  // namespace zettatwin::model
