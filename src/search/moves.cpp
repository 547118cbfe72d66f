// SPDX-License-Identifier: Apache-2.0
#include "search/moves.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

namespace zettatwin::search {
namespace {

using plan::Plan;
using plan::ScheduleKind;

struct Limits {
  std::int64_t chips;
  std::int64_t heads;
  std::int64_t layers;
  std::int64_t experts;  // 0: dense
  std::int64_t sequence;
};

Limits limits_of(const training::Job& job) {
  Limits limits{.chips = job.chips > 0 ? job.chips : job.machine.chips(), .heads = job.architecture.kinds.front().attention.heads,
                .layers = job.architecture.layers(), .experts = 0, .sequence = job.sequence_length};
  for (const auto& kind : job.architecture.kinds)
    if (kind.experts) limits.experts = kind.experts->routed_experts;
  return limits;
}

// Whether sizes are worth evaluating at all; the plan's own checks are stricter.
bool sensible(const Plan& p, const Limits& l) {
  const auto world = p.tp * p.cp * p.pp;
  if (p.tp < 1 || p.cp < 1 || p.pp < 1 || p.ep < 1 || p.micro_batch < 1 || world > l.chips) return false;
  if (l.heads % p.tp != 0 || p.pp * plan::chunks_per_rank(p) > l.layers) return false;
  if (p.pp == 1 && p.schedule != ScheduleKind::one_f_one_b) return false;
  if (p.cp > 1 && l.sequence % (2 * p.cp) != 0) return false;
  return p.ep == 1 || (l.experts > 0 && l.experts % p.ep == 0 && p.ep <= l.chips / p.pp);
}

// One replica has nobody to share its parameters with.
void shard_only_replicas(Plan& p, const Limits& l, const Freedom& freedom) {
  const bool alone = p.cp == 1 && (p.dp == 1 || l.chips / (p.tp * p.pp) == 1);
  if (alone && p.zero > 1 && !freedom.given.contains("zero")) p.zero = 1;
}

void set_schedule(Plan& p, ScheduleKind kind, std::int64_t vpp, const Freedom& freedom) {
  p.schedule = kind;
  p.vpp = vpp;
  if (!freedom.given.contains("overlap")) p.overlap.ep = plan::pairs_passes(kind);
}

}  // namespace

std::string identity(const Plan& p) {
  return fmt::format("{} {} {} {} {} {} {} {} {} {} {} {} {}", p.tp, p.cp, p.ep, p.etp, p.pp, p.vpp, p.zero, p.micro_batch, static_cast<int>(p.recompute),
                     static_cast<int>(p.schedule), static_cast<int>(p.placement.back()), p.overlap.ep, p.straddle);
}

std::vector<Plan> starts(const Plan& given, const training::Job& job, const Freedom& freedom, Starts which) {
  using Sizes = std::vector<std::int64_t>;
  const auto limits = limits_of(job);
  std::vector<Plan> plans;
  const auto free = [&](const char* field) { return !freedom.given.contains(field); };
  const auto widest_expert = limits.experts > 0 ? limits.experts : 1;
  const bool all = which == Starts::all;
  const auto add = [&](Plan p) {
    shard_only_replicas(p, limits, freedom);
    const bool known = std::any_of(plans.begin(), plans.end(), [&](const Plan& other) { return identity(other) == identity(p); });
    if (sensible(p, limits) && !known) plans.push_back(p);
  };
  for (const auto tp : all ? Sizes{1, 2, 4, 8, 16} : Sizes{1, 8})
    for (const auto pp : all ? Sizes{1, 2, 4, 8, 16, 32, 64} : Sizes{1, 8, 32})
      for (const auto ep : Sizes{1, 16, 64, widest_expert}) {
        Plan p = given;
        if (free("tp")) p.tp = std::min(tp, limits.heads);
        if (free("pp")) p.pp = std::min(pp, limits.layers);
        if (free("ep")) p.ep = std::min(ep, widest_expert);
        if (free("recompute")) p.recompute = plan::Recompute::selective;
        add(p);
        if (pp > 1 || !free("zero")) continue;
        p.zero = 3;  // instead of a pipeline
        add(p);
      }
  return plans;
}

std::vector<Plan> neighbours(const Plan& plan, const training::Job& job, const Freedom& freedom) {
  const auto limits = limits_of(job);
  std::vector<Plan> plans;
  const auto propose = [&](const char* field, const std::function<void(Plan&)>& change) {
    if (freedom.given.contains(field)) return;
    Plan next = plan;
    change(next);
    if (next.pp == 1 && !freedom.given.contains("schedule")) set_schedule(next, ScheduleKind::one_f_one_b, 1, freedom);
    shard_only_replicas(next, limits, freedom);
    if (sensible(next, limits) && identity(next) != identity(plan)) plans.push_back(std::move(next));
  };
  const auto scale = [&](const char* field, std::int64_t Plan::*size) {
    propose(field, [size](Plan& p) { p.*size *= 2; });
    if (plan.*size % 2 == 0) propose(field, [size](Plan& p) { p.*size /= 2; });
  };
  scale("tp", &Plan::tp);
  scale("pp", &Plan::pp);
  scale("cp", &Plan::cp);
  scale("ep", &Plan::ep);
  scale("micro_batch", &Plan::micro_batch);
  if (limits.experts > 0) {
    propose("ep", [](Plan& p) { p.ep *= 4; });
    if (plan.ep % 4 == 0) propose("ep", [](Plan& p) { p.ep /= 4; });
  }
  if (!freedom.given.contains("zero")) propose("pp", [](Plan& p) { p.pp *= 4; p.zero = 1; });
  if (!freedom.given.contains("recompute")) propose("pp", [](Plan& p) { p.pp *= 2; p.recompute = plan::Recompute::selective; });
  // Wider groups with larger microbatches: fewer, larger operations.
  if (!freedom.given.contains("micro_batch")) propose("tp", [](Plan& p) { p.tp *= 2; p.micro_batch *= 2; });
  // Trades between dimensions at constant width of a replica.
  if (!freedom.given.contains("tp") && plan.tp % 2 == 0) propose("pp", [](Plan& p) { p.tp /= 2; p.pp *= 2; });
  if (!freedom.given.contains("tp") && plan.pp % 2 == 0) propose("pp", [](Plan& p) { p.tp *= 2; p.pp /= 2; });
  if (!freedom.given.contains("tp") && plan.tp % 2 == 0) {
    propose("cp", [](Plan& p) { p.tp /= 2; p.cp *= 2; });
    if (plan.tp % 4 == 0) propose("cp", [](Plan& p) { p.tp /= 4; p.cp *= 4; });  // where tp/2 and cp*2 is slower than both
    if (!freedom.given.contains("pp")) propose("cp", [](Plan& p) { p.tp /= 2; p.cp *= 2; p.pp *= 2; });
  }
  for (const auto recompute : {plan::Recompute::none, plan::Recompute::selective, plan::Recompute::full})
    if (recompute != plan.recompute) propose("recompute", [recompute](Plan& p) { p.recompute = recompute; });
  if (plan.pp > 1) {
    for (const std::int64_t vpp : {2, 4})
      if (!freedom.given.contains("vpp")) propose("schedule", [&, vpp](Plan& p) { set_schedule(p, ScheduleKind::interleaved, vpp, freedom); });
    propose("schedule", [&](Plan& p) { set_schedule(p, ScheduleKind::one_f_one_b, 1, freedom); });
    propose("schedule", [&](Plan& p) { set_schedule(p, ScheduleKind::zb_v, 1, freedom); });
    // Its pending weight gradients may need the memory that shorter shards of the sequence leave.
    if (!freedom.given.contains("cp")) propose("schedule", [&](Plan& p) { set_schedule(p, ScheduleKind::zb_v, 1, freedom); p.cp *= 2; });
    if (limits.experts > 0) propose("schedule", [&](Plan& p) { set_schedule(p, ScheduleKind::dualpipe_v, 1, freedom); });
  }
  for (const std::int64_t zero : {1, 3})
    if (zero != plan.zero) propose("zero", [zero](Plan& p) { p.zero = zero; });
  propose("placement", [](Plan& p) {
    using plan::Axis;
    const bool pipeline_last = p.placement.back() == Axis::pp;
    p.placement = pipeline_last ? std::vector{Axis::tp, Axis::cp, Axis::pp, Axis::dp} : std::vector{Axis::tp, Axis::cp, Axis::dp, Axis::pp};
  });
  return plans;
}

}  // namespace zettatwin::search
