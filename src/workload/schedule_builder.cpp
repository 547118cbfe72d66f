// SPDX-License-Identifier: Apache-2.0
#include "workload/schedule_builder.hpp"

#include "base/contract.hpp"

namespace zettatwin::workload {

ProgramBuilder::ProgramBuilder(std::int64_t chunks, std::int64_t microbatches)
    : chunks_(static_cast<std::size_t>(chunks)), microbatches_(microbatches) {}

ProgramBuilder::Chunk& ProgramBuilder::at(std::int32_t chunk) { return chunks_.at(static_cast<std::size_t>(chunk)); }

void ProgramBuilder::emit(const Instruction& instruction) {
  const bool paired = instruction.action == Action::forward_backward;
  ZT_ASSERT(!paired || (instruction.microbatch < microbatches_ && instruction.second_microbatch < microbatches_), "pair beyond the last microbatch");
  if (instruction.microbatch < microbatches_) section_->push_back(instruction);
}

void ProgramBuilder::forward(std::int32_t chunk) { emit({Action::forward, chunk, at(chunk).forwards++}); }

void ProgramBuilder::backward(std::int32_t chunk) { emit({Action::backward, chunk, at(chunk).backwards++}); }

void ProgramBuilder::backward_input(std::int32_t chunk) {
  const std::int64_t microbatch = at(chunk).backwards++;
  at(chunk).pending_weights.push_back(microbatch);
  emit({Action::backward_input, chunk, microbatch});
}

void ProgramBuilder::backward_weight(std::int32_t chunk) {
  ZT_EXPECT(!at(chunk).pending_weights.empty(), "no weight gradient is pending");
  emit({Action::backward_weight, chunk, at(chunk).pending_weights.front()});
  at(chunk).pending_weights.pop_front();
}

void ProgramBuilder::forward_backward(std::int32_t forward_chunk, std::int32_t backward_chunk) {
  const std::int64_t ahead = at(forward_chunk).forwards++;
  emit({Action::forward_backward, forward_chunk, ahead, backward_chunk, at(backward_chunk).backwards++});
}

void ProgramBuilder::loop(std::int64_t repeats, std::int64_t stride, const std::function<void()>& body) {
  ZT_EXPECT(section_ == &program_.prologue, "a program has one loop");
  if (repeats > 0) {
    const std::vector<Chunk> before = chunks_;
    section_ = &program_.body;
    body();
    program_.repeats = repeats;
    program_.stride = stride;
    skip_iterations(before, repeats - 1, stride);
  }
  section_ = &program_.epilogue;
}

void ProgramBuilder::skip_iterations(const std::vector<Chunk>& before, std::int64_t skipped, std::int64_t stride) {
  const auto skip = [&](std::int64_t was, std::int64_t& now) {
    ZT_ASSERT(now == was + stride, "an iteration advances each chunk by its stride");
    now += skipped * stride;
  };
  for (std::size_t c = 0; c < chunks_.size(); ++c) {
    skip(before[c].forwards, chunks_[c].forwards);
    skip(before[c].backwards, chunks_[c].backwards);
    ZT_ASSERT(chunks_[c].pending_weights.size() == before[c].pending_weights.size(), "an iteration leaves as many weight gradients as it found");
    for (std::int64_t& microbatch : chunks_[c].pending_weights) microbatch += skipped * stride;
  }
}

LoopProgram ProgramBuilder::finish() {
  section_ = &program_.epilogue;
  return std::move(program_);
}

}  // namespace zettatwin::workload
