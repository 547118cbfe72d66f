// SPDX-License-Identifier: Apache-2.0
#include "flow/detail/resource_ledger.hpp"

#include <algorithm>
#include <utility>

namespace zettatwin::flow {
namespace {

// Sums of load * bytes per resource that do not depend on the order of flows.
std::vector<double> bytes_carried(const SharingProblem<double>& sharing, std::span<const double> bytes_moved) {
  using Numbers = Arithmetic<double>;
  struct Total {
    double largest = 0;
    std::uint32_t terms = 0;
    Numbers::Scale scale = 1;
    Numbers::Sum sum = 0;
  };
  std::vector<Total> totals(sharing.resources());
  const auto each_term = [&](auto visit) {
    for (FlowId f = 0; f < sharing.flows(); ++f) {
      if (bytes_moved[f] == 0) continue;
      for (const auto& [l, load] : sharing.uses(f)) visit(totals[l], load * bytes_moved[f]);
    }
  };
  each_term([](Total& total, double term) {
    total.largest = std::max(total.largest, term);
    ++total.terms;
  });
  for (Total& total : totals) {
    if (total.terms > 0) total.scale = Numbers::scale(total.largest, total.terms);
  }
  each_term([](Total& total, double term) { total.sum += Numbers::term(term, total.scale); });
  std::vector<double> carried;
  for (const Total& total : totals) carried.push_back(Numbers::value(total.sum, total.scale));
  return carried;
}

}  // namespace

void ResourceLedger::carries(ResourceId resource, double rate, double capacity, bool saturated, units::Picoseconds now) {
  ResourceOutcome& outcome = outcomes_[resource];
  if (rate > 0) outcome.peak_utilisation = std::max(outcome.peak_utilisation, rate / capacity);
  units::Picoseconds& since = since_[resource];
  if (saturated == (since != kNever)) return;
  if (!saturated) outcome.saturated += now - since;
  since = saturated ? now : kNever;
}

std::vector<ResourceOutcome> ResourceLedger::close(const SharingProblem<double>& sharing, std::span<const double> bytes_moved,
                                                   units::Picoseconds now) {
  const std::vector<double> carried = bytes_carried(sharing, bytes_moved);
  for (ResourceId l = 0; l < outcomes_.size(); ++l) {
    outcomes_[l].carried = units::Bytes::from_si(carried[l]);
    if (since_[l] != kNever) outcomes_[l].saturated += now - since_[l];
  }
  return std::move(outcomes_);
}

}  // namespace zettatwin::flow
