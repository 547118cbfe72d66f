// SPDX-License-Identifier: Apache-2.0
#include "workload/pipeline.hpp"

#include <algorithm>

#include "base/contract.hpp"
#include "workload/pipeline_network.hpp"

namespace zettatwin::workload {

using units::Picoseconds;

namespace {

std::string deadlock_report(const Schedule& schedule, const engine::Stuck& stuck) {
  return "deadlock: rank " + std::to_string(stuck.process) + " waits forever at instruction " + std::to_string(stuck.position) + ": " +
         to_string(schedule.programs[stuck.process].at(stuck.position));
}

void fill_times(RankTimeline& timeline, std::size_t rank, const engine::Run& run) {
  timeline.finish = run.finish[rank];
  timeline.idle = timeline.finish - timeline.busy - timeline.sends;
  ZT_ENSURE(timeline.idle >= Picoseconds(), "a rank cannot work longer than it runs");
  const std::size_t chunks = timeline.forwards.size();
  for (std::size_t c = 0; c < chunks; ++c) {
    timeline.last_backward_start.push_back(run.probes[rank * chunks + c].start);
    timeline.last_backward_finish.push_back(run.probes[rank * chunks + c].finish);
  }
}

std::vector<TimedInstruction> timed(const LoopProgram& program, const std::vector<engine::Span>& spans) {
  std::vector<TimedInstruction> result;
  for (const engine::Span& span : spans) result.push_back({program.at(static_cast<std::int64_t>(result.size())), span.start, span.finish});
  return result;
}

}  // namespace

PipelineTimeline run_pipeline(const Schedule& schedule, const PipelineCosts& costs, const PipelineOptions& options) {
  const std::string defect = schedule_defect(schedule);
  ZT_EXPECT(defect.empty(), defect);
  const engine::TokenNetwork network = make_network(schedule, costs);
  const engine::Run run = engine::run(network, {.fold = options.fold, .trace_limit = options.trace_limit});
  ZT_EXPECT(!run.stuck, deadlock_report(schedule, *run.stuck));
  PipelineTimeline timeline{
      .period_iterations = run.period_iterations, .period = run.period, .iterations_jumped = run.iterations_jumped};
  for (std::size_t rank = 0; rank < network.processes.size(); ++rank) {
    timeline.ranks.push_back(count_work(schedule.programs[rank], network.processes[rank], schedule.chunks_per_rank));
    fill_times(timeline.ranks[rank], rank, run);
    timeline.makespan = std::max(timeline.makespan, timeline.ranks[rank].finish);
    timeline.iterations_simulated = std::max(timeline.iterations_simulated, schedule.programs[rank].repeats - run.iterations_jumped);
    if (!run.trace.empty()) timeline.trace.push_back(timed(schedule.programs[rank], run.trace[rank]));
  }
  return timeline;
}

}  // namespace zettatwin::workload
