// SPDX-License-Identifier: Apache-2.0
#include "training/faults.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "units/text.hpp"

namespace zettatwin::training {
namespace {

using traffic::Fault;
using traffic::FaultKind;
using traffic::Place;

// The lowest rank at the place, with every coordinate that stands for all of them 0; nothing if it is outside the job.
std::optional<std::int64_t> rank_at(const Place& place, const topology::Fabric& fabric) {
  std::int64_t rank = 0;
  for (std::size_t l = 0; l < place.coordinate.size(); ++l) {
    const auto c = std::max<std::int64_t>(0, place.coordinate[l]);
    if (c >= fabric.used[l]) return std::nullopt;
    rank += c * (l > 0 ? fabric.ranks_within(l - 1) : 1);
  }
  return rank;
}

// Levels from which on a place names its unit: ranks of the unit are consecutive.
std::int64_t ranks_of_unit(const Place& place, const topology::Fabric& fabric) {
  std::int64_t ranks = 1;
  for (std::size_t l = 0; l < place.coordinate.size(); ++l)
    if (place.coordinate[l] == Place::kEvery) ranks = fabric.ranks_within(l);
  return ranks;
}

std::int64_t stage_of(const plan::Placement& placement, std::int64_t rank, std::int64_t stages) { return rank / placement.pipeline_stride % stages; }

std::vector<Felt> felt_by(std::size_t index, const Fault& fault, const plan::Placement& placement, std::int64_t stages) {
  const auto& fabric = placement.fabric;
  std::vector<Felt> felt;
  const auto rank = rank_at(fault.place, fabric);
  if (!rank) return felt;
  if (fault.kind == FaultKind::dead_switch || fault.kind == FaultKind::dead_plane) {
    const auto ranks = ranks_of_unit(fault.place, fabric);
    const auto first = *rank / ranks * ranks;
    // Consecutive ranks meet a new stage every pipeline_stride ranks.
    const auto steps = std::min(stages, (first + ranks - 1) / placement.pipeline_stride - first / placement.pipeline_stride + 1);
    for (std::int64_t i = 0; i < steps; ++i) felt.push_back({index, stage_of(placement, first + i * placement.pipeline_stride, stages), std::nullopt});
    return felt;
  }
  felt.push_back({index, stage_of(placement, *rank, stages), cluster_of(placement, *rank)});
  if (!fault.place.peer) return felt;
  Place other = fault.place;
  other.coordinate[*fault.place.port] = *fault.place.peer;
  const auto peer = rank_at(other, fabric);
  if (!peer) return {};  // a link to a chip that the job does not use
  const Felt end{index, stage_of(placement, *peer, stages), cluster_of(placement, *peer)};
  if (end.stage != felt[0].stage || end.cluster != felt[0].cluster) felt.push_back(end);
  return felt;
}

}  // namespace

std::int64_t cluster_of(const plan::Placement& placement, std::int64_t rank) {
  const auto& g = placement.groups;
  for (const auto* view : {&g.tensor, &g.context, &g.expert_tensor, &g.expert, &g.pipeline})
    for (const auto& atom : view->atoms) rank -= rank / atom.stride % atom.size * atom.stride;
  return rank;
}

std::vector<Felt> felt_by(const std::vector<Fault>& faults, const plan::Placement& placement, std::int64_t stages) {
  std::vector<Felt> felt;
  for (std::size_t i = 0; i < faults.size(); ++i)
    for (const auto& one : felt_by(i, faults[i], placement, stages)) felt.push_back(one);
  return felt;
}

hardware::Chip degraded(const hardware::Chip& chip, const std::vector<Fault>& faults) {
  std::map<std::pair<FaultKind, std::vector<std::int64_t>>, double> of_chip;
  for (const auto& fault : faults)
    if (fault.kind == FaultKind::slow_chip || fault.kind == FaultKind::slow_hbm) {
      auto& left = of_chip.try_emplace({fault.kind, fault.place.coordinate}, 1.0).first->second;
      left *= fault.remaining;
    }
  double clock = 1, memory = 1;
  for (const auto& [key, left] : of_chip) (key.first == FaultKind::slow_chip ? clock : memory) = std::min(key.first == FaultKind::slow_chip ? clock : memory, left);
  hardware::Chip result = chip;
  for (auto* peaks : {&result.matrix_peak, &result.vector_peak})
    for (auto& [precision, figure] : *peaks) figure.value *= clock;
  for (auto& [precision, gemm] : result.efficiency.gemm) gemm.l2_bandwidth.value *= clock;
  result.memory.bandwidth.value *= memory;
  return result;
}

std::vector<StageFaults> candidates(const std::vector<Fault>& faults, const plan::Placement& placement, std::int64_t stages) {
  const auto felt = felt_by(faults, placement, stages);
  std::set<std::int64_t> clusters;
  for (const auto& f : felt)
    if (f.cluster) clusters.insert(*f.cluster);
  if (clusters.empty()) clusters.insert(0);
  const auto add = [&](std::vector<Fault>& list, const Fault& fault) {
    if (std::none_of(list.begin(), list.end(), [&](const Fault& known) { return known.text == fault.text && known.place == fault.place; })) list.push_back(fault);
  };
  std::vector<StageFaults> result;
  for (const auto cluster : clusters) {
    StageFaults candidate;
    candidate.of_cluster.resize(static_cast<std::size_t>(stages));
    candidate.of_all.resize(static_cast<std::size_t>(stages));
    for (const auto& f : felt) {
      const auto stage = static_cast<std::size_t>(f.stage);
      add(candidate.of_all[stage], faults[f.fault]);
      if (!f.cluster || *f.cluster == cluster) add(candidate.of_cluster[stage], faults[f.fault]);
    }
    result.push_back(std::move(candidate));
  }
  return result;
}

std::string stopped_by(const std::vector<Fault>& faults, const plan::Placement& placement) {
  for (const auto& fault : faults)
    if (fault.kind == FaultKind::dead_chip && rank_at(fault.place, placement.fabric))
      return fmt::format("{} is one of the job's chips", traffic::place_text(fault.place, *placement.fabric.machine));
  return "";
}

std::string who_waits(const Fault& fault, const plan::Placement& placement, std::int64_t stages) {
  const auto felt = felt_by(std::vector{fault}, placement, stages);
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

}  // namespace zettatwin::training
