// SPDX-License-Identifier: Apache-2.0
#include "claims/value.hpp"

#include <gtest/gtest.h>

namespace zettatwin::claims {
namespace {

config::Figure<units::Watts> estimate(double value, double low, double high) {
  return {units::Watts::from_si(value), {"ZT", config::Confidence::estimated, "", low, high}, true};
}

TEST(Value, ProductsCarryRangesUnitsAndInputs) {
  const auto power = counted("chips", 10, "here") * from_figure("power", "m", estimate(3, 2, 5));
  EXPECT_DOUBLE_EQ(power.si(), 30);
  EXPECT_DOUBLE_EQ(power.low, 20);
  EXPECT_DOUBLE_EQ(power.high, 50);
  EXPECT_EQ(power.node.dimension, units::kPower);
  EXPECT_EQ(power.node.formula, "chips x power");
  ASSERT_EQ(power.node.inputs.size(), 2U);
  EXPECT_EQ(power.node.inputs[1].name, "power of m");
  EXPECT_TRUE(power.rests_on(config::Confidence::estimated));
}

TEST(Value, QuotientsTurnTheRangeOfTheDivisorAround) {
  const auto inverse = counted("one", 12, "here") / from_figure("power", "m", estimate(3, 2, 6));
  EXPECT_DOUBLE_EQ(inverse.si(), 4);
  EXPECT_DOUBLE_EQ(inverse.low, 2);
  EXPECT_DOUBLE_EQ(inverse.high, 6);
}

TEST(Value, SumsAreFactorsInParentheses) {
  const auto sum = from_figure("a", "m", estimate(1, 0, 0)) + from_figure("b", "m", estimate(2, 0, 0));
  EXPECT_FALSE(sum.has_range());
  EXPECT_EQ((counted("n", 2, "") * sum).node.formula, "n x (a + b)");
  EXPECT_DOUBLE_EQ((counted("n", 2, "") * sum).si(), 6);
}

TEST(Value, MissingFiguresStayMissing) {
  const auto missing = from_figure("power", "m", config::Figure<units::Watts>{});
  const auto product = counted("chips", 10, "here") * missing / counted("n", 2, "");
  EXPECT_FALSE(product.known());
  EXPECT_EQ(product.missing, "the catalog has no power of m");
  EXPECT_EQ(product.si(), 0);
}

TEST(Value, RoundsToSignificantDigits) {
  EXPECT_DOUBLE_EQ(rounded(counted("x", 2016, ""), 1).si(), 2000);
  EXPECT_DOUBLE_EQ(rounded(counted("x", 1034, ""), 2).si(), 1000);
  EXPECT_DOUBLE_EQ(rounded(counted("x", 1.67, ""), 2).si(), 1.7);
}

TEST(Shown, WritesCountsInFullAndDenominatorsPlainly) {
  EXPECT_EQ(shown(524288, units::kDimensionless), "524,288");
  EXPECT_EQ(shown(0.0556, units::kDimensionless), "0.0556");
  EXPECT_EQ(shown(113.7778, units::kDimensionless), "113.8");
  EXPECT_EQ(shown(1.672e9, units::kBytes / units::kTokens), "1.672 GB/token");
  EXPECT_EQ(shown(477, units::kFlop / units::kBytes), "477.0 FLOP/B");
  EXPECT_EQ(shown(534e9, units::kFlop / units::kEnergy), "534.0 GFLOP/J");
  EXPECT_EQ(shown(1e15, units::kBytes), "1.000 PB");
  EXPECT_EQ(shown(13.1072e9, units::kMoney), "13.11 bn USD");
  EXPECT_EQ(shown(2392.6, units::kTokenRate), "2,393 tokens/s");
  EXPECT_EQ(range_text(from_figure("power", "m", estimate(3, 2, 5))), "2.00 to 5.00 W");
  EXPECT_EQ(range_text(from_figure("power", "m", estimate(3e8, 2e8, 5e9))), "200 MW to 5.00 GW");
}

}  // namespace
}  // namespace zettatwin::claims
