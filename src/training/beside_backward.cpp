// SPDX-License-Identifier: Apache-2.0
#include "training/beside_backward.hpp"

#include <algorithm>

namespace zettatwin::training {

using units::Picoseconds;

double loss_beside(const std::vector<Traffic>& reduction, const std::vector<Traffic>& activations, Picoseconds time) {
  double lost = 0, sum = 0;
  for (const auto& message : reduction) {
    const double seconds = message.time.seconds().si();
    for (const auto& traffic : activations) lost += seconds * traffic.time.seconds().si() * (stretch(message.ports, traffic.ports) - 1);
    sum += seconds;
  }
  return lost > 0 ? std::min(1.0, lost / (sum * time.seconds().si())) : 0;
}

Picoseconds delay_beside(std::vector<BucketReduction>& buckets, Picoseconds pass) {
  const auto count = static_cast<std::int64_t>(buckets.size());
  Picoseconds done, sum;
  for (std::int64_t i = 0; i < count; ++i) {
    auto& bucket = buckets[static_cast<std::size_t>(i)];
    const Picoseconds start = std::max(done, Picoseconds(pass.count() * (i + 1) / count));
    done = start + bucket.time;
    if (bucket.loss <= 0 || start >= pass) continue;
    bucket.delay = Picoseconds::from(std::min(bucket.time, pass - start).seconds() * bucket.loss);
    sum += bucket.delay;
  }
  return sum;
}

}  // namespace zettatwin::training
