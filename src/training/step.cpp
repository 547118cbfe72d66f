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

// The pass that makes each chunk's gradients final.
std::vector<Action> last_passes(const workload::LoopProgram& program, std::int64_t chunks) {
  std::vector<Action> last(static_cast<std::size_t>(chunks), Action::backward);
  for_each_counted(program, [&](const workload::Instruction& i, std::int64_t) {
    if (i.action == Action::backward || i.action == Action::backward_weight) last[static_cast<std::size_t>(i.chunk)] = i.action;
    if (i.action == Action::forward_backward) last[static_cast<std::size_t>(i.second_chunk)] = Action::backward;
  });
  return last;
}

traffic::Fidelity flows_of(const Job& job) { return job.fidelity == Fidelity::unfolded ? traffic::Fidelity::unfolded : traffic::Fidelity::folded; }

// Calls f(instruction, the next one) for each neighbours of a program.
template <class F>
void for_each_neighbours(const workload::LoopProgram& p, F&& f) {
  const workload::Instruction* before = nullptr;
  const auto walk = [&](const std::vector<workload::Instruction>& instructions) {
    for (const auto& i : instructions) {
      if (before) f(*before, i);
      before = &i;
    }
  };
  walk(p.prologue);
  for (std::int64_t i = 0; i < std::min<std::int64_t>(2, p.repeats); ++i) walk(p.body);
  walk(p.epilogue);
}

// Messages to other pipeline ranks that leave at its end.
std::int64_t sends_after(const workload::Schedule& s, std::int64_t rank, const workload::Instruction& i) {
  const auto leaves = [&](std::int32_t chunk, bool forward) -> std::int64_t {
    for (std::size_t d = 0; d < s.stage_rank.size(); ++d)
      for (std::size_t k = 0; k < s.model_chunks(); ++k) {
        if (s.stage_rank[d][k] != rank || s.stage_chunk[d][k] != chunk) continue;
        return (forward ? k + 1 < s.model_chunks() && s.stage_rank[d][k + 1] != rank : k > 0 && s.stage_rank[d][k - 1] != rank) ? 1 : 0;
      }
    return 0;
  };
  switch (i.action) {
    case Action::forward: return leaves(i.chunk, true);
    case Action::backward:
    case Action::backward_input: return leaves(i.chunk, false);
    case Action::backward_weight: return 0;
    case Action::forward_backward: return leaves(i.chunk, true) + leaves(i.second_chunk, false);
  }
  return 0;
}

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
      data_parallel(job.architecture, job.plan, replicas), faults(std::move(of_cluster)) {}

Step::Step(const Job& j, plan::Placement p, const StageFaults& faults)
    : job(j), placement(std::move(p)), timer(job.machine.chip, job.plan, placement, job.architecture),
      costs(job.architecture, job.plan, {.sequences = job.plan.micro_batch, .sequence_length = job.sequence_length}, job.software, timer, leaves),
      data_parallel(job.architecture, job.plan, timer) {
  for (std::size_t stage = 0; stage < faults.of_all.size(); ++stage) {
    const bool common = faults.of_all[stage].empty() && job.fidelity != Fidelity::unfolded;
    own.push_back(common ? nullptr : std::make_unique<OwnPrices>(job, placement, leaves, faults.of_cluster[stage], faults.of_all[stage]));
  }
}

std::string Step::impossible() const {
  for (const auto& stage : own)
    for (const auto* timer_of_stage : {stage ? &stage->timer : nullptr, stage ? &stage->replicas : nullptr})
      if (timer_of_stage && !timer_of_stage->impossible().empty()) return timer_of_stage->impossible();
  return "";
}

Picoseconds Step::send_between(std::int64_t a, std::int64_t b) const {
  double left = 1;
  for (const auto rank : {a, b})
    if (has_own(rank))
      for (const auto& fault : own[static_cast<std::size_t>(rank)]->faults)
        if (fault.place.port == send_level_) left = std::min(left, traffic::port_left(fault, job.machine));
  if (left >= 1 || left <= 0) return send_;  // a dead port stops the collectives of its level as well
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
  run_pipeline();
  price_gathers();
  reduce_gradients();
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
    const auto last = last_passes(schedule.programs[static_cast<std::size_t>(rank)], chunks);
    for (std::int64_t c = 0; c < chunks; ++c) price_reduction(rank, c, last[static_cast<std::size_t>(c)]);
    tail.optimizer = data_parallel_of(rank).optimizer_time(tail.parameters);
    if (job.software.broadcast.present) tail.optimizer += data_parallel_of(rank).broadcast_time(job.software.broadcast.value);
  }
}

