// SPDX-License-Identifier: Apache-2.0
// Numbers that flows are counted in: double, or exact ones where a test asks for equality. Counts and shares are exact in the latter;
// figures of the machine come in through `of`.
#pragma once

namespace zettatwin::traffic::detail {

template <class Number>
struct Numbers;

template <>
struct Numbers<double> {
  static double of(double value) { return value; }
};

}  // namespace zettatwin::traffic::detail
