// SPDX-License-Identifier: Apache-2.0
// Signed errors of groups of rows, and the bars that they are held against.
#pragma once

#include <string>
#include <vector>

#include "uncertainty/fit.hpp"
#include "validation/judge.hpp"
#include "validation/sweeps.hpp"

namespace zettatwin::validation {

struct GroupScore {
  std::string group;
  std::int64_t rows = 0;
  std::int64_t predicted = 0;
  std::int64_t infeasible = 0;                    // predicted not to fit, though they ran
  std::int64_t specified = 0;                     // rows whose every knob is known
  std::int64_t specified_predicted = 0;
  double median = 0, mean = 0, p90 = 0, max = 0;  // of |signed error|, %; 0 without predictions
  double bias = 0;                                // mean signed error, %
  RankAgreement order;                            // within configuration sweeps
  std::int64_t with_interval = 0;
  std::int64_t inside = 0;                        // of those, measured values inside

  // Of the fully specified rows, or of all where there are none of those: the share that was predicted.
  [[nodiscard]] double coverage() const;
};

inline constexpr const char* kExcluded = "excluded";
inline constexpr const char* kAll = "all";

[[nodiscard]] GroupScore score(const std::string& group, const std::vector<const Judgement*>& rows);

// By group, in the order of their first rows; then those of step time or rate together as "all", and the rows that are scored apart as "excluded" if there are any.
[[nodiscard]] std::vector<GroupScore> scores(const Judgements& judgements);

// Residuals of predicted rows that are not scored apart: a campaign is a source on a chip.
[[nodiscard]] std::vector<uncertainty::Sample> samples(const Judgements& judgements);

// The value below which a share of sorted ones lie, between neighbours linearly.
[[nodiscard]] double quantile(const std::vector<double>& sorted, double share);

}  // namespace zettatwin::validation
