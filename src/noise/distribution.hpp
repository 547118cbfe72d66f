// SPDX-License-Identifier: Apache-2.0
// The distribution of a duration, and what waiting and doing one after the other make of it (derivation and errors: docs/math/jitter.md).
// Model: independent noise. A duration is held as its quantiles at normal scores z = -10 .. 10, so that the slowest of 10^7 is as well resolved as the
// median; nothing is sampled. Unit: whatever the caller's is; the distributions made here have mean 1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace zettatwin::noise {

class Distribution final {
 public:
  // Always the same duration.
  [[nodiscard]] static Distribution constant(double value);
  // Lognormal with mean 1: multiplicative noise of many small independent causes; never negative.
  [[nodiscard]] static Distribution lognormal(double coefficient_of_variation);
  // Any smooth distribution: its quantile, which must not fall, as a function of the normal score z.
  [[nodiscard]] static Distribution of_scores(const std::function<double(double)>& quantile);

  [[nodiscard]] double mean() const;
  [[nodiscard]] double deviation() const;                     // standard deviation
  [[nodiscard]] double at_score(double z) const;              // quantile at the probability of normal score z
  [[nodiscard]] double quantile(double probability) const;    // 0 < probability < 1
  [[nodiscard]] double score_of(double value) const;          // inverse of at_score, for what is not constant

  [[nodiscard]] bool is_constant() const { return quantiles_.front() == quantiles_.back(); }

  // The slowest of n independent copies: F^n.
  [[nodiscard]] Distribution slowest_of(std::int64_t n) const;
  // m independent copies one after the other, by doubling.
  [[nodiscard]] Distribution repeated(std::int64_t m) const;
  [[nodiscard]] Distribution scaled(double factor) const;     // >= 0

  // The slower of two independent ones, of whatever kinds: F_a F_b.
  [[nodiscard]] static Distribution slower(const Distribution& a, const Distribution& b);

  // One after the other, independent.
  friend Distribution operator+(const Distribution& a, const Distribution& b);

 private:
  explicit Distribution(std::vector<double> quantiles) : quantiles_(std::move(quantiles)) {}
  std::vector<double> quantiles_;  // at the scores of the grid
};

[[nodiscard]] Distribution operator+(const Distribution& a, const Distribution& b);

}  // namespace zettatwin::noise
