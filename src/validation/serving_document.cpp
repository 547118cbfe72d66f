// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "validation/document_tables.hpp"
#include "validation/plot.hpp"

namespace zettatwin::validation {
namespace {

constexpr const char* kOpening = R"(<!-- SPDX-License-Identifier: Apache-2.0 -->
<!-- Written by zettatwin validate --rows ROWS.csv --document docs; do not edit. -->
# Serving: predictions against published figures

Each row of a table of published figures is lowered to a question: a serving scenario (machine, model, engine, deployment, traffic) that is simulated, one batch whose steps are timed, or a
single operator or collective. Nothing is fitted to these rows. No constant belongs to a row, a paper, a model or a site. What the words of rows mean is data:
`catalog/validation/serving.yaml`.

- error: (predicted / measured - 1), in the row's own metric. Median, mean, p90 and max are of its absolute value, in %; bias is its mean. Of rates and bandwidths positive is too fast, of
  times too slow.
- coverage: the share of rows that were predicted.
- tau: Kendall's tau-b of measured and predicted over all pairs of rows of one sweep: rows of the same source, model, chip, precision, lengths and metric, which differ in load and plan.
- interval: of single kernels from kernels that were held out when the chip's figures were fitted; of runs from these, weighted by their shares of a step, and an estimate of what kernels leave
  out, as no serving run is set aside to measure it ([how](math/uncertainty.md)). What had to be assumed widens it. 80 % of measured values should lie inside.
- Groups whose names end with TTFT, rate or latency are figures that the notes of the rows state beside their own. A mean is compared where the source does not say which statistic it shows.

)";

}  // namespace

std::vector<DocumentFile> serving_document(const Judgements& judgements, const GroupNotes& notes) {
  const auto all = all_of(judgements);
  std::string text = kOpening;
  text += fmt::format("{} rows, {} further figures in their notes.\n\n", judgements.rows.size(), judgements.stated.size());
  text += "## Bars\n\n" + bar_rows(judgements, notes) + missed_bars(judgements, notes);
  text += "## Groups\n\n" + group_rows(judgements, notes) + "![signed errors by group](serving_validation/errors.svg)\n\n![predicted over measured](serving_validation/scatter.svg)\n\n";
  constexpr std::size_t kWorst = 20, kListed = 25;
  text += "## The worst rows\n\nThe reasons are those of their groups.\n\n" + worst_rows(all, notes, kWorst);
  text += "## Figures that are scored apart\n\nThey contradict others of their own source; predicted like all others.\n\n" + apart_rows(all);
  text += "## Figures that were not predicted\n\n" + count_rows(reasons_of(all), kListed) + "## What was assumed\n\n" + count_rows(assumptions_of(all), kListed);
  text += "## What is not validated\n\n" + notes.not_validated;
  const auto groups = plot_groups(all);
  return {{"serving_validation.md", std::move(text)}, {"serving_validation/errors.svg", errors_svg(groups, false)}, {"serving_validation/scatter.svg", scatters_svg(groups)}};
}

}  // namespace zettatwin::validation
