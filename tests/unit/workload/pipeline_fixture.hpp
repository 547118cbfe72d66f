// SPDX-License-Identifier: Apache-2.0
// Costs for pipeline tests: uniform ones for published formulas, random ones for laws; and a slow, obvious executor to compare with.
#pragma once

#include <algorithm>
#include <map>
#include <random>
#include <tuple>
#include <utility>
#include <vector>

#include "workload/pipeline.hpp"

namespace zettatwin::workload::testing {

using plan::ScheduleKind;
using units::Picoseconds;

inline Picoseconds ps(std::int64_t count) { return Picoseconds(count); }

// Times of one chunk, the same for all.
struct UniformTimes {
  std::int64_t forward = 1;
  std::int64_t backward_input = 1;
  std::int64_t backward_weight = 1;
  std::int64_t pair = 3;  // F&B
};

inline PipelineCosts uniform_costs(const Schedule& s, const UniformTimes& t) {
  const auto ranks = static_cast<std::size_t>(s.ranks);
  const auto chunks = static_cast<std::size_t>(s.chunks_per_rank);
  const ChunkTimes chunk{ps(t.forward), ps(t.backward_input + t.backward_weight), ps(t.backward_input), ps(t.backward_weight)};
  PipelineCosts costs;
  costs.chunks.assign(ranks, std::vector<ChunkTimes>(chunks, chunk));
  costs.pairs.assign(ranks, std::vector<std::vector<Picoseconds>>(chunks, std::vector<Picoseconds>(chunks, ps(t.pair))));
  costs.forward_send.assign(s.stage_rank.size(), std::vector<Picoseconds>(s.model_chunks()));
  costs.backward_send = costs.forward_send;
  return costs;
}

// Every figure differs; `low`..`high` bounds the durations, sends go up to `high` as well.
inline PipelineCosts random_costs(const Schedule& s, std::uint32_t seed, std::int64_t low, std::int64_t high) {
  std::mt19937 generator(seed);
  const auto draw = [&](std::int64_t from, std::int64_t to) {
    return ps(from + static_cast<std::int64_t>(generator()) % (to - from + 1));
  };
  PipelineCosts costs = uniform_costs(s, {});
  for (auto& rank : costs.chunks) {
    for (ChunkTimes& t : rank) {
      t = {draw(low, high), ps(0), draw(low, high), draw(low, high)};
      t.backward = t.backward_input + t.backward_weight;
    }
  }
  for (auto& rank : costs.pairs) {
    for (auto& row : rank) std::ranges::generate(row, [&] { return draw(2 * low, 3 * high); });
  }
  const std::int64_t send = seed % 3 == 0 ? 0 : seed % 3 == 1 ? high / 10 : high;
  for (auto* sends : {&costs.forward_send, &costs.backward_send}) {
    for (auto& direction : *sends) std::ranges::generate(direction, [&] { return draw(0, send); });
  }
  costs.send_occupancy = seed % 2 == 0 ? ps(0) : draw(0, high / 10);
  const auto per_chunk = [&](std::int64_t to) {
    std::vector<std::vector<Picoseconds>> table(costs.chunks.size(), std::vector<Picoseconds>(costs.chunks.front().size()));
    for (auto& row : table) std::ranges::generate(row, [&] { return draw(0, to); });
    return table;
  };
  costs.release = per_chunk(20 * high);
  costs.last_backward_extra = per_chunk(high);
  return costs;
}

struct ScheduleCase {
  ScheduleKind kind;
  std::int64_t chunks;
};

inline const std::vector<ScheduleCase>& all_schedules() {
  static const std::vector<ScheduleCase> cases{{ScheduleKind::one_f_one_b, 1}, {ScheduleKind::interleaved, 2}, {ScheduleKind::interleaved, 3},
                                               {ScheduleKind::zb_h1, 1},       {ScheduleKind::zb_v, 2},        {ScheduleKind::dualpipe, 2},
                                               {ScheduleKind::dualpipe_v, 2}};
  return cases;
}

// Executes unrolled lists by going round the ranks until nothing moves; messages are kept by name, times by definition of the model.
class ReferenceExecutor {
 public:
  ReferenceExecutor(const Schedule& s, const PipelineCosts& c) : s_(s), c_(c), ranks_(static_cast<std::size_t>(s.ranks)) {
    for (std::size_t r = 0; r < ranks_.size(); ++r) {
      ranks_[r].list = s.programs[r].unrolled();
      ranks_[r].timeline.forwards.resize(static_cast<std::size_t>(s.chunks_per_rank));
      ranks_[r].timeline.last_backward_start.resize(static_cast<std::size_t>(s.chunks_per_rank));
      ranks_[r].timeline.last_backward_finish.resize(static_cast<std::size_t>(s.chunks_per_rank));
    }
  }

  // False on a deadlock.
  bool run() {
    for (bool moved = true; moved;) {
      moved = false;
      for (std::size_t r = 0; r < ranks_.size(); ++r) {
        while (ranks_[r].next < ranks_[r].list.size() && step(r)) moved = true;
      }
    }
    for (Rank& rank : ranks_) {
      if (rank.next < rank.list.size()) return false;
      rank.timeline.finish = rank.clock;
      rank.timeline.idle = rank.clock - rank.timeline.busy - rank.timeline.sends;
    }
    return true;
  }

