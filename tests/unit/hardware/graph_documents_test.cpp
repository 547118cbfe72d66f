// SPDX-License-Identifier: Apache-2.0
// Graphs and dragonflies as users write them, and all that is said of wrong ones, at once and at their places.
#include <gtest/gtest.h>

#include "../../support/catalog_files.hpp"
#include "hardware/catalog.hpp"

namespace zettatwin::hardware {
namespace {

using test::CatalogFiles;

struct Answer {
  std::optional<Machine> machine;
  config::Diagnostics diagnostics;
  std::string text;
};

Answer from(const std::string& network, std::int64_t size) {
  Answer answer;
  const auto yaml = "chip: h100\nlevels:\n  - name: fabric\n    size: " + std::to_string(size) + "\n    network:\n      latency: 1 us\n      efficiency: 1\n" + network;
  const auto node = config::parse_document(yaml, "user.yaml", answer.diagnostics);
  if (node) answer.machine = machine_from(CatalogFiles{}, *node, answer.diagnostics);
  answer.text = test::text_of(answer.diagnostics);
  return answer;
}

void expect_problem(const std::string& network, std::int64_t size, const std::string& problem) {
  const auto answer = from(network, size);
  EXPECT_FALSE(answer.machine) << network;
  EXPECT_NE(answer.text.find(problem), std::string::npos) << answer.text;
  EXPECT_NE(answer.text.find("user.yaml:"), std::string::npos) << answer.text;
}

TEST(GraphDocument, PatternsPairNames) {
  const auto joined = [](const std::string& rule, std::int64_t size) {
    const auto answer = from("      kind: graph\n      switches: {leaf: {count: 2}}\n      links: [" + rule + "]\n", size);
    EXPECT_TRUE(answer.machine) << answer.text;
    std::string text;
    if (!answer.machine) return text;
    graph::Graph g;
    std::vector<graph::Vertex> units;
    for (std::int64_t u = 0; u < size; ++u) units.push_back(g.add_vertex("unit" + std::to_string(u), graph::Role::relay));
    add_graph(g, answer.machine->levels[0].network.graph, units, 0, "");
    for (graph::LinkId l = 0; l < g.links(); l += 2) text += (text.empty() ? "" : ", ") + g.text(l);
    return text;
  };
  EXPECT_EQ(joined("{from: unit*, to: unit*, bandwidth: 1 GB/s}", 3), "unit0 > unit1, unit0 > unit2, unit1 > unit2");
  EXPECT_EQ(joined("{from: unit0..1, to: unit1..2, pattern: blocks, bandwidth: 1 GB/s}", 3), "unit0 > unit1, unit1 > unit2");
  const std::string spine = ", {from: leaf0, to: leaf1, bandwidth: 1 GB/s}";
  EXPECT_EQ(joined("{from: unit*, to: leaf*, pattern: blocks, bandwidth: 1 GB/s}" + spine, 4), "unit0 > leaf0, unit1 > leaf0, unit2 > leaf1, unit3 > leaf1, leaf0 > leaf1");
  EXPECT_EQ(joined("{from: leaf*, to: unit*, pattern: cyclic, bandwidth: 1 GB/s}" + spine, 4), "leaf0 > unit0, leaf1 > unit1, leaf0 > unit2, leaf1 > unit3, leaf0 > leaf1");
  EXPECT_EQ(joined("{from: unit0, to: leaf0, count: 2, bandwidth: 1 GB/s}, {from: unit1, to: leaf0, bandwidth: 1 GB/s}", 2), "unit0 > leaf0, unit0 > leaf0, unit1 > leaf0");
}

TEST(GraphDocument, WrongNamesAndLinksAreAllReported) {
  const auto answer = from(
      "      kind: graph\n"
      "      switches: {leaf: {count: 2}}\n"
      "      links:\n"
      "        - {from: unit*, to: laef0, bandwidth: 1 GB/s}\n"
      "        - {from: unit9, to: leaf0, bandwidth: 1 GB/s}\n"
      "        - {from: leaf0, to: leaf0, bandwidth: 1 GB/s}\n"
      "        - {from: unit0, to: leaf0, bandwidth: 1 GB/s}\n"
      "        - {from: leaf0, to: unit0..1, bandwidth: 1 GB/s}\n"
      "        - {from: unit0..2, to: leaf*, pattern: blocks, bandwidth: 1 GB/s}\n"
      "        - {from: unit3..1, to: leaf0, bandwidth: 1 GB/s}\n"
      "        - {from: unit0x, to: leaf0, bandwidth: 1 GB/s}\n",
      4);
  EXPECT_FALSE(answer.machine);
  EXPECT_EQ(answer.diagnostics.error_count(), 7u) << answer.text;
  for (const auto* problem : {"user.yaml:11:29: error: there is no 'laef0'", "did you mean 'leaf0'?", "user.yaml:12:18: error: there is no unit9", "a link of leaf0 with itself", "leaf0 and unit0 are joined twice",
                              "the first time at user.yaml:14", "3 is no multiple of 2", "'unit3..1' ends before it begins", "'unit0x' names no vertex"})
    EXPECT_NE(answer.text.find(problem), std::string::npos) << problem << "\n" << answer.text;
}

TEST(GraphDocument, ZeroBandwidthMissingKeysAndUnitsWithoutWayAreReported) {
  expect_problem("      kind: graph\n      links: [{from: unit0, to: unit1, bandwidth: 0 GB/s}]\n", 2, "bandwidth");
  expect_problem("      kind: graph\n      links: [{from: unit0, to: unit1}]\n", 2, "bandwidth");
  expect_problem("      kind: graph\n      links: [{to: unit1, bandwidth: 1 GB/s}]\n", 2, "from");
  expect_problem("      kind: graph\n", 2, "has no links");
  expect_problem("      kind: graph\n      links: [{from: unit0, to: unit1, bandwidth: 1 GB/s}]\n", 3, "1 of 3 units of level 'fabric' cannot be reached from unit0: unit2");
  expect_problem("      kind: graph\n      switches: {unit: {count: 2}}\n      links: [{from: unit0, to: unit1, bandwidth: 1 GB/s}]\n", 2, "cannot be called 'unit'");
  expect_problem("      kind: graph\n      switches: {t2: {count: 2}}\n      links: [{from: unit0, to: unit1, bandwidth: 1 GB/s}]\n", 2, "'t2' is not a name of switches");
  expect_problem("      kind: dragonfly\n", 2, "lacks 'dragonfly'");
}

constexpr const char* kCanonical =
    "      kind: dragonfly\n      dragonfly: {groups: 9, routers_per_group: 4, units_per_router: 2, global_links_per_router: 2, unit_bandwidth: 1 GB/s, local_bandwidth: 1 GB/s, global_bandwidth: 1 GB/s}\n";

TEST(DragonflyDocument, MustHaveRoomAndReachAllGroups) {
  const auto whole = from(kCanonical, 72);
  ASSERT_TRUE(whole.machine) << whole.text;
  EXPECT_NEAR(whole.machine->levels[0].network.rates->uniform.si(), 1e9, 1);
  expect_problem(kCanonical, 70, "has room for 72 units, its size is 70");
  std::string few = kCanonical;
  few.replace(few.find("groups: 9"), 9, "groups: 10");
  expect_problem(few, 80, "10 groups cannot all be joined directly");
}

TEST(DragonflyDocument, AJobMayUseItsFirstUnits) {
  const auto whole = from(kCanonical, 72);
  config::Diagnostics diagnostics;
  const auto part = resized(*whole.machine, 16, config::location_in("--chips"), diagnostics);
  ASSERT_TRUE(part) << test::text_of(diagnostics);
  // Two groups of 8: the one cable between them carries 8 x 8 of 15 parts.
  EXPECT_NEAR(part->levels[0].network.rates->uniform.si(), 1e9 * 15 / 64, 1);
  EXPECT_FALSE(resized(*whole.machine, 144, config::location_in("--chips"), diagnostics));
}

}  // namespace
}  // namespace zettatwin::hardware
