// SPDX-License-Identifier: Apache-2.0
#include "units/text.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <random>

namespace zettatwin::units {
namespace {

double si_of(std::string_view text, Dimension expected) {
  const auto parsed = parse_quantity(text);
  EXPECT_TRUE(parsed) << text << ": " << (parsed ? "" : parsed.error());
  if (!parsed) return 0;
  EXPECT_EQ(parsed->dimension, expected) << text;
  return parsed->si;
}

TEST(ParseQuantity, UnitsAndPrefixes) {
  EXPECT_DOUBLE_EQ(si_of("4.0 TB/s", kBandwidth), 4e12);
  EXPECT_DOUBLE_EQ(si_of("112 Gbit/s", kBandwidth), 14e9);
  EXPECT_DOUBLE_EQ(si_of("144 GB", kBytes), 144e9);
  EXPECT_DOUBLE_EQ(si_of("80 GiB", kBytes), 80 * 0x1p30);
  EXPECT_DOUBLE_EQ(si_of("973.2 TFLOP/s", kComputeRate), 973.2e12);
  EXPECT_DOUBLE_EQ(si_of("2 PFLOPS", kComputeRate), 2e15);
  EXPECT_DOUBLE_EQ(si_of("2 TOPS", kComputeRate), 2e12);
  EXPECT_DOUBLE_EQ(si_of("1.65 GHz", kFrequency), 1.65e9);
  EXPECT_DOUBLE_EQ(si_of("100 requests/s", kFrequency), 100);
  EXPECT_DOUBLE_EQ(si_of("6,000 requests/min", kFrequency), 100);
  EXPECT_DOUBLE_EQ(si_of("1e9 requests/day", kFrequency), 1e9 / 86400);
  EXPECT_DOUBLE_EQ(si_of("7200 /h", kFrequency), 2);
  EXPECT_DOUBLE_EQ(si_of("2.1us", kTime), 2.1e-6);
  EXPECT_DOUBLE_EQ(si_of("2.1 µs", kTime), 2.1e-6);
  EXPECT_DOUBLE_EQ(si_of("3 min", kTime), 180);
  EXPECT_DOUBLE_EQ(si_of("2 days", kTime), 172800);
  EXPECT_DOUBLE_EQ(si_of("64000 m2", kArea), 64000);
  EXPECT_DOUBLE_EQ(si_of("5 pJ/bit", kEnergy / kBytes), 40e-12);
  EXPECT_DOUBLE_EQ(si_of("35000 USD", kMoney), 35000);
  EXPECT_DOUBLE_EQ(si_of("85 %", kDimensionless), 0.85);
  EXPECT_DOUBLE_EQ(si_of("671 G", kDimensionless), 671e9);
  EXPECT_DOUBLE_EQ(si_of("-3e-2 s", kTime), -0.03);
  EXPECT_DOUBLE_EQ(si_of(" +7 kW ", kPower), 7000);
}

TEST(ParseQuantity, GroupsOfDigits) {
  EXPECT_DOUBLE_EQ(si_of("524,288", kDimensionless), 524288);
  EXPECT_DOUBLE_EQ(si_of("1,048,576 B", kBytes), 1048576);
  EXPECT_DOUBLE_EQ(si_of("524_288", kDimensionless), 524288);
  EXPECT_DOUBLE_EQ(si_of("-1,000 s", kTime), -1000);
  for (const auto* text : {"1,5 GB", "1,50 GB", "1,5000 GB", "1234,567 GB", ",123", "1,,234", "1,234,56"})
    EXPECT_FALSE(parse_quantity(text)) << text;
}

TEST(ParseQuantity, RefusesWhatIsNoQuantity) {
  for (const auto* text :
       {"",       " ",        "GB",  "nan",     "NaN s", "inf", "-inf", "Infinity", "0x10",        "1e400",
        "--1",    "+-1",      "1e",  "1.2.3",   ".",     "-",   "_1",   "4 XB/s",   "4 GB/s/chip", "1 Kibit",
        "1 mmin", "1e300 EB", "7 e", "4 GB GB", "4 m s", "1 uu"}) {
    const auto parsed = parse_quantity(text);
    EXPECT_FALSE(parsed) << "'" << text << "'";
    if (!parsed) {
      EXPECT_FALSE(parsed.error().empty());
    }
  }
}

TEST(ParseNumber, PlainNumbersOnly) {
  EXPECT_DOUBLE_EQ(*parse_number("1e3"), 1000);
  EXPECT_DOUBLE_EQ(*parse_number(".5"), 0.5);
  EXPECT_FALSE(parse_number("5 GB"));
  EXPECT_FALSE(parse_number("0x10"));
  EXPECT_FALSE(parse_number("nan"));
}

TEST(Human, Examples) {
  EXPECT_EQ(human(4 * TB_per_s), "4.00 TB/s");
  EXPECT_EQ(human(Seconds::from_si(0.0123)), "12.3 ms");
  EXPECT_EQ(human(Seconds::from_si(2.1e-6)), "2.10 us");
  EXPECT_EQ(human(Seconds::from_si(90)), "90.0 s");
  EXPECT_EQ(human(Seconds::from_si(600)), "10.0 min");
  EXPECT_EQ(human(Seconds::from_si(86400 * 30.0)), "30.0 days");
  EXPECT_EQ(human(SquareMetres::from_si(64000)), "64,000 m2");
  EXPECT_EQ(human(Ratio::from_si(0.41)), "0.41");
  EXPECT_EQ(human(Ratio::from_si(6.71e11), 4), "671.0 G");
  EXPECT_EQ(human(Bytes::from_si(0)), "0.00 B");
  EXPECT_EQ(human(999.9 * GB), "1.00 TB");
  EXPECT_EQ(human(Picoseconds(1'500'000)), "1.50 us");
}

TEST(Human, SurvivesAnyDouble) {
  constexpr double kHuge = std::numeric_limits<double>::max(),
                   kInfinite = std::numeric_limits<double>::infinity();
  for (const auto dimension :
       {kTime, kBytes, kArea, kDimensionless, kMoney, kEnergy / kBytes, kBytes * kBytes})
    for (const double value : {kHuge, -kHuge, kInfinite, -kInfinite, std::nan(""),
                               std::numeric_limits<double>::denorm_min(), 1e-300, -0.0}) {
      const auto text = human(value, dimension);
      EXPECT_FALSE(text.empty());
      EXPECT_LT(text.size(), 32u) << text;
    }
}

// Printed text reads back as the same dimension and, to the digits printed, the same value.
TEST(Human, ReadsBack) {
  constexpr std::array kDimensions{kTime,      kBytes,  kFlop,      kBandwidth,     kComputeRate,
                                   kFrequency, kEnergy, kPower,     kLength,        kArea,
                                   kMoney,     kTokens, kTokenRate, kDimensionless, kEnergy / kBytes};
  std::mt19937_64 random(7);  // fixed seed: the same cases on every run
  std::uniform_real_distribution<double> exponent(-11, 22), mantissa(1, 10);
  for (int i = 0; i < 20'000; ++i) {
    const auto dimension = kDimensions[static_cast<std::size_t>(i) % kDimensions.size()];
    const double value =
        mantissa(random) * std::pow(10, std::floor(exponent(random))) * (i % 7 == 0 ? -1 : 1);
    const auto text = human(value, dimension, 6);
    const auto parsed = parse_quantity(text);
    ASSERT_TRUE(parsed) << text << ": " << parsed.error();
    EXPECT_EQ(parsed->dimension, dimension) << text;
    const bool printed_to_tenths = dimension == kTime && std::abs(value) >= 120;
    const double absolute = dimension == kArea ? 0.5 : 0;  // whole square metres above 1000
    const double below_one =
        1e-5 * std::abs(value) < 1e-5 && std::abs(value) < 1 ? 5e-6 : 0;  // fractions keep six digits in all
    EXPECT_NEAR(parsed->si, value, std::abs(value) * (printed_to_tenths ? 0.05 : 1e-5) + absolute + below_one)
        << text;
  }
}

TEST(BaseUnits, ReadBackAsTheirDimension) {
  for (const auto dimension : {kTime, kBytes, kFlop, kBandwidth, kComputeRate, kFrequency, kEnergy, kPower,
                               kLength, kArea, kMoney, kTokens, kTokenRate}) {
    EXPECT_DOUBLE_EQ(si_of("1 " + base_unit(dimension), dimension), 1);
    EXPECT_EQ(parse_quantity("1 " + example_unit(dimension))->dimension, dimension);
  }
  EXPECT_EQ(base_unit(kBytes * kBytes), "B^2");
}

TEST(Grouped, SeparatesThousands) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1000), "1,000");
  EXPECT_EQ(grouped(-524288), "-524,288");
  EXPECT_EQ(grouped(-100), "-100");
  EXPECT_EQ(grouped(std::numeric_limits<long long>::min()), "-9,223,372,036,854,775,808");
}

}  // namespace
}  // namespace zettatwin::units
