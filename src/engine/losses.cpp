// SPDX-License-Identifier: Apache-2.0
#include "engine/losses.hpp"

#include <algorithm>
#include <map>
#include <tuple>

#include "base/contract.hpp"

namespace zettatwin::engine {
namespace {

class Writer final {
 public:
  Writer(const Process& process, const Losses& losses, const std::vector<StepLoss>& steps) : process_(process), losses_(losses), steps_(steps) {
    out_.steps = process.steps;
  }

  Process write() {
    const std::int64_t looped = losses_.before + losses_.period * losses_.times;
    ZT_EXPECT(looped <= process_.repeats, "losses of more iterations than there are");
    append(process_.prologue, out_.prologue);
    for (std::int64_t i = 0; i < losses_.before; ++i) append(process_.body, out_.prologue);
    for (std::int64_t i = 0; i < losses_.period; ++i) append(process_.body, out_.body);
    out_.repeats = losses_.period > 0 ? losses_.times : 0;
    for (std::int64_t i = looped; i < process_.repeats; ++i) append(process_.body, out_.epilogue);
    append(process_.epilogue, out_.epilogue);
    ZT_EXPECT(next_ == steps_.size(), "a loss for each step");
    return std::move(out_);
  }

 private:
  void append(const std::vector<std::int32_t>& codes, std::vector<std::int32_t>& to) {
    for (const auto code : codes) to.push_back(with(code, steps_.at(next_++)));
  }

  // The kind of step with this loss.
  std::int32_t with(std::int32_t code, const StepLoss& loss) {
    if (loss == StepLoss{}) return code;
    const auto [at, added] = known_.try_emplace({code, loss.duration, loss.delays[0], loss.delays[1], loss.occupancy}, static_cast<std::int32_t>(out_.steps.size()));
    if (!added) return at->second;
    Step step = out_.steps[static_cast<std::size_t>(code)];
    step.duration += loss.duration;
    step.occupancy += loss.occupancy;
    for (std::size_t i = 0; i < step.delays.size(); ++i) step.delays[i] += loss.delays[i];
    out_.steps.push_back(step);
    return at->second;
  }

  const Process& process_;
  const Losses& losses_;
  const std::vector<StepLoss>& steps_;
  std::size_t next_ = 0;
  std::map<std::tuple<std::int32_t, Picoseconds, Picoseconds, Picoseconds, Picoseconds>, std::int32_t> known_;
  Process out_;
};

}  // namespace

std::size_t Losses::index_at(const Process& process, std::int64_t position) const {
  const auto body = static_cast<std::int64_t>(process.body.size());
  const auto from = static_cast<std::int64_t>(process.prologue.size()) + body * before, once = body * period;
  if (position < from || once == 0) return static_cast<std::size_t>(position);
  if (position < from + once * times) return static_cast<std::size_t>(from + (position - from) % once);
  return static_cast<std::size_t>(position - once * (times - 1));
}

TokenNetwork with_losses(const TokenNetwork& network, const Losses& losses) {
  if (losses.steps.empty()) return network;
  TokenNetwork result{.processes = {}, .channels = network.channels, .probes = network.probes};
  for (std::size_t p = 0; p < network.processes.size(); ++p) result.processes.push_back(Writer(network.processes[p], losses, losses.steps.at(p)).write());
  return result;
}

}  // namespace zettatwin::engine
