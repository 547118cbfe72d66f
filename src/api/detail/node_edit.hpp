// SPDX-License-Identifier: Apache-2.0
// Scenarios that programs change before they ask again.
#pragma once

#include <string>
#include <utility>

#include "config/document.hpp"

namespace zettatwin::api::detail {

inline void put(config::Node& mapping, const std::string& key, config::Node value) {
  if (auto* old = mapping.find(key)) *old = std::move(value);
  else mapping.entries.push_back({key, value.where, std::move(value)});
}

[[nodiscard]] inline config::Node scalar(const std::string& text) {
  config::Node node;
  node.kind = config::Node::Kind::scalar;
  node.where = config::location_in("capacity");
  node.text = text;
  return node;
}

}  // namespace zettatwin::api::detail
