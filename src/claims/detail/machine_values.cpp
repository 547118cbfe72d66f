// SPDX-License-Identifier: Apache-2.0
#include "claims/detail/machine_values.hpp"

#include <fmt/format.h>

#include "base/contract.hpp"

namespace zettatwin::claims::detail {
namespace {

using hardware::Machine;
using hardware::Precision;

constexpr double kBinaryStep = 1000.0 / 1024.0;

template <class Table>
Value peak_figure(const Table& table, Precision precision, const std::string& unit, const hardware::Chip& chip) {
  const auto name = fmt::format("{} {} peak", name_of(precision), unit);
  const auto found = table.find(precision);
  return found == table.end() ? missing_value(fmt::format("the catalog has no {} of {}", name, chip.name)) : from_figure(name, chip.name, found->second);
}

Value per_chip(const Measure& m, const Machine& machine) {
  const auto& chip = machine.chip;
  switch (m.kind) {
    case MeasureKind::matrix_peak: return peak_figure(chip.matrix_peak, m.precision, "matrix", chip);
    case MeasureKind::headline_peak: return peak_figure(chip.headline_peak, m.precision, "announced", chip);
    case MeasureKind::total_peak: return peak_figure(chip.matrix_peak, m.precision, "matrix", chip) + peak_figure(chip.vector_peak, Precision::fp16, "vector", chip);
    case MeasureKind::hbm_capacity: return from_figure("memory capacity", chip.name, chip.memory.capacity);
    case MeasureKind::hbm_bandwidth: return from_figure("memory bandwidth", chip.name, chip.memory.bandwidth);
    case MeasureKind::port_bandwidth: return from_figure("scale-up bandwidth", chip.name, chip.scale_up_bandwidth);
    case MeasureKind::chip_cost: return from_figure("price", chip.name, chip.price);
    default: break;
  }
  ZT_ASSERT(false, std::to_string(static_cast<int>(m.kind)));
  return {};
}

Value of_all_chips(const Measure& m, const Machine& machine) {
  Value each = per_chip(m, machine);
  if (m.both_directions) each = scaled(std::move(each), 2, "x 2 directions");
  if (m.digits > 0) each = rounded(std::move(each), m.digits);
  Value all = chips_of(machine) * each;
  return m.binary_step ? scaled(std::move(all), kBinaryStep, "x 1,000 / 1,024") : all;
}

Value units_per(const Machine& machine) {
  return counted(fmt::format("{}s", machine.racks.per), machine.units_of(machine.racks.per), fmt::format("levels of {}", machine.name));
}

Value racks_per_unit(const Machine& machine) {
  Value racks = from_figure("compute racks", machine.name, machine.racks.compute_racks);
  return machine.racks.interconnect_racks.present ? racks + from_figure("interconnect racks", machine.name, machine.racks.interconnect_racks) : racks;
}

Value area_of(const Machine& machine) {
  return units_per(machine) * from_figure("floor area", machine.name, machine.racks.floor_area);
}

Value scale_out_power(const Machine& machine) {
  return chips_of(machine) * from_figure("scale-out power per chip", machine.name, machine.power.scale_out);
}

// Racks for the scale-out network at the power and area of the machine's own racks.
Value area_with_scale_out(const Machine& machine) {
  const auto rack_power = from_figure("interconnect rack power", machine.name, machine.racks.interconnect_rack_power);
  const auto area_per_rack = from_figure("floor area", machine.name, machine.racks.floor_area) / racks_per_unit(machine);
  return area_of(machine) + scale_out_power(machine) / rack_power * area_per_rack;
}

// Memory of a chip and its share of the further tiers.
Value all_memory(const Machine& machine) {
  Value each = from_figure("memory capacity", machine.chip.name, machine.chip.memory.capacity);
  for (const auto& tier : machine.memory_tiers) each = each + from_figure(fmt::format("{} memory per chip", tier.name), machine.name, tier.capacity_per_chip);
  return chips_of(machine) * each;
}

// The outermost level with more than one unit; of the memory fabric alone if scale-out networks do not count.
const hardware::Level* outermost(const Machine& machine, bool scale_out_counts) {
  const hardware::Level* found = nullptr;
  for (const auto& level : machine.levels)
    if (level.size > 1 && (scale_out_counts || !level.scale_out)) found = &level;
  return found;
}

Value level_bandwidth(const Machine& machine, const hardware::Level& level) {
  return from_figure(fmt::format("{} bandwidth", level.name), machine.name, level.network.bandwidth);
}

Value fabric_bandwidth(const Machine& machine, bool both_directions) {
  const auto* level = outermost(machine, false);
  if (!level) return missing_value("one chip has no fabric");
  Value each = level_bandwidth(machine, *level);
  return chips_of(machine) * (both_directions ? scaled(std::move(each), 2, "x 2 directions") : each);
}

// Half of the chips send at once through the outermost network.
Value bisection(const Machine& machine, bool achieved) {
  const auto* level = outermost(machine, true);
  if (!level) return missing_value("one chip has no bisection");
  const auto& network = level->network;
  Value value = scaled(chips_of(machine), 0.5, "/ 2") * level_bandwidth(machine, *level);
  if (network.oversubscription.present) value = value / from_figure("oversubscription", machine.name, network.oversubscription);
  return achieved ? value * from_figure(fmt::format("{} efficiency", level->name), machine.name, network.efficiency) : value;
}

}  // namespace

Value chips_of(const Machine& machine) {
  std::string levels;
  for (const auto& level : machine.levels)
    if (level.size > 1) levels += fmt::format("{}{}", levels.empty() ? "" : " x ", level.size);
  return counted("chips", static_cast<double>(machine.chips()), fmt::format("{} of {}", levels, machine.name));
}

Value racks_of(const Machine& machine) { return units_per(machine) * racks_per_unit(machine); }

Value it_power(const Machine& machine) {
  const auto inside = from_figure("power per chip in the racks", machine.name, machine.power.per_chip);
  const bool outside = machine.power.scale_out.present;
  return chips_of(machine) * (outside ? inside + from_figure("scale-out power per chip", machine.name, machine.power.scale_out) : inside);
}

Value machine_value(const Measure& m, const Machine& machine) {
  const auto& p = machine.published;
  switch (m.kind) {
    case MeasureKind::chips: return chips_of(machine);
    case MeasureKind::racks: return racks_of(machine);
    case MeasureKind::all_memory: return all_memory(machine);
    case MeasureKind::fabric_bandwidth: return fabric_bandwidth(machine, m.both_directions);
    case MeasureKind::bisection: return bisection(machine, false);
    case MeasureKind::bisection_achieved: return bisection(machine, true);
    case MeasureKind::floor_area: return area_of(machine);
    case MeasureKind::floor_area_with_scale_out: return area_with_scale_out(machine);
    case MeasureKind::it_power: return it_power(machine);
    case MeasureKind::facility_power: return it_power(machine) * from_figure("PUE", machine.name, machine.power.pue);
    case MeasureKind::published_chips: return from_figure("published number of chips", machine.name, p.chips);
    case MeasureKind::published_fp8: return from_figure("published FP8 rate", machine.name, p.fp8);
    case MeasureKind::published_fp4: return from_figure("published FP4 rate", machine.name, p.fp4);
    case MeasureKind::published_memory: return from_figure("published memory", machine.name, p.memory);
    case MeasureKind::published_interconnect: return from_figure("published interconnect", machine.name, p.interconnect);
    default: return of_all_chips(m, machine);
  }
}

}  // namespace zettatwin::claims::detail
