// SPDX-License-Identifier: Apache-2.0
// A smooth curve through given points: the cubic through the four nearest (Lagrange), error O(h^4); straight beyond the ends.
#pragma once

#include <span>

namespace zettatwin::noise::detail {

// xs ascend; at least four.
[[nodiscard]] double interpolate(std::span<const double> xs, std::span<const double> ys, double x);

}  // namespace zettatwin::noise::detail
