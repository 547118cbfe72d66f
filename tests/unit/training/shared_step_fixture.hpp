// SPDX-License-Identifier: Apache-2.0
// Small whole steps, and a slow obvious way to play them: every operation of every layer, all messages of all ranks shared anew at every event, in doubles.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>

#include "../../support/random.hpp"
#include "flow/max_min.hpp"
#include "training/shared_step.hpp"
#include "training/streams.hpp"
#include "workload/pipeline_network.hpp"

namespace zettatwin::training::test_shared {

using units::Picoseconds;
using workload::Action;
using workload::Hiding;

inline constexpr std::int64_t kMs = 1'000'000'000;
inline Picoseconds ms(std::int64_t n) { return Picoseconds(n * kMs); }

inline TimedOperation compute(std::int64_t time) { return {.leaf = 0, .time = Picoseconds(time)}; }
inline TimedOperation message(std::int64_t time, const Footprint* ports, Hiding hiding = Hiding::none) {
  return {.leaf = 1, .time = Picoseconds(time), .communication = true, .hiding = hiding, .ports = ports};
}

// A whole step with what it refers to.
struct Case {
  std::deque<Footprint> ports;
  std::deque<SharedBlock> blocks;
  SharedStep step;

  const Footprint* footprint(std::initializer_list<double> shares) {
    auto& footprint = ports.emplace_back();
    for (const double share : shares) footprint.push_back({.share = share});
    return &footprint;
  }
  const SharedBlock* block(const std::vector<TimedOperation>& program) {
    return &blocks.emplace_back(SharedBlock{.scripts = {script_of(program)}, .time = run_streams(program).time, .interference = 0, .issued = {}});
  }
  // A pipeline rank that runs each pass once.
  void rank(const std::vector<SharedPass>& passes) {
    auto& process = step.network.processes.emplace_back();
    for (const auto& pass : passes) {
      Picoseconds time;
      for (const auto& [b, count] : pass.blocks) time += b->time * count;
      process.prologue.push_back(static_cast<std::int32_t>(process.steps.size()));
      process.steps.push_back({.duration = time, .occupancy = {}, .earliest = {}});
    }
    step.ranks.push_back({.passes = passes, .reductions = {{}}, .gathers = {{}}, .forward = {Picoseconds()}});
  }
  engine::Step& at(std::size_t rank, std::size_t step_of_rank) { return step.network.processes[rank].steps[step_of_rank]; }
  // A send at the end of a step, taken by a step of another rank.
  void send(std::size_t from, std::size_t sender, std::size_t to, std::size_t taker, Picoseconds time, const Footprint* footprint) {
    const auto channel = step.network.channels++;
    auto& put = at(from, sender);
    const std::size_t slot = put.puts[0] == engine::kNone ? 0 : 1;
    put.puts[slot] = channel;
    put.delays[slot] = time;
    auto& take = at(to, taker);
    take.takes[take.takes[0] == engine::kNone ? 0 : 1] = channel;
    step.channels.push_back({static_cast<std::int32_t>(from), static_cast<std::int32_t>(to), footprint});
  }
};

// The slow way. Expects no gathers.
class Slow {
 public:
  explicit Slow(const SharedStep& s) : s_(s), ranks_(s.ranks.size()), queues_(s.channels.size()), tokens_(s.channels.size()) {}

  std::vector<double> run() {
    while (true) {
      for (bool moved = true; moved;) moved = settle();
      const auto rates = solve();
      double next = 1e300;
      for (auto& rank : ranks_)
        if (rank.computing) next = std::min(next, rank.compute_left);
      for (auto& rank : ranks_)
        if (rank.slowed) next = std::min(next, rank.slowed_left);
      std::size_t i = 0;
      for (auto* m : under_way()) next = std::min(next, m->left / rates[i++]);
      for (std::size_t r = 0; r < ranks_.size(); ++r) next = std::min(next, until_final(r));
      if (next > 1e299) break;
      now_ += next;
      for (auto& rank : ranks_)
        if (rank.computing) rank.compute_left -= next;
      for (auto& rank : ranks_) rank.slowed_left -= next;
      i = 0;
      for (auto* m : under_way()) {
        if (m->beside)
          for (const auto end : {m->from, m->to}) ranks_[static_cast<std::size_t>(end)].beside += rates[i] * next / 2;
        m->left -= rates[i++] * next;
      }
    }
    std::vector<double> finish;
    for (auto& rank : ranks_) finish.push_back(rank.finish);
    return finish;
  }
  [[nodiscard]] double reduced(std::size_t r) const { return ranks_[r].reduced; }

