// SPDX-License-Identifier: Apache-2.0
#include "training/unfold.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/contract.hpp"
#include "training/faults.hpp"
#include "units/text.hpp"

namespace zettatwin::training {
namespace {

using units::Picoseconds;
using workload::Action;

constexpr std::int64_t kInstructions = 4000;
constexpr std::size_t kOperations = 50'000;  // some megabytes of report
constexpr std::int64_t kPeers = 8;

// Position of the rank in its group of the view.
std::int64_t index_in(const space::View& view, std::int64_t rank) {
  std::int64_t index = 0, weight = 1;
  for (const auto& atom : view.atoms) {
    index += rank / atom.stride % atom.size * weight;
    weight *= atom.size;
  }
  return index;
}

std::int64_t rank_at(const space::View& view, std::int64_t rank, std::int64_t index) {
  for (const auto& atom : view.atoms) {
    rank += (index % atom.size - rank / atom.stride % atom.size) * atom.stride;
    index /= atom.size;
  }
  return rank;
}

class Unfolding final {
 public:
  Unfolding(const Job& job, const plan::Placement& placement) : job_(job), placement_(placement), rank_(*job.unfold) {
    job_.trace_limit = kInstructions;
    chip_.rank = rank_;
    chip_.pipeline_rank = rank_ / placement.pipeline_stride % job.plan.pp;
  }

  ChipTimeline run(const config::Location& where, config::Diagnostics& diagnostics) {
    place();
    faults();
    auto clusters = distinct_clusters(job_.faults, placement_, job_.plan.pp);
    clusters.push_back(faults_of_cluster(job_.faults, placement_, job_.plan.pp, rank_));
    for (const auto& cluster : clusters) {
      auto step = std::make_unique<Step>(job_, placement_, cluster);
      const bool good = step->run(where, diagnostics);
      ZT_EXPECT(good, "a job that runs");
      meet(*step);
      if (&cluster == &clusters.back()) own_ = std::move(step);
    }
    instructions();
    once_per_step();
    std::stable_sort(chip_.operations.begin(), chip_.operations.end(), [](const ChipOperation& a, const ChipOperation& b) { return a.start < b.start; });
    return std::move(chip_);
  }

 private:
  void place() {
    traffic::Place place;
    const auto& fabric = placement_.fabric;
    for (std::size_t l = 0; l < fabric.used.size(); ++l) place.coordinate.push_back(rank_ / (l > 0 ? fabric.ranks_within(l - 1) : 1) % fabric.used[l]);
    chip_.place = traffic::place_text(place, job_.machine);
    chip_.cluster = cluster_of(placement_, rank_);
    chip_.cluster_ranks = placement_.world / count_of_clusters(placement_);
    const auto& g = placement_.groups;
    for (const auto& [name, view] : {std::pair("tensor", &g.tensor), {"context", &g.context}, {"expert_tensor", &g.expert_tensor}, {"expert", &g.expert}, {"data", &g.data},
                                     {"expert_data", &g.expert_data}, {"pipeline", &g.pipeline}}) {
      ChipCoordinate coordinate{.dimension = name, .index = index_in(*view, rank_), .peers = {}, .size = view->size()};
      for (std::int64_t i = 0; i < std::min(kPeers, coordinate.size); ++i)
        if (i != coordinate.index) coordinate.peers.push_back(rank_at(*view, rank_, i));
      chip_.coordinates.push_back(std::move(coordinate));
    }
  }

  void faults() {
    for (const auto& fault : job_.faults) chip_.faults.push_back({fault.text, how_felt(fault, placement_, job_.plan.pp, rank_)});
  }

  // The slowest of all clusters decides when gradients are reduced and when the step goes on.
  void meet(const Step& step) {
    const auto& reductions = step.tails[static_cast<std::size_t>(chip_.pipeline_rank)].reductions;
    if (reductions_.size() < reductions.size()) reductions_.resize(reductions.size());
    for (std::size_t i = 0; i < reductions.size(); ++i)
      if (reductions[i].finish > reductions_[i].finish) reductions_[i] = reductions[i];
    chip_.step = std::max(chip_.step, step.time());
    reduced_ = std::max(reduced_, step.tails[static_cast<std::size_t>(step.critical)].ready);
  }

  void add(Stream stream, std::string name, std::string group, Picoseconds start, Picoseconds finish, std::int64_t instruction = -1, bool waiting = false) {
    if (finish > start) chip_.operations.push_back({stream, std::move(name), std::move(group), waiting, instruction, start, finish});
  }

  void instructions() {
    const auto& trace = own_->timeline.trace[static_cast<std::size_t>(chip_.pipeline_rank)];
    const auto& program = own_->schedule.programs[static_cast<std::size_t>(chip_.pipeline_rank)];
    const auto all = static_cast<std::int64_t>(program.prologue.size() + program.epilogue.size()) + static_cast<std::int64_t>(program.body.size()) * program.repeats;
    for (const auto& timed : trace) {
      if (chip_.operations.size() > kOperations) break;
      operations(timed);
      sends(timed);
      chip_.instructions.push_back({name_of(timed.instruction), timed.start, timed.finish});
    }
    chip_.instructions_left_out = all - static_cast<std::int64_t>(chip_.instructions.size());
  }

