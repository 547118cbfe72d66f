// SPDX-License-Identifier: Apache-2.0
#include "calibration/estimate.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

namespace zettatwin::calibration {
namespace {

using Vector = std::vector<double>;

constexpr double kDeviation = 0.08;  // s
constexpr double kCorner = 0.1;      // c of the soft L1 loss
constexpr double kStep = 1e-3;       // of a logarithm, for derivatives
constexpr int kMostSteps = 60;

// A symmetric matrix, row by row.
struct Matrix {
  explicit Matrix(std::size_t n) : size(n), cells(n * n) {}
  double& at(std::size_t i, std::size_t j) { return cells[i * size + j]; }
  [[nodiscard]] double at(std::size_t i, std::size_t j) const { return cells[i * size + j]; }
  std::size_t size;
  Vector cells;
};

// Solves A x = b by Cholesky; nothing if A is not positive definite.
std::optional<Vector> solved(Matrix a, Vector b) {
  const auto n = a.size;
  for (std::size_t j = 0; j < n; ++j) {
    for (std::size_t i = j; i < n; ++i) {
      double sum = a.at(i, j);
      for (std::size_t k = 0; k < j; ++k) sum -= a.at(i, k) * a.at(j, k);
      if (i == j && !(sum > 0)) return std::nullopt;
      a.at(i, j) = i == j ? std::sqrt(sum) : sum / a.at(j, j);
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < i; ++k) b[i] -= a.at(i, k) * b[k];
    b[i] /= a.at(i, i);
  }
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t k = i + 1; k < n; ++k) b[i] -= a.at(k, i) * b[k];
    b[i] /= a.at(i, i);
  }
  return b;
}

class Problem {
 public:
  Problem(const std::vector<Unknown>& unknowns, const Residuals& residuals) : unknowns_(unknowns), residuals_(residuals) {
    for (const auto& u : unknowns) before_.push_back(std::log(u.before));
  }
  [[nodiscard]] const Vector& before() const { return before_; }

  [[nodiscard]] Vector residuals(const Vector& x) const {
    Vector values;
    for (const double logarithm : x) values.push_back(std::exp(logarithm));
    return residuals_(values);
  }
  [[nodiscard]] double cost(const Vector& x, const Vector& residuals) const {
    double sum = 0;
    for (const double r : residuals) sum += kCorner * kCorner * (std::sqrt(1 + r * r / (kCorner * kCorner)) - 1);
    sum /= kDeviation * kDeviation;
    for (std::size_t j = 0; j < x.size(); ++j) sum += 0.5 * std::pow((x[j] - before_[j]) / unknowns_[j].spread, 2);
    return sum;
  }
  // Derivatives of the residuals, a column per unknown; towards the inside at a limit.
  [[nodiscard]] std::vector<Vector> slopes(const Vector& x, const Vector& residuals_here) const {
    std::vector<Vector> columns;
    for (std::size_t j = 0; j < x.size(); ++j) {
      const double step = std::exp(x[j] + kStep) > unknowns_[j].high ? -kStep : kStep;
      auto moved = x;
      moved[j] += step;
      auto column = residuals(moved);
      for (std::size_t i = 0; i < column.size(); ++i) column[i] = (column[i] - residuals_here[i]) / step;
      columns.push_back(std::move(column));
    }
    return columns;
  }
  [[nodiscard]] Vector clamped(Vector x) const {
    for (std::size_t j = 0; j < x.size(); ++j) x[j] = std::clamp(x[j], std::log(unknowns_[j].low), std::log(unknowns_[j].high));
    return x;
  }
  // Half the second derivative of the cost (Gauss-Newton), and its slope.
  void expand(const Vector& x, const Vector& r, const std::vector<Vector>& slopes, Matrix& curvature, Vector& gradient) const {
    for (std::size_t i = 0; i < r.size(); ++i) {
      const double weight = 1 / (std::sqrt(1 + r[i] * r[i] / (kCorner * kCorner)) * kDeviation * kDeviation);
      for (std::size_t j = 0; j < x.size(); ++j) {
        gradient[j] += weight * slopes[j][i] * r[i];
        for (std::size_t k = 0; k <= j; ++k) curvature.at(j, k) += weight * slopes[j][i] * slopes[k][i];
      }
    }
    for (std::size_t j = 0; j < x.size(); ++j) {
      const double known = 1 / (unknowns_[j].spread * unknowns_[j].spread);
      curvature.at(j, j) += known;
      gradient[j] += known * (x[j] - before_[j]);
      for (std::size_t k = 0; k < j; ++k) curvature.at(k, j) = curvature.at(j, k);
    }
  }

