// SPDX-License-Identifier: Apache-2.0
#include "search/fault_sweep.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "base/contract.hpp"
#include "training/faults.hpp"

namespace zettatwin::search {
namespace {

using traffic::Fault;
using traffic::FaultKind;
using traffic::Place;

struct Candidate {
  Fault fault;
  std::string part;
  std::int64_t stage = 0;
  std::int64_t parts = 0;
};

class Sweep final {
 public:
  Sweep(const training::Job& job, const plan::Placement& placement, double remaining) : job_(job), placement_(placement), remaining_(remaining) {}

  std::vector<Candidate> candidates() {
    for (std::int64_t stage = 0; stage < job_.plan.pp; ++stage) {
      stage_ = stage;
      of_chips();
      for (std::size_t l = 0; l < placement_.fabric.used.size(); ++l)
        if (placement_.fabric.used[l] > 1) of_level(l);
    }
    return std::move(found_);
  }

 private:
  [[nodiscard]] std::int64_t chips() const { return placement_.world / job_.plan.pp; }

  // The first chip of the stage.
  [[nodiscard]] Place place() const {
    Place place;
    std::int64_t rank = stage_ * placement_.pipeline_stride;
    for (const auto used : placement_.fabric.used) {
      place.coordinate.push_back(rank % used);
      rank /= used;
    }
    return place;
  }

  void add(FaultKind kind, const Place& at, const std::string& part, std::int64_t parts) {
    const bool slow = kind == FaultKind::slow_chip || kind == FaultKind::slow_hbm || kind == FaultKind::slow_link;
    Fault fault;
    fault.kind = kind;
    fault.place = at;
    fault.remaining = slow ? remaining_ : 0;
    fault.text = fmt::format("{}@{}{}", traffic::name_of(kind), traffic::place_text(at, job_.machine), slow ? fmt::format(":{:g}", remaining_) : "");
    found_.push_back({std::move(fault), part, stage_, parts});
  }

  void of_chips() {
    add(FaultKind::dead_chip, place(), "chip", chips());
    add(FaultKind::slow_chip, place(), "chip clock", chips());
    add(FaultKind::slow_hbm, place(), "chip memory", chips());
  }

  void of_level(std::size_t l) {
    const auto& level = job_.machine.levels[l];
    switch (level.network.kind) {
      case hardware::NetworkKind::full_mesh: return of_mesh(l, level);
      case hardware::NetworkKind::torus: return of_torus(l, level);
      case hardware::NetworkKind::graph:  // its switches differ: no one stands for all
      case hardware::NetworkKind::dragonfly: return of_ports(l, level);
      default: break;
    }
    of_ports(l, level);
    of_units(l, level);
  }

  void of_ports(std::size_t l, const hardware::Level& level) {
    Place port = place();
    port.port = l;
    add(FaultKind::slow_link, port, fmt::format("port into {}", level.name), chips());
    if (const auto planes = traffic::planes_of_chip(level.network); planes > 1) {
      for (port.plane = 0; !traffic::chip_has_plane(level.network, port.coordinate[0], *port.plane);) ++*port.plane;
      add(FaultKind::dead_link, port, fmt::format("one plane's port into {}", level.name), chips() * planes);
    } else add(FaultKind::dead_link, port, fmt::format("port into {}", level.name), chips());
  }

  void of_units(std::size_t l, const hardware::Level& level) {
    Place unit = place();
    for (std::size_t inner = 0; inner <= l; ++inner) unit.coordinate[inner] = Place::kEvery;
    unit.port = l;
    unit.plane = 0;
    const auto units = placement_.world / placement_.fabric.ranks_within(l);
    const bool inside_stage = placement_.pipeline_stride >= placement_.fabric.ranks_within(l);
    if (inside_stage || stage_ == 0)  // a unit with several stages is one place
      add(FaultKind::dead_switch, unit, fmt::format("plane of one {}", level.name), level.network.planes * (inside_stage ? units / job_.plan.pp : units));
    if (stage_ != 0 || units == 1) return;
    for (auto& c : unit.coordinate) c = Place::kEvery;
    add(FaultKind::dead_plane, unit, fmt::format("plane of all {}s", level.name), level.network.planes);
  }

