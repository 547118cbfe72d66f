// SPDX-License-Identifier: Apache-2.0
// A sample against the law that it should follow: Kolmogorov's distance for continuous laws, Pearson's sum for discrete ones. Seeds are fixed, so a
// test passes always or never; the bounds are those that a true sample exceeds once in a million.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <vector>

namespace zettatwin::test {

// The largest distance between the sample's distribution and `cdf`, times sqrt(n); a true sample exceeds 2.7 with probability 2 exp(-2 2.7^2) = 1e-6.
inline constexpr double kKolmogorovBound = 2.7;
[[nodiscard]] inline double kolmogorov(std::vector<double> sample, const std::function<double(double)>& cdf) {
  std::sort(sample.begin(), sample.end());
  const auto n = static_cast<double>(sample.size());
  double distance = 0;
  for (std::size_t i = 0; i < sample.size(); ++i) {
    const double p = cdf(sample[i]);
    distance = std::max({distance, std::abs(p - static_cast<double>(i) / n), std::abs(static_cast<double>(i + 1) / n - p)});
  }
  return distance * std::sqrt(n);
}

// Two samples of one law: sqrt(n m / (n + m)) times the distance of their distributions, with the same bound.
[[nodiscard]] inline double kolmogorov(std::vector<double> a, std::vector<double> b) {
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  const auto n = static_cast<double>(a.size()), m = static_cast<double>(b.size());
  double distance = 0;
  for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    const double x = std::min(a[i], b[j]);
    while (i < a.size() && a[i] <= x) ++i;
    while (j < b.size() && b[j] <= x) ++j;
    distance = std::max(distance, std::abs(static_cast<double>(i) / n - static_cast<double>(j) / m));
  }
  return distance * std::sqrt(n * m / (n + m));
}

// Standard deviations between Pearson's sum over the cells and its expectation, by Wilson and Hilferty's normal form; a true sample stays below 4.8.
inline constexpr double kPearsonBound = 4.8;
[[nodiscard]] inline double pearson(const std::vector<double>& seen, const std::vector<double>& expected) {
  double sum = 0;
  for (std::size_t i = 0; i < seen.size(); ++i) sum += (seen[i] - expected[i]) * (seen[i] - expected[i]) / expected[i];
  const double freedom = static_cast<double>(seen.size()) - 1, spread = 2 / (9 * freedom);
  return (std::cbrt(sum / freedom) - (1 - spread)) / std::sqrt(spread);
}

struct Moments { double mean = 0, cv = 0; };
[[nodiscard]] inline Moments moments(const std::vector<double>& sample) {
  double sum = 0, squares = 0;
  for (const double x : sample) sum += x;
  const double mean = sum / static_cast<double>(sample.size());
  for (const double x : sample) squares += (x - mean) * (x - mean);
  return {mean, std::sqrt(squares / static_cast<double>(sample.size())) / mean};
}

}  // namespace zettatwin::test
