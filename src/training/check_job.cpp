// SPDX-License-Identifier: Apache-2.0
#include "training/check_job.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdlib>

#include "training/operation_timer.hpp"
#include "units/text.hpp"
#include "workload/operations.hpp"

namespace zettatwin::training {
namespace {

// Steps take seconds to minutes; from this on a step at datasheet peaks is a mistake, and its parts might outgrow the clock (106 days).
constexpr units::Seconds kLongestStep = units::day;

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

}  // namespace zettatwin::training
