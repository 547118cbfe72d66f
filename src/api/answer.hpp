// SPDX-License-Identifier: Apache-2.0
// The only door to the core: a scenario in, an answer out. Bad input is diagnostics; an infeasible plan is an answer; a broken contract is the one
// exception (ContractFailure).
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "api/scenario.hpp"
#include "report/report.hpp"

namespace zettatwin::api {

// An answered scenario. Owns its job, so that views of it stay valid.
struct Answer {
  Prepared prepared;
  training::TrainingResult result;
  std::optional<report::PublishedPractice> practice;
  std::optional<report::StepInterval> interval;  // of a prediction, not of a bound

  [[nodiscard]] report::Subject subject() const {
    return {.job = prepared.job, .result = result, .title = prepared.scenario.title, .automatic_plan = prepared.automatic_plan,
            .automatic_batch = prepared.automatic_batch, .candidates = prepared.candidates, .training_tokens = prepared.scenario.training_tokens, .practice = practice, .interval = interval};
  }
};

struct TrainOptions {
  std::int64_t trace_limit = 0;     // timed instructions to keep per pipeline rank
  std::optional<std::int64_t> unfold;  // rank whose own timeline is wanted
  bool published_practice = true;   // also answer at a batch of published practice when the scenario's is larger
  Looks looks = Looks::at_classes;  // at single chips too if `unfold` is set
};

[[nodiscard]] std::unique_ptr<Answer> train(const config::Node& scenario, const config::DocumentSource& source, const TrainOptions& options,
                                            config::Diagnostics& diagnostics);

}  // namespace zettatwin::api