// Gradient traffic beside the last backward slows it: it takes cores and memory from computation, and ports from activations.
void Step::price_reduction(std::int64_t rank, std::int64_t local, Action last) {
  const auto& data = data_parallel_of(rank);
  const auto& costs_of_chunk = costs_of(rank).of(chunk(rank, local));
  const auto& pass = last == Action::backward_weight ? costs_of_chunk.backward_weight : costs_of_chunk.backward;
  auto& tail = tails[static_cast<std::size_t>(rank)];
  auto& reductions = tail.buckets.emplace_back();
  Picoseconds reduction;
  std::vector<Picoseconds> gathers;
  const auto buckets = data.buckets(chunk(rank, local));
  for (std::size_t i = buckets.size(); i-- > 0;) {
    const auto& bucket = buckets[i];
    tail.parameters.dense += bucket.dense;
    tail.parameters.experts += bucket.experts;
    const auto gather = data.gather_time(bucket);
    tail.gather += gather;
    if (gather.count() > 0) gathers.push_back(gather);
    const bool again = i + 1 < buckets.size() && bucket == buckets[i + 1];
    if (again) {
      reductions.push_back({.time = reductions.back().time, .loss = reductions.back().loss, .delay = {}});
    } else {
      const auto messages = data.traffic(data.reductions(bucket));
      reductions.push_back({.time = duration_of(messages), .loss = loss_beside(messages, pass.messages, pass.time), .delay = {}});
    }
    reduction += reductions.back().time;
  }
  tail.gathers.insert(tail.gathers.end(), gathers.rbegin(), gathers.rend());
  tail.reduction += reduction;
  if (!job.plan.overlap.gradients) return;
  auto& extra = pipeline_costs.last_backward_extra[static_cast<std::size_t>(rank)][static_cast<std::size_t>(local)];
  const auto& interference = job.machine.chip.efficiency.interference;
  if (interference.present) extra = Picoseconds::from(std::min(reduction, costs_of_chunk.backward.time).seconds() * interference.si());
  const auto lost = delay_beside(reductions, pass.time);
  tail.contention += lost;
  extra += lost;
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
  else if (send_.count() > 0) price_losses_to_sends();
}

// A send leaves while the next instruction runs, and takes ports from its messages; the one that arrives from the same neighbour meanwhile takes the other
// direction of the same ports (docs/math/overlap.md).
void Step::price_losses_to_sends() {
  send_ports_ = timer.footprint(workload::Group::pipeline, network::collective_load(placement.fabric, send_request_));
  std::vector<double> slowed(static_cast<std::size_t>(schedule.ranks), 1);
  send_losses_.resize(slowed.size());
  for (std::int64_t rank = 0; rank < schedule.ranks; ++rank) {
    auto& losses = send_losses_[static_cast<std::size_t>(rank)];
    for_each_neighbours(schedule.programs[static_cast<std::size_t>(rank)], [&](const workload::Instruction& before, workload::Instruction kind) {
      const auto sends = sends_after(schedule, rank, before);
      kind.microbatch = kind.second_microbatch = 0;
      const auto known = std::find_if(losses.begin(), losses.end(), [&](const SendLoss& l) { return l.kind == kind; });
      auto& loss = known == losses.end() ? losses.emplace_back(SendLoss{kind, {}}) : *known;
      if (sends == 0) return;
      const auto alone = pass_alone(rank, kind);
      const double lost = loss_beside({{&send_ports_, send_}}, alone.messages, alone.time);
      slowed[static_cast<std::size_t>(rank)] = std::max(slowed[static_cast<std::size_t>(rank)], 1 + lost);
      if (lost > 0) loss.time = std::max(loss.time, Picoseconds::from(std::min(send_ * sends, alone.time).seconds() * lost));
    });
    for (const auto& loss : losses) lengthen(rank, loss.kind, loss.time);
  }
  for (auto* sends : {&pipeline_costs.forward_send, &pipeline_costs.backward_send})
    for (std::size_t d = 0; d < sends->size(); ++d)
      for (std::size_t k = 0; k < (*sends)[d].size(); ++k) {
        const auto by = std::max(slowed[static_cast<std::size_t>(schedule.stage_rank[d][k])], slowed[static_cast<std::size_t>(schedule.stage_rank[d][k + 1])]);
        if (by > 1) (*sends)[d][k] = Picoseconds::from((*sends)[d][k].seconds() * by);
      }
}

void Step::lengthen(std::int64_t rank, const workload::Instruction& kind, Picoseconds by) {
  const auto r = static_cast<std::size_t>(rank), c = static_cast<std::size_t>(kind.chunk);
  auto& times = pipeline_costs.chunks[r][c];
  switch (kind.action) {
    case Action::forward: times.forward += by; return;
    case Action::backward: times.backward += by; return;
    case Action::backward_input: times.backward_input += by; return;
    case Action::backward_weight: times.backward_weight += by; return;
    case Action::forward_backward: pipeline_costs.pairs[r][c][static_cast<std::size_t>(kind.second_chunk)] += by; return;
  }
}

