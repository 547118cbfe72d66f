// SPDX-License-Identifier: Apache-2.0
#include "result/tree.hpp"

#include <algorithm>

namespace zettatwin::result {

Node& Node::add(Node child) {
  children.push_back(std::move(child));
  return children.back();
}

const Node* Node::find(std::string_view path) const {
  if (path.empty()) return this;
  const auto dot = path.find('.');
  const auto head = path.substr(0, dot);
  for (const auto& child : children)
    if (child.key == head) return child.find(dot == std::string_view::npos ? "" : path.substr(dot + 1));
  return nullptr;
}

void total_up(Node& node) {
  for (auto& child : node.children) total_up(child);
  if (!node.sums) return;
  node.si = 0;
  for (const auto& child : node.children) node.si += child.si;
}

namespace {

void collect(const Node& node, config::Confidence confidence, std::vector<Input>& found) {
  for (const auto& input : node.inputs) {
    if (input.confidence != confidence) continue;
    const bool known = std::any_of(found.begin(), found.end(), [&](const Input& f) { return f.name == input.name && f.value == input.value; });
    if (!known) found.push_back(input);
  }
  for (const auto& child : node.children) collect(child, confidence, found);
}

void collect_paths(const Node& node, const std::string& prefix, std::vector<std::string>& found) {
  for (const auto& child : node.children) {
    const auto path = prefix.empty() ? child.key : prefix + "." + child.key;
    found.push_back(path);
    collect_paths(child, path, found);
  }
}

}  // namespace

std::vector<Input> inputs_below(const Node& node, config::Confidence confidence) {
  std::vector<Input> found;
  collect(node, confidence, found);
  return found;
}

std::vector<std::string> paths(const Node& node) {
  std::vector<std::string> found;
  collect_paths(node, "", found);
  return found;
}

}  // namespace zettatwin::result
