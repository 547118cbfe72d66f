// SPDX-License-Identifier: Apache-2.0
#include "training/link_load.hpp"

#include <algorithm>
#include <map>

#include "training/step.hpp"

namespace zettatwin::training {
namespace {

using workload::Group;

std::string dimension_of(const workload::Communication& c) {
  switch (c.group) {
    case Group::tensor: return "tensor";
    case Group::context: return "context";
    case Group::expert:
    case Group::expert_tensor: return "expert";
    case Group::pipeline: return "pipeline";
    default: return c.op == network::Collective::all_gather ? "data, parameters" : "data, gradients";
  }
}

struct Amount {
  double bytes = 0, seconds = 0;
  void add(const Amount& other, double times) {
    bytes += other.bytes * times;
    seconds += other.seconds * times;
  }
};

// What one message asks of each level's ports.
std::vector<Amount> amounts(const topology::Fabric& fabric, const network::CollectiveRequest& request) {
  std::vector<Amount> by_level(fabric.used.size());
  const auto load = network::collective_load(fabric, request);
  const auto plan = network::collective_stages(fabric, request);
  for (std::size_t l = 0; l < by_level.size(); ++l) by_level[l].seconds = load.busy[l].si();
  for (const auto& stage : plan.stages) by_level[network::port_level(*fabric.machine, stage.level)].bytes += stage.bytes.si() * static_cast<double>(plan.chunks);
  return by_level;
}

// Of one pipeline rank. Level fabric.used.size() stands for the chip's memory.
class RankLoads final {
 public:
  RankLoads(Step& step, std::int64_t rank) : step_(step), rank_(rank), memory_(step.placement.fabric.used.size()) {}

  void count() {
    for_each_counted(step_.schedule.programs[static_cast<std::size_t>(rank_)], [&](const workload::Instruction& i, std::int64_t times) { instruction(i, static_cast<double>(times)); });
    const auto& data = step_.data_parallel_of(rank_);
    for (std::int64_t c = 0; c < step_.schedule.chunks_per_rank; ++c)
      for (const auto& bucket : data.buckets(step_.chunk(rank_, c))) {
        for (const auto& message : data.reductions(bucket)) communication(message, 1);
        for (const auto& message : data.gathers(bucket)) communication(message, 1);
      }
    memory("optimizer", data.optimizer_bytes(step_.tails[static_cast<std::size_t>(rank_)].parameters).si(), 1);
  }

  void collect(std::map<std::pair<std::size_t, std::string>, LinkLoad>& busiest) const {
    std::map<std::pair<std::size_t, std::string>, LinkLoad> loads;
    for (const auto& [key, amount] : amounts_) {
      const auto& [level, dimension] = key;
      const bool mesh = level < memory_ && kind_of(level) == hardware::NetworkKind::full_mesh;
      auto& load = loads[{level, mesh ? dimension : ""}];  // groups of different dimensions use different links of a mesh
      load.level = level < memory_ ? step_.job.machine.levels[level].name : "chip";
      load.kind = level == memory_ ? "memory" : mesh ? "mesh links" : kind_of(level) == hardware::NetworkKind::torus ? "links" : "ports";
      load.pipeline_rank = rank_;
      load.bytes += units::Bytes::from_si(amount.bytes);
      load.busy += units::Seconds::from_si(amount.seconds);
      load.shares.push_back({dimension, units::Bytes::from_si(amount.bytes), units::Seconds::from_si(amount.seconds)});
    }
    for (auto& [key, load] : loads) {
      const auto [at, added] = busiest.try_emplace(key, load);
      if (!added && load.busy > at->second.busy) at->second = std::move(load);
    }
  }

 private:
  [[nodiscard]] hardware::NetworkKind kind_of(std::size_t level) const { return step_.job.machine.levels[level].network.kind; }

  void instruction(const workload::Instruction& i, double times) {
    using workload::Action;
    const auto pass = [&](std::int64_t local, Action action) {
      step_.costs_of(rank_).for_each_block(step_.chunk(rank_, local), action, [&](const std::vector<TimedOperation>& block, std::int64_t layers) {
        for (const auto& op : block) operation(*op.operation, times * static_cast<double>(layers));
      });
    };
    const bool both = i.action == Action::forward_backward;
    pass(i.chunk, both ? Action::forward : i.action);
    if (both) pass(i.second_chunk, Action::backward);
    if (both || i.action == Action::forward) send(i.chunk, true, times);
    if (both || i.action == Action::backward || i.action == Action::backward_input) send(both ? i.second_chunk : i.chunk, false, times);
  }

  void operation(const workload::Operation& op, double times) {
    std::visit(
        [&](const auto& work) {
          if constexpr (std::is_same_v<std::decay_t<decltype(work)>, workload::Communication>) communication(work, times);
          else memory("computation", compute::time_of(step_.job.machine.chip, work).bytes.si(), times);
        },
        op.work);
  }

  void communication(const workload::Communication& c, double times) {
    const auto request = step_.timer.request(c);
    message(dimension_of(c), amounts(step_.placement.fabric, request), times);
  }

  // To the neighbour that is worst placed, if it is another pipeline rank; as many arrive.
  void send(std::int32_t local, bool forward, double times) {
    if (step_.send_request().bytes.si() <= 0 || !leaves_rank(local, forward)) return;
    message("pipeline", amounts(step_.placement.fabric, step_.send_request()), times);
  }

  [[nodiscard]] bool leaves_rank(std::int32_t local, bool forward) const {
    const auto& s = step_.schedule;
    for (std::size_t d = 0; d < s.stage_rank.size(); ++d)
      for (std::size_t k = 0; k < s.model_chunks(); ++k)
        if (s.stage_rank[d][k] == rank_ && s.stage_chunk[d][k] == local) return forward ? k + 1 < s.model_chunks() && s.stage_rank[d][k + 1] != rank_ : k > 0 && s.stage_rank[d][k - 1] != rank_;
    return false;
  }

  // Each byte sent is read from memory, each that arrives is written.
  void message(const std::string& dimension, const std::vector<Amount>& by_level, double times) {
    double bytes = 0;
    for (std::size_t l = 0; l < by_level.size(); ++l) {
      if (by_level[l].seconds <= 0) continue;
      amounts_[{l, dimension}].add(by_level[l], times);
      bytes += by_level[l].bytes;
    }
    memory("messages", 2 * bytes, times);
  }

  void memory(const std::string& what, double bytes, double times) {
    if (bytes > 0) amounts_[{memory_, what}].add({bytes, bytes / step_.job.machine.chip.memory.bandwidth.si()}, times);
  }

  Step& step_;
  std::int64_t rank_;
  std::size_t memory_;
  std::map<std::pair<std::size_t, std::string>, Amount> amounts_;
};

}  // namespace

std::vector<LinkLoad> link_loads(Step& step) {
  std::map<std::pair<std::size_t, std::string>, LinkLoad> busiest;
  for (std::int64_t rank = 0; rank < step.schedule.ranks; ++rank) {
    RankLoads loads(step, rank);
    loads.count();
    loads.collect(busiest);
  }
  std::vector<LinkLoad> result;
  for (auto& [key, load] : busiest) {
    load.utilisation = load.busy.si() / step.time().seconds().si();
    std::stable_sort(load.shares.begin(), load.shares.end(), [](const LoadShare& a, const LoadShare& b) { return a.busy > b.busy; });
    result.push_back(std::move(load));
  }
  std::stable_sort(result.begin(), result.end(), [](const LinkLoad& a, const LinkLoad& b) { return a.busy > b.busy; });
  return result;
}

}  // namespace zettatwin::training
