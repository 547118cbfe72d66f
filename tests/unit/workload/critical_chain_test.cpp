// SPDX-License-Identifier: Apache-2.0
// The chain of winners back from the last instruction: its parts sum to the time, and jumps over periods do not change it.
#include "engine/critical_chain.hpp"

#include <gtest/gtest.h>

#include "../../support/random.hpp"
#include "workload/pipeline_network.hpp"

namespace zettatwin::workload {
namespace {

using units::Picoseconds;

struct Walk {
  std::vector<std::pair<std::size_t, std::int64_t>> links;
  Picoseconds sum;
};

Walk walk(const engine::TokenNetwork& network, const engine::Run& run, std::size_t rank, std::int64_t last) {
  Walk walk;
  engine::visit_critical_chain(network, run, rank, last, [&](const engine::ChainLink& link) {
    walk.links.emplace_back(link.process, link.position);
    walk.sum += link.step->duration + link.gap;
  });
  return walk;
}

TEST(CriticalChain, SumsToTheTimeWithAndWithoutJumps) {
  int jumped = 0;
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
    test::Random r(seed);
    const auto kind = r.of({plan::ScheduleKind::one_f_one_b, plan::ScheduleKind::zb_h1, plan::ScheduleKind::interleaved, plan::ScheduleKind::zb_v});
    const std::int64_t ranks = r.between(2, 5), chunks = kind == plan::ScheduleKind::interleaved || kind == plan::ScheduleKind::zb_v ? 2 : 1;
    const auto schedule = make_schedule(kind, ranks, chunks, ranks * r.between(2, 60));
    PipelineCosts costs;
    const auto time = [&] { return Picoseconds(r.between(1, 60)); };
    for (std::int64_t rank = 0; rank < ranks; ++rank) {
      auto& of_rank = costs.chunks.emplace_back();
      for (std::int64_t c = 0; c < chunks; ++c) of_rank.push_back({time(), time(), time(), time()});
    }
    for (const auto& path : schedule.stage_rank) {
      auto& send = costs.forward_send.emplace_back();
      for (std::size_t k = 0; k + 1 < path.size(); ++k) send.push_back(path[k] == path[k + 1] ? Picoseconds() : time());
      costs.backward_send.push_back(send);
    }
    if (r.one_in(3)) costs.send_occupancy = time();
    const auto network = make_network(schedule, costs);
    const auto folded = engine::run(network, {.winners = true}), full = engine::run(network, {.fold = false, .winners = true});
    jumped += folded.jumps.empty() ? 0 : 1;
    const auto rank = static_cast<std::size_t>(r.between(0, ranks - 1));
    const auto& p = network.processes[rank];
    const auto last = static_cast<std::int64_t>(p.prologue.size() + p.epilogue.size()) + static_cast<std::int64_t>(p.body.size()) * p.repeats - 1;
    const auto occupancy = p.steps[static_cast<std::size_t>(p.epilogue.empty() ? p.prologue.back() : p.epilogue.back())].occupancy;
    const auto a = walk(network, folded, rank, last), b = walk(network, full, rank, last);
    ASSERT_EQ(a.sum + occupancy, folded.finish[rank]) << seed;
    ASSERT_EQ(b.sum + occupancy, full.finish[rank]) << seed;
    ASSERT_EQ(a.links, b.links) << seed;
  }
  EXPECT_GT(jumped, 100);
}

}  // namespace
}  // namespace zettatwin::workload
