// SPDX-License-Identifier: Apache-2.0
// One measured row as a scenario: what a user would have written to ask for the same run. Knobs that the row leaves open get the framework's
// defaults and are listed; a row that names an unknown chip, or lacks what a run cannot do without, says so.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/document.hpp"
#include "validation/model_index.hpp"
#include "validation/model_names.hpp"
#include "validation/table.hpp"
#include "validation/vocabulary.hpp"

namespace zettatwin::validation {

enum class Metric {
  step_time,
  tokens_per_s_per_chip,
  tokens_per_s,
  model_flop_rate_per_chip,
  memory,                       // memory.hpp; in GiB
  sequences_per_s,
  sequences_per_s_per_chip,
  mfu,                          // of the dense peak of the recipe's precision
  hardware_flop_rate_per_chip,  // recomputation counted, attention over the full square (Narayanan et al. 2021, eq. 3)
};

// How a metric is written and what one unit of it is.
struct MetricUnit {
  Metric metric = Metric::step_time;
  double si = 1;
  bool square_attention = false;  // the source counts attention over the full square of a sequence where the model's own FLOP are meant
};

// A knob that the row leaves open, read otherwise: tried in order where the first reading does not fit in memory, because the run did.
struct OtherReading {
  config::Node changes;  // laid over the scenario
  bool instead = false;  // of the scenario's plan
  std::string assumed;
};

struct Lowered {
  config::Node scenario;
  MetricUnit metric;
  double measured = 0;               // in the row's unit
  std::vector<std::string> assumed;  // knobs that the row does not give
  std::vector<OtherReading> others;
  std::vector<std::string> problems; // why it cannot be asked; empty if it can
  bool bad = false;                  // the row contradicts itself or cannot be read; else something is not supported
};

[[nodiscard]] Lowered lower(const Row& row, const Vocabulary& vocabulary, const ModelIndex& models, const ModelNames& names);

}  // namespace zettatwin::validation
