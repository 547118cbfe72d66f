// SPDX-License-Identifier: Apache-2.0
// A calibrated chip as a YAML document of its own.
#include <fmt/format.h>

#include <algorithm>

#include "calibration/calibrate.hpp"
#include "units/text.hpp"

namespace zettatwin::calibration {
namespace {

std::vector<std::string> split(const std::string& path) {
  std::vector<std::string> parts(1);
  for (const char c : path) {
    if (c == '.') parts.emplace_back();
    else parts.back() += c;
  }
  // The names of families have a dot of their own.
  if (parts.size() == 5 && parts[1] == "uncertainty") parts = {parts[0], parts[1], parts[2] + "." + parts[3], parts[4]};
  return parts;
}

}  // namespace

std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? "''" : std::string(1, c);
  return out + "'";
}

std::string figure_text(double si, units::Dimension dimension, const config::Provenance& p) {
  constexpr int kDigits = 4;
  const auto text = [&](double value) { return units::human(value, dimension, kDigits); };
  const bool key = std::all_of(p.source.begin(), p.source.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
  auto out = fmt::format("{{value: {}, source: {}, confidence: {}", text(si), key ? p.source : quoted(p.source), name_of(p.confidence));
  if (p.low_si < p.high_si) out += fmt::format(", low: {}, high: {}", text(p.low_si), text(p.high_si));
  if (!p.note.empty()) out += fmt::format(", note: {}", quoted(p.note));
  return out + "}";
}

std::string chip_document(const Calibration& calibration, const std::string& base, const std::string& title) {
  auto text = fmt::format("# SPDX-License-Identifier: Apache-2.0\n# Written by zettatwin calibrate.\nextends: {}\n", base);
  if (!title.empty()) text += fmt::format("title: {}\n", quoted(title));
  std::vector<std::string> open;
  for (const auto& row : config::values_of(calibration.chip)) {
    if (!calibration.made.contains(row.path)) continue;
    const auto parts = split(row.path);
    const auto common = static_cast<std::size_t>(std::mismatch(open.begin(), open.end(), parts.begin(), parts.end()).first - open.begin());
    for (std::size_t depth = common; depth + 1 < parts.size(); ++depth) text += fmt::format("{:{}}{}:\n", "", 2 * depth, parts[depth]);
    text += fmt::format("{:{}}{}: {}\n", "", 2 * (parts.size() - 1), parts.back(), row.provenance ? figure_text(row.si, row.dimension, *row.provenance) : quoted(row.value));
    open.assign(parts.begin(), parts.end() - 1);
  }
  return text;
}

}  // namespace zettatwin::calibration
