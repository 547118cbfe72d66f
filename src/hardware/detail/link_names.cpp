// SPDX-License-Identifier: Apache-2.0
#include "hardware/detail/link_names.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace zettatwin::hardware::detail {
namespace {

constexpr double kPairsMax = 2e6;  // of one rule

std::optional<std::int64_t> number_of(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size() || value < 0 || value > 1'000'000'000) return std::nullopt;
  return value;
}

}  // namespace

std::int64_t LinkNames::size_of(const std::string& group) const {
  if (group == kUnit) return network_.units;
  const auto at = network_.switches.find(group);
  return at == network_.switches.end() ? 0 : at->second.count;
}

LinkNames::Range LinkNames::fail(const config::Node& name, const std::string& problem, const std::string& why, const std::string& suggestion) const {
  diagnostics_.error(name.where, problem, why, suggestion);
  return {};
}

LinkNames::Range LinkNames::range_of(const config::Node& name) const {
  if (name.kind != config::Node::Kind::scalar) return fail(name, "the end of a link is one name", "", "write unit0, leaf0..7 or spine*");
  const std::string& text = name.text;
  const auto digits = std::min(text.find_first_of("0123456789*"), text.size());
  const std::string group = text.substr(0, digits), rest = text.substr(digits);
  const auto size = size_of(group);
  if (size == 0) {
    std::vector<std::string> known{kUnit};
    for (const auto& [switches, unused] : network_.switches) known.push_back(switches);
    const auto near = config::nearest(group, known);
    return fail(name, fmt::format("there is no '{}'", text), fmt::format("known are {}, each with a number", fmt::join(known, ", ")), near.empty() ? "" : fmt::format("did you mean '{}'?", near + rest));
  }
  if (rest == "*" || (rest.empty() && size == 1)) return {group, 0, size};
  const auto dots = rest.find("..");
  const auto first = number_of(rest.substr(0, dots));
  const auto last = dots == std::string::npos ? first : number_of(rest.substr(dots + 2));
  if (!first || !last) return fail(name, fmt::format("'{}' names no vertex of the graph", text), "", fmt::format("write {0}0, {0}0..{1} or {0}*", group, size - 1));
  if (*last < *first) return fail(name, fmt::format("'{}' ends before it begins", text), "", fmt::format("write {}{}..{}", group, *last, *first));
  if (*last >= size) return fail(name, fmt::format("there is no {}{}", group, *last), fmt::format("there are {}: {}0 to {}{}", size, group, group, size - 1), "");
  return {group, *first, *last - *first + 1};
}

std::vector<std::pair<LinkEnd, LinkEnd>> LinkNames::pairs_of(const LinkRule& rule) const {
  const Range from = range_of(rule.from), to = range_of(rule.to);
  std::vector<std::pair<LinkEnd, LinkEnd>> pairs;
  if (from.count == 0 || to.count == 0) return pairs;
  if (rule.pattern == LinkPattern::each) {
    if (static_cast<double>(from.count) * static_cast<double>(to.count) > kPairsMax) {
      diagnostics_.error(rule.from.where, fmt::format("the rule has {:.3g} links", static_cast<double>(from.count) * static_cast<double>(to.count)), fmt::format("at most {:g}", kPairsMax), "");
      return pairs;
    }
    const bool same = from.group == to.group && from.first == to.first && from.count == to.count && from.count > 1;
    for (std::int64_t i = 0; i < from.count; ++i)
      for (std::int64_t j = same ? i + 1 : 0; j < to.count; ++j) pairs.emplace_back(from.at(i), to.at(j));
    return pairs;
  }
  const bool longer = from.count >= to.count;
  const Range &many = longer ? from : to, &few = longer ? to : from;
  if (many.count % few.count != 0) {
    diagnostics_.error(rule.from.where, fmt::format("{} and {} do not pair up", rule.from.text, rule.to.text), fmt::format("{} is no multiple of {}", many.count, few.count), "use ranges that divide each other");
    return pairs;
  }
  for (std::int64_t i = 0; i < many.count; ++i) {
    const auto partner = few.at(rule.pattern == LinkPattern::blocks ? i / (many.count / few.count) : i % few.count);
    if (longer) pairs.emplace_back(many.at(i), partner);
    else pairs.emplace_back(partner, many.at(i));
  }
  return pairs;
}

}  // namespace zettatwin::hardware::detail
