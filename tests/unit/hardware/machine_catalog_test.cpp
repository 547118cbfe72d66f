// SPDX-License-Identifier: Apache-2.0
// Every machine file of the catalog loads cleanly, its figures carry known sources, and its totals meet the published ones.
#include <gtest/gtest.h>

#include "../../support/catalog_files.hpp"
#include "hardware/catalog.hpp"

namespace zettatwin::hardware {
namespace {

using test::CatalogFiles;
using units::GB_per_s;

Machine machine(const std::string& name) {
  config::Diagnostics diagnostics;
  auto loaded = load_machine(CatalogFiles{}, name, config::location_in("test"), diagnostics);
  EXPECT_TRUE(loaded) << name << "\n" << test::text_of(diagnostics);
  EXPECT_TRUE(diagnostics.all().empty()) << test::text_of(diagnostics);
  return loaded.value_or(Machine{});
}

double total_ports_in(const Machine& m, bool scale_out) {
  units::BytesPerSecond sum, below;
  for (const auto& level : m.levels) {
    if (level.scale_out != scale_out) continue;
    sum += level.shares_ports ? std::max(level.port_bandwidth() - below, units::BytesPerSecond{}) : level.port_bandwidth();
    below = level.port_bandwidth();
  }
  return sum.si();
}

TEST(MachineCatalog, EveryMachineLoadsWithoutDiagnosticsAndIsConsistent) {
  const auto names = CatalogFiles{}.list("machines");
  EXPECT_GE(names.size(), 20u);
  for (const auto& name : names) {
    const auto m = machine(name);
    EXPECT_EQ(m.name, name);
    EXPECT_FALSE(m.title.empty()) << name;
    EXPECT_FALSE(m.availability.status.empty()) << name;
    EXPECT_GT(m.chips(), 1) << name;
    EXPECT_GT(m.chip.matrix_cores.si(), 0) << name;
  }
}

TEST(MachineCatalog, EveryFigureNamesAKnownSourceAndItsRangeHoldsItsValue) {
  config::Diagnostics diagnostics;
  const auto sources = config::parse_document(*CatalogFiles{}.read("sources.yaml"), "sources.yaml", diagnostics);
  ASSERT_TRUE(sources) << test::text_of(diagnostics);
  for (const auto& name : CatalogFiles{}.list("machines")) {
    for (const auto& row : config::values_of(machine(name))) {
      if (!row.provenance) continue;
      const auto where = name + " " + row.path;
      EXPECT_TRUE(sources->find(row.provenance->source)) << where << ": " << row.provenance->source;
      EXPECT_NE(row.provenance->confidence, config::Confidence::stated) << where;
      if (row.provenance->low_si == 0 && row.provenance->high_si == 0) continue;
      EXPECT_LE(row.provenance->low_si, row.si) << where;
      EXPECT_GE(row.provenance->high_si, row.si) << where;
    }
  }
}

TEST(MachineCatalog, ChipCountsAreThoseAnnounced) {
  const std::map<std::string, std::int64_t> expected{
      {"atlas-950-superpod", 8192},         {"atlas-950-supercluster", 524288},      {"atlas-950-supercluster-roce", 524288},
      {"atlas-950-superpod-1024", 1024},    {"atlas-960-superpod", 15488},           {"atlas-960-supercluster", 1006720},
      {"atlas-960e", 4096},                 {"cloudmatrix384", 768},                 {"cloudmatrix384-package", 384},
      {"atlas-900-a2", 1024},               {"dgx-h100", 1024},                      {"dgx-a100", 1120},
      {"gb200-nvl72", 576},                 {"vr-nvl72", 576},                       {"rubin-ultra-nvl576", 576},
      {"tpu-v5p-pod", 8960},                {"ironwood-pod", 9216}};
  for (const auto& [name, chips] : expected) EXPECT_EQ(machine(name).chips(), chips) << name;
}

TEST(MachineCatalog, LevelsUseExactlyTheChipsPorts) {
  for (const auto& name : CatalogFiles{}.list("machines")) {
    const auto m = machine(name);
    if (name == "vr-nvl144-announced") continue;  // the launch figure, on a chip with the present one
    double scale_up = total_ports_in(m, false);
    if (m.levels[0].name == "package") scale_up -= m.levels[0].port_bandwidth().si();  // inside the package, not a port of it
    EXPECT_NEAR(scale_up / m.chip.scale_up_bandwidth.si(), 1, 0.01) << name;
    if (total_ports_in(m, true) > 0) {
      EXPECT_NEAR(total_ports_in(m, true) / m.chip.scale_out_bandwidth.si(), 1, 1e-9) << name;
    }
  }
}

TEST(MachineCatalog, PublishedTotalsAreReproduced) {
  const auto pod = machine("atlas-950-superpod");
  EXPECT_NEAR(total_ports_in(pod, false), 1008e9, 1);
  EXPECT_NEAR(8192 * 2 * total_ports_in(pod, false), 16.5e15, 0.02e15);  // published: 16.3 PB/s, from 2.0 TB/s per chip
  EXPECT_NEAR(pod.published.interconnect.si() / (8192 * 2 * total_ports_in(pod, false)), 1, 0.015);
  EXPECT_NEAR(8192 * pod.chip.memory.capacity.si() / 1.024 / pod.published.memory.si(), 1, 1e-9);
  const auto shipped = machine("atlas-950-superpod-1024");
  EXPECT_NEAR(1024 * 2 * total_ports_in(shipped, false) / shipped.published.interconnect.si(), 1, 0.001);
  const auto rack = machine("gb200-nvl72");
  EXPECT_NEAR(72 * 2 * total_ports_in(rack, false) / rack.published.interconnect.si(), 1, 0.01);
  const auto next = machine("atlas-960-superpod");
  EXPECT_NEAR(15488 * 2 * total_ports_in(next, false) / next.published.interconnect.si(), 1, 0.01);
  EXPECT_GT(machine("atlas-960-supercluster").chips(), 1'000'000);
}

TEST(MachineCatalog, SwitchesCabinetsAndFloorOfTheSuperCluster) {
  const auto cluster = machine("atlas-950-supercluster");
  double switches = 0, modules = 0;
  for (const auto& item : cluster.inventory) {
    if (item.per == "cluster" && item.kind == PartKind::network_switch) switches += cluster.total_of(item);
    if (item.kind == PartKind::optical_module) modules += cluster.total_of(item);
    if (item.per == "pod") {
      EXPECT_EQ(cluster.total_of(item), 64 * 256);
    }
  }
  EXPECT_EQ(switches, 39000);
  EXPECT_EQ(modules, 2.22e6);
  const double pods = cluster.units_of(cluster.racks.per);
  EXPECT_EQ(pods * (cluster.racks.compute_racks.si() + cluster.racks.interconnect_racks.si()), 10240);
  EXPECT_EQ(pods * cluster.racks.floor_area.si(), cluster.published.floor_area.si());
}

}  // namespace
}  // namespace zettatwin::hardware
