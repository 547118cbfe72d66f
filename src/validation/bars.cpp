// SPDX-License-Identifier: Apache-2.0
#include "validation/bars.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "validation/catalog_data.hpp"

namespace zettatwin::validation {
namespace {

bool belongs(const Bar& bar, const Judgement& j) {
  const auto occurs = [&](const std::string& word) { return j.model.find(word) != std::string::npos || j.chip.find(word) != std::string::npos; };
  const bool every_group = bar.group.empty() && bar.groups.empty() && !j.group.ends_with(" memory");
  const bool in_group = every_group || j.group == bar.group || std::find(bar.groups.begin(), bar.groups.end(), j.group) != bar.groups.end();
  return j.excluded.empty() && in_group && (bar.set.empty() || j.set == bar.set) && (bar.kind.empty() || (bar.kind == "experts") == j.experts) && (bar.all_rows || j.fully_specified) &&
         std::all_of(bar.words.begin(), bar.words.end(), occurs) && std::none_of(bar.without.begin(), bar.without.end(), occurs);
}

}  // namespace

void describe(config::Schema& s, GroupNote& note) {
  s.text("group", note.group, "what stands before the - of the ids", {.presence = config::Presence::required});
  s.text("title", note.title, "what was measured");
  s.text("source", note.source, "who published it");
  s.text("why", note.why, "what the errors that are left come from");
}

void describe(config::Schema& s, Bar& bar) {
  s.text("name", bar.name, "what is held against the bar", {.presence = config::Presence::required});
  s.text("group", bar.group, "of the rows");
  s.texts("groups", bar.groups, "of the rows, where they are several");
  s.text("set", bar.set, "of the rows; all if absent");
  s.text("kind", bar.kind, "dense or experts; both if absent");
  s.texts("words", bar.words, "all of these occur in model or chip");
  s.texts("without", bar.without, "none of these occurs in model or chip");
  s.boolean("all_rows", bar.all_rows, "those that are not fully specified as well");
  s.number("mean", bar.mean, "of the absolute errors, %");
  s.number("max", bar.max, "of the absolute errors, %");
  s.number("loss", bar.loss, "error of the throughput that a series loses from its smallest to its largest run, points");
  s.number("slope", bar.slope, "error of the slope of throughput over chips, %");
  s.number("tau", bar.tau, "at least: order of plans within configuration sweeps");
  s.number("coverage", bar.coverage, "at least: rows that were predicted, %");
  s.text("missing", bar.missing, "shown where the bar is missed: which physics is missing, what the residuals show; Markdown");
  s.texts("by", bar.by, "what parts its residuals into subgroups: model, chip, precision, plan; model and chip if absent");
}

void describe(config::Schema& s, GroupNotes& notes) {
  s.list("groups", notes.groups, "what is known of groups");
  s.list("bars", notes.bars, "what groups are held against");
  s.text("not_validated", notes.not_validated, "what no row says anything of, in Markdown");
}

std::optional<GroupNotes> load_group_notes(const config::DocumentSource& source, bool serving, config::Diagnostics& diagnostics) {
  return load_data<GroupNotes>(source, serving ? "validation/serving_groups.yaml" : "validation/groups.yaml", diagnostics);
}

std::vector<BarResult> held_against(const std::vector<Bar>& bars, const Judgements& judgements) {
  std::vector<BarResult> results;
  for (const auto& bar : bars) {
    std::vector<const Judgement*> rows;
    judgements.each([&](const Judgement& j) {
      if (belongs(bar, j)) rows.push_back(&j);
    });
    BarResult r{.bar = bar, .score = score(bar.name, rows)};
    bool any = r.score.predicted > 0;
    if (bar.loss > 0) {
      const auto series = scaling_losses(rows);
      for (const auto& one : series) r.loss = std::max(r.loss, 100 * std::abs(one.predicted - one.measured));
      any = any && !series.empty();
    }
    if (bar.slope > 0) {
      const auto all = scaling_loss(rows);
      if (all) r.slope = 100 * std::abs(all->predicted_slope / all->measured_slope - 1);
      any = any && all;
    }
    const auto under = [](double value, double most) { return most <= 0 || value <= most; };
    if (bar.tau > 0) any = any && r.score.order.tau.has_value();
    const auto over = [](double value, double least) { return least <= 0 || value >= least; };
    r.rows = std::move(rows);
    r.met = any && under(r.score.mean, bar.mean) && under(r.score.max, bar.max) && under(r.loss, bar.loss) && under(r.slope, bar.slope) && over(r.score.order.tau.value_or(-1), bar.tau) && over(100 * r.score.coverage(), bar.coverage);
    results.push_back(std::move(r));
  }
  return results;
}

std::vector<Subgroup> subgroups(const BarResult& result) {
  const auto by = result.bar.by.empty() ? std::vector<std::string>{"model", "chip"} : result.bar.by;
  const auto word = [](const Judgement& j, const std::string& what) { return what == "model" ? j.model : what == "chip" ? j.chip : what == "precision" ? j.precision : j.plan; };
  std::vector<Subgroup> groups;
  for (const auto* j : result.rows) {
    const auto error = j->signed_error();
    if (!error) continue;
    std::vector<std::string> words;
    for (const auto& what : by) words.push_back(word(*j, what));
    const auto name = fmt::format("{}", fmt::join(words, ", "));
    auto at = std::find_if(groups.begin(), groups.end(), [&](const Subgroup& g) { return g.name == name; });
    if (at == groups.end()) at = groups.insert(at, {.name = name, .rows = 0, .bias = 0, .mean = 0, .least = *error, .most = *error});
    ++at->rows;
    at->bias += *error;
    at->mean += std::abs(*error);
    at->least = std::min(at->least, *error);
    at->most = std::max(at->most, *error);
  }
  std::stable_sort(groups.begin(), groups.end(), [](const auto& a, const auto& b) { return a.mean > b.mean; });
  for (auto& g : groups) {
    g.bias /= static_cast<double>(g.rows);
    g.mean /= static_cast<double>(g.rows);
  }
  return groups;
}

BarWords words_of(const BarResult& r, std::string_view at_most) {
  std::vector<std::string> bar, is;
  const auto add = [&](const char* what, double limit, double value, const char* unit) {
    if (limit <= 0) return;
    bar.push_back(fmt::format("{} {} {:g} {}", what, at_most, limit, unit));
    is.push_back(r.score.predicted > 0 ? fmt::format("{} {:.1f} {}", what, value, unit) : "nothing predicted");
  };
  add("mean", r.bar.mean, r.score.mean, "%");
  add("max", r.bar.max, r.score.max, "%");
  add("loss", r.bar.loss, r.loss, "points");
  add("slope", r.bar.slope, r.slope, "%");
  const auto at_least = at_most == "<=" ? ">=" : "&#8805;";
  const auto add_least = [&](const char* what, double limit, const std::string& value, const char* unit) {
    if (limit <= 0) return;
    bar.push_back(fmt::format("{} {} {:g}{}", what, at_least, limit, unit));
    is.push_back(r.score.predicted > 0 ? fmt::format("{} {}{}", what, value, unit) : "nothing predicted");
  };
  add_least("tau", r.bar.tau, r.score.order.tau ? fmt::format("{:.2f}", *r.score.order.tau) : "not defined", "");
  add_least("coverage", r.bar.coverage, fmt::format("{:.1f}", 100 * r.score.coverage()), " %");
  return {fmt::format("{}", fmt::join(bar, ", ")), fmt::format("{}", fmt::join(is, ", "))};
}

}  // namespace zettatwin::validation
