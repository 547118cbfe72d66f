// SPDX-License-Identifier: Apache-2.0
#include "plan/placement.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <initializer_list>
#include <numeric>

#include "base/contract.hpp"
#include "plan/check.hpp"
#include "plan/grid.hpp"
#include "plan/straddle.hpp"
#include "plan/used_units.hpp"
#include "units/text.hpp"

namespace zettatwin::plan {
namespace {

using units::grouped;

constexpr double kIdleWorthAWarning = 0.1;

// Sizes come from the user: the product stops growing at a bound that no machine reaches.
std::int64_t product(std::initializer_list<std::int64_t> sizes) {
  constexpr std::int64_t kBound = std::int64_t{1} << 48;
  std::int64_t result = 1;
  for (const auto size : sizes) result = size > kBound / result ? kBound : result * size;
  return result;
}

std::string sizes_text(const Plan& plan) {
  return fmt::format("tp {} x cp {} x pp {}{}", plan.tp, plan.cp, plan.pp, plan.dp > 0 ? fmt::format(" x dp {}", plan.dp) : "");
}

bool request_fits(const hardware::Machine& machine, std::int64_t chips, const config::Location& where, config::Diagnostics& diagnostics) {
  if (chips >= 0 && chips <= machine.chips()) return true;
  diagnostics.error(where, fmt::format("{} chips asked for but {} has {}", grouped(chips), machine.name, grouped(machine.chips())), "",
                    fmt::format("ask for 1 to {}, or take a larger machine", grouped(machine.chips())));
  return false;
}

bool dense_sizes_fit(const Plan& plan, std::int64_t available, const config::Location& where, config::Diagnostics& diagnostics) {
  const auto replica = product({plan.tp, plan.cp, plan.pp});
  const auto needed = product({replica, std::max<std::int64_t>(1, plan.dp)});
  if (needed <= available) return true;
  diagnostics.error(where, fmt::format("{} needs {} chips, {} are there", sizes_text(plan), grouped(needed), grouped(available)),
                    replica > available ? "one replica must fit" : "",
                    replica > available ? fmt::format("lower tp, cp or pp: at most {} in all", grouped(available))
                                        : fmt::format("try dp={}, or leave dp out to use what is there", available / replica));
  return false;
}

bool expert_sizes_fit(const Plan& plan, std::int64_t available, const config::Location& where, config::Diagnostics& diagnostics) {
  const auto experts = product({plan.etp, plan.ep});
  const auto replicas = plan.dp > 0 ? plan.dp : available / product({plan.tp, plan.cp, plan.pp});
  const auto shared = product({plan.tp, plan.cp, replicas});
  if (plan.dp > 0 ? shared % experts == 0 : experts <= shared) return true;
  diagnostics.error(where, fmt::format("etp {} x ep {} = {} does not divide tp {} x cp {} x dp {} = {}", plan.etp, plan.ep, grouped(experts), plan.tp, plan.cp, replicas, grouped(shared)),
                    "experts are spread inside these dimensions",
                    shared % plan.etp == 0 ? fmt::format("try ep={}", nearest_divisor(shared / plan.etp, plan.ep, shared))
                                           : fmt::format("try etp={}", nearest_divisor(shared, plan.etp, shared)));
  return false;
}

bool batch_fits(const Plan& plan, const config::Location& where, config::Diagnostics& diagnostics) {
  if (plan.global_batch % plan.micro_batch == 0) return true;
  diagnostics.error(where, fmt::format("global_batch {} does not divide by micro_batch {}", plan.global_batch, plan.micro_batch),
                    "a step is a whole number of microbatches", fmt::format("try micro_batch={}", nearest_divisor(plan.global_batch, plan.micro_batch, plan.global_batch)));
  return false;
}

// What would be placed if dp were free; "" if nothing would.
std::string replicas_that_fit(Plan plan, const hardware::Machine& machine, std::int64_t available) {
  plan.dp = 0;
  plan.global_batch = 0;
  const auto used = used_units(plan, machine, available);
  if (used.empty()) return "";
  const auto ranks = std::accumulate(used.begin(), used.end(), std::int64_t{1}, std::multiplies<>());
  return fmt::format("dp={} can be placed", ranks / (plan.tp * plan.cp * plan.pp));
}

void report_unaligned(const Plan& plan, const hardware::Machine& machine, std::int64_t available, const config::Location& where,
                      config::Diagnostics& diagnostics) {
  std::vector<std::string> levels, order;
  for (const auto& level : machine.levels) levels.push_back(fmt::format("{} {}", level.name, level.size));
  for (const auto axis : plan.placement) order.emplace_back(config::word_of(axis_words(), axis));
  const auto batch = plan.dp == 0 && plan.global_batch > 0 ? fmt::format("; dp must divide global_batch {} / micro_batch {}", plan.global_batch, plan.micro_batch) : "";
  auto suggestion = plan.dp > 0 || plan.global_batch > 0 ? replicas_that_fit(plan, machine, available) : "";
  if (suggestion.empty()) suggestion = "change placement, or choose tp, cp, ep and pp that divide the sizes of levels";
  diagnostics.error(where, fmt::format("{} with etp {} x ep {} cannot be placed on {}", sizes_text(plan), plan.etp, plan.ep, machine.name),
                    fmt::format("in the order {}, edges of dimensions and of levels ({}) must divide each other{}", fmt::join(order, "+"), fmt::join(levels, ", "), batch),
                    suggestion);
}

// Groups whole on every level, or cut by borders of units if too many chips would idle.
topology::Fabric fabric_for(const Plan& plan, const hardware::Machine& machine, std::int64_t available) {
  topology::Fabric fabric{.machine = &machine, .used = used_units(plan, machine, available), .filled = {}};
  const auto ranks = fabric.used.empty() ? 0 : fabric.ranks();
  if (!plan.straddle || static_cast<double>(available - ranks) <= kIdleWorthStraddling * static_cast<double>(available)) return fabric;
  if (plan.dp > 0 && ranks > 0) return fabric;  // as many as asked for
  if (auto filled = straddling_blocks(plan, machine, available, ranks); !filled.empty()) fabric = {.machine = &machine, .used = units_used(filled), .filled = std::move(filled)};
  return fabric;
}

void report_straddling(const Placement& placement, const config::Location& where, config::Diagnostics& diagnostics) {
  std::vector<std::string> cut;
  const auto& g = placement.groups;
  const std::pair<const char*, const space::View*> named[]{{"context", &g.context}, {"expert", &g.expert}, {"data", &g.data}, {"expert data", &g.expert_data}, {"pipeline", &g.pipeline}};
  for (const auto& [name, view] : named)
    if (!topology::divides_evenly(placement.fabric, *view)) cut.emplace_back(name);
  if (cut.empty()) return;
  diagnostics.warning(where, fmt::format("borders of units cut the groups of these dimensions: {}", fmt::join(cut, ", ")),
                      "keeping them whole would leave more chips idle; their traffic is that of the worst-placed member", "write straddle=false to keep them whole");
}

void report_idle(const Plan& plan, const Placement& placement, std::int64_t available, const config::Location& where, config::Diagnostics& diagnostics) {
  if (static_cast<double>(placement.idle) <= kIdleWorthAWarning * static_cast<double>(available)) return;
  const auto granule = std::lcm(plan.tp * plan.cp * plan.pp, plan.pp * plan.etp * plan.ep);
  if (placement.idle < granule)
    return diagnostics.warning(where, fmt::format("{} of {} chips stay idle", grouped(placement.idle), grouped(available)),
                               fmt::format("a pipeline stage holds whole tensor, context and expert groups, so that ranks come in multiples of {}", grouped(granule)),
                               "lower pp or ep, or change the number of chips");
  diagnostics.warning(where, fmt::format("{} of {} chips stay idle", grouped(placement.idle), grouped(available)),
                      "dimensions must line up with the machine's levels, and dp must divide the global batch",
                      "change dp, placement, global_batch or the number of chips");
}

}  // namespace

std::optional<Placement> place(const Plan& plan, const hardware::Machine& machine, std::int64_t chips, const config::Location& where,
                               config::Diagnostics& diagnostics) {
  ZT_EXPECT(!machine.levels.empty(), machine.name);
  const auto available = chips > 0 ? std::min(chips, machine.chips()) : machine.chips();
  bool good = request_fits(machine, chips, where, diagnostics);
  good = batch_fits(plan, where, diagnostics) && good;
  good = dense_sizes_fit(plan, available, where, diagnostics) && expert_sizes_fit(plan, available, where, diagnostics) && good;
  if (!good) return std::nullopt;
  auto fabric = fabric_for(plan, machine, available);
  if (fabric.used.empty()) {
    report_unaligned(plan, machine, available, where, diagnostics);
    return std::nullopt;
  }
  const auto ranks = fabric.ranks();
  const auto dp = ranks / (plan.tp * plan.cp * plan.pp);
  const Grid grid(plan, dp);
  Placement placement{.fabric = std::move(fabric),
                      .groups = grid.groups(),
                      .dp = dp,
                      .world = ranks,
                      .idle = available - ranks,
                      .pipeline_stride = grid.stride(Axis::pp)};
  if (placement.straddles()) report_straddling(placement, where, diagnostics);
  report_idle(plan, placement, available, where, diagnostics);
  return placement;
}

}  // namespace zettatwin::plan