  void operations(const workload::TimedInstruction& timed) {
    const auto index = static_cast<std::int64_t>(chip_.instructions.size());
    Picoseconds end = timed.start;
    for (const auto& interval : recorded(timed.instruction)) {
      const auto& leaf = own_->leaves.at(interval.leaf);
      add(interval.stream, leaf.name, leaf.group, timed.start + interval.start, timed.start + interval.finish, index, interval.waiting);
      if (interval.stream == Stream::computation) end = std::max(end, timed.start + interval.finish);
    }
    const auto lost = own_->lost_at(chip_.pipeline_rank, index);
    for (std::size_t rival = 0; rival < kRivals; end += lost[rival], ++rival)
      add(Stream::computation, fmt::format("contention with {}", name_of(static_cast<Rival>(rival))), "communication", end, end + lost[rival], index, true);
    add(Stream::computation, "messages beside the pass take cores and memory", "communication", end, timed.finish, index, true);
  }

  // Instructions of a kind are alike but for their start.
  const Recording& recorded(workload::Instruction instruction) {
    instruction.microbatch = instruction.second_microbatch = 0;
    for (const auto& [known, recording] : recordings_)
      if (known == instruction) return recording;
    const auto chunk_of = [this](std::int64_t local) -> const plan::ModelChunk& { return own_->chunk(chip_.pipeline_rank, local); };
    return recordings_.emplace_back(instruction, own_->costs_of(chip_.pipeline_rank).recorded(instruction, chunk_of)).second;
  }

  void sends(const workload::TimedInstruction& timed) {
    const auto& i = timed.instruction;
    const auto index = static_cast<std::int64_t>(chip_.instructions.size());
    const auto [first, second] = own_->loss_at(chip_.pipeline_rank, index).delays;
    if (i.action == Action::forward || i.action == Action::forward_backward) send(i.chunk, true, timed.finish, index, first);
    if (i.action == Action::backward || i.action == Action::backward_input) send(i.chunk, false, timed.finish, index, first);
    if (i.action == Action::forward_backward) send(i.second_chunk, false, timed.finish, index, second);
  }

  void send(std::int32_t local, bool forward, Picoseconds at, std::int64_t instruction, Picoseconds lost) {
    const auto& schedule = own_->schedule;
    for (std::size_t d = 0; d < schedule.stage_rank.size(); ++d)
      for (std::size_t k = 0; k < schedule.model_chunks(); ++k) {
        if (schedule.stage_rank[d][k] != chip_.pipeline_rank || schedule.stage_chunk[d][k] != local) continue;
        if (forward ? k + 1 == schedule.model_chunks() : k == 0) return;
        const auto edge = forward ? k : k - 1;
        const auto to = schedule.stage_rank[d][forward ? k + 1 : k - 1];
        const auto time = (forward ? own_->pipeline_costs.forward_send : own_->pipeline_costs.backward_send)[d][edge] + lost;
        add(Stream::sends, fmt::format("{} to pipeline rank {}", forward ? "activations" : "gradients of activations", to), "communication", at, at + time, instruction);
        if (!job_.plan.overlap.pp && to != chip_.pipeline_rank) add(Stream::computation, "pipeline sends", "communication", at, at + own_->pipeline_costs.send_occupancy, instruction, true);
        return;
      }
  }

  void once_per_step() {
    const auto stage = static_cast<std::size_t>(chip_.pipeline_rank);
    const auto& tail = own_->tails[stage];
    for (const auto& reduction : reductions_) add(Stream::parameters, "gradient reduction", "communication.gradient_reduction", reduction.start, reduction.finish);
    const auto normed = reduced_ + own_->norm;
    add(Stream::parameters, "gradient norm", "optimizer", reduced_, normed);
    add(Stream::computation, "gradient norm", "optimizer", reduced_, normed, -1, true);
    add(Stream::computation, "parameter update", "optimizer", normed, normed + tail.optimizer);
    const auto start = job_.plan.overlap.parameters ? Picoseconds() : normed + own_->optimizer;
    for (const auto& gather : tail.gathers) add(Stream::parameters, "parameter gather", "communication.parameter_gather", start + gather.start, start + gather.finish);
    if (!job_.plan.overlap.parameters) add(Stream::computation, "parameter gather", "communication.parameter_gather", start, start + tail.gather, -1, true);
  }

  Job job_;
  const plan::Placement& placement_;
  std::int64_t rank_;
  ChipTimeline chip_;
  std::unique_ptr<Step> own_;
  std::vector<BusySpan> reductions_;
  Picoseconds reduced_;
  std::vector<std::pair<workload::Instruction, Recording>> recordings_;
};

}  // namespace

bool check_unfold(const Job& job, const plan::Placement& placement, const config::Location& where, config::Diagnostics& diagnostics) {
  if (!job.unfold) return true;
  if (*job.unfold < 0 || *job.unfold >= placement.world) {
    diagnostics.error(where, fmt::format("the job has no rank {}", *job.unfold), "", fmt::format("ranks are 0 to {}", placement.world - 1));
    return false;
  }
  if (has_clusters(placement)) return true;
  diagnostics.error(where, "a chip cannot be unfolded where groups cut across each other or across units", "", "write straddle=false in the plan, or choose sizes that divide each other");
  return false;
}

ChipTimeline unfold(const Job& job, const plan::Placement& placement, const config::Location& where, config::Diagnostics& diagnostics) {
  return Unfolding(job, placement).run(where, diagnostics);
}

}  // namespace zettatwin::training
