// SPDX-License-Identifier: Apache-2.0
// Random times that depend on each other, as jointly normal variables: sums exactly, maxima by their first two moments.
// Source: C. E. Clark, The greatest of a finite set of random variables, Operations Research 9 (1961); the covariance of the maximum with every other
// variable is kept, so that paths with a common past are not taken for independent. Assumption: a maximum is again taken for normal. Unit: the caller's.
#pragma once

#include <cstddef>
#include <vector>

namespace zettatwin::noise {

class JointNormal final {
 public:
  using Variable = std::size_t;

  [[nodiscard]] Variable add(double mean, double variance);  // independent of all others
  [[nodiscard]] Variable copy(Variable x);
  void release(Variable x);  // its place may be given to another

  void shift(Variable x, double mean, double variance);      // x + something independent
  void add_multiple(Variable x, double factor, Variable y);  // x + factor y
  void take_max(Variable x, Variable y);                     // max(x, y) instead of x

  [[nodiscard]] double mean(Variable x) const { return means_[x]; }
  [[nodiscard]] double variance(Variable x) const { return rows_[x][x]; }
  [[nodiscard]] double covariance(Variable x, Variable y) const { return rows_[x][y]; }

 private:
  void set_row(Variable x, Variable like);

  std::vector<double> means_;
  std::vector<std::vector<double>> rows_;  // covariances
  std::vector<Variable> free_;
};

}  // namespace zettatwin::noise