  // One link of each dimension.
  void of_torus(std::size_t l, const hardware::Level& level) {
    std::int64_t stride = 1;
    for (const auto extent : level.network.torus) {
      Place link = place();
      link.port = l;
      const auto value = link.coordinate[l] / stride % extent;
      link.peer = link.coordinate[l] + ((value + 1) % extent - value) * stride;
      stride *= extent;
      if (extent < 2 || *link.peer >= placement_.fabric.used[l]) continue;
      const auto links = extent > 2 ? chips() : chips() / 2;
      const auto part = fmt::format("link of the torus {}, ring of {}", level.name, extent);
      add(FaultKind::slow_link, link, part, links);
      add(FaultKind::dead_link, link, part, links);
    }
  }

  // Peers by the innermost of the plan's edges inside the level at which the two ends differ.
  void of_mesh(std::size_t l, const hardware::Level& level) {
    const auto& fabric = placement_.fabric;
    const std::int64_t below = l > 0 ? fabric.ranks_within(l - 1) : 1;
    std::set<std::int64_t> steps{1};
    const auto& g = placement_.groups;
    for (const auto* view : {&g.tensor, &g.context, &g.expert, &g.expert_tensor, &g.data, &g.expert_data, &g.pipeline})
      for (const auto& atom : view->atoms)
        for (const auto edge : {atom.stride, atom.stride * atom.size})
          if (edge % below == 0 && edge / below > 1 && edge / below < fabric.used[l]) steps.insert(edge / below);
    for (auto step = steps.begin(); step != steps.end(); ++step) {
      const auto next = std::next(step) == steps.end() ? fabric.used[l] : *std::next(step);
      Place link = place();
      link.port = l;
      const auto digit = link.coordinate[l] / *step % (next / *step);
      link.peer = digit == 0 ? link.coordinate[l] + *step : link.coordinate[l] - digit * *step;
      const auto name = steps.size() > 1 ? fmt::format("{} link, ends {} apart", level.name, *step) : fmt::format("{} link", level.name);
      for (const auto kind : {FaultKind::slow_link, FaultKind::dead_link}) add(kind, link, name, chips() * (next - *step) / 2);
    }
  }

  const training::Job& job_;
  const plan::Placement& placement_;
  double remaining_;
  std::int64_t stage_ = 0;
  std::vector<Candidate> found_;
};

// Rows that differ by pipeline rank alone become one.
void merge(std::vector<SweptFault>& rows, SweptFault row) {
  const auto same = std::find_if(rows.begin(), rows.end(), [&](const SweptFault& r) {
    return r.kind == row.kind && r.part == row.part && r.cost == row.cost && r.impossible.empty() == row.impossible.empty();
  });
  if (same == rows.end()) return rows.push_back(std::move(row));
  same->parts += row.parts;
  same->pipeline_ranks.insert(same->pipeline_ranks.end(), row.pipeline_ranks.begin(), row.pipeline_ranks.end());
}

}  // namespace

FaultSweep sweep_faults(const training::Job& job, double remaining, const config::Location& where, const std::function<void(std::int64_t, std::int64_t)>& progress) {
  config::Diagnostics diagnostics;
  training::Job one = job;
  one.faults.clear();
  one.trace_limit = 0;
  const auto healthy = training::estimate(one, where, diagnostics);
  const auto placement = plan::place(job.plan, job.machine, job.chips, where, diagnostics);
  ZT_EXPECT(healthy && placement && !placement->straddles(), "a job that runs, in step with its machine");
  FaultSweep sweep{.healthy = healthy->step_time, .remaining = remaining, .runs = 1, .rows = {}};
  const auto candidates = Sweep(job, *placement, remaining).candidates();
  for (const auto& candidate : candidates) {
    one.faults = {candidate.fault};
    const auto result = training::estimate(one, where, diagnostics);
    if (progress) progress(sweep.runs, static_cast<std::int64_t>(candidates.size()) + 1);
    ++sweep.runs;
    if (!result) continue;
    const bool stopped = result->infeasible && result->infeasible->limit == "faults";
    merge(sweep.rows, {std::string(traffic::name_of(candidate.fault.kind)), candidate.part, candidate.fault.text, {candidate.stage}, candidate.parts,
                       stopped ? result->infeasible->reason : "", result->step_time, stopped ? units::Picoseconds() : result->step_time - sweep.healthy,
                       training::who_waits(candidate.fault, *placement, job.plan.pp)});
  }
  std::stable_sort(sweep.rows.begin(), sweep.rows.end(), [](const SweptFault& a, const SweptFault& b) {
    return std::tuple(a.impossible.empty(), -a.cost.count()) < std::tuple(b.impossible.empty(), -b.cost.count());
  });
  return sweep;
}

}  // namespace zettatwin::search
