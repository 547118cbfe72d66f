// SPDX-License-Identifier: Apache-2.0
#include "api/all_to_all.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

#include "training/operation_timer.hpp"
#include "units/text.hpp"

namespace zettatwin::api {
namespace {

using config::location_in;

std::optional<double> number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

// Between commas and white space.
std::vector<std::string_view> words_of(std::string_view text) {
  constexpr std::string_view kBetween = ", \t\r\n";
  std::vector<std::string_view> words;
  for (auto first = text.find_first_not_of(kBetween); first != std::string_view::npos; first = text.find_first_not_of(kBetween)) {
    text.remove_prefix(first);
    words.push_back(text.substr(0, text.find_first_of(kBetween)));
    text.remove_prefix(words.back().size());
  }
  return words;
}

training::Routing routing_of(const ExpertDispatch& d) { return {.experts = d.experts, .top_k = d.top_k, .groups = std::max<std::int64_t>(1, d.groups), .group_limit = d.group_limit}; }

}  // namespace

std::optional<std::vector<double>> parse_skew(const std::string& text, std::int64_t members, config::Diagnostics& diagnostics) {
  constexpr std::int64_t kMembersMax = 1 << 20;
  const auto fail = [&](const std::string& problem) {
    diagnostics.error(location_in("--skew"), problem, "relative loads of receivers are numbers from 0, not all 0", "write zipf:1.0, or loads of the first ranks such as 4,2,1 (the others get 1)");
    return std::nullopt;
  };
  if (members > kMembersMax) return fail(fmt::format("{} receivers are too many to be told apart", units::grouped(members)));
  std::vector<double> loads(static_cast<std::size_t>(members), 1);
  if (text.starts_with("zipf:")) {
    const auto exponent = number(std::string_view(text).substr(5));
    if (!exponent || *exponent < 0 || *exponent > 10) return fail(fmt::format("'{}' is not an exponent from 0 to 10", text.substr(5)));
    for (std::size_t i = 0; i < loads.size(); ++i) loads[i] = std::pow(static_cast<double>(i + 1), -*exponent);
  } else {
    const auto words = words_of(text);
    if (words.empty() || words.size() > loads.size()) return fail(fmt::format("{} loads for {} ranks", words.size(), units::grouped(members)));
    for (std::size_t i = 0; i < words.size(); ++i) {
      const auto load = number(words[i]);
      if (!load || *load < 0 || *load > 1e9) return fail(fmt::format("'{}' is not a load", words[i]));
      loads[i] = *load;
    }
  }
  const double mean = std::accumulate(loads.begin(), loads.end(), 0.0) / static_cast<double>(members);
  if (!(mean > 0)) return fail("nobody receives anything");
  for (auto& load : loads) load /= mean;
  return loads;
}

bool check(ExpertDispatch& d, const topology::Spread& spread, config::Diagnostics& diagnostics) {
  const auto errors = diagnostics.error_count();
  const auto error = [&](const char* option, const std::string& problem, const std::string& suggestion) { diagnostics.error(location_in(option), problem, "", suggestion); };
  if (d.top_k == 0) {
    if (d.experts != 0 || d.groups != 0 || d.group_limit != 0) error("--top-k", "experts are given, but not how many a token picks", "write --top-k 8");
    return diagnostics.error_count() == errors;
  }
  const auto ranks = spread.size(), outermost = static_cast<std::int64_t>(spread.outermost());
  if (d.experts == 0) d.experts = ranks;
  if (d.experts < ranks || d.experts % ranks != 0) error("--experts", fmt::format("{} experts do not divide evenly over {} ranks", d.experts, ranks), fmt::format("write a multiple of {}", ranks));
  if (d.top_k < 1 || d.top_k > d.experts) error("--top-k", fmt::format("a token cannot pick {} of {} experts", d.top_k, d.experts), fmt::format("write 1 to {}", d.experts));
  if (d.group_limit == 0 && d.groups != 0) error("--group-limit", "groups of experts are given, but not how many a token may reach", "write --group-limit 4");
  if (d.group_limit == 0) return diagnostics.error_count() == errors;
  if (d.groups == 0) d.groups = outermost < static_cast<std::int64_t>(spread.fanout.size()) ? spread.fanout[static_cast<std::size_t>(outermost)] : 1;
  if (d.groups < 1 || d.experts % std::max<std::int64_t>(1, d.groups) != 0) error("--expert-groups", fmt::format("{} experts are not {} equal groups", d.experts, d.groups), "write a divisor of the experts");
  else if (d.group_limit < 1 || d.group_limit > d.groups) error("--group-limit", fmt::format("a token cannot reach {} of {} groups", d.group_limit, d.groups), fmt::format("write 1 to {}", d.groups));
  else if (d.top_k > d.experts / d.groups * d.group_limit)
    error("--group-limit", fmt::format("{} groups hold {} experts, fewer than the {} a token picks", d.group_limit, d.experts / d.groups * d.group_limit, d.top_k), "allow more groups");
  return diagnostics.error_count() == errors;
}

std::vector<units::Bytes> bytes_across_level(const ExpertDispatch& d, units::Bytes bytes, const topology::Spread& spread) {
  std::vector<units::Bytes> across;
  if (d.top_k == 0) return across;
  const auto routing = routing_of(d);
  double below = training::expected_units_reached(spread.size(), routing);
  for (std::size_t level = 0; level < spread.fanout.size(); ++level) {
    const double reached = std::min(below, training::expected_units_reached(spread.size() / spread.members_below(level + 1), routing));
    across.push_back((below - reached) / static_cast<double>(d.top_k) * bytes);
    below = reached;
  }
  return across;
}

}  // namespace zettatwin::api
