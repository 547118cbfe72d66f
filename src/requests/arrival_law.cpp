// SPDX-License-Identifier: Apache-2.0
#include "requests/arrival_law.hpp"

#include <algorithm>
#include <cmath>
#include <string>

namespace zettatwin::requests {
namespace {

// Of picoseconds that fit, with room for what follows.
constexpr double kRange = 9.2e18;
constexpr std::size_t kDiurnalWindows = 96;

}  // namespace

GapLaw GapLaw::gamma(double shape) {
  ZT_EXPECT(shape > 0 && std::isfinite(shape), "gamma gaps of shape " + std::to_string(shape));
  return shape == 1 ? exponential() : GapLaw(Kind::gamma, shape);
}

GapLaw GapLaw::gamma_of_cv(double cv) {
  ZT_EXPECT(cv >= 0 && cv < 1e3, "gaps of cv " + std::to_string(cv));
  return cv < 1e-6 ? deterministic() : gamma(1 / (cv * cv));
}

GapLaw GapLaw::weibull(double shape) {
  ZT_EXPECT(shape > 0.01 && std::isfinite(shape), "Weibull gaps of shape " + std::to_string(shape));
  GapLaw law(Kind::weibull, shape);
  law.scale_ = portable::exp(-portable::log_gamma(1 + 1 / shape));
  return law;
}

double GapLaw::sum(RandomStream& random, std::int64_t gaps) const {
  const auto count = static_cast<double>(gaps);
  switch (kind_) {
    case Kind::deterministic: return count;
    case Kind::exponential: return gaps == 1 ? random.exponential() : random.gamma(count);
    case Kind::gamma: return random.gamma(count * shape_) / shape_;
    case Kind::weibull: {
      double sum = 0;
      for (std::int64_t i = 0; i < gaps; ++i) sum += portable::pow(random.exponential(), 1 / shape_);
      return sum * scale_;
    }
  }
  return count;
}

// A moment falls into long gaps more often than into short ones, in proportion to their length, and anywhere within: a uniform share of a gap whose
// density is x f(x). For gamma gaps that is gamma of one more shape; for Weibull gaps, the power of a gamma variable of shape 1 + 1/shape.
double GapLaw::residual(RandomStream& random) const {
  switch (kind_) {
    case Kind::deterministic: return 0;
    case Kind::exponential: return random.exponential();
    case Kind::gamma: {
      const double gap = random.gamma(shape_ + 1) / shape_;
      return gap * random.uniform();
    }
    case Kind::weibull: {
      const double gap = scale_ * portable::pow(random.gamma(1 + 1 / shape_), 1 / shape_);
      return gap * random.uniform();
    }
  }
  return 0;
}

RateProfile RateProfile::constant(units::Hertz rate) {
  ZT_EXPECT(rate.si() > 0 && std::isfinite(rate.si()), std::to_string(rate.si()) + " requests per second");
  RateProfile profile;
  profile.rates_ = {rate.si() * 1e-12};
  return profile;
}

RateProfile RateProfile::windows(units::Picoseconds window, std::vector<double> per_second, Repeat repeat) {
  ZT_EXPECT(window.count() > 0 && !per_second.empty(), std::to_string(per_second.size()) + " windows of " + std::to_string(window.count()) + " ps");
  RateProfile profile;
  for (auto& rate : per_second) {
    ZT_EXPECT(rate >= 0 && std::isfinite(rate), std::to_string(rate) + " requests per second");
    rate *= 1e-12;
    profile.per_period_ += rate * static_cast<double>(window.count());
  }
  ZT_EXPECT(repeat == Repeat::no || profile.per_period_ > 0, "a repeated profile without requests");
  profile.window_ = window.count();
  profile.repeat_ = repeat == Repeat::yes;
  profile.rates_ = std::move(per_second);
  return profile;
}

RateProfile RateProfile::diurnal(units::Hertz mean, double peak_to_mean, units::Seconds period, units::Seconds peak) {
  ZT_EXPECT(peak_to_mean >= 1 && peak_to_mean <= 2, "peak over mean " + std::to_string(peak_to_mean));
  std::vector<double> rates(kDiurnalWindows);
  for (std::size_t i = 0; i < rates.size(); ++i) {
    double turns = (static_cast<double>(i) + 0.5) / kDiurnalWindows - peak / period;
    turns -= std::floor(turns);
    rates[i] = mean.si() * (1 + (peak_to_mean - 1) * portable::cos_of_turns(turns));
  }
  return windows(units::Picoseconds::from(period / static_cast<double>(kDiurnalWindows)), std::move(rates), Repeat::yes);
}

units::Hertz RateProfile::mean() const {
  double sum = 0;
  for (const double rate : rates_) sum += rate;
  return units::Hertz::from_si(sum / static_cast<double>(rates_.size()) * 1e12);
}

RateProfile RateProfile::scaled(double factor) const {
  ZT_EXPECT(factor > 0 && std::isfinite(factor), "rates times " + std::to_string(factor));
  RateProfile profile = *this;
  for (auto& rate : profile.rates_) rate *= factor;
  profile.per_period_ *= factor;
  return profile;
}

bool ProfileClock::into_next_window() {
  if (static_cast<double>(start_) + static_cast<double>(profile_->window()) > kRange) return false;
  start_ += profile_->window();
  whole_ = 0;
  fraction_ = 0;
  if (++window_ == profile_->size()) {
    if (!profile_->repeats()) return false;
    window_ = 0;
  }
  rate_ = profile_->per_picosecond(window_);
  return true;
}

bool ProfileClock::over_whole_periods(double& amount) {
  const double periods = std::floor(amount / profile_->per_period());
  const double length = static_cast<double>(profile_->window()) * static_cast<double>(profile_->size());
  if (!(static_cast<double>(start_) + periods * length < kRange)) return false;
  amount = std::max(0.0, amount - periods * profile_->per_period());
  start_ += static_cast<std::int64_t>(periods) * profile_->window() * static_cast<std::int64_t>(profile_->size());
  return true;
}

std::optional<units::Picoseconds> ProfileClock::advance(double amount) {
  if (!profile_->is_constant()) {
    if (profile_->repeats() && amount >= profile_->per_period() && !over_whole_periods(amount)) return std::nullopt;
    for (;;) {
      const double left = (static_cast<double>(profile_->window() - whole_) - fraction_) * rate_;
      if (amount < left) break;
      amount -= left;
      if (!into_next_window()) return std::nullopt;
    }
  }
  // What is added becomes whole picoseconds and a rest that is not lost, so that rounding to picoseconds does not accumulate.
  const double time = amount / rate_ + fraction_;
  if (!(time + static_cast<double>(start_) + static_cast<double>(whole_) < kRange)) return std::nullopt;
  const auto added = static_cast<std::int64_t>(time);
  whole_ += added;
  fraction_ = time - static_cast<double>(added);
  return units::Picoseconds(start_ + whole_);
}

std::optional<units::Picoseconds> Arrivals::next(RandomStream& random) {
  const bool first = number_ < 0;
  std::int64_t steps = 1;
  if (part_.of > 1 && part_.split == Split::random) steps = random.geometric(1 / static_cast<double>(part_.of));
  else if (part_.of > 1) steps = first ? part_.instance + 1 : part_.of;
  if (steps > INT64_MAX / 2 - number_) return std::nullopt;
  number_ += steps;
  if (!first) return clock_.advance(gaps_.sum(random, steps));
  const double residual = gaps_.residual(random);
  return clock_.advance(steps == 1 ? residual : residual + gaps_.sum(random, steps - 1));
}

}  // namespace zettatwin::requests
