// SPDX-License-Identifier: Apache-2.0
#include "report/collective.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "report/detail/number.hpp"
#include "units/text.hpp"

namespace zettatwin::report {
namespace {

using Json = nlohmann::ordered_json;
using units::grouped;
using units::human;

double bus_factor(network::Collective op, std::int64_t ranks) {
  const double n = static_cast<double>(ranks);
  switch (op) {
    case network::Collective::all_reduce: return 2 * (n - 1) / n;
    case network::Collective::all_gather:
    case network::Collective::reduce_scatter:
    case network::Collective::all_to_all: return (n - 1) / n;
    default: return 1;
  }
}

std::string size_text(units::Bytes bytes) {
  for (const auto& [power, unit] : {std::pair{40, "TiB"}, {30, "GiB"}, {20, "MiB"}, {10, "KiB"}}) {
    const double whole = bytes.si() / static_cast<double>(std::int64_t{1} << power);
    if (whole >= 1 && whole == static_cast<double>(static_cast<std::int64_t>(whole))) return fmt::format("{} {}", static_cast<std::int64_t>(whole), unit);
  }
  return human(bytes, 4);
}

std::string bar(double share, int width) { return std::string(static_cast<std::size_t>(std::lround(std::clamp(share, 0.0, 1.0) * width)), '#'); }

void table(std::string& out, const CollectiveSubject& s) {
  constexpr int kWidth = 24;
  double most = 0;
  for (const auto& point : s.points)
    if (point.answer.impossible.empty()) most = std::max(most, bus_bandwidth(s, point).si());
  out += fmt::format("\n  {:>12} {:>12} {:>14} {:>14}   {:<{}} {}\n", "bytes", "time", "algorithm bw", "bus bw", "bus bw", kWidth, "algorithm");
  for (const auto& point : s.points) {
    if (!point.answer.impossible.empty()) {
      out += fmt::format("  {:>12} cannot run: {}\n", size_text(point.bytes), point.answer.impossible);
      continue;
    }
    const auto bus = bus_bandwidth(s, point);
    out += fmt::format("  {:>12} {:>12} {:>14} {:>14}   {:<{}} {}\n", size_text(point.bytes), human(point.time(), 4), human(algorithm_bandwidth(point), 4), human(bus, 4),
                       bar(most > 0 ? bus.si() / most : 0, kWidth), kWidth, point.answer.algorithm);
  }
}

void ensemble(std::string& out, const CollectivePoint& point) {
  const auto& e = *point.ensemble;
  out += fmt::format("\nensemble of {} draws of the hash, at {}: mean {} +- {} (95 % confidence), standard deviation {}, {} to {}\n", e.seeds, size_text(point.bytes), human(e.mean, 4), human(e.confidence_95, 2),
                     human(e.standard_deviation, 2), human(e.least, 4), human(e.most, 4));
}

void faults(std::string& out, const CollectivePoint& point) {
  if (point.faults.empty()) return;
  out += fmt::format("\nfaults, at {} ({} without any)\n", size_text(point.bytes), human(point.healthy, 4));
  for (const auto& fault : point.faults) {
    if (!fault.possible) out += fmt::format("  {:<60} job cannot run: {}\n", fault.fault, fault.impossible);
    else out += fmt::format("  {:<60} {:>10}   {:>+8.2f} %\n", fault.fault, human(fault.alone, 4), 100 * (fault.cost / point.healthy));
  }
  if (point.answer.impossible.empty() && point.faults.size() > 1)
    out += fmt::format("  {:<60} {:>10}   {:>+8.2f} %\n", "all together", human(point.time(), 4), 100 * ((point.time() - point.healthy) / point.healthy));
}

void links(std::string& out, const CollectivePoint& point) {
  out += fmt::format("\nlinks, at {} (share of the stage's time that they carry bytes at full rate)\n", size_text(point.bytes));
  for (const auto& stage : point.answer.stages) {
    out += fmt::format("  {}: {}, {}, of it {} before bytes move{}\n", stage.level, stage.algorithm, human(stage.time, 4), human(stage.start, 4), stage.slowest.empty() ? "" : "; slowest at " + stage.slowest);
    for (const auto& use : stage.links)
      out += fmt::format("    {:<10} {:<18} {:>12}   {:>6.2f} %{}\n", use.level, use.kind, grouped(use.links), 100 * use.busy,
                         use.remaining < 1 ? fmt::format("   {:.4g} % left of {}", 100 * use.remaining, use.place) : "");
  }
}

Json stages_json(const traffic::CollectiveAnswer& answer) {
  Json stages = Json::array();
  for (const auto& stage : answer.stages) {
    Json list = Json::array();
    for (const auto& use : stage.links)
      list.push_back({{"level", use.level}, {"kind", use.kind}, {"links", use.links}, {"place", use.place}, {"remaining", use.remaining}, {"utilisation", use.busy}});
    stages.push_back({{"level", stage.level}, {"algorithm", stage.algorithm}, {"time_s", stage.time.si()}, {"start_s", stage.start.si()}, {"slowest", stage.slowest}, {"links", std::move(list)}});
  }
  return stages;
}

Json ensemble_json(const traffic::Ensemble& e) {
  return {{"seeds", e.seeds}, {"mean_s", e.mean.si()}, {"standard_deviation_s", e.standard_deviation.si()}, {"confidence_95_s", e.confidence_95.si()}, {"min_s", e.least.si()}, {"max_s", e.most.si()}};
}

Json point_json(const CollectiveSubject& s, const CollectivePoint& point) {
  const auto& a = point.answer;
  Json out{{"bytes", point.bytes.si()}, {"feasible", a.impossible.empty()}};
  if (!a.impossible.empty()) out["infeasible"] = {{"limit", "reachability"}, {"reason", a.impossible}};
  else {
    out["time_s"] = point.time().si();
    out["algorithm_bandwidth_bytes_per_s"] = algorithm_bandwidth(point).si();
    out["bus_bandwidth_bytes_per_s"] = bus_bandwidth(s, point).si();
  }
  if (point.ensemble) out["ensemble"] = ensemble_json(*point.ensemble);
  out["healthy_time_s"] = point.healthy.si();
  out["algorithm"] = a.algorithm;
  out["classes"] = {{"ranks", a.classes.ranks}, {"links", a.classes.links}, {"flows", a.classes.flows}};
  out["members"] = {{"ranks", a.ranks}, {"flows", a.flows}};
  return out;
}

}  // namespace

units::BytesPerSecond algorithm_bandwidth(const CollectivePoint& point) {
  return point.time().si() > 0 ? point.bytes / point.time() : units::BytesPerSecond{};
}

units::BytesPerSecond bus_bandwidth(const CollectiveSubject& subject, const CollectivePoint& point) {
  return bus_factor(subject.op, subject.ranks) * algorithm_bandwidth(point);
}

std::string text(const CollectiveSubject& s) {
  const auto& last = s.points.back();
  std::string out = fmt::format("{} of {} ranks on {}\n", network::name_of(s.op), grouped(s.ranks), s.title.empty() ? s.machine : s.title);
  if (s.groups > 1) out += fmt::format("groups   {} at once, members {} ranks apart\n", grouped(s.groups), grouped(s.stride));
  for (const auto& line : s.pattern) out += fmt::format("pattern  {}\n", line);
  const auto& a = last.answer;
  out += fmt::format("classes  {} of {} ranks, {} of links, {} of {} flows ({})\n", grouped(a.classes.ranks), grouped(a.ranks), grouped(a.classes.links), grouped(a.classes.flows), detail::number(a.flows),
                     s.fidelity == traffic::Fidelity::unfolded ? "unfolded" : static_cast<double>(a.classes.flows) < a.flows ? "folded: exact by symmetry" : "every flow of its own: few are alike");
  if (s.on_graph) out += fmt::format("routing  {}\n", graph::name_of(s.routing));
  table(out, s);
  if (last.ensemble) ensemble(out, last);
  faults(out, last);
  if (s.possible()) links(out, last);
  if (!s.estimated.empty()) out += fmt::format("\nestimated, not published: {}\n", fmt::join(s.estimated, ", "));
  return out;
}

std::string json(const CollectiveSubject& s) {
  Json results = point_json(s, s.points.back());
  results["routing"] = std::string(graph::name_of(s.routing));
  results["stages"] = stages_json(s.points.back().answer);
  Json faults = Json::array();
  for (const auto& f : s.points.back().faults) {
    Json one{{"fault", f.fault}, {"feasible", f.possible}};
    if (f.possible) {
      one["time_s"] = f.alone.si();
      one["cost_s"] = f.cost.si();
    } else one["reason"] = f.impossible;
    faults.push_back(std::move(one));
  }
  if (!faults.empty()) results["faults"] = std::move(faults);
  Json sweep = Json::array();
  for (const auto& point : s.points) sweep.push_back(point_json(s, point));
  if (sweep.size() > 1) results["sweep"] = std::move(sweep);
  return Json{{"schema", "zettatwin/collective/1"}, {"machine", s.machine}, {"op", std::string(network::name_of(s.op))}, {"ranks", s.ranks}, {"stride", s.stride}, {"groups", s.groups},
              {"fidelity", s.fidelity == traffic::Fidelity::folded ? "folded" : "unfolded"}, {"pattern", s.pattern}, {"results", std::move(results)}, {"estimated", s.estimated}}
             .dump(2) + "\n";
}

}  // namespace zettatwin::report
