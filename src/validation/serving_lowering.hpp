// SPDX-License-Identifier: Apache-2.0
// One published serving figure as a question: the machine, the model, the deployment and the traffic that a user would have written to ask for the same run,
// or the one operator that was measured. Knobs that the row leaves open get defaults and are listed; a row that names an unknown chip or model, or lacks what
// a run cannot do without, says so.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "validation/run_words.hpp"
#include "validation/serving_vocabulary.hpp"
#include "validation/model_names.hpp"
#include "validation/table.hpp"

namespace zettatwin::validation {

// One figure of a run, and how it is written.
struct Figure {
  Asked is = Asked::nothing;
  Statistic statistic = Statistic::mean;
  double si = 1;           // of one unit
  std::int64_t chips = 0;  // that a rate is of, in the catalog's ranks; 0: the whole run
};

struct StatedFigure {
  Figure figure;
  std::string group;  // behind the row's own
  std::string metric, unit;
  double measured = 0;
};

// How a run is loaded.
enum class Load {
  concurrency,  // so many requests at any time
  burst,        // all at once
  capacity,     // the rate at which limits of latency hold
  batch,        // a batch of so many sequences per rank, held constant
  pace,         // the batch at which a token takes so long
  one_shot,     // one batch, its prompts and then its tokens
  log,          // arrivals and lengths of a published log
};

struct RunShape {
  std::int64_t input = 0, output = 0;  // tokens; mean of a data set
  double least = 1;                    // lengths are uniform from this share of the nominal ones
  double cv = 0;                       // or of this deviation over mean
  std::int64_t longest_input = 0, longest_output = 0;  // then cut; 0: no limit
  double seconds = 0;                  // burst: that a run lasts at least
  Load load = Load::concurrency;
  double amount = 0;                   // requests, sequences per rank, or seconds per token
  double ttft = 0, tpot = 0;           // limits of load capacity, seconds
  std::int64_t requests = 0;           // burst
  std::optional<DayRule> day;          // in production, of which the row is a mean
  std::optional<HarnessRule> harness;  // a tool that sets the engine
  double start = 0;                    // concurrency: that the first prompts, one for each place, wait beside their queue, seconds
  double hit_share = 0;                // of prompt tokens that a rate counts although they were in a cache
  std::string log;                     // in the catalog
};

struct OperatorShape {
  std::string op;                      // of a collective
  double bytes = 0;
  std::int64_t ranks = 0;              // of a collective or an exchange
  std::int64_t tokens = 0;             // of one rank in an exchange
  std::optional<ProductWords> product;
  std::string precision;               // of this catalog
  double elements_read = 1, elements_written = 0;  // of a stream, per element
};

struct ServingRow {
  Figure figure;
  double measured = 0;
  std::vector<StatedFigure> stated;
  std::string group;
  config::Node machine;                // with the changes of its rule
  std::int64_t chips = 0;              // ranks of the catalog
  std::string model;                   // a preset
  config::Node software;               // a profile, or a mapping that extends one; null: the default
  config::Node deployment;             // changes that engine, precision and flags ask for
  std::string routing;                 // a word of the scenario's routers; empty: theirs
  ParallelWords words;
  RunShape run;
  OperatorShape op;
  std::vector<std::string> assumed;
  std::vector<std::string> problems;   // why it cannot be asked; empty if it can
  bool bad = false;                    // the row contradicts itself or cannot be read; else something is not supported
  bool is_operator = false;
};

[[nodiscard]] ServingRow lower_serving(const Row& row, const ServingVocabulary& vocabulary, const Vocabulary& training, const ModelNames& models);

// Whether a file has the columns of serving results rather than of training runs.
[[nodiscard]] bool is_serving_table(const Table& table);
[[nodiscard]] const std::vector<std::string>& serving_columns();

}  // namespace zettatwin::validation
