// SPDX-License-Identifier: Apache-2.0
#include "training/check_job.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <tuple>

#include "training/clusters.hpp"
#include "training/operation_timer.hpp"
#include "units/text.hpp"
#include "workload/memory_states.hpp"
#include "workload/operations.hpp"

namespace zettatwin::training {
namespace {

// Steps take seconds to minutes; from this on a step at datasheet peaks is a mistake, and its parts might outgrow the clock (106 days).
constexpr units::Seconds kLongestStep = units::day;

// Times are counted in picoseconds, up to 106 days. A step whose traffic alone may take this long is refused before anything is timed.
constexpr units::Seconds kLongestTraffic = 20 * units::day;

// More bytes than one chip sends in a step, in more messages than it sends: what bounds a step's time on a level from above.
struct Traffic {
  double bytes = 0;
  double messages = 0;
};

Traffic most_traffic(const Job& job, const plan::Placement& placement) {
  constexpr double kActivationBytes = 2, kGradientBytes = 4;
  constexpr double kPerLayer = 24;  // collectives, forward and backward, recomputation included
  const auto& [plan, model] = std::tie(job.plan, job.architecture);
  const auto real = [](std::int64_t value) { return static_cast<double>(value); };
  const double microbatches = std::max(1.0, real(plan.global_batch) / real(placement.dp * plan.micro_batch));
  const double tokens = real(plan.micro_batch) * real(job.sequence_length);
  double copies = 1, parameters = real(model.vocabulary) * real(model.hidden) * 2;
  for (const auto& kind : model.kinds) {
    if (kind.experts) copies = std::max(copies, real(kind.experts->top_k * plan.etp) * plan.expert_imbalance);
    const auto share = workload::layer_on_rank(model, kind, plan);
    parameters = std::max(parameters, (share.hidden + share.experts) * real(model.layers()));
  }
  const double passes = kPerLayer * real(model.layers() + model.mtp_depth + 1) * microbatches;
  const double reductions = plan.zero >= 2 ? microbatches : 1;
  return {passes * tokens * real(model.hidden) * kActivationBytes * copies + 3 * reductions * parameters * kGradientBytes, passes * (1 + reductions)};
}

bool has_formats(const Job& job, const config::Location& where, config::Diagnostics& diagnostics) {
  const auto& chip = job.machine.chip;
  std::vector<std::string_view> known;
  for (const auto& [precision, peak] : chip.matrix_peak) known.push_back(hardware::name_of(precision));
  const auto wanted = workload::precisions_of(job.plan.recipe).gemm;
  for (const auto precision : {wanted, hardware::Precision::bf16}) {
    if (chip.peak(precision).si() > 0) continue;
    diagnostics.error(where, fmt::format("{} has no matrix unit for {}", chip.name, hardware::name_of(precision)),
                      fmt::format("its formats are {}", fmt::join(known, ", ")),
                      precision == wanted && chip.peak(hardware::Precision::bf16).si() > 0 ? "write precision=bf16" : "training needs bf16");
    return false;
  }
  return true;
}

// Where a placement straddles, so may shards, but not on levels that a mesh or torus joins.
bool lines_up(const plan::Placement& placement, const space::View& data, std::int64_t zero_group) {
  const auto shards = shards_of(data, placement.groups.data, zero_group);
  if (!shards) return false;
  const auto& fabric = placement.fabric;
  if (!placement.straddles()) return topology::divides_evenly(fabric, shards->inner) && topology::divides_evenly(fabric, shards->outer);
  for (std::size_t l = 0; l < fabric.used.size(); ++l)
    if (!topology::may_be_cut(*fabric.machine, l) && !(space::divides_evenly(shards->inner, fabric.ranks_within(l)) && space::divides_evenly(shards->outer, fabric.ranks_within(l))))
      return false;
  return true;
}

bool line_up(const plan::Placement& placement, std::int64_t zero_group) {
  return lines_up(placement, placement.groups.data, zero_group) && lines_up(placement, placement.groups.expert_data, zero_group);
}

}  // namespace

bool check_shards(const plan::Plan& plan, const plan::Placement& placement, const config::Location& where, config::Diagnostics& diagnostics) {
  if (line_up(placement, plan.zero_group)) return true;
  const auto replicas = placement.groups.data.size();
  std::int64_t nearest = replicas;
  for (std::int64_t size = 1; size <= std::min<std::int64_t>(replicas, 2 * plan.zero_group); ++size)
    if (replicas % size == 0 && std::abs(size - plan.zero_group) < std::abs(nearest - plan.zero_group) && line_up(placement, size)) nearest = size;
  diagnostics.error(where, fmt::format("zero_group {} cuts across the {} data-parallel ranks or the levels of the machine", plan.zero_group, replicas),
                    "shards lie together, in groups that divide each level evenly", fmt::format("try zero_group={}", nearest));
  return false;
}

bool check_links(const Job& job, const plan::Placement& placement, const config::Location& where, config::Diagnostics& diagnostics) {
  const auto most = most_traffic(job, placement);
  bool good = true;
  for (std::size_t l = 0; l < placement.fabric.used.size(); ++l) {
    const auto units_used = static_cast<double>(placement.fabric.used[l]);
    const auto& level = job.machine.levels[l];
    const auto& network = level.network;
    if (placement.fabric.used[l] == 1) continue;
    const auto& figure = network.pair_bandwidth.present ? network.pair_bandwidth : network.bandwidth;
    const auto bandwidth = network.rates ? std::min(network.rates->stream, network.rates->neighbours) : figure.value;
    const double over = network.oversubscription.present ? std::max(1.0, network.oversubscription.si()) : 1;
    const double ramp = std::sqrt(network.half_message.value.si() * most.messages / most.bytes);
    const double seconds = most.bytes * (1 + ramp) * over / (bandwidth.si() * network.efficiency.si()) +
                           most.messages * (units_used * (network.latency.si() + network.message_gap.si()) + network.launch.si());
    if (seconds <= kLongestTraffic.si()) continue;
    diagnostics.error(where, fmt::format("{} level: {} per chip with {} latency is too slow for this job", level.name, units::human(bandwidth), units::human(network.latency.value)),
                      fmt::format("a step's traffic over it may take {:.3g} days, and more than {:.3g} are not simulated", seconds / units::day.si(), kLongestTraffic / units::day),
                      "raise the bandwidth or lower the latency of this level, or make the global batch smaller");
    good = false;
  }
  return good;
}

bool check_job(const Job& job, std::int64_t chips, const config::Location& where, config::Diagnostics& diagnostics) {
  if (!has_formats(job, where, diagnostics)) return false;
  const auto peak = job.machine.chip.peak(workload::precisions_of(job.plan.recipe).gemm);
  const double tokens = static_cast<double>(std::max<std::int64_t>(1, job.plan.global_batch)) * static_cast<double>(job.sequence_length);
  const auto step = tokens * workload::model_flop_per_token(job.architecture, job.sequence_length) / (static_cast<double>(chips) * peak);
  if (step <= kLongestStep) return true;
  diagnostics.error(where, fmt::format("one step of {:.3g} tokens would take at least {} on {} chips", tokens, units::human(step), units::grouped(chips)),
                    "steps of more than a day are not simulated", "lower sequence_length or global_batch, or take more chips");
  return false;
}

bool check_unfolded(const Job& job, const plan::Placement& placement, const config::Location& where, config::Diagnostics& diagnostics) {
  if (!has_clusters(placement)) {
    diagnostics.error(where, "this job cannot run unfolded", "its groups cut across each other or across the machine's units", "write straddle=false in the plan, choose other sizes, or run it folded");
    return false;
  }
  // Each stage of each cluster runs each collective as flows between all ranks.
  constexpr double kFlowsMax = 2e7;  // about a minute
  const auto& g = placement.groups;
  const auto clusters = count_of_clusters(placement);
  double flows = static_cast<double>(placement.world) * static_cast<double>(clusters * job.plan.pp);
  flows *= static_cast<double>(std::max({std::int64_t{16}, g.tensor.size(), g.context.size(), g.expert.size()}));
  if (flows <= kFlowsMax) return true;
  diagnostics.error(where, fmt::format("unfolded, every collective of this job is about {:.2g} flows", flows), fmt::format("at most {:.2g} are run", kFlowsMax), "take fewer chips, or fidelity folded, which is exact");
  return false;
}

}  // namespace zettatwin::training
