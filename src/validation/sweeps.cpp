// SPDX-License-Identifier: Apache-2.0
#include "validation/sweeps.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace zettatwin::validation {
namespace {

std::string joined(const Row& row, std::initializer_list<std::string_view> columns) {
  std::string key;
  for (const auto column : columns) {
    key += row.text(column);
    key += '\x1f';
  }
  return key;
}

constexpr double kApart = 0.1;  // the same run differs by a few per cent from day to day and from release to release

// Predicted rows by key, in the order of the first of each.
std::vector<std::vector<const Judgement*>> gathered(const std::vector<const Judgement*>& judgements, std::string Judgement::* key) {
  std::map<std::string, std::size_t> place;
  std::vector<std::vector<const Judgement*>> result;
  for (const auto* j : judgements) {
    if (!j->signed_error()) continue;
    const auto [at, absent] = place.try_emplace(j->*key, result.size());
    if (absent) result.emplace_back();
    result[at->second].push_back(j);
  }
  return result;
}

// ln of sequences per second up to a constant of the series.
double log_throughput(const Judgement& j, double value) {
  const double log = std::log(value), chips = std::log(static_cast<double>(j.chips));
  if (j.metric == "step_time") return std::log(j.sequences) - log;
  return j.metric == "tokens_per_s" ? log : log + chips;
}

double slope(const std::map<double, double>& points) {
  const auto n = static_cast<double>(points.size());
  double x = 0, y = 0, xy = 0, xx = 0;
  for (const auto& [a, b] : points) {
    x += a / n;
    y += b / n;
  }
  for (const auto& [a, b] : points) {
    xy += (a - x) * (b - y);
    xx += (a - x) * (a - x);
  }
  return xy / xx;
}

// Mean logarithm of throughput by logarithm of chips.
std::map<double, double> points_of(const std::vector<const Judgement*>& series, bool measured) {
  std::map<double, std::pair<double, double>> sums;
  for (const auto* j : series) {
    if (!j->signed_error() || j->chips <= 0 || (j->metric == "step_time" && j->sequences <= 0)) continue;
    auto& sum = sums[std::log(static_cast<double>(j->chips))];
    sum.first += log_throughput(*j, measured ? j->measured : *j->predicted);
    sum.second += 1;
  }
  std::map<double, double> points;
  for (const auto& [chips, sum] : sums) points[chips] = sum.first / sum.second;
  return points;
}

double loss(const std::map<double, double>& points) {
  const auto first = *points.begin(), last = *points.rbegin();
  return 1 - std::exp((last.second - last.first) - (first.second - first.first));
}

}  // namespace

std::string sweep_of(const Row& row) { return joined(row, {"set", "source", "year", "model", "layers", "hidden", "seq_len", "gbs", "chip", "num_chips", "metric", "unit"}); }

std::string series_of(const Row& row) {
  const double per_chip = row.number("gbs").value_or(0) / std::max(1.0, row.number("num_chips").value_or(1));
  return joined(row, {"set", "source", "year", "model", "layers", "hidden", "seq_len", "chip", "precision", "metric", "unit", "mbs", "tp", "cp", "pp", "vpp", "ep"}) + fmt::format("{:.6g}", per_chip);
}

std::string plan_of(const Row& row) {
  std::vector<std::string> words;
  for (const auto* column : {"tp", "cp", "pp", "vpp", "ep"})
    if (const auto size = row.whole(column).value_or(1); size > 1) words.push_back(fmt::format("{} {}", column, size));
  const auto recompute = row.text("recompute");
  if (recompute.starts_with("full") || recompute.starts_with("selective")) words.push_back(fmt::format("recompute {}", recompute.substr(0, recompute.find_first_of(" (,;"))));
  return words.empty() ? "data parallel" : fmt::format("{}", fmt::join(words, ", "));
}

RankAgreement rank_agreement(const std::vector<const Judgement*>& judgements) {
  RankAgreement result;
  double agree = 0, disagree = 0, measured_ties = 0, predicted_ties = 0;
  for (const auto& rows : gathered(judgements, &Judgement::sweep)) {
    if (rows.size() > 1) ++result.sweeps;
    for (std::size_t i = 0; i < rows.size(); ++i)
      for (std::size_t k = i + 1; k < rows.size(); ++k) {
        const double a = rows[i]->measured - rows[k]->measured, b = *rows[i]->predicted - *rows[k]->predicted;
        ++result.pairs;
        if (a == 0 && b == 0) continue;
        if (a == 0) ++measured_ties;
        else if (b == 0) ++predicted_ties;
        else ++((a > 0) == (b > 0) ? agree : disagree);
        if (std::abs(a) <= kApart * std::min(rows[i]->measured, rows[k]->measured)) continue;
        ++result.apart;
        if (a * b > 0) ++result.apart_in_order;
      }
  }
  const double norm = std::sqrt((agree + disagree + measured_ties) * (agree + disagree + predicted_ties));
  if (norm > 0) result.tau = (agree - disagree) / norm;
  return result;
}

std::optional<ScalingLoss> scaling_loss(const std::vector<const Judgement*>& series) {
  const auto measured = points_of(series, true), predicted = points_of(series, false);
  if (measured.size() < 2) return std::nullopt;
  const auto chips = [](double log) { return static_cast<std::int64_t>(std::llround(std::exp(log))); };
  return ScalingLoss{.model = series.front()->model, .chip = series.front()->chip, .fewest = chips(measured.begin()->first), .most = chips(measured.rbegin()->first), .measured = loss(measured),
                     .predicted = loss(predicted), .measured_slope = slope(measured), .predicted_slope = slope(predicted)};
}

std::vector<ScalingLoss> scaling_losses(const std::vector<const Judgement*>& judgements) {
  std::vector<ScalingLoss> result;
  for (const auto& series : gathered(judgements, &Judgement::series))
    if (const auto loss = scaling_loss(series)) result.push_back(*loss);
  return result;
}

}  // namespace zettatwin::validation
