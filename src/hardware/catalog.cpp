// SPDX-License-Identifier: Apache-2.0
#include "hardware/catalog.hpp"

#include <fmt/format.h>

#include "config/catalog_document.hpp"

namespace zettatwin::hardware {

std::optional<Chip> load_chip(const config::DocumentSource& source, const std::string& name,
                              const config::Location& where, config::Diagnostics& diagnostics) {
  const auto node = config::load_document(source, "chips", name, where, diagnostics);
  if (!node) return std::nullopt;
  const auto errors_before = diagnostics.error_count();
  Chip chip;
  chip.name = name;
  config::read(*node, fmt::format("chip {}", name), config::FigureForm::provenance_required, diagnostics, chip);
  if (diagnostics.error_count() != errors_before) return std::nullopt;
  return chip;
}

}  // namespace zettatwin::hardware
