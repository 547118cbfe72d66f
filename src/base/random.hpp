// SPDX-License-Identifier: Apache-2.0
// Random numbers that are the same bits on every machine, compiler and thread: Philox4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random numbers:
// as easy as 1, 2, 3", SC'11), a function of (seed, stream, position). Nothing is drawn before it is needed, any position can be jumped to, and
// streams never overlap: 2^64 streams of 2^65 numbers for each seed. An entity with a stream of its own draws the same numbers whatever others do.
// The laws use portable_math.hpp and IEEE operations only. One or two numbers per draw, but gamma and Zipf, which reject now and then.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>

#include "base/contract.hpp"
#include "base/portable_math.hpp"

namespace zettatwin {

// The block function: 128 bits for each counter and key.
[[nodiscard]] constexpr std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = 0xd2511f53ULL * counter[0], b = 0xcd9e8d57ULL * counter[2];
    counter = {static_cast<std::uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(b),
               static_cast<std::uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(a)};
    key = {key[0] + 0x9e3779b9U, key[1] + 0xbb67ae85U};
  }
  return counter;
}

// A number of a stream for each purpose and entity: arrivals of client 7, lengths of request 12. No two share one.
[[nodiscard]] constexpr std::uint64_t stream_of(std::uint16_t purpose, std::uint64_t entity) {
  return (static_cast<std::uint64_t>(purpose) << 48) | (entity & 0xffffffffffffULL);
}

class RandomStream final {
 public:
  RandomStream(std::uint64_t seed, std::uint64_t stream) : seed_(seed), stream_(stream) {}

  // The next 64 bits.
  std::uint64_t bits() {
    if (second_) {
      second_ = false;
      return held_;
    }
    const auto block = philox4x32({low(block_), high(block_), low(stream_), high(stream_)}, {low(seed_), high(seed_)});
    ++block_;
    held_ = (static_cast<std::uint64_t>(block[3]) << 32) | block[2];
    second_ = true;
    return (static_cast<std::uint64_t>(block[1]) << 32) | block[0];
  }
  // Moves to the n-th number of the stream, counted from 0.
  void seek(std::uint64_t n) {
    block_ = n / 2;
    second_ = false;
    if (n % 2 == 1) (void)bits();
  }

  // In (0, 1), never an end: 52 bits, each value the middle of its cell.
  double uniform() { return (static_cast<double>(bits() >> 12) + 0.5) * 0x1p-52; }
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  bool chance(double probability) { return uniform() < probability; }
  // Whole, 0 ... n-1, each equally likely (Lemire 2019). Expects n > 0.
  std::uint64_t below(std::uint64_t n);
  // Whole, both ends included.
  std::int64_t between(std::int64_t low, std::int64_t high);

  // Of mean 1.
  double exponential() { return -portable::log(uniform()); }
  // Of mean 0 and variance 1, by the inverse distribution: a higher number gives a higher deviate.
  double normal();
  // exp of a normal deviate with mean `mu` and standard deviation `sigma`; its own mean is exp(mu + sigma^2/2).
  double lognormal(double mu, double sigma) { return portable::exp(mu + sigma * normal()); }
  // Of mean and variance `shape` > 0 (Marsaglia, Tsang 2000): the sum of `shape` exponentials where it is whole.
  double gamma(double shape);
  // At least 1; P(X > x) = x^-index. Its mean is index/(index-1) where index > 1.
  double pareto(double index) { return portable::exp(exponential() / index); }
  // Whole, at least 1: trials up to the first success. Of mean 1/probability; expects 0 < probability <= 1.
  std::int64_t geometric(double probability);

 private:
  static constexpr std::uint32_t low(std::uint64_t x) { return static_cast<std::uint32_t>(x); }
  static constexpr std::uint32_t high(std::uint64_t x) { return static_cast<std::uint32_t>(x >> 32); }

  std::uint64_t seed_, stream_;
  std::uint64_t block_ = 0;
  std::uint64_t held_ = 0;
  bool second_ = false;
};

// The normal deviate below which the share `p` of (0, 1) lies; relative error below 1e-15 (Wichura, AS 241, 1988).
[[nodiscard]] double normal_quantile(double p);

// Ranks 1 ... n with probability proportional to rank^-exponent, in constant time and memory (Hoermann, Derflinger, "Rejection-inversion to generate
// variates from monotone discrete distributions", 1996). Expects n >= 1 and exponent >= 0.
class Zipf final {
 public:
  Zipf(std::int64_t n, double exponent);
  std::int64_t operator()(RandomStream& random) const;

 private:
  [[nodiscard]] double integral(double x) const;          // of t^-exponent from 1 to x
  [[nodiscard]] double inverse_integral(double y) const;
  [[nodiscard]] double density(double x) const { return portable::pow(x, -exponent_); }

  std::int64_t n_;
  double exponent_;
  double first_, last_, always_;
};

}  // namespace zettatwin
