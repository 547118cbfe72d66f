// SPDX-License-Identifier: Apache-2.0
#include "capacity/fleet_size.hpp"

#include <algorithm>
#include <cmath>

#include "base/contract.hpp"

namespace zettatwin::capacity {
namespace {

constexpr double kRounding = 1e-9;  // of ratios of rates

std::int64_t up(double x) { return std::max<std::int64_t>(1, static_cast<std::int64_t>(std::ceil(x - kRounding))); }

std::int64_t chips_of(const Point& state, inference::Role role) {
  std::int64_t chips = 0;
  for (const auto& pool : state.deployment.pools)
    if ((pool.role == inference::Role::prefill) == (role == inference::Role::prefill)) chips += pool.chips();
  return chips;
}

}  // namespace

double units_filled(const Point& state, const Traffic& traffic) {
  ZT_EXPECT(state.tokens_per_s > 0 && state.concurrency > 0, "a state that answers requests");
  if (traffic.concurrency > 0) return static_cast<double>(traffic.concurrency) / state.concurrency;
  return traffic.requests_per_s / requests_per_s(state, traffic.output);
}

std::int64_t units_needed(const Point& state, const Traffic& traffic) { return up(units_filled(state, traffic)); }

FleetSize with_chips(const Point& state, FleetSize size) {
  size.chips = size.units * chips_of(state, inference::Role::decode) + size.prefill * chips_of(state, inference::Role::prefill);
  return size;
}

FleetSize fleet_of(const Point& state, const Traffic& traffic, std::int64_t units) {
  FleetSize size{.units = units, .prefill = 0, .chips = 0};
  const double spread = static_cast<double>(units) / static_cast<double>(units_needed(state, traffic));
  if (state.disaggregated()) size.prefill = up(state.prefill_per_decode * units_filled(state, traffic) * spread);
  return with_chips(state, size);
}

std::int64_t units_on(const Point& state, const Traffic& traffic, std::int64_t chips) {
  std::int64_t low = 0, high = chips / std::max<std::int64_t>(1, chips_of(state, inference::Role::decode)) + 1;
  while (low + 1 < high) {
    const auto middle = low + (high - low) / 2;
    (fleet_of(state, traffic, middle).chips <= chips ? low : high) = middle;
  }
  return low;
}

std::vector<Point> smallest_first(std::vector<Point> states, const Traffic& traffic, std::int64_t chips) {
  std::erase_if(states, [&](const Point& p) { return units_on(p, traffic, chips) == 0; });
  const auto needs = [&](const Point& p) { return fleet_of(p, traffic, units_needed(p, traffic)).chips; };
  std::stable_sort(states.begin(), states.end(), [&](const Point& a, const Point& b) {
    const auto x = needs(a), y = needs(b);
    if (x != y) return x < y;
    return a.tokens_per_s * static_cast<double>(units_needed(a, traffic)) > b.tokens_per_s * static_cast<double>(units_needed(b, traffic));
  });
  return states;
}

}  // namespace zettatwin::capacity
