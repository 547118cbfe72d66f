// SPDX-License-Identifier: Apache-2.0
#include "noise/distribution.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "base/contract.hpp"
#include "noise/detail/interpolation.hpp"
#include "noise/normal.hpp"

namespace zettatwin::noise {
namespace {

// Beyond |z| = 10 lies a probability of 8e-24: less than 1e-16 after the slowest of 10^7.
constexpr double furthest = 10;
constexpr double spacing = 0.05;
constexpr std::size_t points = 401;

struct Grid {
  std::vector<double> scores, weights;  // weights: probability by the trapezoid rule, which converges exponentially for smooth quantiles
  Grid() : scores(points), weights(points) {
    for (std::size_t i = 0; i < points; ++i) {
      scores[i] = -furthest + spacing * static_cast<double>(i);
      weights[i] = spacing * normal_density(scores[i]);
    }
  }
};

const Grid& grid() {
  static const Grid only;
  return only;
}

double expectation(const std::vector<double>& values) {
  double sum = 0;
  for (std::size_t i = 0; i < points; ++i) sum += grid().weights[i] * values[i];
  return sum;
}

// Normal score of P(wide + narrow <= t): the sum over the narrow one's nodes of what the wide one has left. Each tail is summed for itself.
double score_of_sum(const Distribution& wide, const std::vector<double>& narrow, double t) {
  double below = 0, above = 0;
  for (std::size_t i = 0; i < points; ++i) {
    const double z = wide.score_of(t - narrow[i]);
    below += grid().weights[i] * normal_cdf(z);
    above += grid().weights[i] * normal_tail(z);
  }
  // Total by the trapezoid rule is 1 to rounding; beyond the grid's reach probabilities underflow.
  if (below < above) return normal_score(std::log(std::max(below, 1e-300)));
  return -normal_score(std::log(std::max(above, 1e-300)));
}

}  // namespace

Distribution Distribution::of_scores(const std::function<double(double)>& quantile) {
  std::vector<double> values(points);
  std::transform(grid().scores.begin(), grid().scores.end(), values.begin(), quantile);
  ZT_EXPECT(std::is_sorted(values.begin(), values.end()), "quantiles fall");
  return Distribution(std::move(values));
}

Distribution Distribution::constant(double value) { return Distribution(std::vector<double>(points, value)); }

Distribution Distribution::lognormal(double coefficient_of_variation) {
  ZT_EXPECT(coefficient_of_variation >= 0, std::to_string(coefficient_of_variation));
  const double variance = std::log1p(coefficient_of_variation * coefficient_of_variation);  // of the logarithm
  return of_scores([&](double z) { return std::exp(std::sqrt(variance) * z - variance / 2); });
}

double Distribution::mean() const { return is_constant() ? quantiles_.front() : expectation(quantiles_); }

double Distribution::deviation() const {
  if (is_constant()) return 0;
  std::vector<double> squares(points);
  std::transform(quantiles_.begin(), quantiles_.end(), squares.begin(), [m = mean()](double x) { return (x - m) * (x - m); });
  return std::sqrt(expectation(squares));
}

double Distribution::at_score(double z) const { return detail::interpolate(grid().scores, quantiles_, z); }

double Distribution::quantile(double probability) const {
  ZT_EXPECT(probability > 0 && probability < 1, std::to_string(probability));
  return at_score(normal_score(std::log(probability)));
}

double Distribution::score_of(double value) const {
  ZT_EXPECT(!is_constant(), "a constant has no scores");
  return detail::interpolate(quantiles_, grid().scores, value);
}

Distribution Distribution::slowest_of(std::int64_t n) const {
  ZT_EXPECT(n >= 1, std::to_string(n));
  if (n == 1 || is_constant()) return *this;
  const auto members = static_cast<double>(n);
  return of_scores([&](double z) { return at_score(normal_score(normal_log_cdf(z) / members)); });
}

Distribution Distribution::slower(const Distribution& a, const Distribution& b) {
  if (a.is_constant() || b.is_constant()) return of_scores([&](double z) { return std::max(a.at_score(z), b.at_score(z)); });
  const auto log_probability = [](const Distribution& d, double t) { return normal_log_cdf(d.score_of(t)); };
  return of_scores([&](double z) {
    // The product is at most the smaller factor, and the square of it where both are at least the root.
    const double target = normal_log_cdf(z), root = normal_score(target / 2);
    double low = std::max(a.at_score(z), b.at_score(z)), high = std::max(a.at_score(root), b.at_score(root));
    for (int i = 0; i < 60 && low < high; ++i) {
      const double middle = low + (high - low) / 2;
      if (middle <= low || middle >= high) break;
      (log_probability(a, middle) + log_probability(b, middle) < target ? low : high) = middle;
    }
    return low + (high - low) / 2;
  });
}

Distribution Distribution::scaled(double factor) const {
  ZT_EXPECT(factor >= 0, std::to_string(factor));
  std::vector<double> values = quantiles_;
  for (double& value : values) value *= factor;
  return Distribution(std::move(values));
}

Distribution Distribution::repeated(std::int64_t m) const {
  ZT_EXPECT(m >= 0, std::to_string(m));
  Distribution sum = constant(0), power = *this;
  for (std::int64_t left = m; left > 0; left /= 2) {
    if (left % 2 == 1) sum = sum + power;
    if (left > 1) power = power + power;
  }
  return sum;
}

Distribution operator+(const Distribution& a, const Distribution& b) {
  const double da = a.deviation(), db = b.deviation();
  if (da < db) return b + a;
  if (b.is_constant()) {
    return Distribution::of_scores([&](double z) { return a.at_score(z) + b.quantiles_.front(); });
  }
  // Places at which to evaluate: the quantiles as if both were always early or late together, which reach to the ends of both tails; then the curve
  // through the scores found there is read at the grid's.
  std::vector<double> places(points), scores(points);
  for (std::size_t i = 0; i < points; ++i) {
    places[i] = a.quantiles_[i] + b.quantiles_[i];
    scores[i] = score_of_sum(a, b.quantiles_, places[i]);
  }
  return Distribution::of_scores([&](double z) { return detail::interpolate(scores, places, z); });
}

}  // namespace zettatwin::noise
