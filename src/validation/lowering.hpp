// SPDX-License-Identifier: Apache-2.0
// One measured row as a scenario: what a user would have written to ask for the same run. Knobs that the row leaves open get the framework's
// defaults and are listed; a row that names an unknown chip, or lacks what a run cannot do without, says so.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/document.hpp"
#include "validation/table.hpp"
#include "validation/vocabulary.hpp"

namespace zettatwin::validation {

enum class Metric {
  step_time,
  tokens_per_s_per_chip,
  tokens_per_s,
  model_flop_rate_per_chip,
  memory,                       // memory.hpp; in GiB
  hardware_flop_rate_per_chip,  // recomputation counted, attention over the full square (Narayanan et al. 2021, eq. 3)
};

// How a metric is written and what one unit of it is.
struct MetricUnit {
  Metric metric = Metric::step_time;
  double si = 1;
};

struct Lowered {
  config::Node scenario;
  MetricUnit metric;
  double measured = 0;               // in the row's unit
  std::vector<std::string> assumed;  // knobs that the row does not give
  std::vector<std::string> problems; // why it cannot be asked; empty if it can
  bool bad = false;                  // the row contradicts itself or cannot be read; else something is not supported
};

// Shapes of the catalog's models, read once.
class ModelIndex final {
 public:
  ModelIndex(const config::DocumentSource& source, config::Diagnostics& diagnostics);

  struct Shape {
    std::string name;
    std::int64_t layers = 0, hidden = 0, heads = 0, kv_heads = 0, vocabulary = 0, experts = 0;
    std::vector<std::int64_t> widths;  // of feed-forwards and experts
  };
  // The preset with the row's shape, whose name is nearest to the row's; `layers` may differ if nothing else does. Null if there is none.
  [[nodiscard]] const Shape* find(const Row& row) const;

 private:
  std::vector<Shape> shapes_;
};

[[nodiscard]] Lowered lower(const Row& row, const Vocabulary& vocabulary, const ModelIndex& models);

}  // namespace zettatwin::validation