  const RankTimeline& timeline(std::size_t rank) const { return ranks_[rank].timeline; }
  const std::vector<TimedInstruction>& trace(std::size_t rank) const { return ranks_[rank].trace; }

 private:
  struct Rank {
    std::vector<Instruction> list;
    std::size_t next = 0;
    Picoseconds clock;
    RankTimeline timeline;
    std::vector<TimedInstruction> trace;
  };
  struct Half {  // the forward or the backward part of an instruction
    bool forward = true;
    std::int32_t chunk = 0;
    std::int64_t microbatch = 0;
  };
  using Message = std::tuple<bool, std::size_t, std::size_t, std::int64_t>;  // forward?, direction, receiving model chunk, microbatch

  std::pair<std::size_t, std::size_t> place(std::size_t rank, std::int32_t chunk) const {
    for (std::size_t d = 0; d < s_.stage_rank.size(); ++d) {
      for (std::size_t k = 0; k < s_.model_chunks(); ++k) {
        if (s_.stage_rank[d][k] == static_cast<std::int32_t>(rank) && s_.stage_chunk[d][k] == chunk) return {d, k};
      }
    }
    return {0, 0};
  }

  static std::vector<Half> halves(const Instruction& i) {
    switch (i.action) {
      case Action::forward: return {{true, i.chunk, i.microbatch}};
      case Action::backward:
      case Action::backward_input: return {{false, i.chunk, i.microbatch}};
      case Action::forward_backward: return {{true, i.chunk, i.microbatch}, {false, i.second_chunk, i.second_microbatch}};
      case Action::backward_weight: break;
    }
    return {};
  }

  Picoseconds duration(std::size_t r, const Instruction& i) const {
    const auto& t = c_.chunks[r][static_cast<std::size_t>(i.chunk)];
    switch (i.action) {
      case Action::forward: return t.forward;
      case Action::backward: return t.backward;
      case Action::backward_input: return t.backward_input;
      case Action::backward_weight: return t.backward_weight;
      case Action::forward_backward: return c_.pairs[r][static_cast<std::size_t>(i.chunk)][static_cast<std::size_t>(i.second_chunk)];
    }
    return {};
  }

  static bool finalises(const Instruction& i, std::int32_t chunk) {
    if (i.action == Action::forward_backward) return i.second_chunk == chunk;
    return (i.action == Action::backward || i.action == Action::backward_weight) && i.chunk == chunk;
  }

  bool is_last(const Rank& rank, std::int32_t chunk) const {
    if (!finalises(rank.list[rank.next], chunk)) return false;
    return std::none_of(rank.list.begin() + static_cast<std::ptrdiff_t>(rank.next) + 1, rank.list.end(),
                        [chunk](const Instruction& i) { return finalises(i, chunk); });
  }

  bool step(std::size_t r) {
    Rank& rank = ranks_[r];
    const Instruction& i = rank.list[rank.next];
    Picoseconds start = rank.clock;
    for (const Half& half : halves(i)) {
      const auto [d, k] = place(r, half.chunk);
      if (half.forward && half.microbatch == 0 && !c_.release.empty()) {
        start = std::max(start, c_.release[r][static_cast<std::size_t>(half.chunk)]);
      }
      const bool from_outside = half.forward ? k > 0 : k + 1 < s_.model_chunks();
      if (!from_outside) continue;
      const auto message = messages_.find({half.forward, d, k, half.microbatch});
      if (message == messages_.end()) return false;
      start = std::max(start, message->second);
    }
    Picoseconds finish = start + duration(r, i);
    for (std::int32_t chunk = 0; chunk < s_.chunks_per_rank; ++chunk) {
      if (!is_last(rank, chunk)) continue;
      const auto c = static_cast<std::size_t>(chunk);
      if (!c_.last_backward_extra.empty()) finish += c_.last_backward_extra[r][c];
      rank.timeline.last_backward_start[c] = start;
      rank.timeline.last_backward_finish[c] = finish;
    }
    rank.timeline.busy += finish - start;
    rank.clock = finish;
    for (const Half& half : halves(i)) send(r, half, finish);
    rank.trace.push_back({i, start, finish});
    ++rank.next;
    return true;
  }

  void send(std::size_t r, const Half& half, Picoseconds finish) {
    Rank& rank = ranks_[r];
    if (half.forward) ++rank.timeline.forwards[static_cast<std::size_t>(half.chunk)];
    const auto [d, k] = place(r, half.chunk);
    if (half.forward ? k + 1 == s_.model_chunks() : k == 0) return;
    const std::size_t to = half.forward ? k + 1 : k - 1;
    const Picoseconds delay = half.forward ? c_.forward_send[d][k] : c_.backward_send[d][k - 1];
    messages_[{half.forward, d, to, half.microbatch}] = finish + delay;
    if (s_.stage_rank[d][to] == static_cast<std::int32_t>(r)) return;
    rank.clock += c_.send_occupancy;
    rank.timeline.sends += c_.send_occupancy;
  }

  const Schedule& s_;
  const PipelineCosts& c_;
  std::vector<Rank> ranks_;
  std::map<Message, Picoseconds> messages_;
};

}  // namespace zettatwin::workload::testing
