// SPDX-License-Identifier: Apache-2.0
#include "training/step.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/contract.hpp"

namespace zettatwin::training {
namespace {

using units::Picoseconds;
using workload::Action;

traffic::Fidelity flows_of(const Job& job) { return job.fidelity == Fidelity::unfolded ? traffic::Fidelity::unfolded : traffic::Fidelity::folded; }

Picoseconds duration_of(const std::vector<Traffic>& messages) {
  Picoseconds sum;
  for (const auto& message : messages) sum += message.time;
  return sum;
}

}  // namespace

std::string name_of(const workload::Instruction& i) {
  switch (i.action) {
    case Action::forward: return fmt::format("F{} mb{}", i.chunk, i.microbatch);
    case Action::backward: return fmt::format("B{} mb{}", i.chunk, i.microbatch);
    case Action::backward_input: return fmt::format("Bi{} mb{}", i.chunk, i.microbatch);
    case Action::backward_weight: return fmt::format("W{} mb{}", i.chunk, i.microbatch);
    case Action::forward_backward: return fmt::format("F{} mb{} & B{} mb{}", i.chunk, i.microbatch, i.second_chunk, i.second_microbatch);
  }
  return "?";
}

OwnPrices::OwnPrices(const Job& job, const plan::Placement& placement, LeafTable& leaves, std::vector<traffic::Fault> of_cluster, std::vector<traffic::Fault> of_all)
    : timer(job.machine.chip, job.plan, placement, job.architecture, of_cluster, flows_of(job)),
      replicas(job.machine.chip, job.plan, placement, job.architecture, std::move(of_all), flows_of(job)),
      costs(job.architecture, job.plan, {.sequences = job.plan.micro_batch, .sequence_length = job.sequence_length}, job.software, timer, leaves),
      data_parallel(job.architecture, job.plan, replicas, job.software), faults(std::move(of_cluster)) {}

Step::Step(const Job& j, plan::Placement p, const StageFaults& faults)
    : job(j), placement(std::move(p)), timer(job.machine.chip, job.plan, placement, job.architecture),
      costs(job.architecture, job.plan, {.sequences = job.plan.micro_batch, .sequence_length = job.sequence_length}, job.software, timer, leaves),
      data_parallel(job.architecture, job.plan, timer, job.software) {
  for (std::size_t stage = 0; stage < faults.of_all.size(); ++stage) {
    const bool common = faults.of_all[stage].empty() && job.fidelity != Fidelity::unfolded;
    own.push_back(common ? nullptr : std::make_unique<OwnPrices>(job, placement, leaves, faults.of_cluster[stage], faults.of_all[stage]));
  }
}

std::string Step::impossible() const {
  for (const auto& stage : own)
    for (const auto* timer_of_stage : {stage ? &stage->timer : nullptr, stage ? &stage->replicas : nullptr})
      if (timer_of_stage && !timer_of_stage->impossible().empty()) return timer_of_stage->impossible();
  return no_send_;
}

// Whether neighbours of these pipeline ranks meet on that level.
bool Step::sends_cross(std::size_t level, std::int64_t a, std::int64_t b) const {
  const auto unit = [this](std::int64_t rank, std::int64_t size) { return rank * placement.pipeline_stride / size; };
  const std::int64_t below = level > 0 ? placement.fabric.ranks_within(level - 1) : 1, within = placement.fabric.ranks_within(level);
  return unit(a, below) != unit(b, below) && unit(a, within) == unit(b, within);
}

Picoseconds Step::send_between(std::int64_t a, std::int64_t b) {
  double left = 1;
  for (const auto rank : {a, b})
    if (has_own(rank) && sends_cross(send_level_, a, b))
      for (const auto& fault : own[static_cast<std::size_t>(rank)]->faults)
        if (fault.place.port && network::port_level(job.machine, *fault.place.port) == network::port_level(job.machine, send_level_)) {
          left = std::min(left, traffic::port_left(fault, job.machine));
          if (left <= 0 && no_send_.empty()) no_send_ = fmt::format("no way is left from pipeline rank {} to {}: dead is {}", a, b, traffic::place_text(fault.place, job.machine));
        }
  if (left >= 1 || left <= 0) return send_;
  return Picoseconds::from(send_latency_ + (send_.seconds() - send_latency_) / left);
}

bool Step::run(const config::Location& where, config::Diagnostics& diagnostics) {
  const auto errors_before = diagnostics.error_count();
  const auto& plan = job.plan;
  const auto weights = costs.weights();
  auto laid_out = plan::make_layout(plan, job.architecture, weights, where, diagnostics);
  const std::int64_t count = plan.global_batch / (placement.dp * plan.micro_batch);
  const auto chunks = plan::chunks_per_rank(plan);
  if (const auto problem = workload::schedule_problem(plan.schedule, plan.pp, chunks, count); !problem.empty())
    diagnostics.error(where, problem, "", "change the schedule, pp, vpp or the global batch");
  if (diagnostics.error_count() != errors_before || !laid_out) return false;
  layout = std::move(*laid_out);
  schedule = workload::make_schedule(plan.schedule, plan.pp, chunks, count);
  price_chunks();
  price_sends();
  share_ports();
  price_gathers();
  reduce_gradients();
  if (assumed_period())
    diagnostics.warning(where, fmt::format("the steady state of {} microbatches is an estimate", schedule.microbatches),
                        fmt::format("{} events of the simulation did not bring the same state twice, so its last iterations are taken to repeat", shared_.events));
  return true;
}

void Step::run_pipeline() {
  timeline = workload::run_pipeline(schedule, pipeline_costs, {.fold = job.fidelity != Fidelity::unfolded, .trace_limit = job.trace_limit});
}

void Step::price_chunks() {
  const auto ranks = schedule.ranks;
  const auto chunks = schedule.chunks_per_rank;
  const bool pairs = std::any_of(schedule.programs.begin(), schedule.programs.end(), [](const workload::LoopProgram& program) {
    bool found = false;
    for_each_counted(program, [&](const workload::Instruction& i, std::int64_t) { found |= i.action == Action::forward_backward; });
    return found;
  });
  for (std::int64_t rank = 0; rank < ranks; ++rank) {
    auto& of_rank = pipeline_costs.chunks.emplace_back();
    auto& pair_times = pipeline_costs.pairs.emplace_back();
    for (std::int64_t c = 0; c < chunks; ++c) {
      const auto& cost = costs_of(rank).of(chunk(rank, c));
      of_rank.push_back({cost.forward.time, cost.backward.time, cost.backward_input.time, cost.backward_weight.time});
      auto& row = pair_times.emplace_back();
      for (std::int64_t b = 0; pairs && b < chunks; ++b) row.push_back(costs_of(rank).pair(chunk(rank, c), chunk(rank, b)).time);
    }
    pipeline_costs.release.emplace_back(static_cast<std::size_t>(chunks));
    pipeline_costs.last_backward_extra.emplace_back(static_cast<std::size_t>(chunks));
    auto& tail = tails.emplace_back();
    for (std::int64_t c = 0; c < chunks; ++c) price_reduction(rank, c);
    tail.optimizer = data_parallel_of(rank).optimizer_time(tail.parameters) + data_parallel_of(rank).copy_time(tail.parameters);
    if (job.software.broadcast.present) tail.optimizer += data_parallel_of(rank).broadcast_time(job.software.broadcast.value);
  }
}

void Step::price_reduction(std::int64_t rank, std::int64_t local) {
  const auto& data = data_parallel_of(rank);
  auto& tail = tails[static_cast<std::size_t>(rank)];
  auto& reductions = tail.buckets.emplace_back();
  Picoseconds reduction;
  const auto buckets = data.buckets(chunk(rank, local));
  for (std::size_t i = buckets.size(); i-- > 0;) {
    const auto& bucket = buckets[i];
    tail.parameters.dense += bucket.dense;
    tail.parameters.experts += bucket.experts;
    const bool again = i + 1 < buckets.size() && bucket == buckets[i + 1];
    reductions.push_back(again ? reductions.back() : data.traffic(data.reductions(bucket)));
    reduction += duration_of(reductions.back());
  }
  for (const auto& bucket : buckets) {
    const auto start = tail.gather;
    tail.gather += data.gather_time(bucket);
    tail.gathers.push_back({start, tail.gather});
  }
  tail.reduction += reduction;
  const auto& interference = job.machine.chip.efficiency.interference;
  if (!job.plan.overlap.gradients || !interference.present || simulates_sharing()) return;  // a simulation of the whole step knows when they meet
  auto& extra = pipeline_costs.last_backward_extra[static_cast<std::size_t>(rank)][static_cast<std::size_t>(local)];
  extra = Picoseconds::from(std::min(reduction, costs_of(rank).of(chunk(rank, local)).backward.time).seconds() * interference.si());
}

// Activations between neighbouring stages. Each tensor-parallel rank sends its share; without sequence parallelism the receivers then gather the whole inside
// their node (Narayanan et al. 2021, section 4.1).
void Step::price_sends() {
  const auto& plan = job.plan;
  if (plan.pp > 1) {
    constexpr double kActivationBytes = 2;
    const double tokens = static_cast<double>(plan.micro_batch) * static_cast<double>(job.sequence_length) / static_cast<double>(plan.cp);
    const auto whole = units::Bytes::from_si(tokens * static_cast<double>(job.architecture.hidden) * kActivationBytes);
    network::CollectiveRequest request{.op = network::Collective::point_to_point,
                                       .bytes = whole / static_cast<double>(plan.tp),
                                       .spread = topology::spread_of_neighbours(placement.fabric, placement.pipeline_stride, plan.pp),
                                       .units_apart = topology::units_apart(placement.fabric, placement.pipeline_stride, plan.pp)};
    const auto answer = network::collective_time(placement.fabric, request);
    send_ = answer.time;
    send_latency_ = answer.latency;
    send_level_ = request.spread.outermost();
    send_request_ = std::move(request);
    if (!plan.sequence_parallel && plan.tp > 1) {
      const auto gather = timer.time(workload::Communication{.op = network::Collective::all_gather, .group = workload::Group::tensor, .bytes = whole});
      send_ += gather;
      send_latency_ += gather.seconds();
    }
  }
  for (std::size_t d = 0; d < schedule.stage_rank.size(); ++d) {
    const auto& path = schedule.stage_rank[d];
    auto& forward = pipeline_costs.forward_send.emplace_back();
    for (std::size_t k = 0; k + 1 < path.size(); ++k) forward.push_back(path[k] == path[k + 1] ? Picoseconds() : send_between(path[k], path[k + 1]));
    pipeline_costs.backward_send.push_back(forward);
  }
  if (!plan.overlap.pp) pipeline_costs.send_occupancy = send_;
}

// Updated parameters are gathered after the optimizer: before the step goes on, or behind the first forward passes, where a chunk may start once
// the layers that it has not reached yet will be there in time.
void Step::price_gathers() {
  Picoseconds slowest;
  for (const auto& tail : tails) slowest = std::max(slowest, tail.gather);
  run_pipeline();
  if (slowest.count() > 0 && job.plan.overlap.parameters) {
    const auto without = timeline.makespan;
    release_first_forwards();
    run_pipeline();
    gather_exposed = timeline.makespan - without;
  } else {
    gather_exposed = slowest;
  }
  for (std::size_t rank = 0; rank < shared_.finish.size() && !assumed_period(); ++rank)
    ZT_ENSURE(timeline.ranks[rank].finish == shared_.finish[rank], fmt::format("pipeline rank {} ends at {} ps with the losses of the simulation, at {} ps in it", rank,
                                                                               timeline.ranks[rank].finish.count(), shared_.finish[rank].count()));
}

// As the simulation found them; without one, with ports for gathers alone.
void Step::release_first_forwards() {
  for (std::int64_t rank = 0; rank < schedule.ranks; ++rank) {
    const auto r = static_cast<std::size_t>(rank);
    auto& releases = pipeline_costs.release[r];
    if (!shared_.release.empty()) {
      releases = shared_.release[r];
      tails[r].gathers = shared_.gathers[r];
      continue;
    }
    std::size_t next = 0;
    for (std::size_t c = 0; c < releases.size(); ++c) {
      const auto buckets = tails[r].buckets[c].size();
      for (std::size_t i = 0; i < buckets; ++i, ++next) {
        const Picoseconds reached(pipeline_costs.chunks[r][c].forward.count() * static_cast<std::int64_t>(i) / static_cast<std::int64_t>(buckets));
        releases[c] = std::max(releases[c], tails[r].gathers[next].finish - reached);
      }
    }
  }
}

// Gradients of a layer are final when the last backward has passed it; they are reduced in that order on the communication stream.
void Step::reduce_gradients() {
  for (std::int64_t rank = 0; rank < schedule.ranks; ++rank) {
    const auto& line = timeline.ranks[static_cast<std::size_t>(rank)];
    auto& tail = tails[static_cast<std::size_t>(rank)];
    std::vector<std::int64_t> order;
    for (std::int64_t c = 0; c < schedule.chunks_per_rank; ++c) order.push_back(c);
    std::sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
      return line.last_backward_finish[static_cast<std::size_t>(a)] < line.last_backward_finish[static_cast<std::size_t>(b)];
    });
    Picoseconds reduced;
    const bool shared = !shared_.reductions.empty() && !shared_.reductions[static_cast<std::size_t>(rank)].empty();
    for (const auto c : order) {
      const auto& buckets = tail.buckets[static_cast<std::size_t>(c)];
      const auto start = line.last_backward_start[static_cast<std::size_t>(c)];
      const auto finish = line.last_backward_finish[static_cast<std::size_t>(c)];
      for (std::size_t i = 0; i < buckets.size() && !shared; ++i) {
        const Picoseconds ready(start.count() + (finish - start).count() * static_cast<std::int64_t>(i + 1) / static_cast<std::int64_t>(buckets.size()));
        const auto begin = std::max(reduced, job.plan.overlap.gradients ? ready : line.finish);
        reduced = begin + duration_of(buckets[i]);
        if (reduced > begin) tail.reductions.push_back({begin, reduced});
      }
    }
    if (shared) {
      // Where a period had to be assumed the engine's run ends a little apart from the simulation: what follows the last passes moves with them.
      const auto shift = shared_.assumed_period ? line.finish - shared_.finish[static_cast<std::size_t>(rank)] : Picoseconds();
      for (const auto& span : shared_.reductions[static_cast<std::size_t>(rank)])
        if (span.finish > span.start) tail.reductions.push_back({span.start + shift, span.finish + shift});
      if (!tail.reductions.empty()) reduced = tail.reductions.back().finish;
    }
    tail.ready = std::max(line.finish, reduced);
    tail.reduction_exposed = tail.ready - line.finish;
    optimizer = std::max(optimizer, tail.optimizer);
    const auto& worst = tails[static_cast<std::size_t>(critical)];
    const bool later = tail.ready > worst.ready;
    const bool busier = tail.ready == worst.ready && line.busy > timeline.ranks[static_cast<std::size_t>(critical)].busy;
    if (rank == 0 || later || busier) critical = rank;
  }
  norm = data_parallel.norm_time();
}

