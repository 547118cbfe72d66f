// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "validation/plot.hpp"
#include "validation/show.hpp"

namespace zettatwin::validation {
namespace {

// Text inside a table's cell.
std::string cell(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '|' ? "\\|" : c == '\n' || c == '\r' ? " " : std::string(1, c);
  return out;
}

std::string share(std::int64_t part, std::int64_t all) { return all > 0 ? fmt::format("{:.0f} %", 100 * static_cast<double>(part) / static_cast<double>(all)) : ""; }

const GroupNote* note_of(const GroupNotes& notes, const std::string& group) {
  const auto at = std::find_if(notes.groups.begin(), notes.groups.end(), [&](const GroupNote& n) { return n.group == group; });
  return at == notes.groups.end() ? nullptr : &*at;
}

Judgements of_set(const Judgements& judgements, const std::string& set) {
  Judgements result;
  for (const auto& j : judgements.rows)
    if (j.set == set) result.rows.push_back(j);
  for (const auto& j : judgements.memory)
    if (j.set == set) result.memory.push_back(j);
  return result;
}

std::string group_rows(const Judgements& judgements, const GroupNotes& notes) {
  std::string out = "| group | what | rows | coverage | median | mean | p90 | max | bias | tau (sweeps) | inside 80 % interval |\n|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n";
  for (const auto& s : scores(judgements)) {
    const auto* note = note_of(notes, s.group);
    out += fmt::format("| {} | {} | {} | {:.0f} % |", s.group, note ? cell(note->title) : "", s.rows, 100 * s.coverage());
    if (s.predicted == 0) out += " | | | | | | |\n";
    else out += fmt::format(" {:.1f} | {:.1f} | {:.1f} | {:.1f} | {:+.1f} | {} | {} |\n", s.median, s.mean, s.p90, s.max, s.bias, s.order.tau ? fmt::format("{:.2f} ({})", *s.order.tau, s.order.sweeps) : "", share(s.inside, s.with_interval));
  }
  return out + "\n";
}

std::string bar_rows(const Judgements& judgements, const GroupNotes& notes) {
  std::string out = "| what | rows | bar | is | |\n|---|--:|---|---|---|\n";
  for (const auto& r : held_against(notes.bars, judgements)) {
    const auto words = words_of(r, "<=");
    out += fmt::format("| {} | {} | {} | {} | {} |\n", cell(r.bar.name), r.score.predicted, words.bar, words.is, r.met ? "met" : "**missed**");
  }
  return out + "\n";
}

std::string worst_rows(const std::vector<const Judgement*>& rows, const GroupNotes& notes, std::size_t most) {
  std::string out = "| row | model | chip | chips | measured | predicted | error | why |\n|---|---|---|--:|--:|--:|--:|---|\n";
  const auto worst = farthest_off(rows);
  for (std::size_t i = 0; i < std::min(most, worst.size()); ++i) {
    const auto& j = *worst[i];
    const auto* note = note_of(notes, j.group);
    out += fmt::format("| {} | {} | {} | {} | {:.4g} {} | {:.4g} | {:+.1f} % | {}{} |\n", j.id, cell(j.model), cell(j.chip), j.chips, j.measured, cell(j.unit), *j.predicted, *j.signed_error(), j.status == Status::infeasible ? "predicted not to fit; " : "",
                       note && !note->why.empty() ? cell(note->why) : "not explained");
  }
  return out + "\n";
}

std::string counts(const std::vector<Count>& list, std::size_t most) {
  std::string out = "| rows | what |\n|--:|---|\n";
  for (std::size_t i = 0; i < std::min(most, list.size()); ++i) out += fmt::format("| {} | {} |\n", list[i].rows, cell(list[i].text));
  if (list.size() > most) {
    std::int64_t rest = 0;
    for (std::size_t i = most; i < list.size(); ++i) rest += list[i].rows;
    out += fmt::format("| {} | {} other reasons |\n", rest, list.size() - most);
  }
  return out + "\n";
}

std::string scaling_rows(const std::vector<const Judgement*>& rows) {
  std::string out = "| model | chip | chips | loss measured | loss predicted | difference |\n|---|---|--:|--:|--:|--:|\n";
  for (const auto& s : scaling_losses(rows))
    out += fmt::format("| {} | {} | {} to {} | {:.1f} % | {:.1f} % | {:+.1f} points |\n", cell(s.model), cell(s.chip), s.fewest, s.most, 100 * s.measured, 100 * s.predicted, 100 * (s.predicted - s.measured));
  return out + "\n";
}

std::string apart_rows(const std::vector<const Judgement*>& rows) {
  std::string out = "| row | reason | measured | predicted | error |\n|---|---|--:|--:|--:|\n";
  bool any = false;
  for (const auto* j : rows) {
    if (j->excluded.empty()) continue;
    any = true;
    out += fmt::format("| {} | {} | {:.4g} {} | {} | {} |\n", j->id, cell(j->excluded), j->measured, cell(j->unit), j->predicted ? fmt::format("{:.4g}", *j->predicted) : "not predicted", j->signed_error() ? fmt::format("{:+.1f} %", *j->signed_error()) : "");
  }
  return any ? out + "\n" : "No row is scored apart.\n\n";
}

constexpr const char* kOpening = R"(<!-- SPDX-License-Identifier: Apache-2.0 -->
<!-- Written by zettatwin validate --rows ROWS.csv --document docs; do not edit. -->
# Predictions against measured runs

Each row of a table of published runs is lowered to a scenario (model, chip, machine, plan, software), predicted, and compared. Nothing is fitted to **public** rows. **Calibration**
rows may be used for constants of chips and software. No constant belongs to a row, a paper, a model or a site.

- error: (predicted / measured - 1), in the row's own metric: step time, tokens/s or FLOP rate. Median, mean, p90 and max are of its absolute value, in %; bias is its mean.
- coverage: the share of fully specified rows that were predicted (of all rows where a group has none).
- tau: Kendall's tau-b of measured and predicted over all pairs of rows of one configuration sweep: rows of the same source, year, model, sequence length, sequences per step, chip, number
  of chips and metric, which differ in their plan.
- interval: from the residuals of calibration runs and from what had to be assumed ([how](math/uncertainty.md)); 80 % of measured values should lie inside.

)";

}  // namespace