 private:
  const std::vector<Unknown>& unknowns_;
  const Residuals& residuals_;
  Vector before_;
};

struct Optimum {
  Vector x;
  Matrix curvature;
};

struct Tried {
  Vector x, residuals;
  double cost = 0;
};

// Where a step of this damping leads; nothing if the equations have no solution.
std::optional<Tried> tried(const Problem& problem, const Vector& x, const Matrix& curvature, const Vector& gradient, double damping) {
  auto damped = curvature;
  for (std::size_t j = 0; j < x.size(); ++j) damped.at(j, j) *= 1 + damping;
  const auto step = solved(damped, gradient);
  if (!step) return std::nullopt;
  auto next = x;
  for (std::size_t j = 0; j < x.size(); ++j) next[j] -= std::clamp((*step)[j], -1.0, 1.0);
  next = problem.clamped(next);
  auto residuals = problem.residuals(next);
  const double cost = problem.cost(next, residuals);
  return Tried{std::move(next), std::move(residuals), cost};
}

// One damped step; false if no damping improves the cost.
bool improve(const Problem& problem, Vector& x, Vector& r, const Matrix& curvature, const Vector& gradient, double& damping) {
  constexpr double kMostDamping = 1e8;
  const double cost = problem.cost(x, r);
  while (damping < kMostDamping) {
    if (auto next = tried(problem, x, curvature, gradient, damping); next && next->cost < cost) {
      x = std::move(next->x);
      r = std::move(next->residuals);
      damping = std::max(damping / 8, 1e-6);
      return cost - next->cost >= 1e-6 * cost;
    }
    damping *= 4;
  }
  return false;
}

Optimum minimum(const Problem& problem) {
  Vector x = problem.clamped(problem.before());
  auto r = problem.residuals(x);
  double damping = 1e-3;
  for (int step = 0;; ++step) {
    Matrix curvature(x.size());
    Vector gradient(x.size());
    problem.expand(x, r, problem.slopes(x, r), curvature, gradient);
    if (step == kMostSteps || !improve(problem, x, r, curvature, gradient, damping)) return {x, curvature};
  }
}

}  // namespace

std::vector<std::size_t> most_telling(const std::vector<Unknown>& unknowns, const Residuals& residuals, std::size_t most) {
  const Problem problem(unknowns, residuals);
  const auto x = problem.clamped(problem.before());
  const auto slopes = problem.slopes(x, problem.residuals(x));
  std::vector<std::pair<double, std::size_t>> told;  // how far the times move within what is not yet known of the unknown
  for (std::size_t j = 0; j < unknowns.size(); ++j)
    told.emplace_back(-unknowns[j].spread * std::sqrt(std::inner_product(slopes[j].begin(), slopes[j].end(), slopes[j].begin(), 0.0)), j);
  std::sort(told.begin(), told.end());
  std::vector<std::size_t> chosen;
  for (std::size_t i = 0; i < std::min(most, told.size()); ++i) chosen.push_back(told[i].second);
  return chosen;
}

std::vector<Estimate> estimate(const std::vector<Unknown>& unknowns, const Residuals& residuals) {
  const auto best = minimum(Problem(unknowns, residuals));
  constexpr double kOf80Percent = 1.2816;  // standard deviations
  std::vector<Estimate> estimates;
  for (std::size_t j = 0; j < unknowns.size(); ++j) {
    Vector unit(unknowns.size());
    unit[j] = 1;
    const auto column = solved(best.curvature, unit);
    const double deviation = column ? std::sqrt(std::max(0.0, (*column)[j])) : unknowns[j].spread;
    const double value = std::exp(best.x[j]), factor = std::exp(kOf80Percent * deviation);
    estimates.push_back({value, std::min(value, std::max(value / factor, unknowns[j].low)), std::max(value, std::min(value * factor, unknowns[j].high))});
  }
  return estimates;
}

}  // namespace zettatwin::calibration
