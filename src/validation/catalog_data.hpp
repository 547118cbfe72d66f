// SPDX-License-Identifier: Apache-2.0
// Data of this module in the catalog, read by the description of their type.
#pragma once

#include <optional>
#include <string>

#include "config/document.hpp"
#include "config/schema.hpp"

namespace zettatwin::validation {

// Nothing, and diagnostics, if the document is missing or wrong.
template <class T>
[[nodiscard]] std::optional<T> load_data(const config::DocumentSource& source, const std::string& path, config::Diagnostics& diagnostics) {
  const auto text = source.read(path);
  if (!text) {
    diagnostics.error(config::location_in(path), "cannot be read", "the catalog is incomplete", "");
    return std::nullopt;
  }
  const auto document = config::parse_document(*text, path, diagnostics);
  if (!document) return std::nullopt;
  const auto errors_before = diagnostics.error_count();
  T data;
  config::read(*document, path, config::FigureForm::bare_allowed, diagnostics, data);
  return diagnostics.error_count() == errors_before ? std::optional(std::move(data)) : std::nullopt;
}

}  // namespace zettatwin::validation
