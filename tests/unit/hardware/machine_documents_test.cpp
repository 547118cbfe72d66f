// SPDX-License-Identifier: Apache-2.0
// Machines written by users: variants, sizes by word, other numbers of chips, and what is said when that cannot be.
#include <gtest/gtest.h>

#include "../../support/catalog_files.hpp"
#include "hardware/catalog.hpp"

namespace zettatwin::hardware {
namespace {

using test::CatalogFiles;

struct Answer {
  std::optional<Machine> machine;
  std::string text;
};

Answer from(const std::string& yaml) {
  config::Diagnostics diagnostics;
  const auto node = config::parse_document(yaml, "user.yaml", diagnostics);
  EXPECT_TRUE(node) << test::text_of(diagnostics);
  auto machine = node ? machine_from(CatalogFiles{}, *node, diagnostics) : std::nullopt;
  return {std::move(machine), test::text_of(diagnostics)};
}

Answer sized(const std::string& name, std::int64_t chips) {
  config::Diagnostics diagnostics;
  const auto machine = load_machine(CatalogFiles{}, name, config::location_in("--machine"), diagnostics);
  EXPECT_TRUE(machine) << test::text_of(diagnostics);
  auto other = machine ? resized(*machine, chips, config::location_in("--chips"), diagnostics) : std::nullopt;
  return {std::move(other), test::text_of(diagnostics)};
}

std::vector<std::int64_t> sizes(const Answer& answer) {
  EXPECT_TRUE(answer.machine) << answer.text;
  std::vector<std::int64_t> result;
  if (answer.machine)
    for (const auto& level : answer.machine->levels) result.push_back(level.size);
  return result;
}

using Sizes = std::vector<std::int64_t>;

TEST(MachineSize, NodesRacksAndChipsAreParameters) {
  EXPECT_EQ(sizes(from("{extends: dgx-h100, nodes: 256}")), (Sizes{8, 256}));
  EXPECT_EQ(sizes(from("{extends: gb200-nvl72, racks: 20}")), (Sizes{72, 20}));
  EXPECT_EQ(sizes(from("{extends: dgx-h100, chips: 2048}")), (Sizes{8, 256}));
  EXPECT_EQ(sizes(from("{extends: atlas-950-superpod, cabinets: 16}")), (Sizes{8, 8, 16}));
}

TEST(MachineSize, OneLevelOfAVariantCanBeChangedAlone) {
  const auto answer = from("{extends: dgx-h100, levels: {cluster: {network: {bandwidth: 100 GB/s}}}}");
  ASSERT_TRUE(answer.machine) << answer.text;
  EXPECT_EQ(answer.machine->levels[1].network.bandwidth.si(), 100e9);
  EXPECT_EQ(answer.machine->levels[1].network.bandwidth.provenance.confidence, config::Confidence::stated);
  EXPECT_EQ(answer.machine->levels[0].network.bandwidth.si(), 450e9);
}

TEST(MachineSize, AChipCanBeChangedInPlace) {
  const auto answer = from("{extends: dgx-h100, chip: {extends: h100, memory: {capacity: 96 GB}}}");
  ASSERT_TRUE(answer.machine) << answer.text;
  EXPECT_EQ(answer.machine->chip.memory.capacity.si(), 96e9);
  EXPECT_EQ(answer.machine->chip_name, "h100");
}

TEST(MachineSize, WholeUnitsOfTheInnerLevels) {
  EXPECT_EQ(sizes(sized("dgx-h100", 2048)), (Sizes{8, 256}));
  EXPECT_EQ(sizes(sized("dgx-h100", 4)), (Sizes{4, 1}));
  EXPECT_EQ(sizes(sized("atlas-950-supercluster", 8192)), (Sizes{8, 8, 128, 1}));
  EXPECT_EQ(sizes(sized("atlas-950-supercluster", 1024)), (Sizes{8, 8, 16, 1}));
  EXPECT_EQ(sizes(sized("atlas-950-supercluster", 65536)), (Sizes{8, 8, 128, 8}));
  EXPECT_EQ(sizes(sized("atlas-960-superpod", 88 * 5)), (Sizes{8, 11, 5}));
  EXPECT_EQ(sizes(sized("gb200-nvl72", 7272 * 72)), (Sizes{72, 7272}));
}

TEST(MachineSize, TorusSlicesAreTheBoxesNearestToACube) {
  const auto slice = sized("tpu-v5p-pod", 512);
  ASSERT_TRUE(slice.machine) << slice.text;
  EXPECT_EQ(slice.machine->levels[0].network.torus, (Sizes{8, 8, 8}));
  EXPECT_FALSE(sized("tpu-v5p-pod", 8192 + 256 + 1).machine);
}

TEST(MachineSize, ASizeThatSplitsAUnitNamesTheNearestOnes) {
  const auto answer = sized("atlas-950-supercluster", 12);
  EXPECT_FALSE(answer.machine);
  EXPECT_NE(answer.text.find("12 chips are not a whole number of boards"), std::string::npos) << answer.text;
  EXPECT_NE(answer.text.find("8 and 16"), std::string::npos) << answer.text;
  EXPECT_NE(sized("atlas-950-supercluster", 8192 + 64).text.find("8,192 and 16,384"), std::string::npos);
  EXPECT_NE(sized("dgx-h100", 0).text.find("cannot have 0 chips"), std::string::npos);
}

TEST(MachineSize, APodCannotOutgrowItsSwitches) {
  const auto answer = sized("atlas-950-superpod", 16384);
  EXPECT_FALSE(answer.machine);
  EXPECT_NE(answer.text.find("at most 8,192 chips"), std::string::npos) << answer.text;
  EXPECT_FALSE(from("{extends: atlas-950-superpod, cabinets: 129}").machine);
}

TEST(MachineDocument, ProblemsAreReportedTogether) {
  const auto answer = from(R"({
    extends: dgx-h100, nodes: many, bandwith: 3,
    levels: {cluster: {network: {efficiency: 1.5, algorithms: [rings]}}}})");
  EXPECT_FALSE(answer.machine);
  for (const auto* part : {"'size' of", "bandwith", "efficiency", "'rings' is not a known algorithm"})
    EXPECT_NE(answer.text.find(part), std::string::npos) << part << "\n" << answer.text;
}

TEST(MachineDocument, UnknownMachinesAndChipsNameTheNearest) {
  config::Diagnostics diagnostics;
  EXPECT_FALSE(load_machine(CatalogFiles{}, "dgx-h10", config::location_in("--machine"), diagnostics));
  EXPECT_NE(test::text_of(diagnostics).find("dgx-h100"), std::string::npos) << test::text_of(diagnostics);
  EXPECT_NE(from("{extends: dgx-h100, chip: h1000}").text.find("h100"), std::string::npos);
}

TEST(MachineDocument, ANetworkNeedsItsKindsFigures) {
  const auto answer = from("{chip: h100, levels: {node: {size: 8, network: {kind: full_mesh, latency: 1 us, efficiency: 0.9}}}}");
  EXPECT_NE(answer.text.find("a full_mesh network lacks 'pair_bandwidth'"), std::string::npos) << answer.text;
}

TEST(MachineDocument, HugeSizesAreRefusedNotOverflowed) {
  const auto answer = from(R"({chip: h100, levels: {
    a: {size: 1000000000, network: {kind: switched, bandwidth: 1 GB/s, latency: 0 s, efficiency: 1}},
    b: {size: 1000000000, network: {kind: switched, bandwidth: 1 GB/s, latency: 0 s, efficiency: 1}},
    c: {size: 1000000000, network: {kind: switched, bandwidth: 1 GB/s, latency: 0 s, efficiency: 1}}}})");
  EXPECT_NE(answer.text.find("too many chips"), std::string::npos) << answer.text;
}

}  // namespace
}  // namespace zettatwin::hardware
