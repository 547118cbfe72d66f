// SPDX-License-Identifier: Apache-2.0
// Shows a training result: for people, as JSON, as a timeline, as explanations. One input for all of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "training/train.hpp"

namespace zettatwin::report {

// The same job at a batch of published practice: what scale is worth to today's recipes.
struct PublishedPractice {
  std::int64_t tokens_per_step = 0;
  double times_larger = 1;      // the job's batch over the published one
  bool feasible = false;
  double tokens_per_s = 0;
  double mfu = 0;
  std::string plan;
};

// Holds the measured step time with the stated share; from residuals of measured runs.
struct StepInterval {
  double share = 0.8;
  units::Picoseconds low, high;
  std::string rests_on;
};

struct Subject {
  const training::Job& job;
  const training::TrainingResult& result;
  std::string title;
  bool automatic_plan = false;
  bool automatic_batch = false;
  std::int64_t candidates = 0;
  double training_tokens = 0;   // of the whole run; 0: not asked
  std::optional<PublishedPractice> practice;  // when the batch is beyond it
  std::optional<StepInterval> interval;
};

// "tp=8 cp=1 ep=64 pp=16 dp=4096 ...": also what --plan takes, with commas.
[[nodiscard]] std::string plan_text(const plan::Plan& plan, std::int64_t dp, char separator = ' ');

[[nodiscard]] std::string text(const Subject& subject);
// docs/json.md documents the fields; they are stable.
[[nodiscard]] std::string json(const Subject& subject);
// Chrome trace format (Perfetto, chrome://tracing): one process per pipeline rank, one thread per stream; of an unfolded chip
// its operations.
[[nodiscard]] std::string trace(const Subject& subject);
// Formula, inputs and sources of the node at `path` and below; what the whole result rests on if empty. Nothing if there is no such path.
[[nodiscard]] std::optional<std::string> explanation(const Subject& subject, const std::string& path);
// Two results side by side.
[[nodiscard]] std::string comparison(const Subject& a, const Subject& b);
[[nodiscard]] std::string comparison_json(const Subject& a, const Subject& b);

}  // namespace zettatwin::report
