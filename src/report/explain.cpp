// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "report/report.hpp"
#include "report/serving.hpp"
#include "units/text.hpp"

namespace zettatwin::report {
namespace {

void explain(std::string& out, const result::Node& node, const std::string& path) {
  const bool is_heading = node.si == 0 && node.dimension == units::kDimensionless && !node.sums && !node.children.empty();  // it groups figures of several kinds
  out += is_heading ? fmt::format("{}\n  {}\n", path, node.label) : fmt::format("{} = {}\n  {}\n", path, units::human(node.si, node.dimension, 4), node.label);
  if (!node.formula.empty()) out += fmt::format("  formula: {}\n", node.formula);
  else if (node.sums) out += "  formula: the sum of the parts below\n";
  for (const auto& input : node.inputs) {
    out += fmt::format("    {:<40} {}", input.name, input.value);
    out += fmt::format("   [{}: {}]\n", config::name_of(input.confidence), input.source);
    if (!input.note.empty()) out += fmt::format("      note: {}\n", input.note);
  }
  for (const auto& child : node.children) explain(out, child, path + "." + child.key);
}

}  // namespace

std::optional<std::string> explanation(const result::Node& tree, const std::string& path) {
  const auto* node = tree.find(path);
  if (!node) return std::nullopt;
  std::string out;
  if (!path.empty()) {
    explain(out, *node, path);
    return out;
  }
  for (const auto& child : node->children) explain(out, child, child.key);
  return out;
}

std::optional<std::string> explanation(const Subject& s, const std::string& path) { return explanation(s.result.tree, path); }

}  // namespace zettatwin::report
