// SPDX-License-Identifier: Apache-2.0
#include <deque>

#include "workload/schedule.hpp"

namespace zettatwin::workload {

namespace {

// Counts what a rank has done, per local chunk, and notes the first instruction that is out of turn.
class OrderCheck final {
 public:
  explicit OrderCheck(std::int64_t chunks) : chunks_(static_cast<std::size_t>(chunks)) {}

  void run(const std::vector<Instruction>& instructions) {
    for (const Instruction& instruction : instructions) {
      if (defect_.empty() && !in_turn(instruction)) defect_ = to_string(instruction) + " is out of turn";
    }
  }

  // One iteration stands for all, if it leaves the same counts but for the stride.
  void run_loop(const LoopProgram& program) {
    if (program.repeats < 1) return;
    const std::vector<Chunk> before = chunks_;
    run(program.body);
    for (std::size_t c = 0; c < chunks_.size(); ++c) {
      Chunk& now = chunks_[c];
      const bool steady = now.forwards == before[c].forwards + program.stride && now.backwards == before[c].backwards + program.stride &&
                          now.pending.size() == before[c].pending.size();
      if (!steady && defect_.empty()) defect_ = "an iteration does not advance chunk " + std::to_string(c) + " by its stride";
      const std::int64_t skipped = (program.repeats - 1) * program.stride;
      now.forwards += skipped;
      now.backwards += skipped;
      for (std::int64_t& microbatch : now.pending) microbatch += skipped;
    }
  }

  [[nodiscard]] std::string defect(std::int64_t microbatches) const {
    if (!defect_.empty()) return defect_;
    for (std::size_t c = 0; c < chunks_.size(); ++c) {
      const bool complete = chunks_[c].forwards == microbatches && chunks_[c].backwards == microbatches && chunks_[c].pending.empty();
      if (!complete) return "chunk " + std::to_string(c) + " does not run each microbatch once";
    }
    return "";
  }

 private:
  struct Chunk {
    std::int64_t forwards = 0;
    std::int64_t backwards = 0;
    std::deque<std::int64_t> pending;  // weight gradients
  };

  bool in_turn(const Instruction& i) {
    const bool paired = i.action == Action::forward_backward;
    const std::int32_t last = paired ? i.second_chunk : i.chunk;
    const auto known = [this](std::int32_t chunk) { return chunk >= 0 && static_cast<std::size_t>(chunk) < chunks_.size(); };
    if (!known(i.chunk) || !known(last)) return false;
    Chunk& chunk = chunks_[static_cast<std::size_t>(i.chunk)];
    switch (i.action) {
      case Action::forward: return forward(chunk, i.microbatch);
      case Action::backward: return backward(chunk, i.microbatch);
      case Action::backward_input: chunk.pending.push_back(i.microbatch); return backward(chunk, i.microbatch);
      case Action::backward_weight: {
        const bool due = !chunk.pending.empty() && chunk.pending.front() == i.microbatch;
        if (due) chunk.pending.pop_front();
        return due;
      }
      // The backward is checked first: it overlaps its partner, so it cannot wait for it.
      case Action::forward_backward: return backward(chunks_[static_cast<std::size_t>(last)], i.second_microbatch) && forward(chunk, i.microbatch);
    }
    return false;
  }

  static bool forward(Chunk& chunk, std::int64_t microbatch) { return chunk.forwards++ == microbatch; }
  static bool backward(Chunk& chunk, std::int64_t microbatch) { return chunk.backwards++ == microbatch && microbatch < chunk.forwards; }

  std::vector<Chunk> chunks_;
  std::string defect_;
};

}  // namespace

std::string schedule_defect(const Schedule& schedule) {
  const auto directions = static_cast<std::int64_t>(schedule.stage_rank.size());
  for (std::size_t rank = 0; rank < schedule.programs.size(); ++rank) {
    const LoopProgram& program = schedule.programs[rank];
    OrderCheck check(schedule.chunks_per_rank);
    check.run(program.prologue);
    check.run_loop(program);
    check.run(program.epilogue);
    const std::string defect = check.defect(schedule.microbatches / directions);
    if (!defect.empty()) return "rank " + std::to_string(rank) + ": " + defect;
  }
  return "";
}

}  // namespace zettatwin::workload
