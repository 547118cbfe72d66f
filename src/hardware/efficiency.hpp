// SPDX-License-Identifier: Apache-2.0
// What a chip and its kernels reach of the datasheet: parameters of the operator-time forms (docs/math/operator_time.md).
#pragma once

#include "config/figure.hpp"
#include "config/schema.hpp"

namespace zettatwin::hardware {

struct Efficiency {
  std::string status;  // "measured", or "unmeasured: family rule ..."
};

void describe(config::Schema& s, Efficiency& efficiency);

}  // namespace zettatwin::hardware
