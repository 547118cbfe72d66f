// SPDX-License-Identifier: Apache-2.0
#include "topology/paths.hpp"

#include <algorithm>
#include <string>
#include <tuple>

#include "base/contract.hpp"

namespace zettatwin::topology {
namespace {

// counts[h]: ordered pairs of units, a unit with itself included, that are h hops apart.
using Distances = std::vector<std::int64_t>;

Distances on_ring(std::int64_t extent) {
  Distances counts(static_cast<std::size_t>(extent / 2 + 1), 2 * extent);
  counts.front() = extent;
  if (extent % 2 == 0) counts.back() = extent;  // opposite: the same unit both ways round
  return counts;
}

Distances combined(const Distances& a, const Distances& b) {
  Distances sum(a.size() + b.size() - 1, 0);
  for (std::size_t i = 0; i < a.size(); ++i)
    for (std::size_t j = 0; j < b.size(); ++j) sum[i + j] += a[i] * b[j];
  return sum;
}

Distances between_units(const LevelInUse& level) {
  if (level.level.network.kind == hardware::NetworkKind::full_mesh) return {level.units, level.units * (level.units - 1)};
  Distances counts{1};
  for (const auto extent : level.level.network.torus) counts = combined(counts, on_ring(extent));
  return counts;
}

// Pairs inside one unit of a mesh or torus: any difference inside the units with any difference of units.
std::vector<PathClass> across_direct(const std::vector<PathClass>& inside, const LevelInUse& level, std::size_t i) {
  std::vector<PathClass> classes;
  const auto distances = between_units(level);
  for (std::size_t hops = 0; hops < distances.size(); ++hops)
    for (auto path : inside) {
      path.hops_on[i] = static_cast<std::int64_t>(hops);
      path.pairs *= distances[hops];
      classes.push_back(std::move(path));
    }
  return classes;
}

// Pairs inside one unit of a switched level: those inside its units, and those between units, which cross the switches only.
std::vector<PathClass> across_switches(std::vector<PathClass> inside, const LevelInUse& level, std::size_t i) {
  for (auto& path : inside) path.pairs *= level.units;
  const std::int64_t full = level.units_per_leaf();
  const std::int64_t last = level.units_of_last_leaf();
  const std::int64_t in_leaf = (level.units - last) * (full - 1) + last * (last - 1);  // ordered pairs of units
  const auto add = [&](std::int64_t unit_pairs, std::int64_t tiers) {
    if (unit_pairs == 0) return;  // of machines without leaves, or with one
    PathClass path{std::vector<std::int64_t>(inside.front().hops_on.size(), 0), 0, {}, unit_pairs * level.chips_below * level.chips_below};
    path.hops_on[i] = 2 * tiers;
    inside.push_back(std::move(path));
  };
  add(in_leaf, 1);
  add(level.units * (level.units - 1) - in_leaf, level.tiers());
  return inside;
}

// Pairs inside one unit of an explicit network: those inside its units, and those between units, which cross the listed links only.
std::vector<PathClass> across_graph(std::vector<PathClass> inside, const LevelInUse& level, std::size_t i) {
  for (auto& path : inside) path.pairs *= level.units;
  for (const auto& distance : level.graph->distances) {
    PathClass path{std::vector<std::int64_t>(inside.front().hops_on.size(), 0), 0, distance.latency, distance.pairs * level.chips_below * level.chips_below};
    path.hops_on[i] = distance.hops;
    inside.push_back(std::move(path));
  }
  return inside;
}

std::vector<PathClass> across(std::vector<PathClass> inside, const LevelInUse& level, std::size_t i) {
  if (level.graph) return across_graph(std::move(inside), level, i);
  return level.direct() ? across_direct(inside, level, i) : across_switches(std::move(inside), level, i);
}

void measure(PathClass& path, const std::vector<LevelInUse>& levels) {
  for (std::size_t i = 0; i < levels.size(); ++i) {
    const std::int64_t crossings = levels[i].direct() ? path.hops_on[i] : path.hops_on[i] > 0 ? 1 : 0;
    path.hops += path.hops_on[i];
    path.latency += static_cast<double>(crossings) * levels[i].level.network.latency.value;
  }
}

}  // namespace

double most_path_classes(const std::vector<LevelInUse>& levels) {
  double classes = 1;
  for (const auto& level : levels) {
    double distances = level.level.network.kind == hardware::NetworkKind::torus ? 1 : 2;
    for (const auto extent : level.level.network.torus) {
      const auto farthest = extent / 2;
      distances += static_cast<double>(farthest);
    }
    if (level.graph) classes += static_cast<double>(level.graph->distances.size());
    else classes = level.direct() ? classes * distances : classes + 2;
  }
  return classes;
}

Paths paths_of(const std::vector<LevelInUse>& levels) {
  const std::int64_t chips = levels.empty() ? 1 : levels.back().chips();
  ZT_EXPECT(chips <= kChipsCounted, std::to_string(chips));
  std::vector<PathClass> classes{{std::vector<std::int64_t>(levels.size(), 0), 0, {}, 1}};
  for (std::size_t i = 0; i < levels.size(); ++i)
    classes = across(std::move(classes), levels[i], i);
  Paths paths;
  for (auto& path : classes) {
    measure(path, levels);
    if (path.hops == 0) continue;  // a chip with itself
    paths.pairs += path.pairs;
    paths.mean_hops += static_cast<double>(path.pairs) * static_cast<double>(path.hops);
    paths.mean_latency += static_cast<double>(path.pairs) * path.latency;
    paths.most_hops = std::max(paths.most_hops, path.hops);
    paths.most_latency = std::max(paths.most_latency, path.latency);
    paths.classes.push_back(std::move(path));
  }
  ZT_ENSURE(paths.pairs == chips * (chips - 1), std::to_string(paths.pairs));
  if (paths.pairs > 0) {
    paths.mean_hops /= static_cast<double>(paths.pairs);
    paths.mean_latency = paths.mean_latency / static_cast<double>(paths.pairs);
  }
  std::stable_sort(paths.classes.begin(), paths.classes.end(),
                   [](const PathClass& a, const PathClass& b) { return std::tuple(a.hops, a.latency.si()) < std::tuple(b.hops, b.latency.si()); });
  return paths;
}

}  // namespace zettatwin::topology
