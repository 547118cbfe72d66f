// SPDX-License-Identifier: Apache-2.0
#include "workload/schedule.hpp"

#include <algorithm>

#include "base/contract.hpp"
#include "workload/schedule_builder.hpp"

namespace zettatwin::workload {

using plan::ScheduleKind;

namespace {

bool has_v_shape(ScheduleKind kind) { return kind == ScheduleKind::zb_v || kind == ScheduleKind::dualpipe_v; }

LoopProgram make_program(const Schedule& s, std::int64_t rank) {
  switch (s.kind) {
    case ScheduleKind::one_f_one_b: return one_f_one_b_program(s.ranks, rank, s.microbatches);
    case ScheduleKind::interleaved: return interleaved_program(s.ranks, rank, s.chunks_per_rank, s.microbatches);
    case ScheduleKind::zb_h1: return zb_h1_program(s.ranks, rank, s.microbatches);
    case ScheduleKind::zb_v: return zb_v_program(s.ranks, rank, s.microbatches);
    case ScheduleKind::dualpipe:
      return dualpipe_program(s.ranks / 2, std::min(rank, s.ranks - 1 - rank), rank >= s.ranks / 2, s.microbatches / 2);
    case ScheduleKind::dualpipe_v: return dualpipe_program(s.ranks, rank, false, s.microbatches);
  }
  ZT_ASSERT(false, "unknown schedule kind");
  return {};
}

// Rank and local chunk of each model chunk, per direction.
void lay_data_path(Schedule& s) {
  const bool bidirectional = s.kind == ScheduleKind::dualpipe;
  const std::int64_t model_chunks = s.ranks * (bidirectional ? 1 : s.chunks_per_rank);
  const std::size_t directions = bidirectional ? 2 : 1;
  s.stage_rank.resize(directions);
  s.stage_chunk.resize(directions);
  for (std::size_t d = 0; d < directions; ++d) {
    for (std::int64_t k = 0; k < model_chunks; ++k) {
      const std::int64_t lap = k / s.ranks;
      const bool upwards = d == 1 || (has_v_shape(s.kind) && lap == 1);
      s.stage_rank[d].push_back(static_cast<std::int32_t>(upwards ? s.ranks - 1 - k % s.ranks : k % s.ranks));
      s.stage_chunk[d].push_back(static_cast<std::int32_t>(bidirectional ? static_cast<std::int64_t>(d) : lap));
    }
  }
}

std::string chunk_problem(ScheduleKind kind, std::int64_t chunks) {
  const std::string got = ", not " + std::to_string(chunks);
  switch (kind) {
    case ScheduleKind::one_f_one_b:
    case ScheduleKind::zb_h1: return chunks == 1 ? "" : "1f1b and zb-h1 take one model chunk per rank (vpp=1)" + got;
    case ScheduleKind::interleaved: return chunks >= 2 ? "" : "interleaved takes two or more model chunks per rank (vpp>=2)" + got;
    case ScheduleKind::zb_v:
    case ScheduleKind::dualpipe:
    case ScheduleKind::dualpipe_v: return chunks == 2 ? "" : "zb-v, dualpipe and dualpipe-v take two model chunks per rank" + got;
  }
  return "unknown schedule";
}

}  // namespace

std::string schedule_problem(ScheduleKind kind, std::int64_t ranks, std::int64_t chunks_per_rank, std::int64_t microbatches) {
  if (ranks < 1 || microbatches < 1) return "a pipeline needs at least one rank and one microbatch";
  if (std::string problem = chunk_problem(kind, chunks_per_rank); !problem.empty()) return problem;
  const std::string got = std::to_string(microbatches) + " microbatches on pp=" + std::to_string(ranks);
  if (kind == ScheduleKind::interleaved && microbatches % ranks != 0) return "interleaved needs microbatches to be a multiple of pp, but has " + got;
  if (kind == ScheduleKind::dualpipe && ranks % 2 != 0) return "dualpipe needs an even pp, not " + std::to_string(ranks);
  if (kind == ScheduleKind::dualpipe && microbatches % 2 != 0) return "dualpipe needs an even number of microbatches, but has " + got;
  const bool dual = plan::pairs_passes(kind);
  if (dual && microbatches < 2 * ranks) return "dualpipe and dualpipe-v need microbatches >= 2*pp, but have " + got;
  return "";
}

Schedule make_schedule(ScheduleKind kind, std::int64_t ranks, std::int64_t chunks_per_rank, std::int64_t microbatches) {
  const std::string problem = schedule_problem(kind, ranks, chunks_per_rank, microbatches);
  ZT_EXPECT(problem.empty(), problem);
  Schedule schedule{.kind = kind, .ranks = ranks, .chunks_per_rank = chunks_per_rank, .microbatches = microbatches};
  for (std::int64_t rank = 0; rank < ranks; ++rank) schedule.programs.push_back(make_program(schedule, rank));
  lay_data_path(schedule);
  return schedule;
}

Instruction LoopProgram::in_iteration(Instruction instruction, std::int64_t iteration) const {
  instruction.microbatch += iteration * stride;
  if (instruction.action == Action::forward_backward) instruction.second_microbatch += iteration * stride;
  return instruction;
}

Instruction LoopProgram::at(std::int64_t position) const {
  const auto before = static_cast<std::int64_t>(prologue.size());
  const auto length = static_cast<std::int64_t>(body.size());
  if (position < before) return prologue[static_cast<std::size_t>(position)];
  position -= before;
  if (position < repeats * length) return in_iteration(body[static_cast<std::size_t>(position % length)], position / length);
  return epilogue.at(static_cast<std::size_t>(position - repeats * length));
}

std::vector<Instruction> LoopProgram::unrolled() const {
  std::vector<Instruction> all = prologue;
  for (std::int64_t i = 0; i < repeats; ++i) {
    for (const Instruction& instruction : body) all.push_back(in_iteration(instruction, i));
  }
  all.insert(all.end(), epilogue.begin(), epilogue.end());
  return all;
}

std::string to_string(const Instruction& instruction) {
  const auto name = [&](const char* action) {
    return std::string(action) + " of chunk " + std::to_string(instruction.chunk) + ", microbatch " + std::to_string(instruction.microbatch);
  };
  switch (instruction.action) {
    case Action::forward: return name("forward");
    case Action::backward: return name("backward");
    case Action::backward_input: return name("backward_input");
    case Action::backward_weight: return name("backward_weight");
    case Action::forward_backward:
      return name("forward") + " with backward of chunk " + std::to_string(instruction.second_chunk) + ", microbatch " +
             std::to_string(instruction.second_microbatch);
  }
  return "unknown instruction";
}

}  // namespace zettatwin::workload
