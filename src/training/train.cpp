// SPDX-License-Identifier: Apache-2.0
#include "training/train.hpp"

#include <fmt/format.h>

#include <array>

#include "plan/check.hpp"
#include "training/breakdown.hpp"
#include "training/check_job.hpp"
#include "training/step.hpp"
#include "units/text.hpp"

namespace zettatwin::training {
namespace {

std::string layers_text(const plan::ModelChunk& chunk) {
  std::string text = chunk.has_embedding ? "embedding" : "";
  const auto add = [&text](const std::string& part) { text += (text.empty() ? "" : " + ") + part; };
  if (!chunk.layers.empty()) {
    const auto first = chunk.layers.front().first;
    const auto last = chunk.layers.back().first + chunk.layers.back().count - 1;
    add(first == last ? fmt::format("layer {}", first) : fmt::format("layers {}-{}", first, last));
  }
  if (chunk.mtp > 0) add("mtp");
  if (chunk.has_head) add("head");
  return text.empty() ? "nothing" : text;
}

hardware::Precision peak_precision(const Job& job) { return workload::precisions_of(job.plan.recipe).gemm; }

void fill_throughput(const Job& job, TrainingResult& result) {
  result.model_flop_per_token = workload::model_flop_per_token(job.architecture, job.sequence_length);
  result.peak_precision = peak_precision(job);
  result.peak_per_chip = job.machine.chip.peak(result.peak_precision);
  const double seconds = result.step_time.seconds().si();
  const double tokens = static_cast<double>(result.tokens_per_step);
  result.tokens_per_s = tokens / seconds;
  result.model_rate_per_chip = units::FlopPerSecond::from_si(result.model_flop_per_token.si() * result.tokens_per_s / static_cast<double>(result.chips));
  result.mfu = result.model_rate_per_chip / result.peak_per_chip;
  result.mfu_bf16 = result.model_rate_per_chip / job.machine.chip.peak(hardware::Precision::bf16);
}

void fill_roles(const Job& job, const Step& step, const workload::MemoryReport& memory, TrainingResult& result) {
  const auto per_rank = result.chips / job.plan.pp;
  for (std::int64_t rank = 0; rank < step.schedule.ranks; ++rank) {
    const auto i = static_cast<std::size_t>(rank);
    Role role{.pipeline_rank = rank, .chips = per_rank};
    for (std::int64_t c = 0; c < step.schedule.chunks_per_rank; ++c) role.layers += (c ? "; " : "") + layers_text(step.chunk(rank, c));
    role.busy = step.timeline.ranks[i].busy;
    role.idle = step.timeline.ranks[i].idle;
    role.gradients = step.tails[i].reduction_exposed;
    role.optimizer = step.tails[i].optimizer;
    role.memory = memory.ranks[i].total();
    result.roles.push_back(std::move(role));
  }
}

std::string instruction_text(const workload::Instruction& i) {
  switch (i.action) {
    case workload::Action::forward: return fmt::format("F{} mb{}", i.chunk, i.microbatch);
    case workload::Action::backward: return fmt::format("B{} mb{}", i.chunk, i.microbatch);
    case workload::Action::backward_input: return fmt::format("Bi{} mb{}", i.chunk, i.microbatch);
    case workload::Action::backward_weight: return fmt::format("W{} mb{}", i.chunk, i.microbatch);
    case workload::Action::forward_backward: return fmt::format("F{} mb{} & B{} mb{}", i.chunk, i.microbatch, i.second_chunk, i.second_microbatch);
  }
  return "?";
}

void fill_trace(const Step& step, TrainingResult& result) {
  for (std::size_t rank = 0; rank < step.timeline.trace.size(); ++rank) {
    const auto pipeline_rank = static_cast<std::int64_t>(rank);
    for (const auto& timed : step.timeline.trace[rank])
      result.trace.push_back({pipeline_rank, "compute", instruction_text(timed.instruction), timed.start, timed.finish});
    const auto& tail = step.tails[rank];
    const auto finish = step.timeline.ranks[rank].finish;
    if (tail.reduction_exposed.count() > 0) result.trace.push_back({pipeline_rank, "communication", "gradient reduction (exposed)", finish, tail.ready});
    const auto updated = step.tails[static_cast<std::size_t>(step.critical)].ready + step.norm;
    result.trace.push_back({pipeline_rank, "compute", "optimizer", updated, updated + tail.optimizer});
  }
}

std::optional<TrainingResult> run(const Job& job, bool explain, const config::Location& where, config::Diagnostics& diagnostics) {
  const auto errors_before = diagnostics.error_count();
  (void)plan::check(job.plan, job.architecture, job.sequence_length, where, diagnostics);
  auto placement = plan::place(job.plan, job.machine, job.chips, where, diagnostics);
  if (placement) (void)plan::check_replicas(job.plan, placement->dp, where, diagnostics);
  if (placement) (void)check_job(job, placement->world, where, diagnostics);
  if (placement && diagnostics.error_count() == errors_before) (void)check_shards(job.plan, *placement, where, diagnostics);
  if (!placement || diagnostics.error_count() != errors_before) return std::nullopt;

  Step step(job, std::move(*placement));
  if (!step.run(where, diagnostics)) return std::nullopt;
  TrainingResult result;
  result.chips = step.placement.world;
  result.idle_chips = step.placement.idle;
  result.data_parallel = step.placement.dp;
  result.microbatches = step.microbatches();
  result.tokens_per_step = job.plan.global_batch * job.sequence_length;
  result.critical_role = step.critical;
  result.step_time = job.fidelity == Fidelity::bound ? step.bound() : step.time();
  fill_throughput(job, result);

  const workload::MemoryInput input{.architecture = job.architecture, .plan = job.plan, .layout = step.layout, .schedule = step.schedule,
                                    .dp = step.placement.dp, .sequence_length = job.sequence_length, .options = job.memory};
  const auto capacity = job.machine.chip.memory.capacity.value;
  const auto memory = workload::memory_of(input, capacity);
  result.memory_peak = memory.peak().total();
  result.memory_peak_role = static_cast<std::int64_t>(memory.peak_rank);
  result.memory = memory.ranks;
  if (!memory.fits()) {
    result.feasible = false;
    result.infeasible = Infeasible{.limit = "memory", .needed = result.memory_peak, .available = capacity,
                                   .role = fmt::format("pipeline rank {}", memory.peak_rank), .reason = workload::infeasible_text(memory), .suggestions = {}};
    if (explain)
      for (const auto& remedy : workload::remedies(input, capacity))
        result.infeasible->suggestions.push_back(fmt::format("{}: saves {}{}", remedy.change, units::human(remedy.saves), remedy.fits ? ", then it fits" : ""));
  }
  if (!explain) return result;
  fill_roles(job, step, memory, result);
  fill_trace(step, result);
  result.tree.key = "results";
  result.tree.label = "training step";
  if (job.fidelity == Fidelity::folded) result.tree.add(time_tree(step));
  result.tree.add(memory_tree(memory));
  result.tree.add(headline_tree(job, result));
  result.timeline = std::move(step.timeline);
  return result;
}

}  // namespace

std::span<const config::Word> fidelity_words() {
  static constexpr std::array words{
      config::Word{"bound", static_cast<int>(Fidelity::bound), "a lower bound on the step time at datasheet peaks"},
      config::Word{"folded", static_cast<int>(Fidelity::folded), "executed schedule with achieved rates, folded by symmetry"}};
  return words;
}

std::optional<TrainingResult> train(const Job& job, const config::Location& where, config::Diagnostics& diagnostics) {
  return run(job, true, where, diagnostics);
}

std::optional<TrainingResult> estimate(const Job& job, const config::Location& where, config::Diagnostics& diagnostics) {
  return run(job, false, where, diagnostics);
}

}  // namespace zettatwin::training
