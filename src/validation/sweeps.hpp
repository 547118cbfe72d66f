// SPDX-License-Identifier: Apache-2.0
// Rows that ask the same question of different plans. A configuration sweep: set, source, year, model (name, layers, hidden size), sequence length, sequences per
// step, chip, number of chips and metric are the same; what is left to differ is the plan: tp, cp, pp, ep, dp, microbatch, sharding, recomputation, precision.
// A scaling series: source, model, sequence length, chip, metric, precision, microbatch, tp, cp, pp, ep and sequences per chip are the same; replicas are added.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "validation/judge.hpp"

namespace zettatwin::validation {

[[nodiscard]] std::string sweep_of(const Row& row);
[[nodiscard]] std::string series_of(const Row& row);

// "tp 8, pp 4, recompute full": sizes of the plan that are not 1, and what is recomputed.
[[nodiscard]] std::string plan_of(const Row& row);

// Kendall's tau-b over all pairs of judgements of one sweep: (concordant - discordant) / sqrt(pairs not tied in measured x pairs not tied in predicted).
struct RankAgreement {
  std::int64_t sweeps = 0;  // with two rows or more
  std::int64_t pairs = 0;
  std::optional<double> tau;
  std::int64_t apart = 0, apart_in_order = 0;  // pairs whose measured values differ by more than 10 %, and those of them that are predicted in their order
};
[[nodiscard]] RankAgreement rank_agreement(const std::vector<const Judgement*>& judgements);

// How throughput per chip falls from the smallest to the largest run of a series: 1 - (per chip at most chips) / (per chip at fewest).
struct ScalingLoss {
  std::string model, chip;
  std::int64_t fewest = 0, most = 0;  // chips
  double measured = 0, predicted = 0;
  double measured_slope = 0, predicted_slope = 0;  // of ln(throughput) over ln(chips), least squares
};
// Of rows that are one series; nothing if they have fewer than two numbers of chips.
[[nodiscard]] std::optional<ScalingLoss> scaling_loss(const std::vector<const Judgement*>& series);
// Of all series with two numbers of chips or more, in the order of their first rows. Several rows at one number of chips count as their mean logarithm.
[[nodiscard]] std::vector<ScalingLoss> scaling_losses(const std::vector<const Judgement*>& judgements);

}  // namespace zettatwin::validation
