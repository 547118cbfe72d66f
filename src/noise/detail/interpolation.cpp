// SPDX-License-Identifier: Apache-2.0
#include "noise/detail/interpolation.hpp"

#include <algorithm>
#include <cstddef>

namespace zettatwin::noise::detail {
namespace {

double line(std::span<const double> xs, std::span<const double> ys, std::size_t i, double x) {
  const double width = xs[i + 1] - xs[i];
  return width > 0 ? ys[i] + (x - xs[i]) * (ys[i + 1] - ys[i]) / width : ys[i];
}

double cubic(std::span<const double> xs, std::span<const double> ys, double x) {
  double sum = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    double term = ys[i];
    for (std::size_t j = 0; j < 4; ++j) {
      if (j != i) term *= (x - xs[j]) / (xs[i] - xs[j]);
    }
    sum += term;
  }
  return sum;
}

}  // namespace

double interpolate(std::span<const double> xs, std::span<const double> ys, double x) {
  const std::size_t size = xs.size();
  if (x <= xs.front()) return line(xs, ys, 0, x);
  if (x >= xs.back()) return line(xs, ys, size - 2, x);
  const auto above = static_cast<std::size_t>(std::upper_bound(xs.begin(), xs.end(), x) - xs.begin());
  const std::size_t first = std::clamp<std::size_t>(above, 2, size - 2) - 2;
  const auto near = xs.subspan(first, 4);
  // Points that rounding has made equal span no cubic.
  if (!(near[0] < near[1] && near[1] < near[2] && near[2] < near[3])) return line(xs, ys, above - 1, x);
  const double value = cubic(near, ys.subspan(first, 4), x);
  return std::clamp(value, ys[above - 1], ys[above]);  // between its neighbours, so that the curve ascends
}

}  // namespace zettatwin::noise::detail