Picoseconds Step::send_loss(std::int64_t rank, const workload::Instruction& instruction) const {
  if (send_losses_.empty()) return {};
  auto kind = instruction;
  kind.microbatch = kind.second_microbatch = 0;
  for (const auto& loss : send_losses_[static_cast<std::size_t>(rank)])
    if (loss.kind == kind) return loss.time;
  return {};
}

// Of the gathers of a chunk, which begin at `from`, those that are under way while its first forward pass runs from `release` on, and cross the same levels.
Picoseconds Step::lost_by_gathers(std::int64_t rank, std::int64_t local, Picoseconds from, Picoseconds release) {
  const auto& data = data_parallel_of(rank);
  const auto& forward = costs_of(rank).of(chunk(rank, local)).forward;
  double lost = 0;
  for (const auto& bucket : data.buckets(chunk(rank, local))) {
    const auto until = from + data.gather_time(bucket);
    const auto beside = std::min(until, release + forward.time) - std::max(from, release);
    if (beside.count() > 0) lost += beside.seconds().si() * loss_beside(data.traffic(data.gathers(bucket)), forward.messages, forward.time);
    from = until;
  }
  return Picoseconds::from(units::Seconds::from_si(lost));
}

// Updated parameters are gathered after the optimizer: before the step goes on, or behind the first forward passes, where a chunk may start once
// the layers that it has not reached yet will be there in time.
void Step::price_gathers() {
  Picoseconds slowest;
  for (const auto& tail : tails) slowest = std::max(slowest, tail.gather);
  if (slowest.count() == 0) return;
  if (!job.plan.overlap.parameters) {
    gather_exposed = slowest;
    return;
  }
  for (std::int64_t rank = 0; rank < schedule.ranks; ++rank) {
    Picoseconds gathered;
    for (std::int64_t c = 0; c < schedule.chunks_per_rank; ++c) {
      const auto buckets = data_parallel_of(rank).buckets(chunk(rank, c));
      const auto forward = pipeline_costs.chunks[static_cast<std::size_t>(rank)][static_cast<std::size_t>(c)].forward;
      const auto before = gathered;
      // When the pass may start if gathers take `stretch` times as long: each layer is there when the pass reaches it.
      const auto release_at = [&](double stretch) {
        Picoseconds sum, release;
        for (std::size_t i = 0; i < buckets.size(); ++i) {
          sum += data_parallel_of(rank).gather_time(buckets[i]);
          gathered = before + Picoseconds::from(sum.seconds() * stretch);
          const Picoseconds reached(forward.count() * static_cast<std::int64_t>(i) / static_cast<std::int64_t>(buckets.size()));
          release = std::max(release, gathered - reached);
        }
        return release;
      };
      auto release = release_at(1);
      const auto lost = lost_by_gathers(rank, c, before, release);
      // The gathers are later by it, spread evenly; so is the pass, which is charged by starting later.
      if (lost.count() > 0) release = release_at(1 + lost.seconds() / (gathered - before).seconds()) + lost;
      pipeline_costs.release[static_cast<std::size_t>(rank)][static_cast<std::size_t>(c)] = release;
    }
  }
  const auto without = timeline.makespan;
  run_pipeline();
  gather_exposed = timeline.makespan - without;
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
    for (const auto c : order) {
      const auto& buckets = tail.buckets[static_cast<std::size_t>(c)];
      const auto start = line.last_backward_start[static_cast<std::size_t>(c)];
      const auto finish = line.last_backward_finish[static_cast<std::size_t>(c)];
      for (std::size_t i = 0; i < buckets.size(); ++i) {
        const Picoseconds ready(start.count() + (finish - start).count() * static_cast<std::int64_t>(i + 1) / static_cast<std::int64_t>(buckets.size()));
        const auto begin = std::max(reduced, job.plan.overlap.gradients ? ready : line.finish);
        reduced = begin + buckets[i].time + buckets[i].delay;
        if (reduced > begin) tail.reductions.push_back({begin, reduced});
      }
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
  Picoseconds sum = tails[static_cast<std::size_t>(rank)].contention;
  for_each_pass(rank, [&](const PassCost& pass, std::int64_t times) { sum += pass.contention * times; });
  return sum;
}

PassCost Step::pass(std::int64_t rank, const workload::Instruction& i) {
  auto cost = pass_alone(rank, i);
  if (const auto lost = send_loss(rank, i); lost.count() > 0) {
    cost.time += lost;
    cost.ledger.add(leaves.intern("communication", kSendLeaf), lost);
  }
  return cost;
}

PassCost Step::pass_alone(std::int64_t rank, const workload::Instruction& i) {
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
