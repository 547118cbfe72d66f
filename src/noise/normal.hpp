// SPDX-License-Identifier: Apache-2.0
// The standard normal distribution, exact to rounding in both tails: its scores z are the scale on which all quantiles of this module are held.
#pragma once

namespace zettatwin::noise {

[[nodiscard]] double normal_density(double z);
[[nodiscard]] double normal_cdf(double z);     // P(Z <= z), relatively exact far below
[[nodiscard]] double normal_tail(double z);    // P(Z > z), relatively exact far above
[[nodiscard]] double normal_log_cdf(double z);

// The z whose cumulative probability has this logarithm (<= 0). The logarithm keeps what 1 - p loses near 1.
[[nodiscard]] double normal_score(double log_cdf);

}  // namespace zettatwin::noise