 private:
  static constexpr double kSoon = 0.5;  // ps
  struct Message {
    double left = 0;
    const Footprint* ports = nullptr;
    std::int32_t from = 0, to = 0;
    std::size_t id = 0;
    bool beside = false;  // passes
  };
  struct Rank {
    std::int64_t position = 0;  // steps done
    bool running = false;
    std::size_t run = 0, script_at = 0, bucket = 0;
    std::int64_t count = 0;
    double begin = 0, block_begin = 0, place = 0;
    bool computing = false, in_block = false, slowed = false;
    double beside = 0, slowed_left = 0;
    double compute_left = 0;
    std::vector<bool> arrived;
    std::deque<Message> streams[2], reductions;
    double finish = 0, reduced = 0;
  };

  std::vector<Message*> under_way() {
    std::vector<Message*> all;
    for (auto& rank : ranks_)
      for (auto* queue : {&rank.streams[0], &rank.streams[1], &rank.reductions})
        if (!queue->empty()) all.push_back(&queue->front());
    for (auto& queue : queues_)
      if (!queue.empty()) all.push_back(&queue.front());
    return all;
  }

  std::vector<double> solve() {
    flow::SharingProblem<double> problem;
    std::map<std::tuple<std::int32_t, int, std::size_t>, flow::ResourceId> ports;
    const auto all = under_way();
    std::vector<std::vector<flow::Use<double>>> uses(all.size());
    for (std::size_t i = 0; i < all.size(); ++i)
      for (std::size_t l = 0; all[i]->ports && l < all[i]->ports->size(); ++l)
        for (const auto& [rank, direction] : {std::pair(all[i]->from, 0), std::pair(all[i]->to, 1)}) {
          const auto [at, added] = ports.try_emplace({rank, direction, l});
          if (added) at->second = problem.add_resource(1);
          uses[i].push_back({at->second, (*all[i]->ports)[l].share});
        }
    for (const auto& use : uses) (void)problem.add_flow(1, use, 1.0);
    return all.empty() ? std::vector<double>() : flow::max_min(problem).rate;
  }

  [[nodiscard]] std::int32_t code(std::size_t r) const {
    const auto& p = s_.network.processes[r];
    auto position = ranks_[r].position;
    const auto prologue = static_cast<std::int64_t>(p.prologue.size()), body = static_cast<std::int64_t>(p.body.size());
    if (position < prologue) return p.prologue[static_cast<std::size_t>(position)];
    position -= prologue;
    if (position < body * p.repeats) return p.body[static_cast<std::size_t>(position % body)];
    position -= body * p.repeats;
    return position < static_cast<std::int64_t>(p.epilogue.size()) ? p.epilogue[static_cast<std::size_t>(position)] : engine::kNone;
  }

  double until_final(std::size_t r) {
    auto& rank = ranks_[r];
    if (!rank.running || !rank.in_block) return 1e300;
    const auto& pass = s_.ranks[r].passes[static_cast<std::size_t>(code(r))];
    if (pass.last_backward == kNoChunk) return 1e300;
    const auto& buckets = s_.ranks[r].reductions[static_cast<std::size_t>(pass.last_backward)];
    if (rank.bucket == buckets.size()) return 1e300;
    const double place = static_cast<double>(s_.network.processes[r].steps[static_cast<std::size_t>(code(r))].duration.count()) * static_cast<double>(rank.bucket + 1) / static_cast<double>(buckets.size());
    const double end = rank.place + static_cast<double>(pass.blocks[rank.run].block->time.count());
    if (place > end - kSoon) return 1e300;  // when the layer ends
    return std::max(0.0, rank.block_begin + place - rank.place - now_);
  }

  void make_final(std::size_t r, double place) {
    auto& rank = ranks_[r];
    const auto& pass = s_.ranks[r].passes[static_cast<std::size_t>(code(r))];
    if (pass.last_backward == kNoChunk) return;
    const auto& buckets = s_.ranks[r].reductions[static_cast<std::size_t>(pass.last_backward)];
    const double all = static_cast<double>(s_.network.processes[r].steps[static_cast<std::size_t>(code(r))].duration.count());
    for (; rank.bucket < buckets.size() && all * static_cast<double>(rank.bucket + 1) / static_cast<double>(buckets.size()) <= place + kSoon; ++rank.bucket)
      for (const auto& traffic : buckets[rank.bucket])
        rank.reductions.push_back({static_cast<double>(traffic.time.count()), traffic.ports, static_cast<std::int32_t>(r), static_cast<std::int32_t>(r), 0, true});
  }

