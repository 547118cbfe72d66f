// SPDX-License-Identifier: Apache-2.0
// How many tokens prompts and answers have: whole numbers of at least 1. Described as in documents, then compiled for drawing: a constant costs
// nothing, the others one random number each, a histogram a binary search.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "base/random.hpp"
#include "config/schema.hpp"

namespace zettatwin::requests {

enum class LengthShape {
  lognormal,  // of `mean` and `cv`, rounded; cv 0 is a constant
  uniform,    // from `low` to `high`, both included; benchmark harnesses draw from [r mean, mean]
  geometric,  // of `mean`: each further token is the last with the same probability
  histogram,  // of `bins`
};
[[nodiscard]] std::span<const config::Word> length_words();

struct LengthBin {
  std::int64_t tokens = 1;
  double weight = 1;
};

struct LengthSpec {
  LengthShape law = LengthShape::lognormal;
  double mean = 0;
  double cv = 0;             // standard deviation over mean
  std::int64_t low = 0;
  std::int64_t high = 0;
  std::int64_t max = 0;      // what is drawn above is this; 0: no limit
  std::vector<LengthBin> bins;
};
void describe(config::Schema& s, LengthBin& bin);
void describe(config::Schema& s, LengthSpec& spec);

class LengthLaw final {
 public:
  static constexpr std::int32_t kLongest = std::numeric_limits<std::int32_t>::max() / 4;  // so that sums of a few stay in range

  // Expects what describe() checks.
  explicit LengthLaw(const LengthSpec& spec);
  [[nodiscard]] static LengthLaw constant(std::int32_t tokens);
  // Values with weights; weights need not sum to 1. Expects one positive weight and none negative.
  [[nodiscard]] static LengthLaw histogram(std::vector<LengthBin> bins);

  [[nodiscard]] std::int32_t sample(RandomStream& random) const {
    return shape_ == LengthShape::lognormal && sigma_ == 0 ? high_ : drawn(random);
  }
  // Of what is drawn: after rounding and limits.
  [[nodiscard]] double mean() const;
  // The probability of at least k.
  [[nodiscard]] double at_least(std::int64_t k) const;

 private:
  LengthLaw() = default;
  [[nodiscard]] std::int32_t drawn(RandomStream& random) const;
  [[nodiscard]] double lognormal_mean() const;

  LengthShape shape_ = LengthShape::lognormal;
  std::int32_t low_ = 1, high_ = 1;  // nothing beyond is drawn
  std::int32_t uncut_ = 1;           // longest of law uniform, before the limit
  double mu_ = 0, sigma_ = 0;        // lognormal
  double success_ = 1;               // geometric
  std::vector<std::int32_t> values_;
  std::vector<double> cumulative_;
};

}  // namespace zettatwin::requests
