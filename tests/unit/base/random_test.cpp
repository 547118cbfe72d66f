// SPDX-License-Identifier: Apache-2.0
#include "base/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include "../../support/law.hpp"
#include "base/stable_hash.hpp"

namespace zettatwin {
namespace {

using namespace test;
using Words = std::array<std::uint32_t, 4>;

// Known answers that Random123 ships for its generators (kat_vectors, philox4x32 with 10 rounds).
TEST(Philox, KnownAnswers) {
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  constexpr std::uint32_t kAll = 0xffffffff;
  EXPECT_EQ(philox4x32({kAll, kAll, kAll, kAll}, {kAll, kAll}), (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}), (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(RandomStream, AnyPositionCanBeJumpedTo) {
  RandomStream whole(7, 3);
  std::vector<std::uint64_t> numbers;
  for (int i = 0; i < 20; ++i) numbers.push_back(whole.bits());
  for (std::uint64_t start = 0; start < numbers.size(); ++start) {
    RandomStream later(7, 3);
    later.seek(start);
    for (std::uint64_t i = start; i < numbers.size(); ++i) EXPECT_EQ(later.bits(), numbers[i]);
  }
}

TEST(RandomStream, StreamsAndSeedsShareNothing) {
  std::set<std::uint64_t> seen;
  for (std::uint64_t seed = 0; seed < 10; ++seed)
    for (std::uint16_t purpose = 0; purpose < 4; ++purpose)
      for (std::uint64_t entity = 0; entity < 10; ++entity) {
        RandomStream random(seed, stream_of(purpose, entity));
        for (int i = 0; i < 10; ++i) seen.insert(random.bits());
      }
  EXPECT_EQ(seen.size(), 10u * 4 * 10 * 10);
}

// Every draw of every law: any change of these bits changes every sampled answer.
TEST(RandomStream, KnownBits) {
  RandomStream random(2026, stream_of(1, 5));
  const Zipf zipf(1000, 1.1);
  StableHash hash;
  for (int i = 0; i < 1000; ++i)
    hash.add(random.uniform()).add(random.exponential()).add(random.normal()).add(random.lognormal(1, 0.5)).add(random.gamma(0.3)).add(random.gamma(4.5))
        .add(random.pareto(1.5)).add(random.geometric(0.01)).add(random.between(-5, 17)).add(zipf(random));
  EXPECT_EQ(hash.value(), 17704516303724185012u);
}

template <class Draw>
std::vector<double> sample(std::uint64_t seed, int n, Draw&& draw) {
  RandomStream random(seed, 0);
  std::vector<double> numbers(static_cast<std::size_t>(n));
  for (auto& x : numbers) x = static_cast<double>(draw(random));
  return numbers;
}

constexpr int kMany = 200'000;

TEST(Laws, Continuous) {
  EXPECT_LT(kolmogorov(sample(1, kMany, [](auto& r) { return r.uniform(); }), [](double x) { return x; }), kKolmogorovBound);
  EXPECT_LT(kolmogorov(sample(2, kMany, [](auto& r) { return r.exponential(); }), [](double x) { return -std::expm1(-x); }), kKolmogorovBound);
  EXPECT_LT(kolmogorov(sample(3, kMany, [](auto& r) { return r.normal(); }), [](double x) { return std::erfc(-x / std::sqrt(2)) / 2; }), kKolmogorovBound);
  EXPECT_LT(kolmogorov(sample(4, kMany, [](auto& r) { return r.lognormal(2, 0.7); }), [](double x) { return std::erfc((2 - std::log(x)) / (0.7 * std::sqrt(2))) / 2; }),
            kKolmogorovBound);
  EXPECT_LT(kolmogorov(sample(5, kMany, [](auto& r) { return r.pareto(1.5); }), [](double x) { return 1 - std::pow(x, -1.5); }), kKolmogorovBound);
}

// Gamma laws with closed forms: shape 1/2 is half the square of a normal deviate, 1 an exponential, 3 the sum of three of them.
TEST(Laws, Gamma) {
  EXPECT_LT(kolmogorov(sample(6, kMany, [](auto& r) { return r.gamma(0.5); }), [](double x) { return std::erf(std::sqrt(x)); }), kKolmogorovBound);
  EXPECT_LT(kolmogorov(sample(7, kMany, [](auto& r) { return r.gamma(1); }), [](double x) { return -std::expm1(-x); }), kKolmogorovBound);
  EXPECT_LT(kolmogorov(sample(8, kMany, [](auto& r) { return r.gamma(3); }), [](double x) { return 1 - std::exp(-x) * (1 + x + x * x / 2); }), kKolmogorovBound);
  for (const double shape : {0.05, 0.3, 0.9, 1.7, 20.0, 4096.0}) {
    const auto m = moments(sample(9, kMany, [shape](auto& r) { return r.gamma(shape); }));
    EXPECT_NEAR(m.mean / shape, 1, 5 / std::sqrt(shape * kMany)) << shape;
    EXPECT_NEAR(m.cv * std::sqrt(shape), 1, 0.04) << shape;
  }
}

TEST(Laws, BelowIsFairAndInRange) {
  for (const std::uint64_t n : {1u, 2u, 3u, 10u, 48u}) {
    std::vector<double> seen(n), expected(n, kMany / static_cast<double>(n));
    for (const double x : sample(10, kMany, [n](auto& r) { return r.below(n); })) seen.at(static_cast<std::size_t>(x)) += 1;
    if (n > 1) { EXPECT_LT(pearson(seen, expected), kPearsonBound) << n; }
  }
  RandomStream random(11, 0);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_LT(random.below(0x8000000000000001ULL), 0x8000000000000001ULL);  // nearly every second number is unfair
    const auto x = random.between(-3, 4);
    EXPECT_TRUE(x >= -3 && x <= 4);
  }
  (void)random.between(INT64_MIN, INT64_MAX);
  EXPECT_THROW((void)random.below(0), ContractFailure);
}

TEST(Laws, Geometric) {
  for (const double p : {0.5, 0.05, 0.9}) {
    std::vector<double> seen(12), expected(12);
    for (const double x : sample(12, kMany, [p](auto& r) { return r.geometric(p); })) seen[static_cast<std::size_t>(std::min(x, 12.0)) - 1] += 1;
    for (int k = 0; k < 12; ++k) expected[static_cast<std::size_t>(k)] = kMany * std::pow(1 - p, k) * (k < 11 ? p : 1);
    if (p == 0.9) seen.resize(5), expected.resize(5);
    EXPECT_LT(pearson(seen, expected), kPearsonBound) << p;
  }
  RandomStream random(13, 0);
  EXPECT_EQ(random.geometric(1), 1);
}

TEST(Laws, Zipf) {
  for (const double exponent : {0.0, 0.5, 0.999, 1.0, 1.001, 1.1, 2.5}) {
    for (const std::int64_t n : {1, 2, 20}) {
      const Zipf zipf(n, exponent);
      std::vector<double> seen(static_cast<std::size_t>(n)), expected(seen.size());
      double sum = 0;
      for (std::int64_t k = 1; k <= n; ++k) sum += expected[static_cast<std::size_t>(k - 1)] = std::pow(k, -exponent);
      for (auto& e : expected) e *= kMany / sum;
      for (const double x : sample(14, kMany, zipf)) seen.at(static_cast<std::size_t>(x) - 1) += 1;
      if (n > 1) { EXPECT_LT(pearson(seen, expected), kPearsonBound) << exponent << " " << n; }
    }
  }
}

// erfc is the library's; the quantile of its value is the number again. Far out, ln p decides.
TEST(NormalQuantile, InvertsTheDistribution) {
  for (double z = -37; z <= 8; z += 0.0137) {
    const double p = std::erfc(-z / std::sqrt(2)) / 2;
    if (p >= 1) continue;
    // An error of one unit in the last place of p moves z by that over the density.
    const double density = std::exp(-z * z / 2) / std::sqrt(2 * M_PI);
    EXPECT_NEAR(normal_quantile(p), z, 4e-15 * (1 + std::abs(z)) + 2e-16 * p / density * (z > 0 ? 2 : 1 + z * z)) << z;
  }
  EXPECT_EQ(normal_quantile(0.5), 0);
  EXPECT_THROW((void)normal_quantile(0), ContractFailure);
}

// Numbers that follow each other, and the same position of neighbouring streams, are uncorrelated.
TEST(RandomStream, Uncorrelated) {
  const auto correlation = [](auto&& pair) {
    double sum = 0;
    for (int i = 0; i < kMany; ++i) {
      const auto [a, b] = pair(i);
      sum += (a - 0.5) * (b - 0.5) * 12;
    }
    return sum / std::sqrt(kMany);
  };
  RandomStream serial(15, 0);
  double last = serial.uniform();
  EXPECT_LT(std::abs(correlation([&](int) { const double a = last; return std::pair(a, last = serial.uniform()); })), 5);
  EXPECT_LT(std::abs(correlation([](int i) { return std::pair(RandomStream(1, static_cast<std::uint64_t>(i)).uniform(), RandomStream(1, static_cast<std::uint64_t>(i) + 1).uniform()); })), 5);
  EXPECT_LT(std::abs(correlation([](int i) { return std::pair(RandomStream(static_cast<std::uint64_t>(i), 1).uniform(), RandomStream(static_cast<std::uint64_t>(i) + 1, 1).uniform()); })), 5);
}

}  // namespace
}  // namespace zettatwin
