// SPDX-License-Identifier: Apache-2.0
#include "requests/length_law.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

namespace zettatwin::requests {
namespace {

using config::Word;

constexpr std::array kLengthWords{Word{"lognormal", static_cast<int>(LengthShape::lognormal), "of mean and cv; cv 0 is a constant"},
                                  Word{"uniform", static_cast<int>(LengthShape::uniform), "from low to high, both included"},
                                  Word{"geometric", static_cast<int>(LengthShape::geometric), "of mean, without memory"},
                                  Word{"histogram", static_cast<int>(LengthShape::histogram), "of bins"}};

double normal_tail(double z) { return 0.5 * std::erfc(z / std::sqrt(2.0)); }

}  // namespace

std::span<const Word> length_words() { return kLengthWords; }

void describe(config::Schema& s, LengthBin& bin) {
  constexpr config::Range kLengths{1, LengthLaw::kLongest};
  s.integer("tokens", bin.tokens, "a length", {.presence = config::Presence::required, .range = kLengths});
  s.number("weight", bin.weight, "how often, in any unit", {.presence = config::Presence::required, .range = config::kNonNegative});
}

void describe(config::Schema& s, LengthSpec& spec) {
  constexpr config::Range kLengths{0, LengthLaw::kLongest};
  s.choice("law", spec.law, length_words(), "shape of the distribution");
  s.number("mean", spec.mean, "mean number of tokens, before rounding and limits", {.range = kLengths});
  s.number("cv", spec.cv, "standard deviation over mean", {.range = {0, 100}});
  s.integer("low", spec.low, "shortest, of law uniform", {.range = kLengths});
  s.integer("high", spec.high, "longest, of law uniform", {.range = kLengths});
  s.integer("max", spec.max, "lengths drawn above are cut to this; 0: no limit", {.range = kLengths});
  s.list("bins", spec.bins, "lengths with weights, of law histogram");
  const auto law = spec.law;
  if (law == LengthShape::lognormal || law == LengthShape::geometric)
    s.check(spec.mean >= 1, "the mean length is below 1 token", "prompts and answers have at least one token", "give mean");
  if (law == LengthShape::uniform)
    s.check(spec.low >= 1 && spec.low <= spec.high, "low and high are no range of lengths", "law uniform draws whole numbers of tokens from low to high, at least 1");
  if (law == LengthShape::histogram) {
    const bool any = std::any_of(spec.bins.begin(), spec.bins.end(), [](const LengthBin& bin) { return bin.weight > 0; });
    s.check(any, "the histogram has no bin with a weight", "law histogram draws from bins");
  }
  s.check(spec.cv == 0 || law == LengthShape::lognormal, "cv is given, but the law does not use it", "only law lognormal has a cv of its own");
}

LengthLaw::LengthLaw(const LengthSpec& spec) {
  const double longest = spec.max > 0 ? static_cast<double>(spec.max) : kLongest;
  if (spec.law == LengthShape::histogram) {
    auto bins = spec.bins;
    for (auto& bin : bins) bin.tokens = std::min(bin.tokens, static_cast<std::int64_t>(longest));
    *this = histogram(std::move(bins));
    return;
  }
  shape_ = spec.law;
  high_ = static_cast<std::int32_t>(std::min<double>(longest, kLongest));
  if (shape_ == LengthShape::uniform) {
    ZT_EXPECT(spec.low >= 1 && spec.low <= spec.high && spec.high <= kLongest, std::to_string(spec.low) + " to " + std::to_string(spec.high) + " tokens");
    low_ = static_cast<std::int32_t>(spec.low);
    uncut_ = static_cast<std::int32_t>(spec.high);
    return;
  }
  ZT_EXPECT(spec.mean >= 1 && spec.mean <= kLongest && spec.cv >= 0 && spec.cv <= 100, std::to_string(spec.mean) + " tokens, cv " + std::to_string(spec.cv));
  success_ = 1 / spec.mean;
  sigma_ = std::sqrt(portable::log1p(spec.cv * spec.cv));
  mu_ = portable::log(spec.mean) - 0.5 * sigma_ * sigma_;
  if (shape_ == LengthShape::lognormal && sigma_ == 0) high_ = std::min(high_, static_cast<std::int32_t>(std::lround(spec.mean)));
}

LengthLaw LengthLaw::constant(std::int32_t tokens) { return LengthLaw({.mean = static_cast<double>(tokens)}); }

LengthLaw LengthLaw::histogram(std::vector<LengthBin> bins) {
  std::stable_sort(bins.begin(), bins.end(), [](const LengthBin& a, const LengthBin& b) { return a.tokens < b.tokens; });
  LengthLaw law;
  law.shape_ = LengthShape::histogram;
  double sum = 0;
  for (const auto& bin : bins) {
    ZT_EXPECT(bin.weight >= 0 && std::isfinite(bin.weight) && bin.tokens <= kLongest, std::to_string(bin.tokens) + " tokens, weight " + std::to_string(bin.weight));
    if (bin.weight == 0) continue;
    law.values_.push_back(static_cast<std::int32_t>(std::max<std::int64_t>(bin.tokens, 1)));
    law.cumulative_.push_back(sum += bin.weight);
  }
  ZT_EXPECT(!law.values_.empty() && std::isfinite(sum), "a histogram without weight");
  law.high_ = law.values_.back();
  return law;
}

std::int32_t LengthLaw::drawn(RandomStream& random) const {
  if (shape_ == LengthShape::uniform) return std::min(high_, static_cast<std::int32_t>(random.between(low_, uncut_)));
  if (shape_ == LengthShape::geometric) return static_cast<std::int32_t>(std::min<std::int64_t>(high_, random.geometric(success_)));
  if (shape_ == LengthShape::histogram) {
    const auto at = std::upper_bound(cumulative_.begin(), cumulative_.end(), random.uniform() * cumulative_.back());
    return values_[std::min(static_cast<std::size_t>(at - cumulative_.begin()), values_.size() - 1)];
  }
  const double x = random.lognormal(mu_, sigma_) + 0.5;
  return x >= high_ ? high_ : std::max(1, static_cast<std::int32_t>(x));
}

double LengthLaw::at_least(std::int64_t k) const {
  if (k > high_) return 0;
  if (k <= low_) return 1;
  switch (shape_) {
    case LengthShape::uniform: return std::max(0.0, (uncut_ - static_cast<double>(k) + 1) / (static_cast<double>(uncut_) - low_ + 1));
    case LengthShape::geometric: return std::pow(1 - success_, static_cast<double>(k - 1));
    case LengthShape::histogram: {
      const auto first = std::lower_bound(values_.begin(), values_.end(), k) - values_.begin();
      return first == 0 ? 1 : 1 - cumulative_[static_cast<std::size_t>(first) - 1] / cumulative_.back();
    }
    case LengthShape::lognormal: return sigma_ == 0 ? 1 : normal_tail((std::log(static_cast<double>(k) - 0.5) - mu_) / sigma_);
  }
  return 0;
}

// The sum of at_least(k): term by term while rounding shows, and from there the integral of the tail from `rounded` to `high`, which is
// E min(X, high) - E min(X, rounded).
double LengthLaw::lognormal_mean() const {
  constexpr std::int64_t kRounded = 256;
  if (sigma_ == 0) return high_;
  const std::int64_t rounded = std::min<std::int64_t>(kRounded, high_);
  double sum = 0;
  for (std::int64_t k = 1; k <= rounded; ++k) sum += at_least(k);
  const auto limited = [&](double most) {
    const double z = (std::log(most) - mu_) / sigma_;
    return std::exp(mu_ + 0.5 * sigma_ * sigma_) * normal_tail(sigma_ - z) + most * normal_tail(z);
  };
  return high_ > rounded ? sum + limited(high_) - limited(static_cast<double>(rounded)) : sum;
}

double LengthLaw::mean() const {
  switch (shape_) {
    case LengthShape::uniform: {
      const double top = std::min(high_, uncut_), all = static_cast<double>(uncut_) - low_ + 1, cut = uncut_ - top;
      if (top < low_) return top;
      return ((low_ + top) / 2 * (top - low_ + 1) + top * cut) / all;
    }
    case LengthShape::geometric: return (1 - std::pow(1 - success_, high_)) / success_;
    case LengthShape::histogram: {
      double sum = 0, before = 0;
      for (std::size_t i = 0; i < values_.size(); ++i) {
        sum += values_[i] * (cumulative_[i] - before);
        before = cumulative_[i];
      }
      return sum / cumulative_.back();
    }
    case LengthShape::lognormal: return lognormal_mean();
  }
  return 0;
}

}  // namespace zettatwin::requests
