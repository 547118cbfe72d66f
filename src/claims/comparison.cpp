// SPDX-License-Identifier: Apache-2.0
#include "claims/comparison.hpp"

#include <algorithm>
#include <cmath>

#include "base/contract.hpp"
#include "claims/detail/machine_values.hpp"

namespace zettatwin::claims {
namespace {

constexpr double kSizeTolerance = 0.01;
constexpr double kBatchTolerance = 0.02;

Value fp8_of(const hardware::Machine& machine) {
  return detail::machine_value({.kind = MeasureKind::matrix_peak, .precision = hardware::Precision::fp8}, machine);
}

// The size of `machine` that equals the reference.
std::int64_t equal_chips(const Comparison& c, const hardware::Machine& machine, const hardware::Machine& reference) {
  const auto unit = machine.chips_within(machine.levels.size() - 1);
  const double share = c.basis == Basis::chips ? static_cast<double>(machine.chips()) / static_cast<double>(reference.chips()) : fp8_of(machine).si() / fp8_of(reference).si();
  return unit * round_units(share > 0 ? static_cast<double>(machine.chips() / unit) / share : 1);
}

bool same_batch(const Simulation& s, double tokens) {
  return std::abs(static_cast<double>(s.result.tokens_per_step) - tokens) <= kBatchTolerance * tokens;
}

// The fastest of the batches that suit the machine.
BatchResult simulate(const Comparison& c, const MachineKey& key, std::int64_t chips, std::int64_t times, World& world, const config::Location& where,
                     config::Diagnostics& diagnostics) {
  BatchResult best{.times = times};
  std::vector<std::int64_t> batches = batches_for(chips, c.global_batch);
  for (auto& batch : batches) batch *= times;
  if (times == 1) batches.push_back(0);  // the plan's choice
  for (const auto batch : batches) {
    const auto s = world.simulation({.machine = key, .model = c.model, .global_batch = batch, .sequence_length = c.sequence_length}, where, diagnostics);
    if (!s || (s->feasible && !same_batch(*s, static_cast<double>(c.global_batch * times * c.sequence_length)))) continue;
    const bool better = !best.simulation || (s->feasible && (!best.simulation->feasible || s->result.tokens_per_s > best.simulation->result.tokens_per_s));
    if (better) best.simulation = s;
  }
  return best;
}

}  // namespace

std::int64_t odd_factor(std::int64_t number) {
  ZT_EXPECT(number > 0, std::to_string(number));
  while (number % 2 == 0) number /= 2;
  return number;
}

std::int64_t round_units(double wanted) {
  const auto nearest = std::max<std::int64_t>(1, std::llround(wanted));
  const auto low = static_cast<std::int64_t>(std::ceil(wanted * (1 - kSizeTolerance)));
  const auto high = static_cast<std::int64_t>(std::floor(wanted * (1 + kSizeTolerance)));
  std::int64_t best = nearest;
  const auto distance = [wanted](std::int64_t n) { return std::abs(static_cast<double>(n) - wanted); };
  for (auto n = std::max<std::int64_t>(1, low); n <= high; ++n) {
    const bool within = best >= low && best <= high;
    if (!within || odd_factor(n) < odd_factor(best) || (odd_factor(n) == odd_factor(best) && distance(n) < distance(best))) best = n;
  }
  return best;
}

std::vector<std::int64_t> batches_for(std::int64_t chips, std::int64_t batch) {
  std::vector<std::int64_t> batches{batch};
  const auto odd = odd_factor(chips);
  const auto multiple = std::max<std::int64_t>(1, std::llround(static_cast<double>(batch) / static_cast<double>(odd))) * odd;
  const double off = std::abs(static_cast<double>(multiple - batch)) / static_cast<double>(batch);
  if (multiple != batch && off <= kBatchTolerance) batches.push_back(multiple);
  return batches;
}

ComparisonResult compared(const Comparison& c, World& world, const config::Location& where, config::Diagnostics& diagnostics) {
  ComparisonResult result{.comparison = c, .machines = {}};
  const auto* reference = world.machine({.machine = c.reference}, where, diagnostics);
  if (!reference) return result;
  std::vector<MachineKey> keys{{.machine = c.reference}};
  for (const auto& name : c.machines)
    if (const auto* whole = world.machine({.machine = name}, where, diagnostics)) keys.push_back({.machine = name, .chips = equal_chips(c, *whole, *reference)});
  for (const auto& key : keys) {
    const auto* machine = world.machine(key, where, diagnostics);
    if (!machine) continue;
    const auto value = [&](MeasureKind kind) { return detail::machine_value({.kind = kind}, *machine); };
    ComparedMachine column{.machine = *machine, .chips = value(MeasureKind::chips), .racks = value(MeasureKind::racks), .fp8 = fp8_of(*machine),
                           .hbm = value(MeasureKind::hbm_capacity), .hbm_bandwidth = value(MeasureKind::hbm_bandwidth), .it_power = value(MeasureKind::it_power),
                           .batches = {}};
    column.batches.push_back(simulate(c, key, machine->chips(), 1, world, where, diagnostics));
    if (c.larger_batch > 1) column.batches.push_back(simulate(c, key, machine->chips(), c.larger_batch, world, where, diagnostics));
    std::erase_if(column.batches, [](const BatchResult& b) { return !b.simulation; });
    result.machines.push_back(std::move(column));
  }
  return result;
}

}  // namespace zettatwin::claims