  bool settle() {
    bool moved = false;
    for (std::size_t c = 0; c < queues_.size(); ++c)
      while (!queues_[c].empty() && queues_[c].front().left <= kSoon) {
        queues_[c].pop_front();
        ++tokens_[c];
        moved = true;
      }
    for (std::size_t r = 0; r < ranks_.size(); ++r) moved |= settle(r);
    return moved;
  }

  bool settle(std::size_t r) {
    auto& rank = ranks_[r];
    bool moved = false;
    while (!rank.reductions.empty() && rank.reductions.front().left <= kSoon) {
      rank.reductions.pop_front();
      rank.reduced = now_;
      moved = true;
    }
    if (code(r) == engine::kNone) return moved;
    const auto& step = s_.network.processes[r].steps[static_cast<std::size_t>(code(r))];
    const auto& pass = s_.ranks[r].passes[static_cast<std::size_t>(code(r))];
    if (!rank.running) {
      for (const auto c : step.takes)
        if (c != engine::kNone && tokens_[static_cast<std::size_t>(c)] == 0) return moved;
      for (const auto c : step.takes)
        if (c != engine::kNone) --tokens_[static_cast<std::size_t>(c)];
      rank.running = true;
      rank.begin = now_;
      rank.beside = 0;
      rank.slowed = false;
      rank.in_block = false;
      rank.run = rank.bucket = 0;
      rank.count = 0;
      rank.place = 0;
      return true;
    }
    if (!rank.in_block) {
      while (rank.run < pass.blocks.size() && rank.count == pass.blocks[rank.run].count) {
        ++rank.run;
        rank.count = 0;
      }
      if (rank.run == pass.blocks.size()) {
        make_final(r, 1e300);
        if (!rank.slowed) {  // messages beside the pass have taken their share of it
          rank.slowed = true;
          rank.slowed_left = s_.interference * std::min(rank.beside, now_ - rank.begin);
        }
        if (rank.slowed_left > kSoon) return moved;
        for (std::size_t slot = 0; slot < 2; ++slot)
          if (const auto c = step.puts[slot]; c != engine::kNone)
            queues_[static_cast<std::size_t>(c)].push_back({static_cast<double>(step.delays[slot].count()), s_.channels[static_cast<std::size_t>(c)].ports, s_.channels[static_cast<std::size_t>(c)].from, s_.channels[static_cast<std::size_t>(c)].to, 0, s_.channels[static_cast<std::size_t>(c)].ports && s_.channels[static_cast<std::size_t>(c)].from != s_.channels[static_cast<std::size_t>(c)].to});
        rank.slowed = rank.running = false;
        rank.finish = now_;
        ++rank.position;
        return true;
      }
      rank.in_block = true;
      rank.script_at = 0;
      rank.computing = false;
      rank.block_begin = now_;
      rank.arrived.assign(pass.blocks[rank.run].block->scripts[0].messages.size(), false);
      return true;
    }
    const auto& script = pass.blocks[rank.run].block->scripts[0];
    const double end = rank.place + static_cast<double>(pass.blocks[rank.run].block->time.count());
    make_final(r, std::min(end - 2 * kSoon, rank.place + now_ - rank.block_begin));
    for (auto& stream : rank.streams)
      while (!stream.empty() && stream.front().left <= kSoon) {
        rank.arrived[stream.front().id] = true;
        stream.pop_front();
        moved = true;
      }
    if (rank.computing && rank.compute_left <= kSoon) {
      rank.computing = false;
      ++rank.script_at;
      moved = true;
    }
    while (!rank.computing && rank.script_at < script.steps.size()) {
      const auto& at = script.steps[rank.script_at];
      if (at.kind == ScriptStep::Kind::compute) {
        rank.computing = true;
        rank.compute_left = static_cast<double>(at.time.count());
        moved = true;
        break;
      }
      if (at.kind == ScriptStep::Kind::wait && !rank.arrived[at.message]) break;
      if (at.kind == ScriptStep::Kind::send) {
        const auto& m = script.messages[at.message];
        const auto own = static_cast<std::int32_t>(r);
        rank.streams[m.parameters ? 1 : 0].push_back({static_cast<double>(m.traffic.time.count()), m.traffic.ports, own, own, at.message});
      }
      ++rank.script_at;
      moved = true;
    }
    if (!rank.computing && rank.script_at == script.steps.size() && rank.streams[0].empty() && rank.streams[1].empty()) {
      rank.in_block = false;
      rank.place = end;
      ++rank.count;
      make_final(r, end);
      moved = true;
    }
    return moved;
  }

