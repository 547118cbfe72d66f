// SPDX-License-Identifier: Apache-2.0
#include "inference/detail/expert_spread.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <queue>

#include "base/contract.hpp"

namespace zettatwin::inference::detail {
namespace {

std::vector<double> shares_of(const ExpertLoad& load, std::int64_t experts) {
  std::vector<double> shares(static_cast<std::size_t>(experts), 1.0);
  if (load.kind == LoadKind::listed) shares = load.shares;
  if (load.kind == LoadKind::power_law)
    for (std::size_t i = 0; i < shares.size(); ++i) shares[i] = std::pow(static_cast<double>(i + 1), -load.exponent);
  std::sort(shares.begin(), shares.end(), std::greater<>());
  const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
  for (auto& share : shares) share /= sum;
  return shares;
}

// Largest of ep sums of `here` shares drawn without replacement, over the mean 1 / ep.
double skew_at_random(const std::vector<double>& shares, std::int64_t ep, std::int64_t here) {
  const auto n = static_cast<double>(shares.size()), parts = static_cast<double>(ep);
  if (ep == 1) return 1;
  double square = 0;
  for (const double share : shares) square += share * share;
  const double relative = std::sqrt(std::max(0.0, n * square - 1));  // standard deviation of one share over its mean
  const double of_sum = relative * std::sqrt((1 - static_cast<double>(here) / n) / static_cast<double>(here) * n / std::max(1.0, n - 1));
  const double most = parts * std::accumulate(shares.begin(), shares.begin() + here, 0.0);
  return std::min(most, 1 + of_sum * std::sqrt(2 * std::log(parts)));
}

// Copies halve the busiest expert again and again; then the largest first onto the emptiest chip that has room.
double skew_with_copies(const std::vector<double>& shares, std::int64_t ep, std::int64_t redundant) {
  std::vector<double> copies_of(shares.size(), 1.0);
  std::priority_queue<std::pair<double, std::size_t>> busiest;
  for (std::size_t i = 0; i < shares.size(); ++i) busiest.emplace(shares[i], i);
  for (std::int64_t r = 0; r < redundant; ++r) {
    const auto i = busiest.top().second;
    busiest.pop();
    copies_of[i] += 1;
    busiest.emplace(shares[i] / copies_of[i], i);
  }
  std::vector<double> copies;
  for (std::size_t i = 0; i < shares.size(); ++i) copies.insert(copies.end(), static_cast<std::size_t>(copies_of[i]), shares[i] / copies_of[i]);
  std::sort(copies.begin(), copies.end(), std::greater<>());
  const auto room = static_cast<std::int64_t>(copies.size()) / ep;
  std::vector<std::int64_t> held(static_cast<std::size_t>(ep), 0);
  using Chip = std::pair<double, std::size_t>;
  std::priority_queue<Chip, std::vector<Chip>, std::greater<>> emptiest;
  for (std::size_t c = 0; c < held.size(); ++c) emptiest.emplace(0.0, c);
  double fullest = 0;
  for (const double copy : copies) {
    const auto [load, c] = emptiest.top();
    emptiest.pop();
    fullest = std::max(fullest, load + copy);
    if (++held[c] < room) emptiest.emplace(load + copy, c);
  }
  return static_cast<double>(ep) * fullest;
}

}  // namespace

ExpertSpread::ExpertSpread(const ExpertLoad& load, const model::MixtureOfExperts& experts, std::int64_t ep, std::int64_t redundant)
    : topk_(static_cast<double>(experts.top_k)), ep_(static_cast<double>(ep)), here_(static_cast<double>(experts.routed_experts + redundant) / ep_) {
  ZT_EXPECT(ep >= 1 && redundant >= 0 && experts.routed_experts >= experts.top_k, "experts spread over at least one chip");
  const auto shares = shares_of(load, experts.routed_experts);
  for (const double share : shares) {
    const double reach = std::min(1.0, topk_ * share);
    if (!reach_.empty() && reach_.back() == reach) {
      count_.back() += 1;
    } else {
      reach_.push_back(reach);
      count_.push_back(1);
    }
  }
  const auto here = std::max<std::int64_t>(1, experts.routed_experts / ep);
  skew_ = redundant > 0 ? skew_with_copies(shares, ep, redundant) : skew_at_random(shares, ep, here);
}

ExpertSpread::OnChip ExpertSpread::on_busiest(double tokens) const {
  if (tokens <= 0) return {};
  constexpr double kAlmostSure = 1 - 1e-12;
  const double mean = tokens * topk_ / ep_;
  double hit = 0;
  for (std::size_t i = 0; i < reach_.size(); ++i) hit += count_[i] * -std::expm1(tokens * std::log1p(-std::min(reach_[i], kAlmostSure)));
  hit /= ep_;
  if (ep_ <= 1) return {.rows = mean, .hit = std::max(hit, std::min(topk_, here_)), .mean_rows = mean};
  const double even = mean * skew_;
  const double rows = std::min(even + std::sqrt(2 * even * std::log(ep_)), tokens * std::min(topk_, here_));
  const double beyond = std::max(0.0, rows / mean - 1) * std::max(0.0, 1 - hit / here_);  // as far as there are experts left to hit
  return {.rows = rows, .hit = std::min({here_, rows, std::max(hit * (1 + beyond), std::min(1.0, rows))}), .mean_rows = mean};
}

}  // namespace zettatwin::inference::detail
