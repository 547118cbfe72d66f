// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "validation/document_tables.hpp"
#include "validation/plot.hpp"

namespace zettatwin::validation {
namespace {

Judgements of_set(const Judgements& judgements, const std::string& set) {
  Judgements result;
  for (const auto& j : judgements.rows)
    if (j.set == set) result.rows.push_back(j);
  for (const auto& j : judgements.memory)
    if (j.set == set) result.memory.push_back(j);
  return result;
}

// Series that stay within a node are summed up: they say little of scaling, and there are many.
std::string scaling_rows(const std::vector<const Judgement*>& rows) {
  constexpr std::int64_t kNode = 8;
  std::string out = "| model | chip | chips | loss measured | loss predicted | difference |\n|---|---|--:|--:|--:|--:|\n";
  double small = 0, worst = 0;
  std::int64_t within = 0;
  for (const auto& s : scaling_losses(rows)) {
    const double difference = 100 * (s.predicted - s.measured);
    if (s.most <= kNode) {
      ++within;
      small += std::abs(difference);
      worst = std::max(worst, std::abs(difference));
      continue;
    }
    out += fmt::format("| {} | {} | {} to {} | {:.1f} % | {:.1f} % | {:+.1f} points |\n", table_cell(s.model), table_cell(s.chip), s.fewest, s.most, 100 * s.measured, 100 * s.predicted, difference);
  }
  if (within > 0) out += fmt::format("\n{} series end at {} chips or fewer: {:.1f} points off on average, {:.1f} at most.\n", within, kNode, small / static_cast<double>(within), worst);
  return out + "\n";
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
- interval: from the residuals of calibration runs, from how well the kernels of the chip are known, and from what had to be assumed ([how](math/uncertainty.md)); 80 % of measured values should lie inside.

)";

}  // namespace

std::vector<DocumentFile> document(const Judgements& judgements, const GroupNotes& notes) {
  if (judgements.serving) return serving_document(judgements, notes);
  const auto open = of_set(judgements, "public"), calibration = of_set(judgements, "calibration");
  const auto all = all_of(open);
  std::string text = kOpening;
  text += fmt::format("{} rows: {} public, {} for calibration.\n\n", judgements.rows.size(), open.rows.size(), calibration.rows.size());
  text += "## Bars\n\nFully specified rows, unless a group has none.\n\n" + bar_rows(judgements, notes) + missed_bars(judgements, notes);
  text += "## Public rows by group\n\n" + group_rows(open, notes) + "![signed errors by group](validation/errors.svg)\n\n![predicted over measured](validation/scatter.svg)\n\n";
  text += "## Scaling\n\nThroughput per chip that is lost from the smallest to the largest run of a series (one source, model, sequence length, chip, precision and plan, with as many replicas more as chips and sequences).\n\n" + scaling_rows(all);
  text += "## The worst ten rows\n\nThe reasons are those of their groups.\n\n" + worst_rows(all, notes, 10);
  text += "## Calibration rows by group\n\n" + group_rows(calibration, notes);
  text += "## Rows that are scored apart\n\nKnown to be wrong; predicted like all others.\n\n" + apart_rows(all_of(judgements));
  text += "## Public rows that were not predicted\n\n" + count_rows(reasons_of(all), 15) + "## What was assumed of public rows\n\n" + count_rows(assumptions_of(all), 15);
  text += "## What is not validated\n\n" + notes.not_validated;
  const auto groups = plot_groups(all);
  return {{"validation.md", std::move(text)}, {"validation/errors.svg", errors_svg(groups, false)}, {"validation/scatter.svg", scatters_svg(groups)}};
}

}  // namespace zettatwin::validation
