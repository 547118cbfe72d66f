// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "validation/judge.hpp"

namespace zettatwin::validation {
namespace {

// The value below which a share of sorted ones lie, between neighbours linearly.
double quantile(const std::vector<double>& sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const auto above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

// Kendall's tau-b: (concordant - discordant) / sqrt of the pairs that are no ties on either side.
std::optional<double> kendall(const std::vector<const Judgement*>& rows) {
  double agree = 0, disagree = 0, measured_ties = 0, predicted_ties = 0;
  for (std::size_t i = 0; i < rows.size(); ++i)
    for (std::size_t k = i + 1; k < rows.size(); ++k) {
      const double a = rows[i]->measured - rows[k]->measured, b = *rows[i]->predicted - *rows[k]->predicted;
      if (a == 0 && b == 0) continue;
      if (a == 0) ++measured_ties;
      else if (b == 0) ++predicted_ties;
      else ++((a > 0) == (b > 0) ? agree : disagree);
    }
  const double norm = std::sqrt((agree + disagree + measured_ties) * (agree + disagree + predicted_ties));
  return norm > 0 ? std::optional((agree - disagree) / norm) : std::nullopt;
}

GroupScore score(const std::string& group, const std::vector<const Judgement*>& rows) {
  GroupScore s{.group = group, .rows = static_cast<std::int64_t>(rows.size())};
  std::vector<double> errors;
  std::vector<const Judgement*> judged;
  bool one_metric = true;
  for (const auto* row : rows)
    if (const auto error = row->signed_error()) {
      s.bias += *error;
      errors.push_back(std::abs(*error));
      judged.push_back(row);
      one_metric = one_metric && row->metric == judged.front()->metric;
    }
  s.predicted = static_cast<std::int64_t>(errors.size());
  if (errors.empty()) return s;
  for (const double e : errors) s.mean += e;
  s.mean /= static_cast<double>(errors.size());
  s.bias /= static_cast<double>(errors.size());
  std::sort(errors.begin(), errors.end());
  s.median = quantile(errors, 0.5);
  s.p90 = quantile(errors, 0.9);
  s.max = errors.back();
  if (one_metric && judged.size() > 1) s.tau = kendall(judged);
  return s;
}

}  // namespace

std::vector<GroupScore> scores(const std::vector<Judgement>& judgements) {
  std::vector<std::string> names;
  std::vector<std::vector<const Judgement*>> groups;
  std::vector<const Judgement*> all;
  for (const auto& j : judgements) {
    auto at = static_cast<std::size_t>(std::find(names.begin(), names.end(), j.group) - names.begin());
    if (at == names.size()) {
      names.push_back(j.group);
      groups.emplace_back();
    }
    groups[at].push_back(&j);
    all.push_back(&j);
  }
  std::vector<GroupScore> result;
  for (std::size_t i = 0; i < names.size(); ++i) result.push_back(score(names[i], groups[i]));
  result.push_back(score("all", all));
  return result;
}

}  // namespace zettatwin::validation
