// SPDX-License-Identifier: Apache-2.0
#include "workload/pipeline_network.hpp"

#include <algorithm>

#include "base/contract.hpp"

namespace zettatwin::workload {

using engine::kNone;
using engine::Step;

namespace {

constexpr std::size_t kActions = static_cast<std::size_t>(Action::forward_backward) + 1;

struct Place {
  std::size_t direction = 0;
  std::size_t model_chunk = 0;
};

bool runs_forward(const Instruction& i, std::int32_t chunk) {
  return (i.action == Action::forward || i.action == Action::forward_backward) && i.chunk == chunk;
}

// Whether it can be the instruction that makes the weight gradients of the chunk final.
bool runs_weight_gradient(const Instruction& i, std::int32_t chunk) {
  if (i.action == Action::forward_backward) return i.second_chunk == chunk;
  return (i.action == Action::backward || i.action == Action::backward_weight) && i.chunk == chunk;
}

class RankCompiler final {
 public:
  RankCompiler(const Schedule& schedule, const PipelineCosts& costs, std::size_t rank) : schedule_(schedule), costs_(costs), rank_(rank) {
    const auto chunks = static_cast<std::size_t>(schedule.chunks_per_rank);
    places_.resize(chunks);
    codes_of_kind_.assign(kActions * chunks * chunks, kNone);
    for (std::size_t d = 0; d < schedule.stage_rank.size(); ++d) {
      for (std::size_t k = 0; k < schedule.model_chunks(); ++k) {
        if (schedule.stage_rank[d][k] == static_cast<std::int32_t>(rank)) places_[static_cast<std::size_t>(schedule.stage_chunk[d][k])] = {d, k};
      }
    }
  }

  engine::Process compile() {
    const LoopProgram& program = schedule_.programs[rank_];
    append(program.prologue);
    if (program.repeats >= 1) append(program.body);
    const auto head = static_cast<std::ptrdiff_t>(codes_.size());
    if (program.repeats >= 2) append(program.body);
    append(program.epilogue);
    mark_ends();
    process_.prologue.assign(codes_.begin(), codes_.begin() + head);
    process_.epilogue.assign(codes_.begin() + head, codes_.end());
    process_.repeats = std::max<std::int64_t>(0, program.repeats - 2);
    if (process_.repeats > 0) std::ranges::transform(program.body, std::back_inserter(process_.body), [this](const auto& i) { return code(i); });
    return std::move(process_);
  }

 private:
  void append(const std::vector<Instruction>& instructions) {
    for (const Instruction& instruction : instructions) {
      ends_.push_back(&instruction);
      codes_.push_back(code(instruction));
    }
  }

  std::int32_t code(const Instruction& i) {
    const std::size_t pair = static_cast<std::size_t>(i.chunk) * places_.size() + static_cast<std::size_t>(i.second_chunk);
    const std::size_t kind = static_cast<std::size_t>(i.action) * places_.size() * places_.size() + pair;
    std::int32_t& known = codes_of_kind_[kind];
    if (known == kNone) {
      known = static_cast<std::int32_t>(process_.steps.size());
      process_.steps.push_back(step(i));
    }
    return known;
  }

  Step step(const Instruction& i) const {
    const ChunkTimes& times = costs_.chunks[rank_][static_cast<std::size_t>(i.chunk)];
    Step step;
    switch (i.action) {
      case Action::forward:
        step.duration = times.forward;
        connect_forward(step, 0, i.chunk);
        break;
      case Action::backward:
      case Action::backward_input:
        step.duration = i.action == Action::backward ? times.backward : times.backward_input;
        connect_backward(step, 0, i.chunk);
        break;
      case Action::backward_weight: step.duration = times.backward_weight; break;
      case Action::forward_backward:
        step.duration = costs_.pairs.at(rank_).at(static_cast<std::size_t>(i.chunk)).at(static_cast<std::size_t>(i.second_chunk));
        connect_forward(step, 0, i.chunk);
        connect_backward(step, 1, i.second_chunk);
        break;
    }
    return step;
  }

  void connect_forward(Step& step, std::size_t slot, std::int32_t chunk) const {
    const Place at = places_[static_cast<std::size_t>(chunk)];
    if (at.model_chunk > 0) step.takes[slot] = forward_channel(at.direction, at.model_chunk - 1);
    if (at.model_chunk + 1 == schedule_.model_chunks()) return;
    step.puts[slot] = forward_channel(at.direction, at.model_chunk);
    step.delays[slot] = costs_.forward_send[at.direction][at.model_chunk];
    occupy(step, at.direction, at.model_chunk);
  }

  void connect_backward(Step& step, std::size_t slot, std::int32_t chunk) const {
    const Place at = places_[static_cast<std::size_t>(chunk)];
    if (at.model_chunk + 1 < schedule_.model_chunks()) step.takes[slot] = backward_channel(at.direction, at.model_chunk);
    if (at.model_chunk == 0) return;
    step.puts[slot] = backward_channel(at.direction, at.model_chunk - 1);
    step.delays[slot] = costs_.backward_send[at.direction][at.model_chunk - 1];
    occupy(step, at.direction, at.model_chunk - 1);
  }

