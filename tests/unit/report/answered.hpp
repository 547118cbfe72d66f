// SPDX-License-Identifier: Apache-2.0
// Jobs with their answers, ready to be shown.
#pragma once

#include "../../support/figures.hpp"
#include "report/report.hpp"

namespace zettatwin::report::testing {

struct Answered {
  training::Job job;
  training::TrainingResult result;
  std::string title = "a title";

  [[nodiscard]] Subject subject() const { return {.job = job, .result = result, .title = title, .training_tokens = 1e12}; }
};

inline Answered answered(plan::Plan plan, const std::string& machine = "dgx-h100", std::int64_t chips = 64, const std::string& model = "mixtral-8x7b", std::int64_t trace = 0) {
  Answered a{.job = {.machine = test::catalog_machine(machine, chips), .architecture = test::catalog_model(model), .chips = chips, .trace_limit = trace}};
  a.job.plan = std::move(plan);
  if (a.job.plan.global_batch == 0) a.job.plan.global_batch = 512;
  a.result = test::answer(a.job);
  return a;
}

// Two pipeline stages with experts, tensor and data parallelism.
inline const Answered& usual() {
  static const auto a = answered({.tp = 2, .ep = 8, .pp = 2});
  return a;
}

inline const Answered& infeasible() {
  static const auto a = answered({.tp = 1, .zero = 0}, "dgx-h100", 64, "llama-3.1-405b");
  return a;
}

}  // namespace zettatwin::report::testing
