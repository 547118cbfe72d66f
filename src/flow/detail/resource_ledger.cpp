// SPDX-License-Identifier: Apache-2.0
#include "flow/detail/resource_ledger.hpp"

#include <algorithm>

namespace zettatwin::flow {

void ResourceLedger::carries(ResourceId resource, double rate, double capacity, bool saturated, units::Picoseconds now) {
  Account& account = accounts_[resource];
  const units::Picoseconds duration = now - account.since;
  account.outcome.carried += units::Bytes::from_si(account.rate * duration.seconds().si());
  if (account.saturated) account.outcome.saturated += duration;
  if (rate > 0) account.outcome.peak_utilisation = std::max(account.outcome.peak_utilisation, rate / capacity);
  account.rate = rate;
  account.since = now;
  account.saturated = saturated;
}

ResourceOutcome ResourceLedger::close(ResourceId resource, units::Picoseconds now) {
  carries(resource, 0, 0, false, now);
  return accounts_[resource].outcome;
}

}  // namespace zettatwin::flow
