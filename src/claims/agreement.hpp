// SPDX-License-Identifier: Apache-2.0
// When a recomputed figure agrees with a stated one. Announcements round or simply cut, so a figure x agrees with a stated s whose last
// significant digit is worth u if s - u/2 <= x < s + u; never farther than 5 % away, for figures stated with a single digit. Zeros at the
// end of a stated value are not significant: "64,000" has u = 1,000.
#pragma once

#include "claims/claim.hpp"

namespace zettatwin::claims {

// What the last significant decimal digit of a positive value is worth: 0.1 for 16.3, 1,000 for 64,000, of at most 12 digits. 0 for 0.
[[nodiscard]] double last_place(double value);

// How many significant decimal digits a positive value has: 3 for 16.3 and for 524e18.
[[nodiscard]] int significant_digits(double value);

[[nodiscard]] bool agrees(double stated, Relation relation, double recomputed);

}  // namespace zettatwin::claims
