// SPDX-License-Identifier: Apache-2.0
#include "claims/comparison.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "claims/report.hpp"
#include "claims_support.hpp"

namespace zettatwin::claims {
namespace {

TEST(Sizes, OddFactor) {
  EXPECT_EQ(odd_factor(526592), 2057);
  EXPECT_EQ(odd_factor(64), 1);
  EXPECT_EQ(odd_factor(7), 7);
}

TEST(Sizes, PreferUnitsThatHalveOften) {
  EXPECT_EQ(round_units(524288.0 / 72), 7296);    // 2^7 x 57, 0.2 % more than 7,281.8
  EXPECT_EQ(round_units(524288.0 / 15488), 34);   // the only one within 1 % of 33.85
  EXPECT_EQ(round_units(64), 64);
  EXPECT_EQ(round_units(2.5), 3);                 // none within 1 %: the nearest
  EXPECT_EQ(round_units(0.1), 1);
}

TEST(Sizes, BatchesThatSuitTheMachine) {
  EXPECT_EQ(batches_for(524288, 16384), (std::vector<std::int64_t>{16384}));
  EXPECT_EQ(batches_for(526592, 16384), (std::vector<std::int64_t>{16384, 16456}));  // 8 x 2,057
  EXPECT_EQ(batches_for(72 * 5, 16), (std::vector<std::int64_t>{16}));               // 45 is too far from 16
}

TEST(Comparison, BuildsMachinesOfEqualSize) {
  config::Diagnostics diagnostics;
  const auto result = audited(test::CatalogFiles{}, {"scale"}, diagnostics);
  ASSERT_FALSE(diagnostics.has_errors()) << test::text_of(diagnostics);
  ASSERT_EQ(result.files.at(0).comparisons.size(), 2U);
  for (const auto& comparison : result.files[0].comparisons) {
    ASSERT_EQ(comparison.machines.size(), 3U);
    const auto& reference = comparison.machines[0];
    const bool by_chips = comparison.comparison.basis == Basis::chips;
    for (const auto& machine : comparison.machines) {
      const double equal = by_chips ? machine.chips.si() / reference.chips.si() : machine.fp8.si() / reference.fp8.si();
      EXPECT_NEAR(equal, 1, 0.01) << machine.machine.name;
      EXPECT_DOUBLE_EQ(machine.hbm.si(), machine.chips.si() * machine.machine.chip.memory.capacity.si());
      ASSERT_EQ(machine.batches.size(), 2U);
      ASSERT_TRUE(machine.batches[0].simulation->feasible);
      EXPECT_NEAR(static_cast<double>(machine.batches[0].simulation->result.tokens_per_step), 16384 * 4096.0, 0.02 * 16384 * 4096.0);
    }
  }
  const auto parsed = nlohmann::json::parse(json(result));
  EXPECT_EQ(parsed["comparisons"].size(), 2U);
  EXPECT_EQ(parsed["comparisons"].at(0)["machines"].at(0)["chips"], 524288);
  std::istringstream lines(text(result, true));
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 120U) << line;
}

}  // namespace
}  // namespace zettatwin::claims