Picoseconds Step::time() const {
  const auto& last = tails[static_cast<std::size_t>(critical)];
  // Overlapped gathers are inside the pipeline's makespan already.
  return last.ready + norm + optimizer + (job.plan.overlap.parameters ? Picoseconds() : gather_exposed);
}

Ledger Step::ledger(std::int64_t rank) {
  Ledger sum;
  for_each_pass(rank, [&](const PassCost& pass, std::int64_t times) { sum.add(pass.ledger, times); });
  return sum;
}

Picoseconds Step::contention(std::int64_t rank) {
  Picoseconds sum;
  for (const auto lost_to : lost(rank)) sum += lost_to;
  for_each_pass(rank, [&](const PassCost& pass, std::int64_t times) { sum += pass.contention * times; });
  return sum;
}

PassCost Step::pass(std::int64_t rank, const workload::Instruction& i) {
  const auto& c = chunk(rank, i.chunk);
  switch (i.action) {
    case Action::forward: return costs_of(rank).of(c).forward;
    case Action::backward: return costs_of(rank).of(c).backward;
    case Action::backward_input: return costs_of(rank).of(c).backward_input;
    case Action::backward_weight: return costs_of(rank).of(c).backward_weight;
    case Action::forward_backward: return costs_of(rank).pair(c, chunk(rank, i.second_chunk));
  }
  return {};
}

