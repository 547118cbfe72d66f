// SPDX-License-Identifier: Apache-2.0
// The step as its simulation sees it, and what comes back (docs/math/contention.md).
#include <algorithm>

#include "base/contract.hpp"
#include "training/step.hpp"
#include "workload/pipeline_network.hpp"

namespace zettatwin::training {
namespace {

using units::Picoseconds;
using workload::Action;

bool forwards(const workload::Instruction& i, std::int32_t chunk) { return (i.action == Action::forward || i.action == Action::forward_backward) && i.chunk == chunk; }

}  // namespace

void Step::share_ports() {
  const bool sends = send_.count() > 0;
  const bool once = std::any_of(tails.begin(), tails.end(), [](const RankTail& tail) { return tail.reduction.count() > 0 || tail.gather.count() > 0; });
  if (!simulates_sharing() || !(sends || once)) return;
  const auto shared = shared_step();
  shared_ = play_shared(shared, {.fold = job.fidelity != Fidelity::unfolded});
  network_ = shared.network;
  pipeline_costs.losses = shared_.losses;
}

SharedStep Step::shared_step() {
  if (send_.count() > 0) send_ports_ = timer.footprint(workload::Group::pipeline, network::collective_load(placement.fabric, send_request_));
  SharedStep shared{.network = workload::network_alone(schedule, pipeline_costs), .ranks = {}, .channels = {}};
  shared.channels.resize(static_cast<std::size_t>(shared.network.channels));
  if (const auto& interference = job.machine.chip.efficiency.interference; interference.present) shared.interference = interference.si();
  shared.send_share = job.software.send_part();
  for (std::size_t r = 0; r < shared.network.processes.size(); ++r) {
    const auto& process = shared.network.processes[r];
    for (const auto& step : process.steps) {
      for (const auto c : step.puts)
        if (c != engine::kNone) shared.channels[static_cast<std::size_t>(c)].from = static_cast<std::int32_t>(r);
      for (const auto c : step.takes)
        if (c != engine::kNone) shared.channels[static_cast<std::size_t>(c)].to = static_cast<std::int32_t>(r);
    }
    add_passes(static_cast<std::int64_t>(r), process, shared.ranks.emplace_back());
  }
  for (auto& channel : shared.channels)
    if (channel.from != channel.to) channel.ports = &send_ports_;
  return shared;
}

void Step::add_passes(std::int64_t rank, const engine::Process& process, SharedRank& shared) {
  const auto r = static_cast<std::size_t>(rank);
  const auto& program = schedule.programs[r];
  const auto chunk_of = [&](std::int64_t local) -> const plan::ModelChunk& { return chunk(rank, local); };
  shared.passes.resize(process.steps.size());
  std::vector<std::uint8_t> known(process.steps.size()), forwarded(static_cast<std::size_t>(schedule.chunks_per_rank));
  std::int64_t position = 0;
  const auto add = [&](const std::vector<std::int32_t>& codes) {
    for (const auto code : codes) {
      const auto instruction = program.at(position++);
      const auto kind = static_cast<std::size_t>(code);
      if (known[kind]) continue;
      known[kind] = 1;
      auto& pass = shared.passes[kind];
      pass.blocks = costs_of(rank).shared_blocks(instruction, chunk_of);
      if (process.steps[kind].probe != engine::kNone) pass.last_backward = process.steps[kind].probe - static_cast<std::int32_t>(rank * schedule.chunks_per_rank);
      if (forwards(instruction, instruction.chunk) && !forwarded[static_cast<std::size_t>(instruction.chunk)]) {
        forwarded[static_cast<std::size_t>(instruction.chunk)] = 1;
        pass.first_forward = instruction.chunk;
      }
    }
  };
  add(process.prologue);
  if (process.repeats > 0) add(process.body);
  position += (process.repeats - 1) * static_cast<std::int64_t>(process.body.size()) * (process.repeats > 0 ? 1 : 0);
  add(process.epilogue);

  const auto& data = data_parallel_of(rank);
  for (std::int64_t c = 0; c < schedule.chunks_per_rank; ++c) {
    auto& reductions = shared.reductions.emplace_back();
    if (job.plan.overlap.gradients && tails[r].reduction.count() > 0) reductions = tails[r].buckets[static_cast<std::size_t>(c)];
    auto& gathers = shared.gathers.emplace_back();
    if (job.plan.overlap.parameters && tails[r].gather.count() > 0)
      for (const auto& bucket : data.buckets(chunk(rank, c))) gathers.push_back(data.traffic(data.gathers(bucket)));
    shared.forward.push_back(pipeline_costs.chunks[r][static_cast<std::size_t>(c)].forward);
  }
}

RivalTimes Step::lost(std::int64_t rank) const {
  RivalTimes sum{};
  if (shared_.lost.empty()) return sum;
  const auto r = static_cast<std::size_t>(rank);
  shared_.losses.for_each_counted(network_.processes[r], r, [&](std::size_t i, std::int64_t times) {
    for (std::size_t rival = 0; rival < kRivals; ++rival) sum[rival] += shared_.lost[r][i][rival] * times;
  });
  return sum;
}

RivalTimes Step::lost_at(std::int64_t rank, std::int64_t position) const {
  if (shared_.lost.empty()) return {};
  const auto r = static_cast<std::size_t>(rank);
  return shared_.lost[r][shared_.losses.index_at(network_.processes[r], position)];
}

engine::StepLoss Step::loss_at(std::int64_t rank, std::int64_t position) const {
  if (shared_.lost.empty()) return {};
  const auto r = static_cast<std::size_t>(rank);
  return shared_.losses.steps[r][shared_.losses.index_at(network_.processes[r], position)];
}

}  // namespace zettatwin::training
