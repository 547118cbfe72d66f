// SPDX-License-Identifier: Apache-2.0
// Serving runs of published figures: the row's scenario simulated, or its one batch timed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/document.hpp"
#include "validation/serving_lowering.hpp"

namespace zettatwin::validation {

struct RunAnswer {
  bool infeasible = false;
  bool chip_measured = true;
  std::string why;                   // why there is no answer, or why the deployment does not fit
  std::vector<std::string> assumed;

  // In base units; nothing if the run does not tell.
  [[nodiscard]] std::optional<double> value(const Figure& figure) const;
};

class Runs final {
 public:
  explicit Runs(const config::DocumentSource& source) : source_(source) {}
  [[nodiscard]] RunAnswer ask(const ServingRow& row);

 private:
  const config::DocumentSource& source_;
};

}  // namespace zettatwin::validation
