// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compute/operator_time.hpp"

namespace zettatwin::compute::detail {

struct Terms {
  double flop = 0, bytes = 0;
  double math = 0, memory = 0, overhead = 0;  // s
  double total = 0;                           // s
  double waves = 0;
  std::string_view detail;
};

// The result in typed quantities; names the largest term as the bound.
[[nodiscard]] inline OperatorTime finish(const Terms& t) {
  using units::Seconds;
  const bool math_bound = t.math >= t.memory && t.math >= t.overhead;
  return {.time = units::Picoseconds::from(Seconds::from_si(t.total)),
          .flop = units::Flop::from_si(t.flop),
          .bytes = units::Bytes::from_si(t.bytes),
          .math = Seconds::from_si(t.math),
          .memory = Seconds::from_si(t.memory),
          .overhead = Seconds::from_si(t.overhead),
          .bound = math_bound ? "math" : t.memory >= t.overhead ? "memory" : "launch",
          .detail = t.detail,
          .waves = t.waves};
}

}  // namespace zettatwin::compute::detail
