// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "config/schema.hpp"
#include "units/text.hpp"

namespace zettatwin::config {

std::string_view name_of(Confidence confidence) {
  switch (confidence) {
    case Confidence::stated: return "stated";
    case Confidence::measured: return "measured";
    case Confidence::claimed: return "claimed";
    case Confidence::derived: return "derived";
    case Confidence::unverified: return "unverified";
    case Confidence::estimated: return "estimated";
  }
  return "?";
}

std::optional<bool> as_boolean(const Node& node) {
  if (node.kind != Node::Kind::scalar || node.quoted) return std::nullopt;
  const auto& t = node.text;
  if (t == "true" || t == "True" || t == "yes" || t == "on") return true;
  if (t == "false" || t == "False" || t == "no" || t == "off") return false;
  return std::nullopt;
}

std::optional<double> as_number(const Node& node) {
  if (node.kind != Node::Kind::scalar || node.quoted) return std::nullopt;
  const auto number = units::parse_number(node.text);
  return number ? std::optional(*number) : std::nullopt;
}

std::optional<std::int64_t> as_integer(const Node& node) {
  const auto number = as_number(node);
  if (!number || std::floor(*number) != *number || std::abs(*number) > 9.0e15) return std::nullopt;
  return static_cast<std::int64_t>(*number);
}

}  // namespace zettatwin::config
