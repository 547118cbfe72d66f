// SPDX-License-Identifier: Apache-2.0
#include "training/critical_path.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <tuple>

#include "base/contract.hpp"
#include "engine/critical_chain.hpp"
#include "training/step.hpp"
#include "workload/pipeline_network.hpp"

namespace zettatwin::training {
namespace {

using units::Picoseconds;
using workload::Action;

constexpr std::array kPhases{"gather", "warm-up", "steady state", "drain", "reduction", "update"};

constexpr int kSend = -1;  // in place of an action

std::string what_of(Action action) {
  switch (action) {
    case Action::forward: return "forward";
    case Action::backward: return "backward";
    case Action::backward_input: return "backward, input gradients";
    case Action::backward_weight: return "backward, weight gradients";
    case Action::forward_backward: return "forward and backward";
  }
  return "?";
}

class Path final {
 public:
  explicit Path(Step& step) : step_(step), network_(workload::make_network(step.schedule, step.pipeline_costs)), run_(engine::run(network_, {.winners = true})) {}

  std::vector<PathPart> find() {
    once_per_step();
    const auto last = reductions();
    pipeline(last);
    std::stable_sort(parts_.begin(), parts_.end(), [](const PathPart& a, const PathPart& b) {
      const auto order = [](const PathPart& p) { return std::find(kPhases.begin(), kPhases.end(), p.phase) - kPhases.begin(); };
      return order(a) != order(b) ? order(a) < order(b) : a.time > b.time;
    });
    Picoseconds sum;
    for (const auto& part : parts_) sum += part.time;
    ZT_ENSURE(sum == step_.time(), fmt::format("the critical path takes {} of {} ps", sum.count(), step_.time().count()));
    return std::move(parts_);
  }

 private:
  // Where the chain enters the pipeline: an instruction, and how much of it is part of the chain.
  struct Entry {
    std::int64_t position = 0;
    std::optional<Picoseconds> part;
  };

  PathPart& add(const char* phase, std::string what, std::int64_t rank, Picoseconds time, std::int64_t count = 1) {
    auto at = std::find_if(parts_.begin(), parts_.end(), [&](const PathPart& p) { return p.phase == phase && p.what == what && p.pipeline_rank == rank; });
    if (at == parts_.end()) at = parts_.insert(parts_.end(), {.phase = phase, .what = std::move(what), .pipeline_rank = rank, .count = 0, .time = {}, .shares = {}});
    at->count += count;
    at->time += time;
    return *at;
  }

  void once_per_step() {
    const auto slowest = [&](auto time_of) {
      std::int64_t at = 0;
      for (std::int64_t rank = 0; rank < step_.schedule.ranks; ++rank)
        if (time_of(step_.tails[static_cast<std::size_t>(rank)]) > time_of(step_.tails[static_cast<std::size_t>(at)])) at = rank;
      return at;
    };
    if (!step_.job.plan.overlap.parameters && step_.gather_exposed.count() > 0) add("update", "parameter gather", slowest([](const RankTail& t) { return t.gather; }), step_.gather_exposed);
    add("update", "parameter update", slowest([](const RankTail& t) { return t.optimizer; }), step_.optimizer);
    add("update", "gradient norm", step_.critical, step_.norm);
  }

  // Back along the reductions of the critical rank, as far as each begins when the one before it ends.
  Entry reductions() {
    const auto& tail = step_.tails[static_cast<std::size_t>(step_.critical)];
    const auto& line = step_.timeline.ranks[static_cast<std::size_t>(step_.critical)];
    const Entry end{.position = instructions(step_.critical) - 1, .part = {}};
    if (tail.ready <= line.finish) return end;
    std::size_t i = tail.reductions.size() - 1;
    add("reduction", "gradient reduction", step_.critical, tail.reductions[i].finish - tail.reductions[i].start);
    for (; i > 0 && tail.reductions[i - 1].finish == tail.reductions[i].start; --i)
      add("reduction", "gradient reduction", step_.critical, tail.reductions[i - 1].finish - tail.reductions[i - 1].start);
    const auto from = tail.reductions[i].start;
    if (!step_.job.plan.overlap.gradients || from == line.finish) return end;
    std::optional<std::int64_t> made_by;
    for (std::int64_t c = 0; c < step_.schedule.chunks_per_rank; ++c) {
      const auto start = line.last_backward_start[static_cast<std::size_t>(c)];
      if (!(start < from)) continue;
      if (from <= line.last_backward_finish[static_cast<std::size_t>(c)]) return {last_backward(c), from - start};
      if (!made_by || start > line.last_backward_start[static_cast<std::size_t>(*made_by)]) made_by = c;
    }
    // With an assumed period the simulation's reductions and the engine's passes are a little apart.
    ZT_ASSERT(step_.assumed_period() && made_by, "gradients that no backward pass made");
    return {last_backward(*made_by), from - line.last_backward_start[static_cast<std::size_t>(*made_by)]};
  }

  [[nodiscard]] std::int64_t instructions(std::int64_t rank) const {
    const auto& p = step_.schedule.programs[static_cast<std::size_t>(rank)];
    return static_cast<std::int64_t>(p.prologue.size() + p.epilogue.size()) + static_cast<std::int64_t>(p.body.size()) * p.repeats;
  }

