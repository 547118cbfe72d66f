// SPDX-License-Identifier: Apache-2.0
#include "training/faults.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "units/text.hpp"

namespace zettatwin::training {
namespace {

using traffic::Fault;
using traffic::FaultKind;

hardware::Chip degraded(const hardware::Chip& chip, double clock, double memory) {
  hardware::Chip result = chip;
  for (auto* peaks : {&result.matrix_peak, &result.vector_peak})
    for (auto& [precision, figure] : *peaks) figure.value *= clock;
  for (auto& [precision, gemm] : result.efficiency.gemm) gemm.l2_bandwidth.value *= clock;
  result.memory.bandwidth.value *= memory;
  return result;
}

}  // namespace

std::vector<hardware::Chip> slow_chips(const hardware::Chip& chip, const std::vector<Fault>& faults) {
  struct Left {
    double clock = 1, memory = 1;
    bool operator<=(const Left& other) const { return clock <= other.clock && memory <= other.memory; }
  };
  std::map<std::vector<std::int64_t>, Left> by_place;
  for (const auto& fault : faults) {
    if (fault.kind == FaultKind::slow_chip) by_place[fault.place.coordinate].clock *= fault.remaining;
    if (fault.kind == FaultKind::slow_hbm) by_place[fault.place.coordinate].memory *= fault.remaining;
  }
  std::vector<Left> slowest;
  for (const auto& [place, left] : by_place) {
    if (std::any_of(slowest.begin(), slowest.end(), [&](const Left& known) { return known <= left; })) continue;
    std::erase_if(slowest, [&](const Left& known) { return left <= known; });
    slowest.push_back(left);
  }
  std::vector<hardware::Chip> chips;
  for (const auto& left : slowest) chips.push_back(degraded(chip, left.clock, left.memory));
  return chips;
}

bool has_one_slow_chip(const std::vector<Fault>& faults, const topology::Fabric& fabric) {
  std::vector<std::vector<std::int64_t>> places;
  for (const auto& fault : faults)
    if (fault.kind == FaultKind::slow_chip || fault.kind == FaultKind::slow_hbm) places.push_back(fault.place.coordinate);
  std::sort(places.begin(), places.end());
  places.erase(std::unique(places.begin(), places.end()), places.end());
  if (places.size() != 1) return false;
  for (std::size_t l = 0; l < places[0].size(); ++l)
    if (places[0][l] == traffic::Place::kEvery && fabric.used[l] > 1) return false;
  return true;
}

std::string_view mechanism_of(FaultKind kind) {
  switch (kind) {
    case FaultKind::slow_chip: return "computation";
    case FaultKind::slow_hbm: return "memory";
    case FaultKind::dead_chip: return "everything";
    default: return "links";
  }
}

std::string what_is_left(const Fault& fault, const hardware::Machine& machine) {
  const auto left = fault.remaining > 0 ? fmt::format("at {:.4g} %", 100 * fault.remaining) : std::string("dead");
  switch (fault.kind) {
    case FaultKind::slow_chip: return "clock " + left;
    case FaultKind::slow_hbm: return "memory bandwidth " + left;
    case FaultKind::dead_chip: return "chip dead";
    default: break;
  }
  if (!fault.place.ends.first.empty()) return fault.place.ends.second.empty() ? "switch " + fault.place.ends.first + " " + left : fmt::format("cable from {} to {} {}", fault.place.ends.first, fault.place.ends.second, left);
  const auto& level = machine.levels[*fault.place.port];
  if (fault.place.peer) return fmt::format("{} link to peer {} {}", level.name, *fault.place.peer, left);
  const auto port = traffic::port_left(fault, machine);
  return fmt::format("{} port {}", level.name, port > 0 ? fmt::format("at {:.4g} %", 100 * port) : "dead");
}

std::string stopped_by(const std::vector<Fault>& faults, const plan::Placement& placement) {
  for (const auto& fault : faults)
    if (fault.kind == FaultKind::dead_chip && !felt_by({fault}, placement).empty())
      return fmt::format("{} is one of the job's chips", traffic::place_text(fault.place, *placement.fabric.machine));
  return "";
}

std::string who_waits(const Fault& fault, const plan::Placement& placement, std::int64_t stages) {
  const auto felt = felt_by({fault}, placement);
  if (felt.empty()) return "outside the job: nobody";
  std::vector<std::string> waits;
  const auto peers = [&](const space::View& view, const char* word, const char* when) {
    if (view.size() > 1) waits.push_back(fmt::format("{} {} {}", units::grouped(view.size() - 1), word, when));
  };
  peers(placement.groups.tensor, "tensor peers", "in every layer");
  peers(placement.groups.context, "context peers", "in every layer");
  peers(placement.groups.expert, "expert peers", "in every expert layer");
  peers(placement.groups.pipeline, "other stages", "in the pipeline");
  if (placement.dp > 1) waits.push_back(fmt::format("all {} replicas at the gradient reduction", units::grouped(placement.dp)));
  std::vector<std::int64_t> at;
  for (const auto& f : felt) at.push_back(f.stage);
  std::sort(at.begin(), at.end());
  at.erase(std::unique(at.begin(), at.end()), at.end());
  const auto text = static_cast<std::int64_t>(at.size()) == stages && stages > 1 ? std::string("every pipeline rank") : fmt::format("pipeline rank{} {}", at.size() > 1 ? "s" : "", fmt::join(at, ", "));
  return fmt::format("felt by {}{}", text, waits.empty() ? "" : fmt::format("; for it wait {}", fmt::join(waits, ", ")));
}

std::string how_felt(const Fault& fault, const plan::Placement& placement, std::int64_t stages, std::int64_t rank) {
  if (felt_by({fault}, placement).empty()) return "outside the job: not at all";
  const auto stage = static_cast<std::size_t>(rank / placement.pipeline_stride % stages);
  const auto here = faults_of_cluster({fault}, placement, stages, rank);
  if (is_at(fault, placement, rank)) return fmt::format("itself: {}", what_is_left(fault, *placement.fabric.machine));
  if (!here.of_cluster[stage].empty()) return "through a rank of its stage that it waits for in every layer";
  for (const auto& other : here.of_cluster)
    if (!other.empty()) return "through another stage of its pipeline";
  return "at the reduction of gradients, where it waits for the slowest replicas";
}

}  // namespace zettatwin::training
