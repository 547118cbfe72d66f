// SPDX-License-Identifier: Apache-2.0
// Listed graphs and dragonflies from documents, whole and with faults, by hand.
#include "cases.hpp"
#include "hardware/catalog.hpp"
#include "traffic/graph_collective.hpp"

namespace zettatwin::traffic {
namespace {

using namespace test;
using graph::Routing;

// Chips of 100 GB/s, two to a leaf, two leaves, two spines with a cable of 50 GB/s to each leaf.
constexpr const char* kTwoLeaves = R"(
chip: h100
levels:
  - name: fabric
    size: 4
    network:
      kind: graph
      switches: {leaf: {count: 2}, spine: {count: 2}}
      links:
        - {from: unit*, to: leaf*, pattern: blocks, bandwidth: 100 GB/s, latency: 1 us}
        - {from: leaf*, to: spine*, bandwidth: 50 GB/s, latency: 2 us}
      latency: 3 us
      efficiency: 1
)";

hardware::Machine read(const std::string& yaml) {
  config::Diagnostics diagnostics;
  const auto node = config::parse_document(yaml, "user.yaml", diagnostics);
  auto machine = node ? hardware::machine_from(zettatwin::test::CatalogFiles{}, *node, diagnostics) : std::nullopt;
  EXPECT_TRUE(machine) << zettatwin::test::text_of(diagnostics);
  return machine.value_or(hardware::Machine{});
}

CollectiveAnswer on_graph(const hardware::Machine& machine, const Ask& ask, RoutingChoice choice = {}) {
  const auto fabric = topology::whole(machine);
  return simulate_on_graph(fabric, query_of(fabric, ask), choice).answer;
}

TEST(Listed, AllToAllByHand) {
  const auto machine = read(kTwoLeaves);
  // 10 MB to each of 3: uplinks carry 2 x 2 x 10 MB over 2 x 50 GB/s = 400 us; the longest way has cables of 1 + 2 + 2 + 1 us.
  EXPECT_NEAR(seconds(on_graph(machine, {.bytes = 40e6, .group = {}, .faults = {}})), 9e-6 + 400e-6, 1e-10);
  const auto& rates = *machine.levels[0].network.rates;
  EXPECT_NEAR(rates.ports.si(), 100e9, 1);
  EXPECT_NEAR(rates.uniform.si(), 75e9, 1);  // 2 units x 2/3 of their bytes over 100 GB/s
  EXPECT_NEAR(rates.neighbours.si(), 100e9, 1);
  EXPECT_NEAR(rates.latency.si(), 6e-6, 1e-15);
}

TEST(Listed, TheClosedFormHasTheSameBandwidthTerm) {
  const auto machine = read(kTwoLeaves);
  const auto fabric = topology::whole(machine);
  for (const auto& ask : {Ask{.bytes = 40e6, .group = {}, .faults = {}}, Ask{.op = Collective::all_gather, .bytes = 40e6, .group = {}, .algorithm = Algorithm::ring, .faults = {}}})
    EXPECT_NEAR(network::collective_time(fabric, query_of(fabric, ask).request).time.seconds().si(), seconds(on_graph(machine, ask)), 1e-10) << network::name_of(ask.op);
}

TEST(Listed, FaultsAreNamedByTheEndsOfCables) {
  const auto machine = read(kTwoLeaves);
  const Ask whole{.bytes = 40e6, .group = {}, .faults = {}};
  Ask ask = whole;
  ask.faults = faults_of(machine, {"dead-link@from=leaf0/to=spine1"});
  EXPECT_NEAR(seconds(on_graph(machine, ask)), 9e-6 + 800e-6, 1e-10) << "one uplink left";
  ask.faults = faults_of(machine, {"dead-switch@switch=spine1"});
  EXPECT_NEAR(seconds(on_graph(machine, ask)), 9e-6 + 800e-6, 1e-10);
  ask.faults = faults_of(machine, {"slow-link@gpu=2/port=fabric:0.1"});
  EXPECT_NEAR(seconds(on_graph(machine, ask)), 9e-6 + 3000e-6, 7e-6) << "30 MB through 10 GB/s";
  ask.faults = faults_of(machine, {"dead-link@from=leaf0/to=spine1", "dead-link@from=spine0/to=leaf0"});
  EXPECT_NE(on_graph(machine, ask).impossible.find("no way is left from"), std::string::npos);
  for (const auto routing : {Routing::d_mod_k, Routing::ecmp}) EXPECT_NE(on_graph(machine, ask, {.routing = routing, .seeds = 4}).impossible, "");
}

TEST(Listed, FaultsOnNamesThatAreNotThereAreDiagnosed) {
  const auto machine = read(kTwoLeaves);
  for (const auto* text : {"dead-link@from=leaf0/to=spine7", "dead-link@from=leaf0/to=leaf1", "dead-link@from=leaf0", "dead-switch@from=leaf0/to=spine1", "dead-switch@switch=unit0",
                           "slow-link@from=leaf0/to=spine1/port=fabric:0.5", "dead-switch@plane=0", "dead-chip@from=leaf0/to=spine0"}) {
    config::Diagnostics diagnostics;
    EXPECT_FALSE(parse_fault(text, machine, config::location_in("--fault"), diagnostics)) << text;
    EXPECT_TRUE(diagnostics.has_errors()) << text;
  }
}

TEST(Listed, TheOrderOfUnitsAndRulesChangesNoBit) {
  const auto forwards = read(kTwoLeaves);
  auto yaml = std::string(kTwoLeaves);
  const std::string a = "        - {from: unit*, to: leaf*, pattern: blocks, bandwidth: 100 GB/s, latency: 1 us}\n", b = "        - {from: leaf*, to: spine*, bandwidth: 50 GB/s, latency: 2 us}\n";
  yaml.replace(yaml.find(a), a.size() + b.size(), "        - {from: spine0..1, to: leaf1, bandwidth: 50 GB/s, latency: 2 us}\n        - {from: spine0..1, to: leaf0, bandwidth: 50 GB/s, latency: 2 us}\n"
                                                  "        - {from: leaf1, to: unit0..1, bandwidth: 100 GB/s, latency: 1 us}\n        - {from: leaf0, to: unit2..3, bandwidth: 100 GB/s, latency: 1 us}\n");
  const auto backwards = read(yaml);
  for (const auto op : {Collective::all_to_all, Collective::all_reduce}) {
    const Ask ask{.op = op, .bytes = 37e6, .group = {}, .faults = {}};
    EXPECT_EQ(on_graph(forwards, ask).time, on_graph(backwards, ask).time);
  }
}

TEST(DragonflyMachine, NodesShareTheirCables) {
  // 72 nodes of 8 chips with 400 GB/s, two to a router; a router has two cables to the router of its number in each other group, and 200 GB/s to each of its own.
  const auto machine = catalog_machine("example-dragonfly");
  const auto& rates = *machine.levels[1].network.rates;
  EXPECT_NEAR(rates.ports.si(), 400e9 / 8, 1);
  // By hand, r > s: 4 pairs of the group; 2 x 16 from here to the other groups' s and as many from there to this s, half of them on this side's local link.
  EXPECT_NEAR(rates.uniform.si(), 200e9 * 71 / (4 + 16 + 16) / 8, 1);
  EXPECT_NEAR(rates.latency.si(), 0.9e-6, 1e-12) << "one global and one local cable";
}

}  // namespace
}  // namespace zettatwin::traffic
