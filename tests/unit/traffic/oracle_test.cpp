// SPDX-License-Identifier: Apache-2.0
// Exact figures of other simulators, where they ask what this model answers (docs/math/collectives.md): unit tests of astra-network-analytical
// (congestion-unaware, and congestion-aware where a message has one hop) and latencies of ASTRA-sim's collectives.
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "../../support/places.hpp"
#include "cases.hpp"
#include "traffic/detail/ways.hpp"

namespace zettatwin::traffic {
namespace {

using namespace test;

constexpr double kGiB = 1.073741824;  // GB

// Expected nanoseconds by row; empty if the data is not at hand.
std::map<std::string, double> expected_figures() {
  std::ifstream file(zettatwin::test::shared_data() / "oracles/exact_results.csv");
  std::map<std::string, double> figures;
  for (std::string line; std::getline(file, line);) {
    std::vector<std::string> cells;
    std::istringstream row(line);
    for (std::string cell; std::getline(row, cell, ',');) cells.push_back(cell);
    if (cells.size() > 17 && cells[17] == "ns") figures[cells[0]] = std::stod(cells[16]);
  }
  return figures;
}

hardware::Level level(NetworkKind kind, std::int64_t size, double gib, double latency_ns) { return ideal_level(kind, size, gib * kGiB, latency_ns * 1e-3); }

double nanoseconds(const hardware::Machine& machine, std::int64_t stride, double bytes) {
  return 1e9 * seconds(answer(machine, {.op = Collective::point_to_point, .bytes = bytes, .group = {{{2, stride}}}, .faults = {}}));
}

// A switch there is two hops.
TEST(Oracles, OneMessage) {
  const auto expected = expected_figures();
  if (expected.empty()) GTEST_SKIP() << "no oracles/exact_results.csv: set ZT_SHARED_DATA";
  const double bytes = 1 << 20;
  const auto mesh = machine_of({level(NetworkKind::full_mesh, 16, 50, 500)});
  EXPECT_NEAR(nanoseconds(mesh, 1, bytes), expected.at("ANA-U2"), 1);
  EXPECT_NEAR(nanoseconds(mesh, 1, bytes), expected.at("ANA-A2"), 1);
  EXPECT_NEAR(nanoseconds(machine_of({level(NetworkKind::switched, 16, 50, 2 * 500)}), 1, bytes), expected.at("ANA-U3"), 1);
  const auto three = machine_of({level(NetworkKind::torus, 2, 200, 50), level(NetworkKind::full_mesh, 8, 100, 500), level(NetworkKind::switched, 4, 50, 2 * 2000)});
  EXPECT_NEAR(nanoseconds(three, 1, bytes), expected.at("ANA-U4"), 1);
  EXPECT_NEAR(nanoseconds(three, 4, bytes), expected.at("ANA-U5"), 1);
  EXPECT_NEAR(nanoseconds(three, 16, bytes), expected.at("ANA-U6"), 1);
}

// From 1 to 4 on a ring of 16: links on the way, at 500 ns each.
TEST(Oracles, HopsOnARing) {
  const auto expected = expected_figures();
  if (expected.empty()) GTEST_SKIP() << "no oracles/exact_results.csv: set ZT_SHARED_DATA";
  const auto machine = machine_of({level(NetworkKind::torus, 16, 50, 500)});
  const auto fabric = topology::whole(machine);
  const auto lattice = detail::lattice_of(fabric, everyone(fabric), {}, Fidelity::unfolded, detail::Traffic::pairs);
  std::vector<detail::Hop<double>> way;
  ASSERT_TRUE(detail::Ways<double>(lattice, {}).append({1}, {4}, 1, way));
  EXPECT_NEAR(static_cast<double>(way.size()) * 500 + (1 << 20) / (50 * kGiB), expected.at("ANA-U1"), 1);
}

// Four parts of a message of no bytes, one after the other; 10 ns at each end of a step, 10 ns to begin each part.
TEST(Oracles, LatencyOfCollectives) {
  const auto expected = expected_figures();
  if (expected.empty()) GTEST_SKIP() << "no oracles/exact_results.csv: set ZT_SHARED_DATA";
  const auto four_parts = [](NetworkKind kind, Algorithm algorithm) {
    auto one = level(kind, 8, 50, 500 + 10);
    if (kind == NetworkKind::torus) one.network.kind = NetworkKind::switched;  // a ring of neighbours: 7 steps each way, in one direction
    return 4 * 1e9 * seconds(answer(machine_of({one}), {.op = Collective::all_reduce, .bytes = 1, .group = {}, .algorithm = algorithm, .faults = {}})) + 40;
  };
  EXPECT_NEAR(four_parts(NetworkKind::torus, Algorithm::ring), expected.at("AST-2"), 1);
  EXPECT_NEAR(four_parts(NetworkKind::full_mesh, Algorithm::direct), expected.at("AST-3"), 1);
}

}  // namespace
}  // namespace zettatwin::traffic
