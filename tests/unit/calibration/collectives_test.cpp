// SPDX-License-Identifier: Apache-2.0
// Figures of a machine's levels from timings of collectives: known ones come back, a few timings move few figures, what is written reads
// back, bad input is reported where it stands.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "../../support/catalog_files.hpp"
#include "../../support/catalog_with.hpp"
#include "calibration/collectives.hpp"
#include "hardware/catalog.hpp"

namespace zettatwin::calibration {
namespace {

using hardware::Machine;

Machine machine_of(const std::string& name) {
  config::Diagnostics diagnostics;
  const auto machine = hardware::load_machine(test::CatalogFiles{}, name, {}, diagnostics);
  EXPECT_TRUE(machine);
  return machine.value_or(Machine{});
}

Machine other(Machine machine, double efficiency, double launch) {
  for (auto& level : machine.levels) {
    level.network.efficiency.value *= efficiency;
    level.network.launch.value *= launch;
  }
  return machine;
}

// A timings file of `truth`, each time off by a factor of e^(noise x normal).
std::string timings_of(const Machine& truth, const std::vector<std::string>& ops, const std::vector<std::int64_t>& ranks, double noise) {
  std::mt19937_64 random(11);
  std::normal_distribution<double> normal;
  std::string text = "op,ranks,bytes,time_us\n";
  config::Diagnostics diagnostics;
  for (const auto& op : ops)
    for (const auto n : ranks)
      for (double bytes = 65536; bytes < 2e9; bytes *= 4) {
        const auto row = op + "," + std::to_string(n) + "," + std::to_string(static_cast<std::int64_t>(bytes)) + ",";
        const auto read = read_collective_timings("op,ranks,bytes,time_us\n" + row + "1\n", "t.csv", {}, truth, diagnostics);
        EXPECT_EQ(read.size(), 1u);
        text += row + std::to_string(1e6 * predicted(truth, read[0].timings[0]) * std::exp(noise * normal(random))) + "\n";
      }
  return text;
}

TEST(Collectives, KnownFiguresComeBack) {
  const auto before = machine_of("dgx-h100"), truth = other(before, 0.7, 3);
  config::Diagnostics diagnostics;
  const auto timings = read_collective_timings(timings_of(truth, {"all_gather", "reduce_scatter", "alltoall"}, {2, 4, 8, 16, 64}, 0.02), "t.csv", {}, before, diagnostics);
  ASSERT_FALSE(diagnostics.has_errors());
  ASSERT_EQ(timings.size(), 3u);
  const auto result = calibrate(before, timings, {.source = "test"});
  EXPECT_NEAR(result.machine.levels[0].network.efficiency.si() / truth.levels[0].network.efficiency.si(), 1, 0.03);
  EXPECT_NEAR(result.machine.levels[0].network.launch.si() / truth.levels[0].network.launch.si(), 1, 0.1);
  EXPECT_NEAR(result.machine.levels[1].network.efficiency.si() / truth.levels[1].network.efficiency.si(), 1, 0.05);
  for (const auto& family : result.families) {
    EXPECT_GT(family.before.median, 0.15) << family.name;
    EXPECT_LT(family.after.median, 0.03) << family.name;
  }
}

TEST(Collectives, FourTimingsBringUnseenOnesDown) {
  const auto before = machine_of("dgx-h100"), truth = other(before, 0.6, 1);
  config::Diagnostics diagnostics;
  const auto few = read_collective_timings("op,ranks,bytes,time_us\nall_gather,8,16777216,200\nall_gather,8,67108864,1\nall_gather,8,268435456,1\nall_gather,8,1073741824,1\n", "t.csv", {}, truth, diagnostics);
  auto timed = few;
  for (auto& t : timed[0].timings) t.seconds = predicted(truth, t);
  const auto result = calibrate(before, timed, {.source = "test"});
  EXPECT_EQ(result.figures.size(), 4u) << "no more figures than timings";
  EXPECT_EQ(result.figures[0].path, "levels.node.network.efficiency");
  const auto unseen = read_collective_timings(timings_of(truth, {"reduce_scatter"}, {4, 8}, 0), "t.csv", {}, before, diagnostics);
  const auto judged = [&](const Machine& machine) {
    auto judge = calibrate(machine, unseen, {.judge = true});
    return judge.families[0].after.p90;
  };
  EXPECT_GT(judged(before), 0.3);
  EXPECT_LT(judged(result.machine), 0.1);
}

TEST(Collectives, TheDocumentReadsBack) {
  const auto before = machine_of("dgx-a100");
  config::Diagnostics diagnostics;
  const auto timings = read_collective_timings(timings_of(other(before, 0.8, 2), {"all_reduce", "all_to_all"}, {4, 8, 32}, 0), "t.csv", {}, before, diagnostics);
  const auto result = calibrate(before, timings, {.source = "it's mine.csv"});
  const auto text = machine_document(result, "dgx-a100", "mine");
  const auto machine = hardware::load_machine(test::CatalogWith(text), "mine.yaml", {}, diagnostics);
  ASSERT_TRUE(machine) << text;
  for (std::size_t l = 0; l < machine->levels.size(); ++l) {
    EXPECT_NEAR(machine->levels[l].network.efficiency.si() / result.machine.levels[l].network.efficiency.si(), 1, 1e-3);
    EXPECT_EQ(machine->levels[l].network.launch.provenance.confidence, config::Confidence::derived);
    EXPECT_EQ(machine->levels[l].size, before.levels[l].size);
  }
}

TEST(Collectives, EveryProblemWithItsPlace) {
  config::Diagnostics diagnostics;
  const auto none = read_collective_timings("op,ranks,bytes,time_us\nall_reduc,8,1e6,3\nall_reduce,1,1e6,3\nall_reduce,13,1e6,3\nall_reduce,8,0,-3\ngemm,8,1,1\n", "c.csv", {}, machine_of("dgx-h100"), diagnostics);
  EXPECT_TRUE(none.empty());
  std::string text;
  for (const auto& d : diagnostics.all()) text += d.text() + "\n";
  for (const auto* part : {"c.csv:2:1: error: unknown op 'all_reduc'", "did you mean 'all_reduce'", "c.csv:3:12: error: a group of 1", "c.csv:4:12: error: ", "c.csv:5:14: error: bytes is '0'",
                           "c.csv:5:16: error: time_us is '-3'", "c.csv:6:1: error: unknown op 'gemm'"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
}

TEST(Collectives, TablesGiveTheMedianOfRepeats) {
  const std::string table = "table_version,nccl_dtype,num_gpus,message_size,op_name,latency\n2.23,half,8,1024,all_reduce,0.010\n2.23,half,8,1024,all_reduce,0.030\n2.29,half,8,1024,all_reduce,0.012\n2.29,int8,8,2048,all_reduce,0.012\n2.29,half,4,512,alltoall,0.02\n";
  config::Diagnostics diagnostics;
  const auto timings = read_collective_tables([&](const std::string& name) { return name == "nccl" ? std::optional(table) : std::nullopt; }, machine_of("dgx-h100"), diagnostics);
  ASSERT_EQ(timings.size(), 2u);
  ASSERT_EQ(timings[0].timings.size(), 1u) << "1,024 elements of two bytes and 2,048 of one are the same point";
  EXPECT_DOUBLE_EQ(timings[0].timings[0].seconds, 12e-6);
  EXPECT_EQ(timings[1].op, network::Collective::all_to_all);
}

}  // namespace
}  // namespace zettatwin::calibration
