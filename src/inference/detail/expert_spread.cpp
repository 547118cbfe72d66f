// SPDX-License-Identifier: Apache-2.0
#include "inference/detail/expert_spread.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <optional>
#include <queue>

#include "base/contract.hpp"
#include "base/random.hpp"

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

// Expected largest of n standard normal numbers (Blom 1958: the score of (n - 3/8) / (n + 1/4)).
double largest_of(double n) { return normal_quantile((n - 0.375) / (n + 0.25)); }

// Experts lie anyhow: which chip has which, drawn several times. The same placements for all layers, so that cost and noise do not grow with them.
class Placements final {
 public:
  Placements(std::int64_t experts, std::int64_t ep) : here_(std::max<std::int64_t>(1, experts / ep)), chips_(static_cast<std::size_t>(ep)) {
    constexpr std::uint64_t kSeed = 1, kStream = 0;
    RandomStream random(kSeed, kStream);
    std::vector<std::uint32_t> order(static_cast<std::size_t>(experts));
    std::iota(order.begin(), order.end(), 0U);
    for (int placement = 0; placement < kPlacements; ++placement) {
      for (std::size_t left = order.size(); left > 1; --left) std::swap(order[left - 1], order[random.below(left)]);
      orders_.insert(orders_.end(), order.begin(), order.end());
    }
  }

  // Share of the fullest chip over the mean of all, expected.
  [[nodiscard]] double fullest(const std::vector<double>& shares) const {
    const auto experts = static_cast<std::int64_t>(shares.size());
    double sum = 0;
    for (int placement = 0; placement < kPlacements; ++placement) {
      const auto* order = &orders_[static_cast<std::size_t>(placement * experts)];
      double most = 0;
      for (std::size_t chip = 0; chip < chips_; ++chip) {
        double share = 0;
        for (auto i = static_cast<std::int64_t>(chip) * here_, end = std::min(experts, i + here_); i < end; ++i) share += shares[order[i]];
        most = std::max(most, share);
      }
      sum += most;
    }
    return std::max(1.0, sum / kPlacements * static_cast<double>(chips_));
  }

 private:
  static constexpr int kPlacements = 256;  // the mean is good to one percent or two
  std::int64_t here_;
  std::size_t chips_;
  std::vector<std::uint32_t> orders_;
};

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
  const auto layers = shares_of(load, experts.routed_experts);
  const auto even = [](const std::vector<double>& shares) { return shares.front() == shares.back(); };
  std::optional<Placements> anyhow;
  if (redundant == 0 && ep > 1 && !std::all_of(layers.begin(), layers.end(), even)) anyhow.emplace(experts.routed_experts, ep);
  for (const auto& shares : layers) add_layer(shares, experts.routed_experts, redundant, anyhow && !even(shares) ? anyhow->fullest(shares) : 1);
}

void ExpertSpread::add_layer(const std::vector<double>& shares, std::int64_t experts, std::int64_t redundant, double fullest) {
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
    layer.deviation = fullest > 1 ? (fullest - 1) / largest_of(ep_) : 0;
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
  // Which experts lie on a chip and which of them are hit are both drawn: as many as `here` throws of one coin.
  const double chance = hit / here_, most_hit = hit + z * std::sqrt(std::max(0.0, here_ * chance * (1 - chance)));
  return {.rows = rows, .hit = std::min({here_, rows, std::max(most_hit, std::min(1.0, rows))}), .mean_rows = mean};
}

}  // namespace zettatwin::inference::detail