std::vector<DocumentFile> document(const Judgements& judgements, const GroupNotes& notes) {
  const auto open = of_set(judgements, "public"), calibration = of_set(judgements, "calibration");
  const auto all = all_of(open);
  std::string text = kOpening;
  text += fmt::format("{} rows: {} public, {} for calibration.\n\n", judgements.rows.size(), open.rows.size(), calibration.rows.size());
  text += "## Bars\n\nFully specified rows, unless a group has none.\n\n" + bar_rows(judgements, notes);
  text += "## Public rows by group\n\n" + group_rows(open, notes) + "![signed errors by group](validation/errors.svg)\n\n![predicted over measured](validation/scatter.svg)\n\n";
  text += "## Scaling\n\nThroughput per chip that is lost from the smallest to the largest run of a series (one source, model, sequence length, chip, precision and plan, with as many replicas more as chips and sequences).\n\n" + scaling_rows(all);
  text += "## The worst ten rows\n\nThe reasons are those of their groups.\n\n" + worst_rows(all, notes, 10);
  text += "## Calibration rows by group\n\n" + group_rows(calibration, notes);
  text += "## Rows that are scored apart\n\nKnown to be wrong; predicted like all others.\n\n" + apart_rows(all_of(judgements));
  text += "## Public rows that were not predicted\n\n" + counts(reasons_of(all), 15) + "## What was assumed of public rows\n\n" + counts(assumptions_of(all), 15);
  text += "## What is not validated\n\n" + notes.not_validated;
  const auto groups = plot_groups(all);
  return {{"validation.md", std::move(text)}, {"validation/errors.svg", errors_svg(groups, false)}, {"validation/scatter.svg", scatters_svg(groups)}};
}

}  // namespace zettatwin::validation