  [[nodiscard]] std::int64_t last_backward(std::int64_t chunk) const {
    const auto& program = step_.schedule.programs[static_cast<std::size_t>(step_.critical)];
    for (auto at = instructions(step_.critical); at-- > 0;) {
      const auto i = program.at(at);
      const bool own = (i.action == Action::backward || i.action == Action::backward_weight) && i.chunk == chunk;
      if (own || (i.action == Action::forward_backward && i.second_chunk == chunk)) return at;
    }
    return 0;
  }

  void pipeline(const Entry& last) {
    std::optional<Picoseconds> part = last.part;
    if (!part) {  // with the sends that occupy the rank after its last instruction
      const auto occupied = run_.finish[static_cast<std::size_t>(step_.critical)] - end_of(last.position);
      if (occupied.count() > 0) add("drain", "pipeline send", step_.critical, occupied);
    }
    engine::visit_critical_chain(network_, run_, static_cast<std::size_t>(step_.critical), last.position, [&](const engine::ChainLink& link) {
      const auto rank = static_cast<std::int64_t>(link.process);
      const auto phase = phase_of(rank, link.position);
      auto i = step_.schedule.programs[link.process].at(link.position);
      i.microbatch = i.second_microbatch = 0;
      ++counts_[{phase, rank, static_cast<int>(i.action), i.chunk, i.second_chunk, part.value_or(link.step->duration).count(), step_.lost_at(rank, link.position)}];
      part.reset();
      if (link.gap.count() == 0) return;
      if (link.cause == engine::Cause::earliest) add("gather", "parameter gather", rank, link.gap);
      else ++counts_[{phase, rank, kSend, 0, 0, link.gap.count(), {}}];
    });
    for (const auto& [link, count] : counts_) {
      const auto& [phase, rank, action, chunk, second, time, lost] = link;
      if (action == kSend) add(kPhases[phase], "pipeline send", rank, Picoseconds(time) * count, count);
      else instruction(phase, rank, {.action = static_cast<Action>(action), .chunk = chunk, .second_chunk = second}, Picoseconds(time), lost, count);
    }
  }

  // Of the critical rank's last instruction: its clock less what it sends.
  [[nodiscard]] Picoseconds end_of(std::int64_t) const {
    const auto& process = network_.processes[static_cast<std::size_t>(step_.critical)];
    const auto code = process.epilogue.empty() ? process.prologue.back() : process.epilogue.back();
    return run_.finish[static_cast<std::size_t>(step_.critical)] - process.steps[static_cast<std::size_t>(code)].occupancy;
  }

  [[nodiscard]] std::size_t phase_of(std::int64_t rank, std::int64_t position) const {
    const auto& p = step_.schedule.programs[static_cast<std::size_t>(rank)];
    const auto prologue = static_cast<std::int64_t>(p.prologue.size()), loop = static_cast<std::int64_t>(p.body.size()) * p.repeats;
    return position < prologue ? 1 : position < prologue + loop ? 2 : 3;
  }

  void instruction(std::size_t phase, std::int64_t rank, const workload::Instruction& i, Picoseconds time, const RivalTimes& lost, std::int64_t count) {
    auto& part = add(kPhases[phase], what_of(i.action), rank, time * count, count);
    const auto pass = step_.pass(rank, i);
    // Of a part of a pass the same shares; what is beyond the pass is lost to messages beside it.
    const auto scaled = [&](Picoseconds share) { return time < pass.time ? Picoseconds(static_cast<std::int64_t>(static_cast<__int128>(share.count()) * time.count() / pass.time.count())) : share; };
    Picoseconds left = time;
    for (LeafId id = 0; id < step_.leaves.size(); ++id) {
      const auto share = scaled(pass.ledger.of(id));
      if (share.count() == 0) continue;
      left -= share;
      share_of(part, step_.leaves.at(id).group, step_.leaves.at(id).name) += share * count;
    }
    for (std::size_t rival = 0; rival < kRivals && left.count() > 0; ++rival) {
      const auto share = std::min(left, lost[rival]);
      if (share.count() == 0) continue;
      left -= share;
      share_of(part, "communication", fmt::format("contention with {}", name_of(static_cast<Rival>(rival)))) += share * count;
    }
    if (left.count() == 0) return;
    if (time > pass.time) share_of(part, "communication", "messages beside the pass take cores and memory") += left * count;
    else if (!part.shares.empty()) part.shares.front().time += left * count;  // of rounding
  }

  static Picoseconds& share_of(PathPart& part, const std::string& group, const std::string& name) {
    for (auto& share : part.shares)
      if (share.name == name && share.group == group) return share.time;
    part.shares.push_back({group, name, {}});
    return part.shares.back().time;
  }

  Step& step_;
  engine::TokenNetwork network_;
  engine::Run run_;
  std::vector<PathPart> parts_;
  // By phase, rank, action, chunks, time and what of it is lost to rivals: how often they are on the path.
  std::map<std::tuple<std::size_t, std::int64_t, int, std::int32_t, std::int32_t, std::int64_t, RivalTimes>, std::int64_t> counts_;
};

}  // namespace

std::vector<PathPart> critical_path(Step& step) { return Path(step).find(); }

}  // namespace zettatwin::training
