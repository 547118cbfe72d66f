// SPDX-License-Identifier: Apache-2.0
// Serving runs of published figures. Closed loops, bursts and Poisson arrivals are simulated request by request (api::serve). Rates of one phase, batches held
// constant, paces and static batches ask the step times of one instance (inference). A run under limits of latency is the highest rate at which their 99th
// percentiles hold, found by bisection on one instance. Where a row has no sizes of its plan, the tensor-parallel size of highest throughput is taken, as who
// publishes a record would.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "api/library.hpp"
#include "config/document.hpp"
#include "validation/serving_lowering.hpp"
#include "validation/serving_scenario.hpp"

namespace zettatwin::validation {

struct RunAnswer {
  bool infeasible = false;
  std::string why;                   // why there is no answer, or why the deployment does not fit
  std::vector<std::string> assumed;

  // In base units; NaN: not told by the run.
  static constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  struct Latency {
    double mean = kNone, median = kNone, p99 = kNone;
  };
  Latency ttft, tpot, latency;
  double output_rate = kNone, total_rate = kNone, prefill_rate = kNone, decode_rate = kNone;  // of all chips
  double prompt_time = kNone, token_time = kNone, cache_transfer = kNone;
  double chips = 0;                  // that the rates are of
  double concurrency = 0, output = 0;  // of a closed loop: requests, nominal tokens

  double decode_kernels = 0, prompt_kernels = 0;  // half widths that residuals of kernels give a step that decodes, and one with prompts

  [[nodiscard]] std::optional<double> value(const Figure& figure) const;
  // Half width that residuals of kernels give the figure: of the steps that it counts, the wider where it counts both.
  [[nodiscard]] double kernels(const Figure& figure) const;
};

class Runs final {
 public:
  Runs(const config::DocumentSource& source, api::Library& library, double acceptance) : source_(source), library_(library), acceptance_(acceptance) {}
  [[nodiscard]] RunAnswer ask(const ServingRow& row);

 private:
  [[nodiscard]] RunAnswer simulated(const ServingRow& row, const Sizes& sizes, const TrafficSize& size);
  [[nodiscard]] RunAnswer alike_instances(const ServingRow& row, const Sizes& sizes, const TrafficSize& size);
  [[nodiscard]] RunAnswer best_plan(const ServingRow& row, const TrafficSize& size, Sizes& best);
  [[nodiscard]] RunAnswer at_capacity(const ServingRow& row, Sizes sizes);
  [[nodiscard]] RunAnswer rate_of_day(const ServingRow& row, RunAnswer most);
  void set_by_harness(ServingRow& row, const model::Architecture& model, const Sizes& sizes, std::vector<std::string>& assumed);

  const config::DocumentSource& source_;
  api::Library& library_;
  double acceptance_;
};

}  // namespace zettatwin::validation
