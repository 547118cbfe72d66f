// SPDX-License-Identifier: Apache-2.0
// What would make a plan fit: the memory of plans that differ in one setting, on the same chips and with the same global batch.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "plan/check.hpp"
#include "workload/memory.hpp"

namespace zettatwin::workload {
namespace {

struct Candidate {
  std::string change;
  plan::Plan plan;
  std::int64_t dp = 1;
  std::int64_t microbatches = 1;
};

// Doubles a dimension at the cost of replicas, which then run twice the microbatches.
void double_dimension(std::vector<Candidate>& out, const MemoryInput& input, std::string_view name, std::int64_t plan::Plan::* dimension) {
  if (input.dp % 2 != 0) return;
  Candidate c{{}, input.plan, input.dp / 2, input.schedule.microbatches * 2};
  c.plan.*dimension *= 2;
  c.change = fmt::format("{}={},dp={}", name, c.plan.*dimension, c.dp);
  if (c.plan.etp == input.plan.tp && dimension == &plan::Plan::tp && c.plan.etp > 1) {
    c.plan.etp *= 2;
    c.change += fmt::format(",etp={}", c.plan.etp);
  }
  out.push_back(std::move(c));
}

std::vector<Candidate> candidates(const MemoryInput& input) {
  const auto& p = input.plan;
  std::vector<Candidate> out;
  const auto same_grid = [&](std::string change) -> plan::Plan& {
    out.push_back({std::move(change), p, input.dp, input.schedule.microbatches});
    return out.back().plan;
  };
  if (p.recompute == plan::Recompute::none) same_grid("recompute=selective").recompute = plan::Recompute::selective;
  if (p.recompute != plan::Recompute::full || p.recompute_layers >= 0) {
    auto& full = same_grid("recompute=full");
    full.recompute = plan::Recompute::full;
    full.recompute_layers = -1;
  }
  if (!p.compress_activations && p.recipe != plan::Recipe::bf16) same_grid("compress_activations=true").compress_activations = true;
  for (auto stage = p.zero + 1; stage <= 3; ++stage) same_grid(fmt::format("zero={}", stage)).zero = stage;
  if (p.tp > 1 && !p.sequence_parallel) same_grid("sequence_parallel=true").sequence_parallel = true;
  if (p.moment_type == plan::NumberType::fp32) same_grid("moment_type=bf16").moment_type = plan::NumberType::bf16;
  if (p.gradient_type == plan::NumberType::fp32) same_grid("gradient_type=bf16").gradient_type = plan::NumberType::bf16;
  same_grid(fmt::format("ep={}", p.ep * 2)).ep = p.ep * 2;  // invalid for dense models, and dropped with other invalid plans
  if (p.micro_batch % 2 == 0) {
    same_grid(fmt::format("micro_batch={}", p.micro_batch / 2)).micro_batch = p.micro_batch / 2;
    out.back().microbatches *= 2;
  }
  double_dimension(out, input, "tp", &plan::Plan::tp);
  double_dimension(out, input, "pp", &plan::Plan::pp);
  double_dimension(out, input, "cp", &plan::Plan::cp);
  return out;
}

// Memory at the peak, if the candidate is a valid plan.
std::optional<units::Bytes> peak_of(const MemoryInput& input, const Candidate& c) {
  config::Diagnostics unused;
  const auto where = config::location_in("");
  const auto& p = c.plan;
  if ((p.tp * p.cp * c.dp) % (p.etp * p.ep) != 0) return std::nullopt;
  if (p.zero_group > 0 && (c.dp * p.cp) % p.zero_group != 0) return std::nullopt;
  if (!plan::check(p, input.architecture, input.sequence_length, where, unused)) return std::nullopt;
  const auto chunks = plan::chunks_per_rank(p);
  if (!schedule_problem(p.schedule, p.pp, chunks, c.microbatches).empty()) return std::nullopt;
  const auto layout = plan::make_layout(p, input.architecture, where, unused);
  if (!layout) return std::nullopt;
  const auto schedule = make_schedule(p.schedule, p.pp, chunks, c.microbatches);
  const MemoryInput changed{input.architecture, p, *layout, schedule, c.dp, input.sequence_length, input.software};
  return memory_of(changed, units::Bytes{}).peak().total();
}

}  // namespace

std::vector<Remedy> remedies(const MemoryInput& input, units::Bytes capacity) {
  const auto now = memory_of(input, capacity).peak().total();
  std::vector<Remedy> result;
  for (auto& c : candidates(input)) {
    const auto peak = peak_of(input, c);
    if (peak && *peak < now) result.push_back({std::move(c.change), now - *peak, *peak <= capacity});
  }
  std::stable_sort(result.begin(), result.end(), [](const auto& a, const auto& b) { return a.saves > b.saves; });
  return result;
}

}  // namespace zettatwin::workload
