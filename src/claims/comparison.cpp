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
  const bool by_chips = c.basis == Basis::chips;
  const double share = by_chips ? static_cast<double>(machine.chips()) / static_cast<double>(reference.chips()) : fp8_of(machine).si() / fp8_of(reference).si();
  const auto units = machine.chips() / unit;
  return unit * round_units(share > 0 ? static_cast<double>(units) / share : 1);
}

bool same_batch(const Simulation& s, double tokens) {
  return std::abs(static_cast<double>(s.result.tokens_per_step) - tokens) <= kBatchTolerance * tokens;
}

// Training of one machine of the comparison.
class Trainer final {
 public:
  Trainer(const Comparison& c, const MachineKey& key, World& world, const config::Location& where, config::Diagnostics& diagnostics)
      : c_(c), key_(key), world_(world), where_(where), diagnostics_(diagnostics) {}

  // At the comparison's batch. Where nothing has to be adapted, the plan's own choice of a batch serves too, which other claims simulate as well.
  BatchResult fastest(std::int64_t chips) {
    BatchResult best;
    if (odd_factor(chips) == 1) best = at(0, 1);
    if (best.simulation) return best;
    for (const auto batch : batches_for(chips, c_.global_batch)) {
      const auto next = at(batch, 1);
      if (next.simulation && (!best.simulation || faster(*next.simulation, *best.simulation))) best = next;
    }
    return best;
  }
  // With `times` its tokens per step; nothing if that is not near `times` the comparison's.
  BatchResult at(std::int64_t batch, std::int64_t times) {
    const SimulationKey key{.machine = key_, .model = c_.model, .global_batch = batch * times, .sequence_length = c_.sequence_length};
    BatchResult result{.times = times, .simulation = world_.simulation(key, where_, diagnostics_)};
    if (!result.simulation || (result.simulation->feasible && !same_batch(*result.simulation, static_cast<double>(c_.global_batch * times * c_.sequence_length))))
      result.simulation = nullptr;
    return result;
  }

 private:
  static bool faster(const Simulation& a, const Simulation& b) {
    return a.feasible && (!b.feasible || a.result.tokens_per_s > b.result.tokens_per_s);
  }

  const Comparison& c_;
  const MachineKey& key_;
  World& world_;
  const config::Location& where_;
  config::Diagnostics& diagnostics_;
};

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
    Trainer trainer(c, key, world, where, diagnostics);
    column.batches.push_back(trainer.fastest(machine->chips()));
    const auto* first = column.batches.front().simulation.get();
    const auto batch = first && first->plan.global_batch > 0 ? first->plan.global_batch : c.global_batch;
    if (c.larger_batch > 1) column.batches.push_back(trainer.at(batch, c.larger_batch));
    std::erase_if(column.batches, [](const BatchResult& b) { return !b.simulation; });
    result.machines.push_back(std::move(column));
  }
  return result;
}

}  // namespace zettatwin::claims