void Step::for_each_pass(std::int64_t rank, const std::function<void(const PassCost&, std::int64_t)>& f) {
  for_each_counted(schedule.programs[static_cast<std::size_t>(rank)], [&](const workload::Instruction& i, std::int64_t times) { f(pass(rank, i), times); });
}

// The busiest rank's computation at datasheet peaks, or its communication at datasheet bandwidth, whichever is longer; then the optimizer's traffic.
Picoseconds Step::bound() {
  Picoseconds bound;
  for (std::int64_t rank = 0; rank < schedule.ranks; ++rank) {
    Picoseconds compute;
    std::array<Picoseconds, 2> communication;
    for_each_counted(schedule.programs[static_cast<std::size_t>(rank)], [&](const workload::Instruction& i, std::int64_t times) {
      const auto count = [&](const PassCost& cost) {
        compute += cost.bound * times;
        for (std::size_t s = 0; s < communication.size(); ++s) communication[s] += cost.comm_bound[s] * times;
      };
      const auto& c = costs.of(chunk(rank, i.chunk));
      switch (i.action) {
        case Action::forward: return count(c.forward);
        case Action::backward: return count(c.backward);
        case Action::backward_input: return count(c.backward_input);
        case Action::backward_weight: return count(c.backward_weight);
        case Action::forward_backward: return count(costs.pair(chunk(rank, i.chunk), chunk(rank, i.second_chunk)));
      }
    });
    const auto optimizer_bound = compute::bound_of(job.machine.chip, {}, hardware::Precision::bf16, data_parallel.optimizer_bytes(tails[static_cast<std::size_t>(rank)].parameters));
    bound = std::max(bound, std::max({compute, communication[0], communication[1]}) + optimizer_bound);
  }
  return bound;
}

}  // namespace zettatwin::training
