// SPDX-License-Identifier: Apache-2.0
#include "report/detail/json_tree.hpp"

#include <nlohmann/json.hpp>

namespace zettatwin::report::detail {

nlohmann::ordered_json tree_json(const result::Node& node, std::string_view suffix) {
  nlohmann::ordered_json out = nlohmann::ordered_json::object();
  out["total" + std::string(suffix)] = node.si;
  for (const auto& child : node.children) {
    if (child.children.empty()) out[child.key + std::string(suffix)] = child.si;
    else out[child.key] = tree_json(child, suffix);
  }
  return out;
}

}  // namespace zettatwin::report::detail
