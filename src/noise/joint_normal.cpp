// SPDX-License-Identifier: Apache-2.0
#include "noise/joint_normal.hpp"

#include <algorithm>
#include <cmath>

#include "noise/normal.hpp"

namespace zettatwin::noise {
namespace {

// Beyond so many deviations of the difference the later one is the maximum, to rounding.
constexpr double certain = 8;

}  // namespace

JointNormal::Variable JointNormal::add(double mean, double variance) {
  if (free_.empty()) {
    for (auto& row : rows_) row.push_back(0);
    rows_.emplace_back(rows_.size() + 1);
    means_.push_back(0);
    free_.push_back(rows_.size() - 1);
  }
  const Variable x = free_.back();
  free_.pop_back();
  for (Variable z = 0; z < rows_.size(); ++z) rows_[x][z] = rows_[z][x] = 0;
  means_[x] = mean;
  rows_[x][x] = variance;
  return x;
}

JointNormal::Variable JointNormal::copy(Variable x) {
  const Variable y = add(0, 0);
  set_row(y, x);
  return y;
}

void JointNormal::release(Variable x) { free_.push_back(x); }

void JointNormal::set_row(Variable x, Variable like) {
  means_[x] = means_[like];
  for (Variable z = 0; z < rows_.size(); ++z)
    if (z != x) rows_[x][z] = rows_[z][x] = rows_[like][z];
  rows_[x][x] = rows_[like][like];
}

void JointNormal::shift(Variable x, double mean, double variance) {
  means_[x] += mean;
  rows_[x][x] += variance;
}

void JointNormal::add_multiple(Variable x, double factor, Variable y) {
  means_[x] += factor * means_[y];
  const double variance = rows_[x][x] + factor * (2 * rows_[x][y] + factor * rows_[y][y]);
  for (Variable z = 0; z < rows_.size(); ++z)
    if (z != x) rows_[z][x] = rows_[x][z] += factor * rows_[y][z];
  rows_[x][x] = variance;
}

void JointNormal::take_max(Variable x, Variable y) {
  const double later = means_[x] - means_[y];  // of x
  const double spread = std::sqrt(std::max(0.0, rows_[x][x] + rows_[y][y] - 2 * rows_[x][y]));
  if (later >= certain * spread) return;
  if (-later >= certain * spread) return set_row(x, y);
  const double score = later / spread, is_x = normal_cdf(score), is_y = normal_cdf(-score), both = spread * normal_density(score);
  const double gain = later * is_x + both;  // of the maximum over y
  const double variance = (later * later + rows_[x][x]) * is_x + rows_[y][y] * is_y + later * both - gain * gain;
  means_[x] = means_[y] + gain;
  for (Variable z = 0; z < rows_.size(); ++z)
    if (z != x) rows_[z][x] = rows_[x][z] = is_x * rows_[x][z] + is_y * rows_[y][z];
  rows_[x][x] = std::max(0.0, variance);
}

}  // namespace zettatwin::noise
