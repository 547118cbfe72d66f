// SPDX-License-Identifier: Apache-2.0
// Reductions of gradients beside the last backward pass of a chunk, whose activations may cross the same levels of the machine. Model: the pass sends them
// evenly spread over its time, and each reduction meets all of them alike; both lose the time that sharing their ports costs, and the pass waits for all of
// it. An upper bound where the pass hides its own messages. Equations: docs/math/overlap.md.
#pragma once

#include <vector>

#include "training/footprint.hpp"

namespace zettatwin::training {

// A layer's or table's gradients.
struct BucketReduction {
  units::Picoseconds time;    // alone
  double loss = 0;            // of each second of it beside the pass: how much longer it and the pass take
  units::Picoseconds delay;   // in total
};

// How much longer a second of `reduction` (its messages one after the other) takes beside a pass of `time` that sends `activations`. 0 to 1.
[[nodiscard]] double loss_beside(const std::vector<Traffic>& reduction, const std::vector<Traffic>& activations, units::Picoseconds time);

// Buckets in the order in which the pass makes them final, at even intervals. Fills in their delays and returns the sum, which the pass loses as well.
units::Picoseconds delay_beside(std::vector<BucketReduction>& buckets, units::Picoseconds pass);

}  // namespace zettatwin::training
