// SPDX-License-Identifier: Apache-2.0
#include "hardware/catalog.hpp"

#include <fmt/format.h>

#include "config/catalog_document.hpp"

namespace zettatwin::hardware {
namespace {

// A document of the user's own, which may extend one of the catalog.
std::optional<config::Node> own_document(const config::DocumentSource& source, const std::string& path, const config::Location& where, config::Diagnostics& diagnostics) {
  const auto text = source.read(path);
  if (!text) {
    diagnostics.error(where, fmt::format("there is no chip document {}", path));
    return std::nullopt;
  }
  const auto node = config::parse_document(*text, path, diagnostics);
  if (!node) return std::nullopt;
  const auto base = [&](const std::string& name, const config::Location& at) { return config::load_document(source, "chips", name, at, diagnostics); };
  return config::extended(*node, base, diagnostics);
}

}  // namespace

std::optional<Chip> load_chip(const config::DocumentSource& source, const std::string& name,
                              const config::Location& where, config::Diagnostics& diagnostics) {
  const auto node = name.ends_with(".yaml") ? own_document(source, name, where, diagnostics) : config::load_document(source, "chips", name, where, diagnostics);
  if (!node) return std::nullopt;
  const auto errors_before = diagnostics.error_count();
  Chip chip;
  chip.name = name;
  config::read(*node, fmt::format("chip {}", name), config::FigureForm::provenance_required, diagnostics, chip);
  if (diagnostics.error_count() != errors_before) return std::nullopt;
  return chip;
}

}  // namespace zettatwin::hardware
