// SPDX-License-Identifier: Apache-2.0
#include "validation/scores.hpp"

#include <algorithm>
#include <cmath>

#include "base/contract.hpp"

namespace zettatwin::validation {

double quantile(const std::vector<double>& sorted, double share) {
  ZT_EXPECT(!sorted.empty(), "a quantile of nothing");
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const auto above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

double GroupScore::coverage() const {
  const auto share = [](std::int64_t part, std::int64_t all) { return all > 0 ? static_cast<double>(part) / static_cast<double>(all) : 0; };
  return specified > 0 ? share(specified_predicted, specified) : share(predicted, rows);
}

GroupScore score(const std::string& group, const std::vector<const Judgement*>& rows) {
  GroupScore s;
  s.group = group;
  s.rows = static_cast<std::int64_t>(rows.size());
  std::vector<double> errors;
  for (const auto* row : rows) {
    if (row->fully_specified) ++s.specified;
    const auto error = row->signed_error();
    if (!error) continue;
    if (row->fully_specified) ++s.specified_predicted;
    if (row->status == Status::infeasible) ++s.infeasible;
    if (row->low()) ++s.with_interval;
    if (row->inside()) ++s.inside;
    s.bias += *error;
    errors.push_back(std::abs(*error));
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
  s.order = rank_agreement(rows);
  return s;
}

std::vector<uncertainty::Sample> samples(const Judgements& judgements) {
  std::vector<uncertainty::Sample> result;
  judgements.each([&](const Judgement& j) {
    // A plan that we say does not fit has run with a knob that we do not know: the error of its time is not one of a prediction, also where another reading of its row fits. Of its
    // memory it is.
    const bool another_plan = (j.status != Status::ok || j.read_otherwise) && j.traits.family.starts_with(uncertainty::kStepTime);
    if (!another_plan && j.signed_error() && *j.predicted > 0 && j.excluded.empty()) result.push_back({.traits = j.traits, .campaign = j.source + " " + j.chip, .log_error = std::log(j.measured / *j.predicted)});
  });
  return result;
}

std::vector<GroupScore> scores(const Judgements& judgements) {
  std::vector<std::string> names;
  std::vector<std::vector<const Judgement*>> groups;
  std::vector<const Judgement*> all, excluded;
  const auto add = [&](const Judgement& j) {
    if (!j.excluded.empty()) return excluded.push_back(&j);
    const auto at = static_cast<std::size_t>(std::find(names.begin(), names.end(), j.group) - names.begin());
    if (at == names.size()) {
      names.push_back(j.group);
      groups.emplace_back();
    }
    groups[at].push_back(&j);
  };
  judgements.each(add);
  for (const auto& j : judgements.rows)
    if (j.excluded.empty() && !j.group.ends_with(" memory")) all.push_back(&j);
  std::vector<GroupScore> result;
  for (std::size_t i = 0; i < names.size(); ++i) result.push_back(score(names[i], groups[i]));
  result.push_back(score(kAll, all));
  if (!excluded.empty()) result.push_back(score(kExcluded, excluded));
  return result;
}

}  // namespace zettatwin::validation
