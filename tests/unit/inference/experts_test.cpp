// SPDX-License-Identifier: Apache-2.0
// Which kernels compute the routed experts of a step, and what they cost, by hand.
#include <gtest/gtest.h>

#include "served.hpp"

namespace zettatwin::inference {
namespace {

using test::free_software;
using test::served;
using test::Toy;
using test::toy_machine;
using test::toy_model;

double of(const Parts& parts, Part part) { return parts[static_cast<std::size_t>(part)]; }

// Figures of an operator library: per_choice 1 ns, combine and permute at half of the memory.
hardware::Machine machine_with_library(const Toy& toy, hardware::Precision precision) {
  auto machine = toy_machine(toy);
  auto& layer = machine.chip.efficiency.expert_layer[precision];
  for (auto* ratio : {&layer.math, &layer.memory}) ratio->value = units::Ratio::from_si(1);
  for (auto* ratio : {&layer.permute, &layer.combine}) ratio->value = units::Ratio::from_si(0.5);
  layer.l2_bandwidth.value = units::BytesPerSecond::from_si(1e30);
  layer.per_choice.value = units::Seconds::from_si(1e-9);
  return machine;
}

TEST(Experts, OfALibraryTakeItsTime) {
  const Toy toy{.flop_per_s = 1e30, .bytes_per_s = 1073741824.0};
  const auto machine = machine_with_library(toy, hardware::Precision::bf16);
  const auto seconds_of = [&](const std::string& text) {
    return of(served(machine, toy_model(test::kToyExperts), free_software(), "instances=1,load.kind=balanced," + text).pools[0].timer->parts({.sequences = 128, .cached = 12800, .chunks = {}}), Part::experts);
  };
  const auto model = toy_model(test::kToyExperts);
  const auto& e = *model.kinds.back().experts;
  const double h = static_cast<double>(model.hidden), f = static_cast<double>(e.intermediate), hit = static_cast<double>(e.routed_experts), rows = 256;
  // All experts hit by 256 rows: both products' streams, choices, and 4 bytes for a row and a feature of it and for a token, twice each at half of the memory.
  const double streams = 2 * (hit * 2 * f * h + rows * h) + 2 * rows * 2 * f + 2 * (hit * f * h + rows * f) + 2 * rows * h, moving = 4 * h * (rows + 128) / 0.5;
  EXPECT_NEAR(seconds_of("expert_kernels=library"), 3 * ((streams + moving) / 1073741824.0 + 256e-9), 1e-6);
  EXPECT_NE(seconds_of("expert_kernels=library"), seconds_of("expert_kernels=tuned"));
  EXPECT_EQ(seconds_of("expert_kernels=engine"), seconds_of("expert_kernels=tuned"));
}

TEST(Experts, EnginesWithGeneratedKernelsUseALibraryWhereThereAreNone) {
  const Toy toy;
  const serving::StepLoad load{.sequences = 128, .cached = 12800, .chunks = {}};
  auto software = free_software();
  software.tuned_experts = TunedExperts::generated;
  const auto parts = [&](const hardware::Machine& machine, const std::string& text) { return served(machine, toy_model(test::kToyExperts), software, "instances=1," + text).pools[0].timer->parts(load); };
  // A chip without 4-bit products.
  const auto old = machine_with_library(toy, hardware::Precision::bf16);
  EXPECT_EQ(parts(old, "tp=1"), parts(old, "tp=1,expert_kernels=library"));
  EXPECT_NE(parts(old, "tp=1"), parts(old, "tp=1,expert_kernels=tuned"));
  // A chip with them: only 4-bit products of gathered tokens.
  auto fresh = machine_with_library(toy, hardware::Precision::fp4);
  fresh.chip.matrix_peak[hardware::Precision::fp4] = fresh.chip.matrix_peak[hardware::Precision::bf16];
  fresh.chip.efficiency.gemm[hardware::Precision::fp4] = fresh.chip.efficiency.gemm_of(hardware::Precision::bf16);
  EXPECT_EQ(parts(fresh, "tp=2,ep=2,experts=fp4"), parts(fresh, "tp=2,ep=2,experts=fp4,expert_kernels=tuned"));
  EXPECT_EQ(parts(fresh, "dp=2,ep=2,experts=fp4"), parts(fresh, "dp=2,ep=2,experts=fp4,expert_kernels=tuned")) << "tokens travel to their experts";
  software.expert_traffic = ExpertTraffic::gather;
  EXPECT_EQ(parts(fresh, "dp=2,ep=2,experts=fp4"), parts(fresh, "dp=2,ep=2,experts=fp4,expert_kernels=library"));
  EXPECT_NE(parts(fresh, "dp=2,ep=2,experts=fp4"), parts(fresh, "dp=2,ep=2,experts=fp4,expert_kernels=tuned"));
  EXPECT_EQ(parts(fresh, "dp=2,ep=2"), parts(fresh, "dp=2,ep=2,expert_kernels=tuned")) << "in 16 bits there is nothing but tuned ones";
}

TEST(Experts, RowsOfBlocksAreRoundedUpForEachExpert) {
  const Toy toy{.flop_per_s = 1e9};
  auto machine = toy_machine(toy);
  machine.chip.matrix_peak[hardware::Precision::mxfp8] = machine.chip.matrix_peak[hardware::Precision::bf16];
  machine.chip.efficiency.gemm[hardware::Precision::mxfp8] = machine.chip.efficiency.gemm_of(hardware::Precision::bf16);
  auto software = free_software();
  const auto seconds_of = [&](std::int64_t sequences, const std::string& format) {
    return of(served(machine, toy_model(test::kToyExperts), software, "instances=1,load.kind=balanced,experts=" + format).pools[0].timer->parts({.sequences = sequences, .cached = 100 * sequences, .chunks = {}}), Part::experts);
  };
  const double few = seconds_of(64, "fp8_block"), many = seconds_of(128, "fp8_block"), wide = seconds_of(128, "bf16");
  software.expert_row_block = 128;
  EXPECT_EQ(seconds_of(64, "fp8_block"), few) << "fewer tokens than a block";
  EXPECT_EQ(seconds_of(128, "bf16"), wide) << "other products";
  // 256 rows on 8 experts, 32 each, become 128 each: products of 1e9 FLOP/s rule, all else is free.
  const double flop = 3 * 6.0 * 512 * 256;
  EXPECT_NEAR(seconds_of(128, "fp8_block") - many, flop * (8 * 128 - 256) / 1e9, 1e-3 * flop * 768 / 1e9);
  machine.chip.matrix_peak[hardware::Precision::fp4] = machine.chip.matrix_peak[hardware::Precision::bf16];
  EXPECT_EQ(seconds_of(128, "fp8_block"), many) << "chips with generated kernels";
}

// Weights in blocks of 128 x 128 carry one scale per block, products in MXFP8 one per 32 values: they are of one format.
TEST(Experts, BlockScaledOnesAreALibrarysToo) {
  const Toy toy;
  auto machine = machine_with_library(toy, hardware::Precision::mxfp8);
  machine.chip.matrix_peak[hardware::Precision::mxfp8] = machine.chip.matrix_peak[hardware::Precision::bf16];
  machine.chip.efficiency.gemm[hardware::Precision::mxfp8] = machine.chip.efficiency.gemm_of(hardware::Precision::bf16);
  auto software = free_software();
  software.tuned_experts = TunedExperts::generated;
  const auto parts = [&](const std::string& text) {
    return served(machine, toy_model(test::kToyExperts), software, "instances=1,experts=fp8_block" + text).pools[0].timer->parts({.sequences = 128, .cached = 12800, .chunks = {}});
  };
  EXPECT_EQ(parts(""), parts(",expert_kernels=library"));
  EXPECT_NE(parts(""), parts(",expert_kernels=tuned"));
  // Kernels that no table shows, once for each of three layers, and of a library's layers alone.
  const auto usual = parts(""), tuned = parts(",expert_kernels=tuned");
  software.library_layer.value = units::Seconds::from_si(1);
  EXPECT_DOUBLE_EQ(of(parts(""), Part::kernels), of(usual, Part::kernels) + 3);
  EXPECT_EQ(of(parts(""), Part::experts), of(usual, Part::experts));
  EXPECT_EQ(parts(",expert_kernels=tuned"), tuned);
}

}  // namespace
}  // namespace zettatwin::inference
