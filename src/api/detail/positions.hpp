// SPDX-License-Identifier: Apache-2.0
// Sequences longer than the positions that a model states (max_position_embeddings): computed all the same, with a warning. Real engines refuse such requests,
// and a model's answers beyond its positions are worth little unless these are stretched (YaRN).
#pragma once

#include <fmt/format.h>

#include <string>

#include "config/diagnostic.hpp"
#include "model/architecture.hpp"
#include "units/text.hpp"

namespace zettatwin::api::detail {

inline void warn_of_positions(const model::Architecture& model, std::int64_t tokens, const std::string& whose, const config::Location& where, config::Diagnostics& diagnostics) {
  if (model.max_positions <= 0 || tokens <= model.max_positions) return;
  diagnostics.warning(where, fmt::format("{} {} tokens, {} has {} positions", whose, units::grouped(tokens), model.name, units::grouped(model.max_positions)),
                      "max_position_embeddings of its configuration; time and memory are those of the longer sequence", "shorter sequences, or a configuration with stretched positions");
}

}  // namespace zettatwin::api::detail
