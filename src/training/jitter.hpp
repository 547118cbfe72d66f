// SPDX-License-Identifier: Apache-2.0
// Jitter of a job and what it costs: the question and the answer (docs/math/jitter.md).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/schema.hpp"
#include "units/picoseconds.hpp"

namespace zettatwin::training {

// Relative standard deviations of a chip's computation, independent between chips. A chip that is slow in every step is a fault, not jitter.
struct Jitter {
  double operation = 0;  // of one operation, from each to the next: caches, memory refresh, launches, the operating system
  double step = 0;       // of all of a step's, from step to step: clock, temperature, power
  [[nodiscard]] bool any() const { return operation > 0 || step > 0; }
};
void describe(config::Schema& s, Jitter& jitter);

// Where ranks wait for each other.
struct JitterBarrier {
  std::string key;           // "tensor_parallel"
  std::string who;           // "tensor peers, in every layer"
  std::int64_t members = 1;  // that have waited for each other once it is passed
  units::Picoseconds cost;   // of the expected step
};

struct JitterEffect {
  units::Picoseconds mean;        // expected time of the step
  units::Picoseconds deviation;   // from step to step
  units::Picoseconds p50, p90, p99;
  units::Picoseconds cost;        // mean less the step without jitter; the sum of the barriers' costs
  std::vector<JitterBarrier> barriers;
};

}  // namespace zettatwin::training
