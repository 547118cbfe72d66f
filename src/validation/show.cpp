// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "validation/judge.hpp"

namespace zettatwin::validation {
namespace {

using Json = nlohmann::ordered_json;

std::string quoted(const std::string& cell) {
  if (cell.find_first_of(",\"\r\n") == std::string::npos) return cell;
  std::string result = "\"";
  for (const char c : cell) result += c == '"' ? "\"\"" : std::string(1, c);
  return result + "\"";
}

std::string number(const std::optional<double>& value) { return value ? fmt::format("{:.6g}", *value) : ""; }

}  // namespace

std::string csv(const std::vector<Judgement>& judgements) {
  std::string out = "id,group,status,metric,unit,measured,predicted,signed_error_pct,low,high,assumed,note\n";
  for (const auto& j : judgements)
    out += fmt::format("{},{},{},{},{},{},{},{},,,{},{}\n", quoted(j.id), quoted(j.group), name_of(j.status), quoted(j.metric), quoted(j.unit), j.measured > 0 ? number(j.measured) : "", number(j.predicted),
                       number(j.signed_error()), quoted(fmt::format("{}", fmt::join(j.assumed, "; "))), quoted(j.note));
  return out;
}

std::string json(const std::vector<Judgement>& judgements) {
  const auto optional = [](const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); };
  Json rows = Json::array(), groups = Json::array();
  for (const auto& j : judgements)
    rows.push_back({{"id", j.id}, {"set", j.set}, {"group", j.group}, {"status", name_of(j.status)}, {"metric", j.metric}, {"unit", j.unit}, {"measured", j.measured}, {"predicted", optional(j.predicted)},
                    {"signed_error_pct", optional(j.signed_error())}, {"assumed", j.assumed}, {"note", j.note}});
  for (const auto& s : scores(judgements))
    groups.push_back({{"group", s.group}, {"count", s.rows}, {"predicted", s.predicted}, {"coverage", s.coverage()}, {"median", s.median}, {"mean", s.mean}, {"p90", s.p90}, {"max", s.max}, {"sign", s.bias},
                      {"tau", optional(s.tau)}});
  return Json{{"schema", "zettatwin/validate/1"}, {"rows", std::move(rows)}, {"groups", std::move(groups)}}.dump(2) + "\n";
}

std::string text(const std::vector<Judgement>& judgements) {
  std::string out = fmt::format("{:<8} {:>6} {:>9} {:>8} {:>8} {:>8} {:>8} {:>8} {:>6}\n", "group", "rows", "predicted", "median", "mean", "p90", "max", "bias", "tau");
  for (const auto& s : scores(judgements))
    out += fmt::format("{:<8} {:>6} {:>9} {:>6.1f} % {:>6.1f} % {:>6.1f} % {:>6.1f} % {:>+6.1f} % {:>6}\n", s.group, s.rows, s.predicted, s.median, s.mean, s.p90, s.max, s.bias, s.tau ? fmt::format("{:.2f}", *s.tau) : "");
  std::vector<const Judgement*> worst;
  for (const auto& j : judgements)
    if (j.signed_error()) worst.push_back(&j);
  std::stable_sort(worst.begin(), worst.end(), [](const auto* a, const auto* b) { return std::abs(*a->signed_error()) > std::abs(*b->signed_error()); });
  constexpr std::size_t kShown = 10;
  if (!worst.empty()) out += "\nfarthest off\n";
  for (std::size_t i = 0; i < std::min(kShown, worst.size()); ++i)
    out += fmt::format("  {:<12} {:<28} {:<24} {:>12.5g} measured {:>12.5g} predicted {:>+7.1f} %{}\n", worst[i]->id, worst[i]->model.substr(0, 28), worst[i]->chip.substr(0, 24), worst[i]->measured, *worst[i]->predicted,
                       *worst[i]->signed_error(), worst[i]->status == Status::infeasible ? "  does not fit" : "");
  std::vector<std::pair<std::string, std::int64_t>> reasons;
  for (const auto& j : judgements) {
    if (j.predicted) continue;
    const auto at = std::find_if(reasons.begin(), reasons.end(), [&](const auto& r) { return r.first == j.note; });
    if (at == reasons.end()) reasons.emplace_back(j.note, 1);
    else ++at->second;
  }
  std::stable_sort(reasons.begin(), reasons.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  if (!reasons.empty()) out += "\nnot predicted\n";
  for (const auto& [reason, count] : reasons) out += fmt::format("  {:>5} rows: {}\n", count, reason);
  return out;
}

}  // namespace zettatwin::validation
