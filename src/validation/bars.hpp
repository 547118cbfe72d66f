// SPDX-License-Identifier: Apache-2.0
// What the document of validation says of groups of rows: their names, the bars that they are held against, and why they miss. Data:
// catalog/validation/groups.yaml, and serving_groups.yaml of serving results.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/document.hpp"
#include "config/schema.hpp"
#include "validation/scores.hpp"

namespace zettatwin::validation {

struct GroupNote {
  std::string group;
  std::string title;
  std::string source;
  std::string why;  // what the errors that are left come from
};

// Some rows and the most that their errors may be. A figure of 0 is no bar.
struct Bar {
  std::string name;
  std::string group;               // or
  std::vector<std::string> groups; // rows of any of these; neither: all but memory
  std::string set;                 // "": all
  std::string kind;                // "dense" or "experts"; "": both
  std::vector<std::string> words;    // all occur in model or chip
  std::vector<std::string> without;  // and none of these
  bool all_rows = false;           // those that are not fully specified as well
  double mean = 0, max = 0;        // of |signed error|, %
  double loss = 0;                 // of scaling losses: |predicted - measured| of the worst series, points
  double slope = 0;                // |predicted / measured - 1| of the slope of ln(throughput) over ln(chips), all rows as one series, %
  double tau = 0;                  // at least: order of plans within configuration sweeps (sweeps.hpp)
  double coverage = 0;             // at least: rows that were predicted, %
  std::string missing;             // Markdown, shown where the bar is missed: which physics is missing, what the residuals show
  std::vector<std::string> by;     // what parts its residuals into subgroups: model, chip, precision, plan; model and chip if empty
};

struct GroupNotes {
  std::vector<GroupNote> groups;
  std::vector<Bar> bars;
  std::string not_validated;  // Markdown
};
void describe(config::Schema& s, GroupNote& note);
void describe(config::Schema& s, Bar& bar);
void describe(config::Schema& s, GroupNotes& notes);
[[nodiscard]] std::optional<GroupNotes> load_group_notes(const config::DocumentSource& source, bool serving, config::Diagnostics& diagnostics);

struct BarResult {
  Bar bar;
  GroupScore score;
  double loss = 0, slope = 0;  // as above
  bool met = false;            // every figure, with at least one row
  std::vector<const Judgement*> rows;
};
[[nodiscard]] std::vector<BarResult> held_against(const std::vector<Bar>& bars, const Judgements& judgements);

// Residuals of the rows of a bar that have the same words in `by`: the subgroup with the largest sum of |signed error| first.
struct Subgroup {
  std::string name;
  std::int64_t rows = 0;
  double bias = 0, mean = 0, least = 0, most = 0;  // of signed errors, %; mean of their absolute values
};
[[nodiscard]] std::vector<Subgroup> subgroups(const BarResult& result);

// "mean <= 2.5 %, max <= 7 %" and "mean 1.7 %, max 3.9 %"; `at_most` is how <= is written there, "<=" or as HTML.
struct BarWords {
  std::string bar, is;
};
[[nodiscard]] BarWords words_of(const BarResult& result, std::string_view at_most);

}  // namespace zettatwin::validation
