// SPDX-License-Identifier: Apache-2.0
// When requests come: a renewal process of rate 1 in its own time u, which the rate of the traffic stretches: u(t) = integral of the rate up to t.
// So a gap law gives the burstiness and a profile the rate, and their mean counts are exact: the first gap is drawn from the residual law of a
// process that has always run (but the deterministic one, which starts with a request), hence E N(t) = u(t) at every t.
// Shares of one instance of K under a router that sees no state are renewal processes again: under round robin a gap is the sum of K gaps, at random
// the sum of a geometric number of them. Sums of gamma gaps are gamma, so those of others are not drawn (Weibull ones are).
// Derivation: docs/math/requests.md. A draw takes constant time and memory.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/random.hpp"
#include "requests/stream.hpp"
#include "units/picoseconds.hpp"
#include "units/quantity.hpp"

namespace zettatwin::requests {

// Gaps of mean 1.
class GapLaw final {
 public:
  enum class Kind { deterministic, exponential, gamma, weibull };

  [[nodiscard]] static GapLaw deterministic() { return GapLaw(Kind::deterministic, 1); }
  [[nodiscard]] static GapLaw exponential() { return GapLaw(Kind::exponential, 1); }
  // Standard deviation over mean is shape^(-1/2); shape 1 is exponential. Expects shape > 0, of both.
  [[nodiscard]] static GapLaw gamma(double shape);
  [[nodiscard]] static GapLaw gamma_of_cv(double cv);  // cv 0: deterministic
  [[nodiscard]] static GapLaw weibull(double shape);

  // The sum of `gaps` >= 1 gaps.
  [[nodiscard]] double sum(RandomStream& random, std::int64_t gaps) const;
  // From a moment that has nothing to do with the process to its next event.
  [[nodiscard]] double residual(RandomStream& random) const;

 private:
  GapLaw(Kind kind, double shape) : kind_(kind), shape_(shape) {}
  Kind kind_;
  double shape_;
  double scale_ = 1;  // weibull: 1 / Gamma(1 + 1/shape)
};

// The rate of traffic over time: constant, or constant within equal windows, which may repeat for ever.
class RateProfile final {
 public:
  [[nodiscard]] static RateProfile constant(units::Hertz rate);
  // Expects a positive window and finite rates >= 0; of a repeated profile one above 0. Where it does not repeat, nothing comes after the last window.
  enum class Repeat { no, yes };
  [[nodiscard]] static RateProfile windows(units::Picoseconds window, std::vector<double> per_second, Repeat repeat);
  // mean (1 + (peak_to_mean - 1) cos(2 pi (t - peak) / period)) in 96 windows of a period, each with the rate at its middle. 1 <= peak_to_mean <= 2.
  [[nodiscard]] static RateProfile diurnal(units::Hertz mean, double peak_to_mean, units::Seconds period, units::Seconds peak);

  // Of all windows.
  [[nodiscard]] units::Hertz mean() const;
  // Times n with the same shape: of n times as many users.
  [[nodiscard]] RateProfile scaled(double factor) const;

  [[nodiscard]] std::size_t size() const { return rates_.size(); }
  [[nodiscard]] bool is_constant() const { return window_ == 0; }
  [[nodiscard]] bool repeats() const { return repeat_; }
  [[nodiscard]] std::int64_t window() const { return window_; }                            // ps; 0: constant
  [[nodiscard]] double per_picosecond(std::size_t window) const { return rates_[window]; }
  [[nodiscard]] double per_period() const { return per_period_; }  // u of all windows

 private:
  std::int64_t window_ = 0;
  double per_period_ = 0;
  bool repeat_ = true;
  std::vector<double> rates_;
};

// Moves through a profile by amounts of u. The profile outlives it.
class ProfileClock final {
 public:
  explicit ProfileClock(const RateProfile& profile) : profile_(&profile), rate_(profile.per_picosecond(0)) {}
  // The time at which u has grown by `amount`; nothing if it never has, or after the range of Picoseconds (106 days).
  [[nodiscard]] std::optional<units::Picoseconds> advance(double amount);
  // The window in which the clock stands.
  [[nodiscard]] std::size_t window() const { return window_; }

 private:
  [[nodiscard]] bool into_next_window();
  [[nodiscard]] bool over_whole_periods(double& amount);

  const RateProfile* profile_;
  std::size_t window_ = 0;
  double rate_;              // per picosecond
  std::int64_t start_ = 0;   // of the window
  std::int64_t whole_ = 0;   // picoseconds since
  double fraction_ = 0;      // and of one
};

// Arrivals of one instance's share, with their numbers in the whole.
class Arrivals final {
 public:
  Arrivals(GapLaw gaps, const RateProfile& profile, Part part) : gaps_(gaps), clock_(profile), part_(std::move(part)) {}
  // Expects that the last call gave a time.
  [[nodiscard]] std::optional<units::Picoseconds> next(RandomStream& random);
  // Of the request that came last, counted from 0 in the whole stream.
  [[nodiscard]] std::int64_t number() const { return number_; }

 private:
  GapLaw gaps_;
  ProfileClock clock_;
  Part part_;
  std::int64_t number_ = -1;
};

}  // namespace zettatwin::requests