  void occupy(Step& step, std::size_t direction, std::size_t edge) const {
    const auto& path = schedule_.stage_rank[direction];
    if (path[edge] != path[edge + 1]) step.occupancy += costs_.send_occupancy;
  }

  // Edge k joins model chunks k and k+1.
  [[nodiscard]] std::int32_t forward_channel(std::size_t direction, std::size_t edge) const {
    return static_cast<std::int32_t>(2 * (direction * (schedule_.model_chunks() - 1) + edge));
  }
  [[nodiscard]] std::int32_t backward_channel(std::size_t direction, std::size_t edge) const { return forward_channel(direction, edge) + 1; }

  void mark_ends() {
    for (std::int32_t chunk = 0; chunk < schedule_.chunks_per_rank; ++chunk) {
      const auto c = static_cast<std::size_t>(chunk);
      const auto first = std::ranges::find_if(ends_, [chunk](const Instruction* i) { return runs_forward(*i, chunk); });
      if (!costs_.release.empty()) own_step(first - ends_.begin()).earliest = costs_.release[rank_][c];
      const auto last = std::find_if(ends_.rbegin(), ends_.rend(), [chunk](const Instruction* i) { return runs_weight_gradient(*i, chunk); });
      Step& final_step = own_step(last.base() - ends_.begin() - 1);
      final_step.probe = static_cast<std::int32_t>(rank_ * places_.size() + c);
      if (!costs_.last_backward_extra.empty()) final_step.duration += costs_.last_backward_extra[rank_][c];
    }
  }

  // A kind of step for this one instruction.
  Step& own_step(std::ptrdiff_t position) {
    std::int32_t& code = codes_.at(static_cast<std::size_t>(position));
    const Step copy = process_.steps[static_cast<std::size_t>(code)];
    code = static_cast<std::int32_t>(process_.steps.size());
    return process_.steps.emplace_back(copy);
  }

  const Schedule& schedule_;
  const PipelineCosts& costs_;
  std::size_t rank_;
  std::vector<Place> places_;  // of the local chunks
  engine::Process process_;
  std::vector<std::int32_t> codes_of_kind_;  // by action and chunks: index into the steps
  std::vector<const Instruction*> ends_;  // all but the loop
  std::vector<std::int32_t> codes_;       // of the same
};

void expect_shapes(const Schedule& schedule, const PipelineCosts& costs) {
  const auto ranks = static_cast<std::size_t>(schedule.ranks);
  const auto chunks = static_cast<std::size_t>(schedule.chunks_per_rank);
  const auto per_chunk = [&](const auto& table) {
    return table.size() == ranks && std::ranges::all_of(table, [chunks](const auto& row) { return row.size() == chunks; });
  };
  const auto per_edge = [&](const auto& table) {
    return table.size() == schedule.stage_rank.size() &&
           std::ranges::all_of(table, [&](const auto& row) { return row.size() + 1 >= schedule.model_chunks(); });
  };
  ZT_EXPECT(schedule.programs.size() == ranks && per_chunk(costs.chunks), "one program per rank, times per rank and local chunk");
  ZT_EXPECT(per_edge(costs.forward_send) && per_edge(costs.backward_send), "a send time per direction and edge between model chunks");
  ZT_EXPECT(costs.release.empty() || per_chunk(costs.release), "release times per rank and local chunk");
  ZT_EXPECT(costs.last_backward_extra.empty() || per_chunk(costs.last_backward_extra), "extra times per rank and local chunk");
}

}  // namespace

engine::TokenNetwork make_network(const Schedule& schedule, const PipelineCosts& costs) { return engine::with_losses(network_alone(schedule, costs), costs.losses); }

engine::TokenNetwork network_alone(const Schedule& schedule, const PipelineCosts& costs) {
  expect_shapes(schedule, costs);
  engine::TokenNetwork network;
  network.channels = static_cast<std::int32_t>(2 * schedule.stage_rank.size() * (schedule.model_chunks() - 1));
  network.probes = static_cast<std::int32_t>(schedule.ranks * schedule.chunks_per_rank);
  for (std::size_t rank = 0; rank < schedule.programs.size(); ++rank) {
    network.processes.push_back(RankCompiler(schedule, costs, rank).compile());
  }
  return network;
}

RankTimeline count_work(const LoopProgram& program, const engine::Process& process, std::int64_t chunks_per_rank) {
  RankTimeline timeline;
  timeline.forwards.resize(static_cast<std::size_t>(chunks_per_rank));
  const auto add_steps = [&](const std::vector<std::int32_t>& codes, std::int64_t times) {
    for (const std::int32_t code : codes) {
      const Step& step = process.steps[static_cast<std::size_t>(code)];
      timeline.busy += times * step.duration;
      timeline.sends += times * step.occupancy;
    }
  };
  add_steps(process.prologue, 1);
  add_steps(process.body, process.repeats);
  add_steps(process.epilogue, 1);
  const auto add_forwards = [&](const std::vector<Instruction>& instructions, std::int64_t times) {
    for (const Instruction& i : instructions) {
      if (runs_forward(i, i.chunk)) timeline.forwards[static_cast<std::size_t>(i.chunk)] += times;
    }
  };
  add_forwards(program.prologue, 1);
  add_forwards(program.body, program.repeats);
  add_forwards(program.epilogue, 1);
  return timeline;
}

}  // namespace zettatwin::workload
