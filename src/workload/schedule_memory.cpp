// SPDX-License-Identifier: Apache-2.0
// Activations in flight, by walking the program order: a forward adds one microbatch, a backward frees it when done, an input gradient
// turns it into a pending weight gradient. The two halves of an overlapped pair hold their memory at the same time.
#include "base/contract.hpp"
#include "workload/schedule.hpp"

namespace zettatwin::workload {

namespace {

class Walk final {
 public:
  Walk(const std::vector<double>& bytes_full, const std::vector<double>& bytes_weight)
      : bytes_full_(bytes_full), bytes_weight_(bytes_weight) {
    now_.forward.resize(bytes_full.size());
    now_.weight.resize(bytes_full.size());
    peak_ = now_;
  }

  void run(const std::vector<Instruction>& instructions) {
    for (const Instruction& instruction : instructions) run(instruction);
  }

  // The counts change by the same amounts in each iteration, so the weighted sum at each place of the body is linear in the iteration
  // and its peak is in the first or the last one.
  void run_loop(const std::vector<Instruction>& body, std::int64_t repeats) {
    if (repeats < 1) return;
    const InFlight before = now_;
    run(body);
    if (repeats < 2) return;
    const auto skip = [&](const std::vector<std::int64_t>& was, std::vector<std::int64_t>& now) {
      for (std::size_t c = 0; c < now.size(); ++c) now[c] += (repeats - 2) * (now[c] - was[c]);
    };
    skip(before.forward, now_.forward);
    skip(before.weight, now_.weight);
    run(body);
  }

  [[nodiscard]] const InFlight& peak() const { return peak_; }

 private:
  void run(const Instruction& instruction) {
    const auto chunk = static_cast<std::size_t>(instruction.chunk);
    switch (instruction.action) {
      case Action::forward: return add_forward(chunk);
      case Action::backward: return take(now_.forward.at(chunk));
      case Action::backward_input:
        take(now_.forward.at(chunk));
        ++now_.weight.at(chunk);
        return look();
      case Action::backward_weight: return take(now_.weight.at(chunk));
      case Action::forward_backward:
        add_forward(chunk);
        return take(now_.forward.at(static_cast<std::size_t>(instruction.second_chunk)));
    }
  }

  void add_forward(std::size_t chunk) {
    ++now_.forward.at(chunk);
    look();
  }

  static void take(std::int64_t& count) {
    ZT_EXPECT(count > 0, "a backward without its forward, or a weight gradient without its input gradient");
    --count;
  }

  void look() {
    double bytes = 0;
    for (std::size_t c = 0; c < bytes_full_.size(); ++c) {
      bytes += static_cast<double>(now_.forward[c]) * bytes_full_[c] + static_cast<double>(now_.weight[c]) * bytes_weight_[c];
    }
    if (bytes <= peak_bytes_) return;
    peak_bytes_ = bytes;
    peak_ = now_;
  }

  const std::vector<double>& bytes_full_;
  const std::vector<double>& bytes_weight_;
  InFlight now_;
  InFlight peak_;
  double peak_bytes_ = -1;
};

}  // namespace

InFlight peak_in_flight(const LoopProgram& program, const std::vector<double>& bytes_full, const std::vector<double>& bytes_weight) {
  ZT_EXPECT(bytes_full.size() == bytes_weight.size(), "one figure per local chunk in both");
  Walk walk(bytes_full, bytes_weight);
  walk.run(program.prologue);
  walk.run_loop(program.body, program.repeats);
  walk.run(program.epilogue);
  return walk.peak();
}

}  // namespace zettatwin::workload
