// SPDX-License-Identifier: Apache-2.0
#include "training/clusters.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>

namespace zettatwin::training {
namespace {

using traffic::Fault;
using traffic::FaultKind;
using traffic::Place;

std::array<const space::View*, 5> coupled(const plan::Groups& g) { return {&g.tensor, &g.context, &g.expert_tensor, &g.expert, &g.pipeline}; }

std::vector<std::int64_t> edges_of(const plan::Placement& placement) {
  std::vector<std::int64_t> edges{1, placement.world};
  for (std::size_t l = 0; l < placement.fabric.used.size(); ++l) edges.push_back(placement.fabric.ranks_within(l));
  for (const auto* view : coupled(placement.groups))
    for (const auto& atom : view->atoms) {
      edges.push_back(atom.stride);
      edges.push_back(atom.stride * atom.size);
    }
  std::sort(edges.begin(), edges.end());
  edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
  return edges;
}

// A digit of ranks.
struct Digit {
  std::int64_t stride = 1, size = 1;
  std::size_t level = 0;       // of the machine, that it is part of
  std::int64_t of_level = 1;   // its stride among the level's units
  enum class Part { coupled, pipeline, cluster } part = Part::cluster;
};

bool covers(const space::View& view, std::int64_t stride) {
  return std::any_of(view.atoms.begin(), view.atoms.end(), [stride](const space::Atom& a) { return a.stride <= stride && stride < a.stride * a.size; });
}

std::vector<Digit> digits_of(const plan::Placement& placement) {
  const auto edges = edges_of(placement);
  const auto views = coupled(placement.groups);
  std::vector<Digit> digits;
  std::size_t level = 0;
  for (std::size_t i = 0; i + 1 < edges.size(); ++i) {
    while (edges[i] >= placement.fabric.ranks_within(level)) ++level;
    Digit digit{.stride = edges[i], .size = edges[i + 1] / edges[i], .level = level, .of_level = edges[i] / (level > 0 ? placement.fabric.ranks_within(level - 1) : 1)};
    const bool in_any = std::any_of(views.begin(), views.end(), [&](const auto* view) { return covers(*view, digit.stride); });
    if (in_any) digit.part = covers(placement.groups.pipeline, digit.stride) ? Digit::Part::pipeline : Digit::Part::coupled;
    digits.push_back(digit);
  }
  return digits;
}

// Coordinates of the chips that a fault is about, kEvery where all of a unit are; empty if they are outside the job.
std::vector<std::vector<std::int64_t>> places_of(const Fault& fault, const topology::Fabric& fabric) {
  const auto& place = fault.place;
  const auto inside = [&](const std::vector<std::int64_t>& at) {
    for (std::size_t l = 0; l < at.size(); ++l)
      if (at[l] >= fabric.used[l]) return false;
    return true;
  };
  std::vector<std::vector<std::int64_t>> places;
  if (!inside(place.coordinate)) return places;
  const bool whole_plane = fault.kind == FaultKind::dead_switch || fault.kind == FaultKind::dead_plane;
  const auto* network = place.port ? &fabric.machine->levels[*place.port].network : nullptr;
  if (whole_plane && traffic::planes_of_chip(*network) < network->planes) {  // a rail: the chips that have a port to it
    for (std::int64_t chip = 0; chip < fabric.used[0]; ++chip) {
      if (!traffic::chip_has_plane(*network, chip, *place.plane)) continue;
      places.push_back(place.coordinate);
      places.back()[0] = chip;
    }
    return places;
  }
  places.push_back(place.coordinate);
  if (!place.peer) return places;
  places.push_back(place.coordinate);
  places.back()[*place.port] = *place.peer;
  if (!inside(places.back())) return {};  // a link to a chip that the job does not use
  return places;
}

// One entry per stage at the place.
void add_felt(std::size_t fault, const std::vector<std::int64_t>& place, const plan::Placement& placement, const std::vector<Digit>& digits, std::vector<Felt>& felt) {
  std::vector<Felt> here{{fault, 0, {}}};
  for (const auto& digit : digits) {
    const auto coordinate = place[digit.level];
    const auto value = coordinate == Place::kEvery ? Place::kEvery : coordinate / digit.of_level % digit.size;
    if (digit.part == Digit::Part::cluster)
      for (auto& one : here) one.clusters.push_back(value);
    if (digit.part != Digit::Part::pipeline) continue;
    std::vector<Felt> spread;
    for (std::int64_t v = 0; v < digit.size; ++v)
      for (auto one : here) {
        if (value != Place::kEvery && value != v) continue;
        one.stage += v * (digit.stride / placement.pipeline_stride);
        spread.push_back(std::move(one));
      }
    here = std::move(spread);
  }
  for (auto& one : here)
    if (std::none_of(felt.begin(), felt.end(), [&](const Felt& f) { return f.fault == one.fault && f.stage == one.stage && f.clusters == one.clusters; })) felt.push_back(std::move(one));
}

void add(std::vector<Fault>& list, const Fault& fault) {
  if (std::none_of(list.begin(), list.end(), [&](const Fault& known) { return known.text == fault.text && known.place == fault.place; })) list.push_back(fault);
}

StageFaults nothing_felt(const std::vector<Felt>& felt, const std::vector<Fault>& faults, std::int64_t stages) {
  const auto count = static_cast<std::size_t>(stages);
  StageFaults result{.of_cluster = std::vector<std::vector<Fault>>(count), .of_all = std::vector<std::vector<Fault>>(count)};
  for (const auto& f : felt) add(result.of_all[static_cast<std::size_t>(f.stage)], faults[f.fault]);
  return result;
}

}  // namespace

bool has_clusters(const plan::Placement& placement) {
  if (placement.straddles()) return false;
  const auto edges = edges_of(placement);
  for (std::size_t i = 1; i < edges.size(); ++i)
    if (edges[i] % edges[i - 1] != 0) return false;
  return true;
}

std::int64_t count_of_clusters(const plan::Placement& placement) {
  std::int64_t count = 1;
  for (const auto& digit : digits_of(placement))
    if (digit.part == Digit::Part::cluster) count *= digit.size;
  return count;
}

std::int64_t cluster_of(const plan::Placement& placement, std::int64_t rank) {
  for (const auto& digit : digits_of(placement))
    if (digit.part != Digit::Part::cluster) rank -= rank / digit.stride % digit.size * digit.stride;
  return rank;
}

bool is_at(const Fault& fault, const plan::Placement& placement, std::int64_t rank) {
  for (const auto& place : places_of(fault, placement.fabric)) {
    bool here = true;
    for (std::size_t l = 0; l < place.size(); ++l) {
      const auto coordinate = rank / (l > 0 ? placement.fabric.ranks_within(l - 1) : 1) % placement.fabric.used[l];
      here = here && (place[l] == Place::kEvery || place[l] == coordinate);
    }
    if (here) return true;
  }
  return false;
}

std::vector<Felt> felt_by(const std::vector<Fault>& faults, const plan::Placement& placement) {
  std::vector<Felt> felt;
  const auto digits = digits_of(placement);
  for (std::size_t i = 0; i < faults.size(); ++i)
    for (const auto& place : places_of(faults[i], placement.fabric)) add_felt(i, place, placement, digits, felt);
  return felt;
}

// Digit by digit: which of the faults are still felt depends on the values that they name, and on whether another value is left.
std::vector<StageFaults> distinct_clusters(const std::vector<Fault>& faults, const plan::Placement& placement, std::int64_t stages) {
  const auto felt = felt_by(faults, placement);
  std::vector<std::size_t> everything(felt.size());
  for (std::size_t i = 0; i < felt.size(); ++i) everything[i] = i;
  std::map<std::vector<std::size_t>, std::int64_t> felt_together{{everything, 1}};  // and by how many clusters
  std::size_t at = 0;
  for (const auto& digit : digits_of(placement)) {
    if (digit.part != Digit::Part::cluster) continue;
    std::map<std::vector<std::size_t>, std::int64_t> next;
    for (const auto& [together, clusters] : felt_together) {
      std::set<std::int64_t> values;
      for (const auto i : together) values.insert(felt[i].clusters[at]);
      values.erase(Place::kEvery);
      const auto others = digit.size - static_cast<std::int64_t>(values.size());
      if (others > 0) values.insert(Place::kEvery);  // stands for any other value
      for (const auto value : values) {
        auto left = together;
        std::erase_if(left, [&](std::size_t i) { return felt[i].clusters[at] != Place::kEvery && felt[i].clusters[at] != value; });
        next[std::move(left)] += clusters * (value == Place::kEvery ? others : 1);
      }
    }
    felt_together = std::move(next);
    ++at;
  }
  std::vector<StageFaults> result;
  for (const auto& [together, clusters] : felt_together) {
    result.push_back(nothing_felt(felt, faults, stages));
    result.back().clusters = clusters;
    for (const auto i : together) add(result.back().of_cluster[static_cast<std::size_t>(felt[i].stage)], faults[felt[i].fault]);
  }
  return result;
}

StageFaults faults_of_cluster(const std::vector<Fault>& faults, const plan::Placement& placement, std::int64_t stages, std::int64_t rank) {
  const auto felt = felt_by(faults, placement);
  std::vector<std::int64_t> cluster;
  for (const auto& digit : digits_of(placement))
    if (digit.part == Digit::Part::cluster) cluster.push_back(rank / digit.stride % digit.size);
  auto result = nothing_felt(felt, faults, stages);
  for (const auto& f : felt) {
    bool here = true;
    for (std::size_t i = 0; i < cluster.size(); ++i) here = here && (f.clusters[i] == Place::kEvery || f.clusters[i] == cluster[i]);
    if (here) add(result.of_cluster[static_cast<std::size_t>(f.stage)], faults[f.fault]);
  }
  return result;
}

std::vector<StageFaults> every_cluster(const std::vector<Fault>& faults, const plan::Placement& placement, std::int64_t stages) {
  const auto none = nothing_felt(felt_by(faults, placement), faults, stages);
  std::map<std::int64_t, StageFaults> clusters;
  for (std::int64_t rank = 0; rank < placement.world; ++rank) {
    auto& cluster = clusters.try_emplace(cluster_of(placement, rank), none).first->second;
    const auto stage = static_cast<std::size_t>(rank / placement.pipeline_stride % stages);
    for (const auto& fault : faults)
      if (is_at(fault, placement, rank)) add(cluster.of_cluster[stage], fault);
  }
  std::vector<StageFaults> result;
  for (auto& [lowest, cluster] : clusters) result.push_back(std::move(cluster));
  return result;
}

}  // namespace zettatwin::training
