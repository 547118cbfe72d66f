// SPDX-License-Identifier: Apache-2.0
#include "noise/barrier.hpp"

#include <string>

#include "base/contract.hpp"

namespace zettatwin::noise {

Distribution finish(const Distribution& work, const NestedBarriers& nested) {
  return work.slowest_of(nested.members).repeated(nested.barriers).slowest_of(nested.groups);
}

double barrier_slowdown(const Distribution& work, std::int64_t members) { return work.slowest_of(members).mean() / work.mean(); }

double nested_slowdown(const Distribution& work, const NestedBarriers& nested) {
  ZT_EXPECT(nested.barriers >= 1, std::to_string(nested.barriers));
  return finish(work, nested).mean() / (work.mean() * static_cast<double>(nested.barriers));
}

}  // namespace zettatwin::noise
