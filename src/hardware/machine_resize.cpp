// SPDX-License-Identifier: Apache-2.0
// A machine with another number of chips.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/contract.hpp"
#include "hardware/machine.hpp"
#include "units/text.hpp"

namespace zettatwin::hardware {
namespace {

// The most units that level l can hold: only the outermost level can be built larger than it is.
std::int64_t size_limit(const Machine& machine, std::size_t l) {
  const Level& level = machine.levels[l];
  const bool fixed = level.network.kind == NetworkKind::full_mesh || level.network.kind == NetworkKind::torus || is_graph(level.network.kind);
  if (l + 1 < machine.levels.size() || fixed) return level.size;
  constexpr std::int64_t kNoLimit = 1'000'000'000;
  return level.size_max > 0 ? level.size_max : kNoLimit;
}

// The box nearest to a cube with `units` units inside a torus of the given sizes, dimension by dimension.
std::optional<std::vector<std::int64_t>> slice_of_torus(std::span<const std::int64_t> sizes, std::int64_t units) {
  if (sizes.empty()) return units == 1 ? std::optional(std::vector<std::int64_t>{}) : std::nullopt;
  const auto longest = [](const std::vector<std::int64_t>& box) { return *std::max_element(box.begin(), box.end()); };
  std::optional<std::vector<std::int64_t>> best;
  for (std::int64_t extent = 1; extent <= std::min(sizes[0], units); ++extent) {
    if (units % extent != 0) continue;
    auto box = slice_of_torus(sizes.subspan(1), units / extent);
    if (!box) continue;
    box->insert(box->begin(), extent);
    if (!best || longest(*box) < longest(*best)) best = std::move(box);
  }
  return best;
}

// The nearest possible numbers of chips below and above, whole units of level l - 1 inside level l.
void report_nearest(const Machine& machine, std::size_t l, std::int64_t chips, const config::Location& where,
                    config::Diagnostics& diagnostics) {
  const std::int64_t unit = machine.chips_within(l);
  const std::int64_t below = chips / unit * unit;
  const std::int64_t above = below + unit;
  const bool above_fits = above / unit <= size_limit(machine, l);
  const std::string unit_name = l == 0 ? "chip" : machine.levels[l - 1].name;
  diagnostics.error(where, fmt::format("{} chips are not a whole number of {}s of '{}'", units::grouped(chips), unit_name, machine.name),
                    fmt::format("one {} has {} chips", unit_name, units::grouped(unit)),
                    above_fits ? fmt::format("the nearest sizes are {} and {}", units::grouped(below), units::grouped(above))
                               : fmt::format("the nearest size is {}", units::grouped(below)));
}

}  // namespace

std::optional<Machine> resized(const Machine& machine, std::int64_t chips, const config::Location& where,
                               config::Diagnostics& diagnostics) {
  ZT_EXPECT(!machine.levels.empty(), machine.name);
  if (chips < 1) {
    diagnostics.error(where, fmt::format("'{}' cannot have {} chips", machine.name, chips), "a machine has at least one");
    return std::nullopt;
  }
  std::size_t l = 0;
  while (l + 1 < machine.levels.size() && chips > machine.chips_within(l + 1)) ++l;
  const std::int64_t unit = machine.chips_within(l);
  if (chips % unit != 0) {
    report_nearest(machine, l, chips, where, diagnostics);
    return std::nullopt;
  }
  if (chips / unit > size_limit(machine, l)) {
    diagnostics.error(where, fmt::format("'{}' has at most {} chips, not {}", machine.name, units::grouped(size_limit(machine, l) * unit), units::grouped(chips)),
                      fmt::format("its outermost level '{}' cannot be built larger", machine.levels[l].name), "choose a machine with a further level");
    return std::nullopt;
  }
  Machine result = machine;
  Level& level = result.levels[l];
  if (level.network.kind == NetworkKind::torus && chips / unit != level.size) {
    auto box = slice_of_torus(level.network.torus, chips / unit);
    if (!box) {
      diagnostics.error(where, fmt::format("{} chips are no box inside the torus of '{}'", units::grouped(chips), machine.name),
                        fmt::format("its sizes are {}", fmt::join(machine.levels[l].network.torus, " x ")));
      return std::nullopt;
    }
    level.network.torus = std::move(*box);
  }
  level.size = chips / unit;
  for (std::size_t outer = l + 1; outer < result.levels.size(); ++outer) {
    result.levels[outer].size = 1;
    auto& torus = result.levels[outer].network.torus;
    std::fill(torus.begin(), torus.end(), 1);
  }
  derive_rates(result);
  ZT_ENSURE(result.chips() == chips, std::to_string(chips));
  return result;
}

}  // namespace zettatwin::hardware
