// SPDX-License-Identifier: Apache-2.0
#include "units/picoseconds.hpp"

#include <cmath>
#include <string>

#include "base/contract.hpp"

namespace zettatwin::units {

Picoseconds Picoseconds::from(Seconds time) {
  const double ps = time.si() * 1e12;
  ZT_EXPECT(std::isfinite(ps) && std::abs(ps) < 9.2e18, std::to_string(time.si()) + " s as picoseconds");
  return Picoseconds(std::llround(ps));
}

}  // namespace zettatwin::units
