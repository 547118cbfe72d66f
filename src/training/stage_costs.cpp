// SPDX-License-Identifier: Apache-2.0
#include "training/stage_costs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "result/path.hpp"

namespace zettatwin::training {
namespace {

using units::Picoseconds;

void add(PassCost& sum, const PassCost& term, std::int64_t times) {
  sum.time += term.time * times;
  sum.bound += term.bound * times;
  for (std::size_t s = 0; s < sum.comm_bound.size(); ++s) sum.comm_bound[s] += term.comm_bound[s] * times;
  sum.ledger.add(term.ledger, times);
  sum.contention += term.contention * times;
}

void add(ChunkCosts& sum, const ChunkCosts& term, std::int64_t times) {
  add(sum.forward, term.forward, times);
  add(sum.backward, term.backward, times);
  add(sum.backward_input, term.backward_input, times);
  add(sum.backward_weight, term.backward_weight, times);
}

// Path of an operation's leaf. Gradients that ZeRO reduces in each microbatch are apart from the parameters that it gathers.
std::string group_of(const workload::Operation& op) {
  const auto* communication = std::get_if<workload::Communication>(&op.work);
  if (!communication) return fmt::format("compute.{}", name_of(op.category));
  const bool gradients = op.category == workload::Category::parameter_comm && communication->op != network::Collective::all_gather;
  return fmt::format("communication.{}", gradients ? "gradient_reduction" : name_of(op.category));
}

// Share of a layer's host time that goes to the forward pass; the backward pass issues more kernels.
constexpr double kHostForward = 0.3;

Picoseconds part(Picoseconds time, double share) { return Picoseconds::from(time.seconds() * share); }

bool is_matrix_work(workload::Category category) {
  return category == workload::Category::gemm || category == workload::Category::attention || category == workload::Category::experts;
}

template <class T>
std::vector<T> joined(const std::vector<T>& a, const std::vector<T>& b) {
  std::vector<T> result = a;
  result.insert(result.end(), b.begin(), b.end());
  return result;
}

}  // namespace

std::string path_element(std::string_view name) { return result::path_element(name); }

StageCosts::StageCosts(const model::Architecture& architecture, const plan::Plan& plan, const workload::MicrobatchShape& shape,
                       const software::Profile& software, const OperationTimer& timer, LeafTable& leaves)
    : architecture_(architecture), plan_(plan), shape_(shape), software_(software), timer_(timer), leaves_(leaves),
      interference_(leaves.intern("communication", kInterferenceLeaf)), host_(leaves.intern("compute", kHostLeaf)) {}

StageCosts::Program StageCosts::timed(const std::vector<workload::Operation>& operations, std::string_view group) {
  Program program;
  for (const auto& op : operations) {
    TimedOperation t;
    const bool compute_again = group == "recompute";
    t.communication = std::holds_alternative<workload::Communication>(op.work);
    const bool again = compute_again && t.communication;
    t.leaf = leaves_.intern(compute_again && !again ? "compute.recompute" : group_of(op), again ? fmt::format("{}, once more", op.name) : std::string(op.name), &op);
    t.time = timer_.time(op);
    if (timer_.pace() > 1 && is_matrix_work(op.category)) t.time = part(t.time, timer_.pace());
    t.bound = timer_.bound(op);
    t.parameters = op.category == workload::Category::parameter_comm;
    t.hiding = op.hiding;
    t.operation = &op;
    if (const auto* c = std::get_if<workload::Communication>(&op.work)) {
      t.chunks = timer_.group_size(c->group);
      t.ports = timer_.traffic(*c).ports;
    }
    program.push_back(t);
  }
  // The computation beside a chunked communication: the matrix work that consumes a gather, or that produces what is reduced.
  for (std::size_t i = 0; i < program.size(); ++i) {
    if (program[i].hiding != workload::Hiding::chunked) continue;
    const auto is_partner = [&](std::size_t j) {
      const auto category = operations[j].category;
      return category == workload::Category::gemm || category == workload::Category::attention;
    };
    program[i].partner_follows = std::get<workload::Communication>(operations[i].work).op == network::Collective::all_gather;
    if (program[i].partner_follows) {
      for (std::size_t j = i + 1; j < program.size(); ++j) if (is_partner(j)) { program[i].partner = program[j].time; break; }
    } else {
      for (std::size_t j = i; j-- > 0;) if (is_partner(j)) { program[i].partner = program[j].time; break; }
    }
  }
  return program;
}

// ZeRO-3 gathers a layer's parameters before each use, while the layer before runs; ZeRO 2 and 3 reduce its gradients after each microbatch's
// backward. In the steady state each layer hides the traffic of its neighbour, which is like its own.
void StageCosts::add_sharding_traffic(workload::LayerOperations& operations, const ShardedParameters& parameters) const {
  constexpr double kComputeBytes = 2;  // gathered in bf16 even if the shards are fp32
  const auto traffic = [&](std::string_view name, network::Collective op, workload::Group group, double bytes, bool hidden) {
    return workload::Operation{name, workload::Category::parameter_comm, workload::Communication{.op = op, .group = group, .bytes = units::Bytes::from_si(bytes)},
                               hidden ? workload::Hiding::background : workload::Hiding::none};
  };
  std::vector<workload::Operation> gathers, reductions;
  const auto both = [&](double count, workload::Group shard, workload::Group replica) {
    if (count <= 0) return;
    const double gradient_bytes = count * plan::bytes_of(plan_.reduce_type);
    if (plan_.zero == 3) gathers.push_back(traffic("parameter all-gather", network::Collective::all_gather, shard, count * std::min(kComputeBytes, plan::bytes_of(plan_.parameter_type)), plan_.overlap.parameters));
    if (plan_.frozen_weights) return;
    reductions.push_back(traffic("gradient reduce-scatter", network::Collective::reduce_scatter, shard, gradient_bytes, plan_.overlap.gradients));
    if (timer_.group_size(replica) > 1)
      reductions.push_back(traffic("gradient all-reduce over replicas", network::Collective::all_reduce, replica,
                                   gradient_bytes / static_cast<double>(timer_.group_size(shard)), plan_.overlap.gradients));
  };
  if (plan_.zero < 2) return;
  both(parameters.dense, workload::Group::shard, workload::Group::replica);
  both(parameters.experts, workload::Group::expert_shard, workload::Group::expert_replica);
  operations.forward.insert(operations.forward.begin(), gathers.begin(), gathers.end());
  operations.backward_input.insert(operations.backward_input.begin(), gathers.begin(), gathers.end());
  auto& last = operations.backward_weight.empty() ? operations.backward_input : operations.backward_weight;
  last.insert(last.begin(), reductions.begin(), reductions.end());
}

StageCosts::Block& StageCosts::block(const std::string& key, const std::function<workload::LayerOperations()>& lower, const ShardedParameters& parameters, Picoseconds host, std::size_t runs_once) {
  auto& slot = blocks_[key];
  if (slot) return *slot;
  slot = std::make_unique<Block>();
  auto& b = *slot;
  b.operations = lower();
  add_sharding_traffic(b.operations, parameters);
  b.forward = timed(b.operations.forward, "");
  b.backward_input = timed(b.operations.backward_input, "");
  b.backward_weight = timed(b.operations.backward_weight, "");
  if (plan_.recompute != plan::Recompute::none && runs_once < b.operations.forward.size()) {
    const bool all = plan_.recompute == plan::Recompute::full;
    Program again = timed(b.operations.forward, "recompute");
    for (std::size_t i = 0; i + runs_once < again.size(); ++i) {
      const auto& op = b.operations.forward[i];
      if (op.category == workload::Category::parameter_comm) continue;  // the backward pass gathers once
      if (all || op.recomputed_selectively) b.recompute.push_back(again[i]);
    }
  }
  b.host = host;
  b.costs[0] = costs_of(b, false);
  b.costs[1] = b.recompute.empty() ? b.costs[0] : costs_of(b, true);
  return b;
}

PassCost StageCosts::cost(const Program& program, Picoseconds host) {
  auto streams = run_streams(program);
  PassCost result{.time = streams.time, .ledger = std::move(streams.ledger), .contention = streams.contention};
  add_demands(result, program);
  interfere(result, streams.overlapped);
  wait_for_host(result, host);
  return result;
}

// To issue one layer's kernels, forward and backward.
Picoseconds StageCosts::host_time(const model::Layer& layer) const {
  const auto& dense = software_.host.present ? software_.host : timer_.chip().efficiency.host.eager;
  const auto& host = layer.experts && software_.expert_host.present ? software_.expert_host : dense;
  return host.present ? Picoseconds::from(host.value) : Picoseconds();
}

Picoseconds StageCosts::host_time(const plan::ModelChunk& chunk) const {
  Picoseconds sum;
  for (const auto& run : chunk.layers) sum += host_time(architecture_.kinds[run.kind]) * run.count;
  return sum;
}

// The chip cannot run ahead of the host.
void StageCosts::wait_for_host(PassCost& cost, Picoseconds issued) {
  if (issued <= cost.time) return;
  cost.ledger.add(host_, issued - cost.time);
  cost.time = issued;
}

Picoseconds StageCosts::issued(const Block& b, workload::Action action) {
  switch (action) {
    case workload::Action::forward: return part(b.host, kHostForward);
    case workload::Action::backward_input:
    case workload::Action::backward_weight: return part(b.host, (1 - kHostForward) / 2);
    default: return part(b.host, 1 - kHostForward);
  }
}

Picoseconds StageCosts::issued(const plan::ModelChunk& forward, const plan::ModelChunk& backward) const {
  return part(host_time(forward), kHostForward) + part(host_time(backward), 1 - kHostForward);
}

void StageCosts::add_demands(PassCost& sum, const Program& program) {
  for (const auto& op : program) (op.communication ? sum.comm_bound[op.parameters ? 1 : 0] : sum.bound) += op.bound;
}

// Communication kernels take cores and memory bandwidth from the computation beside them.
void StageCosts::interfere(PassCost& cost, Picoseconds overlapped) {
  const auto& factor = timer_.chip().efficiency.interference;
  if (!factor.present || overlapped.count() == 0) return;
  const auto lost = Picoseconds::from(overlapped.seconds() * factor.si());
  cost.ledger.add(interference_, lost);
  cost.time += lost;
  // Waiting longer overlaps less.
  cost.contention = std::max(Picoseconds(), Picoseconds::from(cost.contention.seconds() * (1 - factor.si())));
}

ChunkCosts StageCosts::costs_of(const Block& b, bool recompute) {
  using workload::Action;
  const auto input = recompute ? joined(b.recompute, b.backward_input) : b.backward_input;
  return {.forward = cost(b.forward, issued(b, Action::forward)),
          .backward = cost(joined(input, b.backward_weight), issued(b, Action::backward)),
          .backward_input = cost(input, issued(b, Action::backward_input)),
          .backward_weight = cost(b.backward_weight, issued(b, Action::backward_weight))};
}

std::vector<StageCosts::BlockUse> StageCosts::blocks_of(const plan::ModelChunk& chunk) {
  std::vector<BlockUse> uses;
  constexpr auto kEverything = std::numeric_limits<std::size_t>::max();
  const auto edge = [&](const char* key, auto lower, const ShardedParameters& parameters, std::size_t runs_once) -> Block& {
    return block(key, [&] { return lower(architecture_, plan_, shape_, software_); }, parameters, {}, runs_once);
  };
  std::int64_t to_recompute = plan_.recompute_layers < 0 ? chunk.layer_count() + chunk.mtp : plan_.recompute_layers;
  const auto add = [&](Block& b, std::int64_t count) {
    const auto recomputing = std::clamp<std::int64_t>(to_recompute, 0, count);
    to_recompute -= recomputing;
    if (recomputing > 0) uses.push_back({&b, true, recomputing});
    if (count > recomputing) uses.push_back({&b, false, count - recomputing});
  };
  if (chunk.has_embedding) uses.push_back({&edge("embedding", workload::embedding_operations, share_of_table(architecture_, plan_), kEverything), false, 1});
  for (const auto& run : chunk.layers) {
    const auto& layer = architecture_.kinds[run.kind];
    auto& b = block(fmt::format("layer {}", run.kind), [&] { return workload::layer_operations(architecture_, layer, plan_, shape_, software_); },
                    share_of_layer(architecture_, plan_, layer), host_time(layer), 0);
    add(b, run.count);
  }
  if (chunk.mtp > 0) {  // its logits are kept, like the head's
    const auto logits = workload::head_operations(architecture_, plan_, shape_, software_).forward.size();
    add(edge("mtp", workload::mtp_operations, share_of_mtp(architecture_, plan_), logits), chunk.mtp);
  }
  if (chunk.has_head) {
    const auto own = share_of_head(architecture_, plan_, chunk);
    uses.push_back({&edge(own.dense > 0 ? "head" : "tied head", workload::head_operations, own, kEverything), false, 1});
  }
  return uses;
}

plan::LayerWeights StageCosts::weights() {
  const auto time = [this](const plan::ModelChunk& chunk) {
    const auto& costs = of(chunk);
    return (costs.forward.time + costs.backward.time).seconds().si();
  };
  plan::LayerWeights weights;
  for (std::size_t kind = 0; kind < architecture_.kinds.size(); ++kind) weights.kinds.push_back(time({.layers = {{kind, 1, 0}}}));
  weights.embedding = time({.has_embedding = true});
  weights.head = time({.has_head = true});
  if (architecture_.mtp_layer) weights.mtp = time({.mtp = 1});
  return weights;
}

std::string StageCosts::key_of(const plan::ModelChunk& chunk) {
  std::string key = fmt::format("{}{}{}", chunk.has_embedding ? "e" : "", chunk.has_head ? "h" : "", chunk.mtp);
  for (const auto& run : chunk.layers) key += fmt::format(",{}x{}", run.count, run.kind);
  return key;
}

const ChunkCosts& StageCosts::of(const plan::ModelChunk& chunk) {
  const auto [at, added] = chunks_.try_emplace(key_of(chunk));
  if (added)
    for (const auto& use : blocks_of(chunk)) add(at->second, use.block->costs[use.recompute ? 1 : 0], use.count);
  return at->second;
}

std::pair<StageCosts::Program, StageCosts::Program> StageCosts::programs_of_pair(const plan::ModelChunk& forward, const plan::ModelChunk& backward) {
  Program first, second;
  auto backward_uses = blocks_of(backward);
  std::reverse(backward_uses.begin(), backward_uses.end());
  const auto append = [](Program& to, const Program& from) { to.insert(to.end(), from.begin(), from.end()); };
  for (const auto& use : backward_uses)
    for (std::int64_t i = 0; i < use.count; ++i) append(first, pass_of(use, workload::Action::backward));
  for (const auto& use : blocks_of(forward))
    for (std::int64_t i = 0; i < use.count; ++i) append(second, pass_of(use, workload::Action::forward));
  return {std::move(first), std::move(second)};
}

PassCost StageCosts::pair(const plan::ModelChunk& forward, const plan::ModelChunk& backward) {
  const auto [at, added] = pairs_.try_emplace(key_of(forward) + "|" + key_of(backward));
  if (!added) return at->second;
  if (!plan_.overlap.ep) {
    add(at->second, of(forward).forward, 1);
    add(at->second, of(backward).backward, 1);
    return at->second;
  }
  const auto [first, second] = programs_of_pair(forward, backward);
  auto streams = run_streams_together(first, second);
  at->second.time = streams.time;
  at->second.ledger = std::move(streams.ledger);
  at->second.contention = streams.contention;
  for (const auto* program : {&first, &second}) add_demands(at->second, *program);
  interfere(at->second, streams.overlapped);
  wait_for_host(at->second, issued(forward, backward));
  return at->second;
}

}  // namespace zettatwin::training
