// SPDX-License-Identifier: Apache-2.0
// How a step's tokens fall on the experts of the busiest chip. Experts have shares w_e of the tokens' choices; a token reaches expert e with probability
// min(1, k w_e). The chip that a layer waits for holds more than the mean, for two reasons that multiply:
// - which experts lie on it. Without copies they lie anyhow: the fullest chip's share M is the mean of 256 placements drawn (a normal law would miss that the
//   busiest expert always lies on some chip). With copies of the busiest (redundant experts) they are placed so that chips are as even as possible: the busiest
//   are halved first, then each goes to the emptiest chip.
// - that a step's choices are a sample: of m expected rows there are m +- sqrt(m).
// The largest of ep chips exceeds the mean by z(ep) standard deviations of both together, that of the shares being (M - 1) / z, but never by more than the busiest
// experts could; z(n) is the expected largest of n normal numbers. Experts hit are counted alike: most of ep chips, each with E / ep throws of one coin.
// Within 7 % of Monte Carlo (tokens that choose k of 256 experts, on 32 chips, exponents 0 to 0.9).
#pragma once

#include <cstdint>
#include <vector>

#include "inference/deployment.hpp"
#include "model/architecture.hpp"

namespace zettatwin::inference::detail {

// A measured load may have shares of their own for each layer: the answer is the mean of the layers'.
class ExpertSpread final {
 public:
  ExpertSpread(const ExpertLoad& load, const model::MixtureOfExperts& experts, std::int64_t ep, std::int64_t redundant);

  struct OnChip {
    double rows = 0;  // of the busiest chip
    double hit = 0;   // experts with at least one row, of the chip that has most such
    double mean_rows = 0;
  };
  // For `tokens` of the whole group.
  [[nodiscard]] OnChip on_busiest(double tokens) const;
  // The busiest chip's share of the choices over the mean, for many tokens.
  [[nodiscard]] double skew() const;

 private:
  struct Layer {
    std::vector<double> reach;  // probability that a token chooses the expert; distinct values
    std::vector<double> count;  // how many experts have it
    double placed = 1;          // with copies: the busiest chip's share over the mean
    double deviation = 0;       // without: of a chip's share over the mean, such that the fullest is z of them above it
    double most = 1;            // that the busiest experts together make of a chip's share
  };
  // `fullest`: without copies, the expected share of the fullest chip over the mean.
  void add_layer(const std::vector<double>& shares, std::int64_t experts, std::int64_t redundant, double fullest);
  [[nodiscard]] OnChip on_busiest(const Layer& layer, double tokens) const;

  std::vector<Layer> layers_;
  double topk_;
  double ep_;
  double here_;  // experts on a chip, copies counted
};

}  // namespace zettatwin::inference::detail
