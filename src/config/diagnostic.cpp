// SPDX-License-Identifier: Apache-2.0
#include "config/diagnostic.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <string_view>

namespace zettatwin::config {

std::string Location::text() const {
  const std::string name = file ? *file : "<input>";
  if (line == 0) return name;
  return fmt::format("{}:{}:{}", name, line, column);
}

Location location_in(std::string file) { return {std::make_shared<const std::string>(std::move(file)), 0, 0}; }

std::string Diagnostic::text() const {
  std::string text = fmt::format("{}: {}: {}", where.text(), severity == Severity::error ? "error" : "warning", problem);
  if (!why.empty()) text += fmt::format(" ({})", why);
  if (!suggestion.empty()) text += fmt::format("; {}", suggestion);
  return text;
}

void Diagnostics::error(Location where, std::string problem, std::string why, std::string suggestion) {
  all_.push_back({Severity::error, std::move(where), std::move(problem), std::move(why), std::move(suggestion)});
  ++errors_;
}

void Diagnostics::warning(Location where, std::string problem, std::string why, std::string suggestion) {
  all_.push_back({Severity::warning, std::move(where), std::move(problem), std::move(why), std::move(suggestion)});
}

void Diagnostics::append(const Diagnostics& other) {
  all_.insert(all_.end(), other.all_.begin(), other.all_.end());
  errors_ += other.errors_;
}

namespace {

// Edit distance in which swapped neighbours count once.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i)
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substitution = d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, substitution});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  return d[a.size()][b.size()];
}

}  // namespace

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
  constexpr std::size_t kLongestCompared = 100;
  if (word.size() > kLongestCompared) return "";
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const auto& candidate : candidates) {
    if (candidate.size() > kLongestCompared) continue;
    const auto distance = edit_distance(word, candidate);
    if (distance < best_distance) { best = candidate; best_distance = distance; }
  }
  return best;
}

}  // namespace zettatwin::config