  const SharedStep& s_;
  double now_ = 0;
  std::vector<Rank> ranks_;
  std::vector<std::deque<Message>> queues_;
  std::vector<std::int64_t> tokens_;
};

// A random pipeline.
inline std::unique_ptr<Case> random_case(zettatwin::test::Random& random, std::int64_t microbatches_most, bool reductions) {
  auto c = std::make_unique<Case>();
  std::vector<const Footprint*> ports;
  for (int i = 0; i < 4; ++i) ports.push_back(c->footprint({static_cast<double>(random.between(0, 8)) / 8, static_cast<double>(random.between(0, 8)) / 8}));
  const auto program = [&] {
    std::vector<TimedOperation> operations;
    for (std::int64_t i = random.between(1, 6); i > 0; --i) {
      const auto time = 1000 * random.between(1, 60);
      if (random.one_in(2)) {
        operations.push_back(compute(time));
      } else {
        operations.push_back(message(time, random.of(ports), random.of({Hiding::none, Hiding::background})));
        operations.back().parameters = random.one_in(3);
      }
    }
    return operations;
  };
  std::vector<const SharedBlock*> blocks;
  for (int i = 0; i < 4; ++i) blocks.push_back(c->block(program()));
  const auto kind = random.of({plan::ScheduleKind::one_f_one_b, plan::ScheduleKind::zb_h1});
  const auto ranks = random.between(1, 4), microbatches = random.between(1, microbatches_most);
  const auto schedule = workload::make_schedule(kind, ranks, 1, std::max(ranks, microbatches));
  workload::PipelineCosts costs;
  std::vector<std::array<std::vector<SharedBlocks>, 4>> content;
  const auto time_of = [](const std::vector<SharedBlocks>& runs) {
    Picoseconds time;
    for (const auto& [block, count] : runs) time += block->time * count;
    return time;
  };
  for (std::int64_t r = 0; r < ranks; ++r) {
    auto& of_rank = content.emplace_back();
    for (auto& runs : of_rank)
      for (std::int64_t i = random.between(1, 3); i > 0; --i) runs.push_back({random.of(blocks), random.between(1, 3)});
    costs.chunks.push_back({{time_of(of_rank[0]), time_of(of_rank[1]), time_of(of_rank[2]), time_of(of_rank[3])}});
    costs.pairs.push_back({{}});
    costs.release.emplace_back(1);
    costs.last_backward_extra.emplace_back(1);
  }
  const Picoseconds send(1000 * random.between(1, 200));
  costs.forward_send = costs.backward_send = {std::vector<Picoseconds>(static_cast<std::size_t>(ranks - 1), send)};
  auto& s = c->step;
  s.network = workload::network_alone(schedule, costs);
  s.channels.resize(static_cast<std::size_t>(s.network.channels));
  const auto* send_ports = c->footprint({0.5, 1});
  for (std::size_t r = 0; r < s.network.processes.size(); ++r) {
    const auto& process = s.network.processes[r];
    auto& rank = s.ranks.emplace_back();
    rank.passes.resize(process.steps.size());
    std::int64_t position = 0;
    const auto add = [&](const std::vector<std::int32_t>& codes) {
      for (const auto code : codes) {
        auto& pass = rank.passes[static_cast<std::size_t>(code)];
        pass.blocks = content[r][static_cast<std::size_t>(schedule.programs[r].at(position++).action)];
        if (process.steps[static_cast<std::size_t>(code)].probe != engine::kNone) pass.last_backward = 0;
      }
    };
    add(process.prologue);
    if (process.repeats > 0) add(process.body);
    position = static_cast<std::int64_t>(process.prologue.size()) + process.repeats * static_cast<std::int64_t>(process.body.size());
    add(process.epilogue);
    rank.reductions.emplace_back();
    if (reductions)
      for (std::int64_t i = random.between(1, 4); i > 0; --i) rank.reductions[0].push_back({{random.of(ports), Picoseconds(1000 * random.between(1, 100))}});
    rank.gathers.emplace_back();
    rank.forward.push_back(costs.chunks[r][0].forward);
    for (const auto& step : process.steps) {
      for (const auto channel : step.puts)
        if (channel != engine::kNone) s.channels[static_cast<std::size_t>(channel)].from = static_cast<std::int32_t>(r);
      for (const auto channel : step.takes)
        if (channel != engine::kNone) s.channels[static_cast<std::size_t>(channel)].to = static_cast<std::int32_t>(r);
    }
  }
  for (auto& channel : s.channels) channel.ports = send_ports;
  s.interference = random.of({0.0, 0.25, 0.5});
  return c;
}

}  // namespace zettatwin::training::test_shared
