// SPDX-License-Identifier: Apache-2.0
// Every flow and cable of its own against classes, and against calculations by hand.
#include <cmath>

#include "cases.hpp"
#include "traffic/graph_collective.hpp"

namespace zettatwin::traffic {
namespace {

using namespace test;
using graph::Routing;

RoutedAnswer on_graph(const hardware::Machine& machine, const Ask& ask, RoutingChoice choice = {}) {
  const auto fabric = topology::whole(machine);
  const auto query = query_of(fabric, ask);
  EXPECT_EQ(too_large(fabric, query), "");
  return simulate_on_graph(fabric, query, choice);
}

hardware::Level random_level(Random& r, bool pairs) {
  auto level = ideal_level(r.of({NetworkKind::full_mesh, NetworkKind::switched, NetworkKind::clos}), r.of<std::int64_t>({1, 2, 4, 6}), static_cast<double>(r.between(1, 400)), static_cast<double>(r.between(0, 5)));
  auto& n = level.network;
  n.planes = r.between(1, 3);
  if (n.kind == NetworkKind::clos && r.one_in(2)) n.units_per_leaf = 2;
  n.tiers = r.between(1, 3);
  if (r.one_in(3)) n.ports_per_chip = r.between(1, 3);
  // Narrow uplinks are shared alike by pairs only: rings cross few of them, and rails meet above them.
  else if (pairs && n.kind == NetworkKind::clos && n.units_per_leaf > 0) n.oversubscription = {units::Ratio::from_si(static_cast<double>(r.between(1, 4))), {}, true};
  return level;
}

// Of whole ports, mesh links and memories: classes pool the planes of a port, cables do not.
std::vector<Fault> random_faults(Random& r, const hardware::Machine& machine) {
  std::vector<Fault> faults;
  for (auto count = r.between(0, 2); count > 0; --count) {
    Fault fault;
    const auto port = static_cast<std::size_t>(r.between(0, static_cast<std::int64_t>(machine.levels.size()) - 1));
    const auto& level = machine.levels[port];
    for (const auto& l : machine.levels) fault.place.coordinate.push_back(r.between(0, l.size - 1));
    const bool mesh = level.network.kind == NetworkKind::full_mesh;
    fault.kind = r.of({FaultKind::slow_link, mesh ? FaultKind::dead_link : FaultKind::slow_link, FaultKind::slow_hbm});
    fault.remaining = fault.kind == FaultKind::dead_link ? 0 : static_cast<double>(r.between(1, 9)) / 10;
    if (fault.kind != FaultKind::slow_hbm) fault.place.port = port;
    if (mesh && level.size < 2) continue;
    if (mesh && fault.place.port) fault.place.peer = (fault.place.coordinate[port] + r.between(1, level.size - 1)) % level.size;
    faults.push_back(std::move(fault));
  }
  return faults;
}

std::string text_of(const hardware::Machine& machine) {
  std::string text;
  for (const auto& level : machine.levels) {
    const auto& n = level.network;
    text += std::string(hardware::name_of(n.kind)) + " of " + std::to_string(level.size) + " (planes " + std::to_string(n.planes) + ", ports " + std::to_string(n.ports_per_chip) + ", leaf " + std::to_string(n.units_per_leaf) +
            ", tiers " + std::to_string(n.tiers) + ") ";
  }
  return text;
}

TEST(Explicit, SprayedEqualsFolded) {
  int compared = 0;
  for (std::uint64_t seed = 0; seed < 600; seed += kThinning) {
    Random r(seed);
    const bool pairs = r.one_in(2);
    std::vector<hardware::Level> levels;
    for (auto depth = r.between(1, 3); depth > 0; --depth) levels.push_back(random_level(r, pairs));
    const auto machine = machine_of(levels);
    if (machine.chips() < 2 || machine.chips() > 100) continue;
    Ask ask{.op = pairs ? Collective::all_to_all : r.of({Collective::all_reduce, Collective::all_gather, Collective::broadcast}), .bytes = static_cast<double>(r.between(1, 100000)) * 1e3, .group = {},
            .algorithm = pairs ? Algorithm::automatic : Algorithm::ring, .faults = random_faults(r, machine)};
    // Classes share the bytes of a slow mesh link with detours; ways over cables avoid dead links alone.
    std::erase_if(ask.faults, [](const Fault& fault) { return fault.kind == FaultKind::slow_link && fault.place.peer; });
    const auto folded = answer(machine, ask);
    const auto explicitly = on_graph(machine, ask).answer;
    ASSERT_EQ(folded.impossible.empty(), explicitly.impossible.empty()) << "seed " << seed << ": " << folded.impossible << explicitly.impossible;
    if (!folded.impossible.empty()) continue;
    ++compared;
    const double time = folded.time.seconds().si();
    EXPECT_NEAR(explicitly.time.seconds().si(), time, 1e-9 * time + 4e-12) << "seed " << seed << ": " << network::name_of(ask.op) << " on " << text_of(machine) << ", " << ask.faults.size() << " faults; " << explicitly.stages[0].slowest;
  }
  EXPECT_GT(compared, 300 / static_cast<int>(kThinning));
}

TEST(Explicit, NarrowUplinksDecideAboveTheLeafToo) {
  // 16 chips of 100 GB/s under leaves of 4, which have 2 uplinks: 12 of 16 parts of 160 MB leave a leaf for others.
  auto level = ideal_level(NetworkKind::clos, 16);
  level.network.units_per_leaf = 4;
  level.network.oversubscription = {units::Ratio::from_si(2), {}, true};
  for (const std::int64_t tiers : {2, 3}) {
    level.network.tiers = tiers;
    const auto all = on_graph(machine_of({level}), {.bytes = 160e6, .group = {}, .faults = {}}).answer;
    EXPECT_NEAR(seconds(all), 1e-6 + 4 * 120e6 / 200e9, 1e-10) << tiers;
    EXPECT_EQ(all.flows, 240);
  }
}

TEST(Explicit, StaticRoutesAndHashesAreNeverFasterThanSpraying) {
  auto level = ideal_level(NetworkKind::clos, 32);
  level.network.units_per_leaf = 8;
  const auto machine = machine_of({level});
  for (const auto op : {Collective::all_to_all, Collective::all_gather}) {
    const Ask ask{.op = op, .bytes = 64e6, .group = {}, .algorithm = op == Collective::all_gather ? Algorithm::ring : Algorithm::automatic, .faults = {}};
    const double sprayed = seconds(on_graph(machine, ask).answer);
    EXPECT_GE(seconds(on_graph(machine, ask, {.routing = Routing::d_mod_k}).answer), sprayed - 1e-12);
    const auto hashed = on_graph(machine, ask, {.routing = Routing::ecmp, .seed = 7, .seeds = 8});
    ASSERT_TRUE(hashed.ensemble);
    EXPECT_GE(hashed.ensemble->least.si(), sprayed - 1e-12);
    EXPECT_GE(hashed.ensemble->mean, hashed.ensemble->least);
    EXPECT_LE(hashed.ensemble->mean, hashed.ensemble->most);
    const auto again = on_graph(machine, ask, {.routing = Routing::ecmp, .seed = 7, .seeds = 8});
    EXPECT_EQ(again.ensemble->mean.si(), hashed.ensemble->mean.si()) << "same seeds, same bits";
    EXPECT_EQ(again.ensemble->confidence_95.si(), hashed.ensemble->confidence_95.si());
  }
}

TEST(Explicit, DModKLeavesAllToAllOfAFullTreeAlone) {
  auto level = ideal_level(NetworkKind::clos, 16);
  level.network.units_per_leaf = 4;
  const auto machine = machine_of({level});
  const Ask ask{.bytes = 64e6, .group = {}, .faults = {}};
  EXPECT_NEAR(seconds(on_graph(machine, ask, {.routing = Routing::d_mod_k}).answer), seconds(on_graph(machine, ask).answer), 1e-12);
}

TEST(EnsembleOf, HasStudentsInterval) {
  const auto of = [](std::initializer_list<double> values) {
    std::vector<units::Seconds> times;
    for (const double v : values) times.push_back(units::Seconds::from_si(v));
    return ensemble_of(times);
  };
  const auto two = of({1, 3});
  EXPECT_DOUBLE_EQ(two.mean.si(), 2);
  EXPECT_NEAR(two.standard_deviation.si(), std::sqrt(2.0), 1e-12);
  EXPECT_NEAR(two.confidence_95.si(), 12.706204736, 1e-6);  // t of one degree of freedom, sqrt(2) / sqrt(2)
  EXPECT_NEAR(of({1, 2, 3}).confidence_95.si(), 4.302652730 / std::sqrt(3.0), 1e-6);
  EXPECT_NEAR(of({1, 2, 3, 4, 5}).confidence_95.si(), 2.776445105 * std::sqrt(2.5) / std::sqrt(5.0), 1e-6);
  EXPECT_EQ(of({4}).confidence_95.si(), 0);
}

}  // namespace
}  // namespace zettatwin::traffic
