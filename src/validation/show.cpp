// SPDX-License-Identifier: Apache-2.0
#include "validation/show.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

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

Json optional(const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); }

Json row_json(const Judgement& j) {
  Json row{{"id", j.id}, {"set", j.set}, {"group", j.group}, {"status", name_of(j.status)}, {"metric", j.metric}, {"unit", j.unit}, {"measured", j.measured}, {"predicted", optional(j.predicted)},
           {"signed_error_pct", optional(j.signed_error())}, {"low", optional(j.low())}, {"high", optional(j.high())}, {"assumed", j.assumed}, {"note", j.note}};
  if (!j.excluded.empty()) row["excluded"] = j.excluded;
  return row;
}

Json group_json(const GroupScore& s) {
  const auto of = [&](double value) { return s.predicted > 0 ? Json(value) : Json(nullptr); };
  return {{"group", s.group}, {"count", s.rows}, {"predicted", s.predicted}, {"infeasible", s.infeasible}, {"fully_specified", s.specified}, {"coverage", s.coverage()}, {"median", of(s.median)}, {"mean", of(s.mean)},
          {"p90", of(s.p90)}, {"max", of(s.max)}, {"sign", of(s.bias)}, {"tau", optional(s.order.tau)}, {"sweeps", s.order.sweeps}, {"with_interval", s.with_interval}, {"inside_interval", s.inside}};
}

std::vector<Count> counted(std::vector<std::string> texts) {
  std::sort(texts.begin(), texts.end());
  std::vector<Count> counts;
  for (auto& text : texts) {
    if (counts.empty() || counts.back().text != text) counts.push_back({std::move(text), 0});
    ++counts.back().rows;
  }
  std::stable_sort(counts.begin(), counts.end(), [](const auto& a, const auto& b) { return a.rows > b.rows; });
  return counts;
}

std::string score_line(const GroupScore& s) {
  if (s.predicted == 0) return fmt::format("{:<12} {:>6} {:>9} {:>8.0f} %\n", s.group, s.rows, s.predicted, 100 * s.coverage());
  return fmt::format("{:<12} {:>6} {:>9} {:>8.0f} % {:>6.1f} % {:>6.1f} % {:>6.1f} % {:>6.1f} % {:>+6.1f} % {:>6} {:>8}\n", s.group, s.rows, s.predicted, 100 * s.coverage(), s.median, s.mean, s.p90, s.max, s.bias,
                     s.order.tau ? fmt::format("{:.2f}", *s.order.tau) : "", s.with_interval > 0 ? fmt::format("{:.0f} %", 100 * static_cast<double>(s.inside) / static_cast<double>(s.with_interval)) : "");
}

}  // namespace

std::vector<const Judgement*> all_of(const Judgements& judgements) {
  std::vector<const Judgement*> all;
  judgements.each([&](const Judgement& j) { all.push_back(&j); });
  return all;
}

std::vector<const Judgement*> farthest_off(const std::vector<const Judgement*>& judgements) {
  std::vector<const Judgement*> worst;
  for (const auto* j : judgements)
    if (j->signed_error() && j->excluded.empty()) worst.push_back(j);
  std::stable_sort(worst.begin(), worst.end(), [](const auto* a, const auto* b) { return std::abs(*a->signed_error()) > std::abs(*b->signed_error()); });
  return worst;
}

std::vector<Count> reasons_of(const std::vector<const Judgement*>& judgements) {
  std::vector<std::string> reasons;
  for (const auto* j : judgements)
    if (!j->predicted) reasons.push_back(j->note);
  return counted(std::move(reasons));
}

std::vector<Count> assumptions_of(const std::vector<const Judgement*>& judgements) {
  std::vector<std::string> assumptions;
  for (const auto* j : judgements)
    if (j->predicted) assumptions.insert(assumptions.end(), j->assumed.begin(), j->assumed.end());
  return counted(std::move(assumptions));
}

std::string csv(const std::vector<Judgement>& judgements) {
  std::string out = "id,group,status,metric,unit,measured,predicted,signed_error_pct,low,high,assumed,note\n";
  for (const auto& j : judgements)
    out += fmt::format("{},{},{},{},{},{},{},{},{},{},{},{}\n", quoted(j.id), quoted(j.group), name_of(j.status), quoted(j.metric), quoted(j.unit), j.measured > 0 ? number(j.measured) : "", number(j.predicted),
                       number(j.signed_error()), number(j.low()), number(j.high()), quoted(fmt::format("{}", fmt::join(j.assumed, "; "))), quoted(j.note));
  return out;
}

std::string json(const Judgements& judgements) {
  Json rows = Json::array(), memory = Json::array(), stated = Json::array(), groups = Json::array();
  for (const auto& j : judgements.rows) rows.push_back(row_json(j));
  for (const auto& j : judgements.memory) memory.push_back(row_json(j));
  for (const auto& j : judgements.stated) stated.push_back(row_json(j));
  for (const auto& s : scores(judgements)) groups.push_back(group_json(s));
  return Json{{"schema", "zettatwin/validate/2"}, {"rows", std::move(rows)}, {"memory", std::move(memory)}, {"stated", std::move(stated)}, {"groups", std::move(groups)}}.dump(2) + "\n";
}

std::string text(const Judgements& judgements) {
  std::string out = fmt::format("{:<12} {:>6} {:>9} {:>10} {:>8} {:>8} {:>8} {:>8} {:>8} {:>6} {:>8}\n", "group", "rows", "predicted", "coverage", "median", "mean", "p90", "max", "bias", "tau", "in 80 %");
  for (const auto& s : scores(judgements)) out += score_line(s);
  const auto all = all_of(judgements);
  const auto worst = farthest_off(all);
  constexpr std::size_t kShown = 10;
  if (!worst.empty()) out += "\nfarthest off\n";
  for (std::size_t i = 0; i < std::min(kShown, worst.size()); ++i)
    out += fmt::format("  {:<12} {:<28} {:<24} {:>12.5g} measured {:>12.5g} predicted {:>+7.1f} %{}\n", worst[i]->id, worst[i]->model.substr(0, 28), worst[i]->chip.substr(0, 24), worst[i]->measured, *worst[i]->predicted,
                       *worst[i]->signed_error(), worst[i]->status == Status::infeasible ? "  does not fit" : "");
  const auto reasons = reasons_of(all);
  if (!reasons.empty()) out += "\nnot predicted\n";
  for (const auto& reason : reasons) out += fmt::format("  {:>5} rows: {}\n", reason.rows, reason.text);
  return out;
}

}  // namespace zettatwin::validation
