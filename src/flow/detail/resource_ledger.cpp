// SPDX-License-Identifier: Apache-2.0
#include "flow/detail/resource_ledger.hpp"

#include <algorithm>
#include <utility>

namespace zettatwin::flow {

void ResourceLedger::carries(ResourceId resource, double rate, double capacity, bool saturated, units::Picoseconds now) {
  Present& present = now_[resource];
  ResourceOutcome& outcome = outcomes_[resource];
  const units::Picoseconds duration = now - present.since;
  outcome.carried += units::Bytes::from_si(present.rate * duration.seconds().si());
  if (present.saturated) outcome.saturated += duration;
  if (rate > 0) outcome.peak_utilisation = std::max(outcome.peak_utilisation, rate / capacity);
  present = {rate, saturated, now};
}

std::vector<ResourceOutcome> ResourceLedger::close(units::Picoseconds now) {
  for (ResourceId l = 0; l < outcomes_.size(); ++l) carries(l, 0, 0, false, now);
  return std::move(outcomes_);
}

}  // namespace zettatwin::flow
