// SPDX-License-Identifier: Apache-2.0
#include "training/train.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "plan/check.hpp"
#include "training/breakdown.hpp"
#include "training/cable_faults.hpp"
#include "training/check_job.hpp"
#include "training/clusters.hpp"
#include "training/faults.hpp"
#include "training/jittered_step.hpp"
#include "training/step.hpp"
#include "training/unfold.hpp"
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

// Seconds of the critical rank's kernels by family. Its bubbles wait for passes, so they grow as these do.
compute::KernelTimes kernels_of(Step& step) {
  const auto& line = step.timeline.ranks[static_cast<std::size_t>(step.critical)];
  const auto ledger = step.ledger(step.critical);
  const double waits = line.busy.count() > 0 ? static_cast<double>((line.busy + line.idle).count()) / static_cast<double>(line.busy.count()) : 1;
  compute::KernelTimes kernels;
  for (LeafId id = 0; id < step.leaves.size(); ++id) {
    const auto* example = step.leaves.at(id).example;
    if (!example) continue;
    const double seconds = waits * ledger.of(id).seconds().si();
    std::visit([&](const auto& work) {
      if constexpr (!std::is_same_v<std::decay_t<decltype(work)>, workload::Communication>) kernels.add(compute::family_of(step.job.machine.chip, work), seconds);
    }, example->work);
  }
  return kernels;
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

void fill_trace(const Step& step, TrainingResult& result) {
  for (std::size_t rank = 0; rank < step.timeline.trace.size(); ++rank) {
    const auto pipeline_rank = static_cast<std::int64_t>(rank);
    for (const auto& timed : step.timeline.trace[rank])
      result.trace.push_back({pipeline_rank, "compute", name_of(timed.instruction), timed.start, timed.finish});
    const auto& tail = step.tails[rank];
    const auto finish = step.timeline.ranks[rank].finish;
    if (tail.reduction_exposed.count() > 0) result.trace.push_back({pipeline_rank, "communication", "gradient reduction (exposed)", finish, tail.ready});
    const auto updated = step.tails[static_cast<std::size_t>(step.critical)].ready + step.norm;
    result.trace.push_back({pipeline_rank, "compute", "optimizer", updated, updated + tail.optimizer});
  }
}

struct Replicas {
  std::unique_ptr<Step> step;
  std::int64_t clusters = 1;  // of which it is one
};

// Steps of clusters of replicas that feel different faults: that of the cluster that they hold up most, then the others if jitter makes all of them matter. One that
// cannot run stands alone; none: errors.
std::vector<Replicas> steps_of(const Job& job, const plan::Placement& placement, const config::Location& where, config::Diagnostics& diagnostics) {
  std::vector<StageFaults> kinds(1);
  if (job.fidelity == Fidelity::unfolded) kinds = every_cluster(job.faults, placement, job.plan.pp);
  else if (!job.faults.empty()) kinds = distinct_clusters(job.faults, placement, job.plan.pp);
  std::vector<Replicas> steps;
  for (const auto& faults : kinds) {
    Replicas next{std::make_unique<Step>(job, placement, faults), faults.clusters};
    if (!next.step->run(where, diagnostics)) return {};
    if (!next.step->impossible().empty()) {
      steps.clear();
      steps.push_back(std::move(next));
      return steps;
    }
    if (!steps.empty() && next.step->time() > steps.front().step->time()) std::swap(next, steps.front());
    if (steps.empty() || job.jitter.any()) steps.push_back(std::move(next));
  }
  return steps;
}

TrainingResult cannot_run(const Job& job, const plan::Placement& placement, std::string reason) {
  TrainingResult result;
  result.tokens_per_step = job.plan.global_batch * job.sequence_length;
  result.feasible = false;
  result.chips = placement.world;
  result.idle_chips = placement.idle;
  result.data_parallel = placement.dp;
  result.microbatches = job.plan.global_batch / (placement.dp * job.plan.micro_batch);
  result.infeasible = Infeasible{.limit = "faults", .needed = {}, .available = {}, .role = "", .reason = std::move(reason),
                                 .suggestions = {fmt::format("leave out the replicas that need it: dp={} at most", placement.dp - 1), "take a machine with spare chips, or repair it"}};
  result.tree.key = "results";
  return result;
}

bool check_faults(const Job& job, const plan::Placement& placement, const config::Location& where, config::Diagnostics& diagnostics) {
  if (job.fidelity == Fidelity::unfolded && !check_unfolded(job, placement, where, diagnostics)) return false;
  if (job.faults.empty()) return true;
  if (!has_clusters(placement)) {
    diagnostics.error(where, "faults cannot be placed on groups that cut across each other or across units", "",
                      placement.straddles() ? "write straddle=false in the plan, or choose sizes that divide the machine's units" : "choose tp x cp and etp x ep that divide each other");
    return false;
  }
  for (const auto& fault : job.faults)
    if (felt_by({fault}, placement).empty()) diagnostics.warning(fault.where, fmt::format("{} has no effect", fault.text), "the job does not use that part of the machine");
  return true;
}

std::optional<TrainingResult> run_as_is(const Job& job, bool explain, const config::Location& where, config::Diagnostics& diagnostics) {
  const auto errors_before = diagnostics.error_count();
  (void)plan::check(job.plan, job.architecture, job.sequence_length, where, diagnostics);
  auto placement = plan::place(job.plan, job.machine, job.chips, where, diagnostics);
  if (placement) (void)plan::check_replicas(job.plan, placement->dp, where, diagnostics);
  if (placement) (void)check_job(job, placement->world, where, diagnostics);
  if (placement && diagnostics.error_count() == errors_before) (void)(check_shards(job.plan, *placement, where, diagnostics) && check_links(job, *placement, where, diagnostics));
  if (placement) (void)check_unfold(job, *placement, where, diagnostics);
  if (placement) (void)check_faults(job, *placement, where, diagnostics);
  if (!placement || diagnostics.error_count() != errors_before) return std::nullopt;

  TrainingResult result;
  if (auto stopped = stopped_by(job.faults, *placement); !stopped.empty()) return cannot_run(job, *placement, std::move(stopped));
  const auto steps = steps_of(job, *placement, where, diagnostics);
  if (steps.empty()) return std::nullopt;
  Step& step = *steps.front().step;
  if (auto stopped = step.impossible(); !stopped.empty()) return cannot_run(job, *placement, std::move(stopped));
  result.chips = step.placement.world;
  result.idle_chips = step.placement.idle;
  result.data_parallel = step.placement.dp;
  result.microbatches = step.microbatches();
  result.tokens_per_step = job.plan.global_batch * job.sequence_length;
  result.critical_role = step.critical;
  result.step_time = job.fidelity == Fidelity::bound ? step.bound() : step.time();
  fill_throughput(job, result);
  if (job.fidelity != Fidelity::bound) result.kernels = kernels_of(step);

  const workload::MemoryInput input{.architecture = job.architecture, .plan = job.plan, .layout = step.layout, .schedule = step.schedule,
                                    .dp = step.placement.dp, .sequence_length = job.sequence_length, .software = job.software};
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
  if (job.fidelity != Fidelity::bound) {
    result.links = link_loads(step);
    result.critical_path = critical_path(step);
  }
  result.tree.key = "results";
  result.tree.label = "training step";
  if (job.fidelity != Fidelity::bound) result.tree.add(time_tree(step));
  result.tree.add(memory_tree(memory));
  if (job.jitter.any() && job.fidelity != Fidelity::bound) {
    std::vector<ReplicaKind> kinds;
    for (const auto& each : steps) kinds.push_back({each.step.get(), each.clusters});
    result.jitter = with_jitter(kinds);
    result.tree.add(jitter_tree(job.jitter, *result.jitter));
  }
  result.tree.add(headline_tree(job, result));
  result.timeline = std::move(step.timeline);
  return result;
}

std::optional<TrainingResult> run(const Job& job, bool explain, const config::Location& where, config::Diagnostics& diagnostics) {
  const auto left = without_named_cables(job);
  if (!left) return run_as_is(job, explain, where, diagnostics);
  if (left->impossible.empty()) return run_as_is(left->job, explain, where, diagnostics);
  const auto placement = plan::place(job.plan, job.machine, job.chips, where, diagnostics);
  return placement ? std::optional(cannot_run(job, *placement, left->impossible)) : std::nullopt;
}

void leaves_below(const result::Node& node, const std::string& path, std::map<std::string, double>& leaves) {
  if (node.children.empty()) leaves[path] += node.si;
  for (const auto& child : node.children) leaves_below(child, path.empty() ? child.key : path + "." + child.key, leaves);
}

// Where the slowest pipeline loses time to a fault, by leaf of the breakdown.
std::vector<FaultEffect::Slowed> slowed_by(const TrainingResult& healthy, const TrainingResult& faulty) {
  std::map<std::string, double> more, before;
  for (const auto& [result, leaves] : {std::pair(&faulty, &more), std::pair(&healthy, &before)})
    if (const auto* breakdown = result->tree.find("breakdown")) leaves_below(*breakdown, "", *leaves);
  for (const auto& [leaf, seconds] : before) more[leaf] -= seconds;
  std::vector<FaultEffect::Slowed> slowed;
  for (const auto& [leaf, seconds] : more)
    if (const auto cost = units::Picoseconds::from(units::Seconds::from_si(std::max(0.0, seconds))); cost.count() > 0) slowed.push_back({leaf, cost});
  std::stable_sort(slowed.begin(), slowed.end(), [](const auto& a, const auto& b) { return a.cost > b.cost; });
  return slowed;
}

// Each fault alone, against none.
void price_faults(const Job& job, const config::Location& where, TrainingResult& result) {
  config::Diagnostics ignored;  // the same job without faults, or with fewer
  Job one = job;
  one.trace_limit = 0;
  one.unfold.reset();
  one.jitter = {};
  one.faults.clear();
  const auto healthy = run(one, true, where, ignored);
  const auto placement = plan::place(job.plan, job.machine, job.chips, where, ignored);
  if (!healthy || !placement) return;
  result.healthy_step_time = healthy->step_time;
  for (const auto& fault : job.faults) {
    one.faults = {fault};
    const auto alone = run(one, true, where, ignored);
    if (!alone) continue;
    const bool stopped = alone->infeasible && alone->infeasible->limit == "faults";
    FaultEffect effect{.fault = fault.text, .step_time = alone->step_time, .waits = who_waits(fault, *placement, job.plan.pp), .mechanism = std::string(mechanism_of(fault.kind)),
                       .part = what_is_left(fault, job.machine)};
    if (stopped) effect.impossible = alone->infeasible->reason;
    else effect.cost = alone->step_time - healthy->step_time;
    effect.slowed = slowed_by(*healthy, *alone);
    result.faults.push_back(std::move(effect));
  }
}

}  // namespace

std::span<const config::Word> fidelity_words() {
  static constexpr std::array words{
      config::Word{"bound", static_cast<int>(Fidelity::bound), "a lower bound on the step time at datasheet peaks"},
      config::Word{"folded", static_cast<int>(Fidelity::folded), "executed schedule with achieved rates, folded by symmetry"},
      config::Word{"unfolded", static_cast<int>(Fidelity::unfolded), "the same rank by rank and flow by flow, for small machines"}};
  return words;
}

std::optional<TrainingResult> train(const Job& job, const config::Location& where, config::Diagnostics& diagnostics) {
  auto result = run(job, true, where, diagnostics);
  if (result && job.unfold && !(result->infeasible && result->infeasible->limit == "faults")) {
    config::Diagnostics known;
    const auto left = without_named_cables(job);
    const Job& as_is = left ? left->job : job;
    result->unfolded = unfold(as_is, *plan::place(as_is.plan, as_is.machine, as_is.chips, where, known), where, known);
  }
  if (result && !job.faults.empty()) price_faults(job, where, *result);
  return result;
}

std::optional<TrainingResult> estimate(const Job& job, const config::Location& where, config::Diagnostics& diagnostics) {
  return run(job, false, where, diagnostics);
}

}  // namespace zettatwin::training
