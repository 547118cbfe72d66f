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

// Each layer's, busiest first, together 1.
std::vector<std::vector<double>> shares_of(const ExpertLoad& load, std::int64_t experts) {
  std::vector<double> all(static_cast<std::size_t>(experts), 1.0);
  if (load.kind == LoadKind::listed) all = load.shares;
  if (load.kind == LoadKind::power_law)
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = std::pow(static_cast<double>(i + 1), -load.exponent);
  std::vector<std::vector<double>> layers;
  for (auto first = all.begin(); first != all.end(); first += experts) {
    std::vector<double> shares(first, first + experts);
    std::sort(shares.begin(), shares.end(), std::greater<>());
    const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
    for (auto& share : shares) share = sum > 0 ? share / sum : 1 / static_cast<double>(experts);
    layers.push_back(std::move(shares));
  }
  return layers;
}

// Expected largest of n standard normal numbers.
double largest_of(double n) {
  if (n <= 1) return 0;
  constexpr double kFourPi = 12.566370614359172, kEulerTwice = 1.1544313298030657;
  const double b = std::sqrt(2 * std::log(n));
  return std::max(0.5, b - (std::log(std::log(n)) + std::log(kFourPi) - kEulerTwice) / (2 * b));
}

// Standard deviation of the sum of `here` shares drawn without replacement, over its mean.
double deviation_of(const std::vector<double>& shares, double here) {
  const auto n = static_cast<double>(shares.size());
  if (n <= 1 || here >= n) return 0;
  double square = 0;
  for (const double share : shares) square += share * share;
  const double variance = std::max(0.0, n * square - 1);  // of one share, over its mean squared
  return std::sqrt(variance / here * (n - here) / (n - 1));
}

// The share of every copy, largest first, when the busiest expert gets another copy again and again.
std::vector<double> with_copies(const std::vector<double>& shares, std::int64_t redundant) {
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
  return copies;
}

// Largest first onto the emptiest chip that has room: the fullest chip over the mean.
double placed_evenly(const std::vector<double>& copies, std::int64_t ep) {
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
  ZT_EXPECT(load.kind != LoadKind::listed || static_cast<std::int64_t>(load.shares.size()) % experts.routed_experts == 0, "a share of each expert");
  for (const auto& shares : shares_of(load, experts.routed_experts)) add_layer(shares, experts.routed_experts, redundant);
}

void ExpertSpread::add_layer(const std::vector<double>& shares, std::int64_t experts, std::int64_t redundant) {
  Layer& layer = layers_.emplace_back();
  const auto copies = with_copies(shares, redundant);
  for (const double share : copies) {
    const double reach = std::min(1.0, topk_ * share);
    if (!layer.reach.empty() && layer.reach.back() == reach) {
      layer.count.back() += 1;
    } else {
      layer.reach.push_back(reach);
      layer.count.push_back(1);
    }
  }
  const auto ep = static_cast<std::int64_t>(ep_);
  const auto here = std::max<std::int64_t>(1, experts / ep);
  if (redundant > 0)
    layer.placed = placed_evenly(copies, ep);
  else
    layer.deviation = deviation_of(shares, static_cast<double>(here));
  layer.most = std::max(layer.placed, ep_ * std::accumulate(shares.begin(), shares.begin() + std::min<std::int64_t>(here, experts), 0.0));
}

double ExpertSpread::skew() const {
  double sum = 0;
  for (const Layer& layer : layers_) sum += std::min(layer.most, layer.placed + largest_of(ep_) * layer.deviation);
  return sum / static_cast<double>(layers_.size());
}

ExpertSpread::OnChip ExpertSpread::on_busiest(double tokens) const {
  if (tokens <= 0) return {};
  OnChip sum;
  for (const Layer& layer : layers_) {
    const OnChip one = on_busiest(layer, tokens);
    sum.rows += one.rows, sum.hit += one.hit, sum.mean_rows += one.mean_rows;
  }
  const auto n = static_cast<double>(layers_.size());
  return {.rows = sum.rows / n, .hit = sum.hit / n, .mean_rows = sum.mean_rows / n};
}

ExpertSpread::OnChip ExpertSpread::on_busiest(const Layer& layer, double tokens) const {
  constexpr double kAlmostSure = 1 - 1e-12;
  const double mean = tokens * topk_ / ep_;
  double hit = 0;
  for (std::size_t i = 0; i < layer.reach.size(); ++i) hit += layer.count[i] * -std::expm1(tokens * std::log1p(-std::min(layer.reach[i], kAlmostSure)));
  hit /= ep_;
  if (ep_ <= 1) return {.rows = mean, .hit = std::max(hit, std::min(topk_, here_)), .mean_rows = mean};
  const double even = mean * layer.placed, spread = layer.deviation * mean;
  const double z = largest_of(ep_);
  const double busiest = std::min(even + z * std::sqrt(spread * spread + even), mean * layer.most + z * std::sqrt(even));
  const double rows = std::min(busiest, tokens * std::min(topk_, here_));
  const double beyond = std::max(0.0, rows / mean - 1) * std::max(0.0, 1 - hit / here_);  // as far as there are experts left to hit
  return {.rows = rows, .hit = std::min({here_, rows, std::max(hit * (1 + beyond), std::min(1.0, rows))}), .mean_rows = mean};
}

}  // namespace zettatwin::inference::detail
