// SPDX-License-Identifier: Apache-2.0
// The command line's form of a plan, "tp=8,overlap.ep=true", as a document tree.
#include <fmt/format.h>

#include <string_view>

#include "plan/plan.hpp"

namespace zettatwin::plan {
namespace {

config::Location at(const config::Location& base, std::size_t offset) {
  return {base.file, 1, static_cast<std::uint32_t>(offset + 1)};
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

config::Node mapping(config::Location where) {
  config::Node node;
  node.kind = config::Node::Kind::mapping;
  node.where = std::move(where);
  return node;
}

// Walks "a.b.c" from `parent`, opening mappings for a and b; then adds the scalar c.
void add_value(config::Node& root, std::string_view path, std::string_view value, const config::Location& key_at,
               const config::Location& value_at, config::Diagnostics& diagnostics) {
  config::Node* parent = &root;
  std::string_view rest = path;
  for (auto dot = rest.find('.'); dot != std::string_view::npos; dot = rest.find('.')) {
    const auto key = rest.substr(0, dot);
    config::Node* child = parent->find(key);
    if (!child) {
      parent->entries.push_back({std::string(key), key_at, mapping(key_at)});
      child = &parent->entries.back().value;
    }
    if (!child->is_mapping()) return diagnostics.error(key_at, fmt::format("'{}' is set both as a value and as a group", key));
    parent = child;
    rest = rest.substr(dot + 1);
  }
  if (rest.empty()) return diagnostics.error(key_at, fmt::format("'{}' ends in a dot", path), "", "write key=value");
  if (parent->find(rest)) return diagnostics.error(key_at, fmt::format("'{}' is set twice", path), "", "keep one of them");
  config::Node scalar;
  scalar.kind = config::Node::Kind::scalar;
  scalar.where = value_at;
  scalar.text = std::string(value);
  parent->entries.push_back({std::string(rest), key_at, std::move(scalar)});
}

}  // namespace

config::Node parse_plan_text(const std::string& text, const std::string& name, config::Diagnostics& diagnostics) {
  const auto base = config::location_in(name);
  auto root = mapping(at(base, 0));
  if (trimmed(text).empty()) return root;
  constexpr std::string_view kForm = "write key=value,key=value, such as tp=8,pp=16,overlap.ep=true";
  for (std::size_t begin = 0; begin <= text.size();) {
    const auto comma = std::min(text.find(',', begin), text.size());
    const std::string_view raw(text.data() + begin, comma - begin);
    const auto item = trimmed(raw);
    const auto item_offset = item.empty() ? begin : static_cast<std::size_t>(item.data() - text.data());
    const auto equals = item.find('=');
    const auto key = trimmed(item.substr(0, std::min(equals, item.size())));
    const auto value = equals == std::string_view::npos ? std::string_view{} : trimmed(item.substr(equals + 1));
    const auto where = at(base, item_offset);
    if (item.empty()) {
      diagnostics.error(where, "empty item in plan", "", std::string(kForm));
    } else if (equals == std::string_view::npos || key.empty() || value.empty()) {
      diagnostics.error(where, fmt::format("'{}' is not key=value", item), "", std::string(kForm));
    } else {
      add_value(root, key, value, where, at(base, static_cast<std::size_t>(value.data() - text.data())), diagnostics);
    }
    begin = comma + 1;
  }
  return root;
}

}  // namespace zettatwin::plan
