// SPDX-License-Identifier: Apache-2.0
// Document trees made by hand.
#pragma once

#include <string>
#include <utility>

#include "config/document.hpp"

namespace zettatwin::validation {

[[nodiscard]] inline config::Node text_node(std::string text, const config::Location& where) {
  config::Node node;
  node.kind = config::Node::Kind::scalar;
  node.where = where;
  node.text = std::move(text);
  return node;
}

[[nodiscard]] inline config::Node empty_mapping(const config::Location& where) {
  config::Node node;
  node.kind = config::Node::Kind::mapping;
  node.where = where;
  return node;
}

// A further entry.
inline void put(config::Node& mapping, std::string key, config::Node value) {
  auto where = value.where;
  mapping.entries.push_back({std::move(key), std::move(where), std::move(value)});
}

// What is laid over a document; one that is a name alone is extended.
inline void change(config::Node& document, const config::Node& changes) {
  if (!changes.is_mapping()) return;
  if (document.kind == config::Node::Kind::scalar) {
    auto extended = empty_mapping(document.where);
    put(extended, "extends", document);
    document = std::move(extended);
  }
  document = document.is_mapping() ? config::merged(document, changes) : changes;
}

}  // namespace zettatwin::validation
