// SPDX-License-Identifier: Apache-2.0
#include "calibration/collectives.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/contract.hpp"
#include "base/stable_hash.hpp"
#include "calibration/estimate.hpp"
#include "topology/fabric.hpp"

namespace zettatwin::calibration {
namespace {

using hardware::LevelNetwork;
using hardware::Machine;
using network::Collective;

constexpr double kMicro = 1e-6, kMega = 1e6;

// A figure of one level's network, as it is fitted.
struct LinkFigure {
  std::size_t level = 0;
  std::string path;
  units::Dimension dimension;
  double low = 0, high = 0, spread = 1;
  std::function<double(const LevelNetwork&)> get;
  std::function<void(LevelNetwork&, double)> set;
  std::function<config::Provenance&(LevelNetwork&)> provenance;
};

template <units::Dimension D>
LinkFigure figure_of(std::size_t level, const hardware::Level& at, const char* key, config::Figure<units::Quantity<D>> LevelNetwork::*member, double low, double high, double spread) {
  return {level, fmt::format("levels.{}.network.{}", at.name, key), D, low, high, spread,
          [member, low, high](const LevelNetwork& n) { return std::clamp((n.*member).si(), low, high); },
          [member](LevelNetwork& n, double si) {
            (n.*member).value = units::Quantity<D>::from_si(si);
            (n.*member).present = true;
          },
          [member](LevelNetwork& n) -> config::Provenance& { return (n.*member).provenance; }};
}

bool crosses(const CollectiveTiming& timing, std::size_t level) { return timing.request.spread.fanout[level] > 1; }

// The figures of every level that a timing crosses, as far as its operation rests on them.
std::vector<LinkFigure> figures_of(const Machine& machine, const std::vector<CollectiveTimings>& all) {
  std::vector<LinkFigure> figures;
  for (std::size_t l = 0; l < machine.levels.size(); ++l) {
    const auto used_by = [&](auto counts) {
      return std::any_of(all.begin(), all.end(), [&](const CollectiveTimings& of_op) {
        return counts(of_op.op) && std::any_of(of_op.timings.begin(), of_op.timings.end(), [&](const CollectiveTiming& t) { return crosses(t, l); });
      });
    };
    const auto& level = machine.levels[l];
    using N = LevelNetwork;
    const auto add = [&](const char* key, auto member, double low, double high, double spread) { figures.push_back(figure_of(l, level, key, member, low, high, spread)); };
    if (!used_by([](Collective) { return true; })) continue;
    add("efficiency", &N::efficiency, 0.02, 1, 0.15);
    add("half_message", &N::half_message, 100, 1000 * kMega, 1);
    add("latency", &N::latency, 0.01 * kMicro, 1000 * kMicro, 0.5);
    add("launch", &N::launch, 0.1 * kMicro, 1000 * kMicro, 0.5);
    if (used_by([](Collective op) { return op == Collective::all_to_all; })) add("message_gap", &N::message_gap, 0.001 * kMicro, 100 * kMicro, 0.7);
    if (!level.network.in_network_reduction || !used_by([](Collective op) { return op == Collective::all_reduce; })) continue;
    add("reduction_efficiency", &N::reduction_efficiency, 0.02, 1, 0.15);
    if (level.network.reduction_latency.present) add("reduction_latency", &N::reduction_latency, 0.01 * kMicro, 1000 * kMicro, 0.5);
    add("reduction_half_message", &N::reduction_half_message, 100, 1000 * kMega, 1);
  }
  return figures;
}

std::vector<const CollectiveTiming*> joined(const std::vector<CollectiveTimings>& all) {
  std::vector<const CollectiveTiming*> list;
  for (const auto& of_op : all)
    for (const auto& timing : of_op.timings) list.push_back(&timing);
  return list;
}

Residuals residuals_of(const Machine& machine, const std::vector<const CollectiveTiming*>& timings, const std::vector<LinkFigure>& figures) {
  return [own = machine, &timings, &figures](const std::vector<double>& values) mutable {
    for (std::size_t j = 0; j < values.size(); ++j) figures[j].set(own.levels[figures[j].level].network, values[j]);
    std::vector<double> residuals;
    residuals.reserve(timings.size());
    for (const auto* t : timings) residuals.push_back(std::log(predicted(own, *t) / t->seconds));
    return residuals;
  };
}

std::vector<Unknown> unknowns_of(const Machine& machine, const std::vector<LinkFigure>& figures) {
  std::vector<Unknown> unknowns;
  for (const auto& f : figures) unknowns.push_back({f.get(machine.levels[f.level].network), f.low, f.high, f.spread});
  return unknowns;
}

Goodness goodness_of(const Machine& machine, const CollectiveTimings& of_op) {
  std::vector<double> ratios;
  for (const auto& t : of_op.timings) ratios.push_back(predicted(machine, t) / t.seconds);
  return goodness(std::move(ratios));
}

// Half of the points, by a stable hash of operation, ranks and bytes.
std::vector<CollectiveTimings> half_of(const std::vector<CollectiveTimings>& all, bool judged) {
  std::vector<CollectiveTimings> half;
  for (const auto& of_op : all) {
    auto& part = half.emplace_back(CollectiveTimings{of_op.op, {}});
    for (const auto& t : of_op.timings) {
      const auto hash = StableHash().add(static_cast<std::int64_t>(of_op.op)).add(t.request.spread.size()).add(static_cast<std::int64_t>(t.request.bytes.si())).value();
      if ((hash >> 32 & 1) == (judged ? 1u : 0u)) part.timings.push_back(t);
    }
  }
  std::erase_if(half, [](const CollectiveTimings& of_op) { return of_op.timings.empty(); });
  return half;
}

std::vector<FittedLink> fit(Machine& machine, const std::vector<CollectiveTimings>& all, const Options& options) {
  const auto timings = joined(all);
  auto figures = figures_of(machine, all);
  std::erase_if(figures, [&](const LinkFigure& f) { return std::any_of(options.keep.begin(), options.keep.end(), [&](const auto& prefix) { return f.path.starts_with(prefix); }); });
  if (figures.size() > timings.size()) {
    std::vector<LinkFigure> chosen;
    for (const auto j : most_telling(unknowns_of(machine, figures), residuals_of(machine, timings, figures), timings.size())) chosen.push_back(figures[j]);
    std::stable_sort(chosen.begin(), chosen.end(), [](const LinkFigure& a, const LinkFigure& b) { return a.level < b.level; });
    figures = std::move(chosen);
  }
  if (figures.empty()) return {};
  const auto unknowns = unknowns_of(machine, figures);
  const auto estimates = estimate(unknowns, residuals_of(machine, timings, figures));
  std::vector<FittedLink> fitted;
  for (std::size_t j = 0; j < figures.size(); ++j) {
    auto& network = machine.levels[figures[j].level].network;
    const Fitted figure{figures[j].path, figures[j].dimension, unknowns[j].before, estimates[j].value, estimates[j].low, estimates[j].high};
    fitted.push_back({figure, provenance_of(figure, options)});
    figures[j].set(network, figure.value);
    figures[j].provenance(network) = fitted.back().provenance;
  }
  return fitted;
}

}  // namespace

double predicted(const Machine& machine, const CollectiveTiming& timing) {
  const topology::Fabric fabric{.machine = &machine, .used = timing.used, .filled = {}};
  return network::collective_duration(fabric, timing.request).seconds().si();
}

MachineCalibration calibrate(const Machine& machine, const std::vector<CollectiveTimings>& timings, const Options& options) {
  ZT_EXPECT(!timings.empty(), "timings of collectives");
  MachineCalibration result{machine, {}, {}};
  const auto fitted = options.hold_out ? half_of(timings, false) : timings, judged = options.hold_out ? half_of(timings, true) : timings;
  if (!options.judge) result.figures = fit(result.machine, fitted, options);
  for (const auto& of_op : judged) {
    const auto same = [&](const CollectiveTimings& other) { return other.op == of_op.op; };
    const auto used = std::find_if(fitted.begin(), fitted.end(), same);
    const auto count = options.judge || used == fitted.end() ? 0 : used->timings.size();
    result.families.push_back({std::string(network::name_of(of_op.op)), count, goodness_of(machine, of_op), goodness_of(result.machine, of_op), {}});
  }
  return result;
}

std::string machine_document(const MachineCalibration& calibration, const std::string& base, const std::string& title) {
  auto text = fmt::format("# SPDX-License-Identifier: Apache-2.0\n# Written by zettatwin calibrate.\nextends: {}\n", base);
  if (!title.empty()) text += fmt::format("title: {}\n", quoted(title));
  if (!calibration.figures.empty()) text += "levels:\n";
  std::string open;
  for (const auto& figure : calibration.figures) {  // "levels.node.network.efficiency"
    const auto level = figure.path.substr(7, figure.path.find('.', 7) - 7);
    if (level != open) text += fmt::format("  {}:\n    network:\n", level);
    open = level;
    text += fmt::format("      {}: {}\n", figure.path.substr(figure.path.rfind('.') + 1), figure_text(figure.value, figure.dimension, figure.provenance));
  }
  return text;
}

}  // namespace zettatwin::calibration
