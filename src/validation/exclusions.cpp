// SPDX-License-Identifier: Apache-2.0
#include "validation/exclusions.hpp"

#include <algorithm>

#include "validation/catalog_data.hpp"

namespace zettatwin::validation {
namespace {

struct Exclusions {
  std::vector<Exclusion> exclusions;
};
void describe(config::Schema& s, Exclusions& e) { s.list("exclusions", e.exclusions, "rows that are scored apart"); }

bool names(const std::string& pattern, std::string_view id) {
  return pattern.ends_with('*') ? id.starts_with(std::string_view(pattern).substr(0, pattern.size() - 1)) : id == pattern;
}

}  // namespace

void describe(config::Schema& s, Exclusion& exclusion) {
  s.texts("ids", exclusion.ids, "rows; one that ends with * stands for all that begin so");
  s.texts("figures", exclusion.figures, "only these of the figures that notes state");
  s.text("reason", exclusion.reason, "why the measurement, or what the row says of the run, is wrong", {.presence = config::Presence::required});
  s.text("source", exclusion.source, "who says so, or how it shows");
}

std::optional<std::vector<Exclusion>> load_exclusions(const config::DocumentSource& source, config::Diagnostics& diagnostics) {
  constexpr const char* kPath = "validation/exclusions.yaml";
  if (!source.read(kPath)) return std::vector<Exclusion>{};
  auto document = load_data<Exclusions>(source, kPath, diagnostics);
  return document ? std::optional(std::move(document->exclusions)) : std::nullopt;
}

const Exclusion* find_exclusion(const std::vector<Exclusion>& exclusions, std::string_view id, std::string_view stated) {
  const auto at = std::find_if(exclusions.begin(), exclusions.end(), [&](const Exclusion& e) {
    const bool meant = e.figures.empty() || std::find(e.figures.begin(), e.figures.end(), stated) != e.figures.end();
    return meant && std::any_of(e.ids.begin(), e.ids.end(), [&](const auto& pattern) { return names(pattern, id); });
  });
  return at == exclusions.end() ? nullptr : &*at;
}

}  // namespace zettatwin::validation
