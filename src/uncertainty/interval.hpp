// SPDX-License-Identifier: Apache-2.0
// How far a prediction may be off: an interval that holds the measured value with a stated share, from the residuals of runs that were measured.
// Model: r = ln(measured / predicted); the interval of a prediction p is p e^-w ... p e^w. The half width w belongs to a family of runs, a path from the general to
// the special ("step time/dense/llm-foundry"), and is the share's quantile of |r| on calibration runs, drawn towards its parent where few campaigns were measured
// (fit.hpp). Knobs that had to be assumed widen it, and kernels that are known less well than those of the family's runs were: w^2 = w_family^2 +
// knobs w_knob^2 + max(0, k^2 - k_family^2), where k is what the residuals of the chip's kernels make of the predicted time (compute/kernel_times.hpp;
// docs/math/uncertainty.md). Pure functions, thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/document.hpp"
#include "config/schema.hpp"
#include "training/train.hpp"

namespace zettatwin::uncertainty {

// What the error of a prediction depends on.
struct Traits {
  std::string family;          // path, from the general to the special
  bool chip_measured = true;   // its kernels; others tell nothing of the family
  double kernels = 0;          // half width that the chip's kernels alone would give the prediction
  std::int64_t assumed = 0;    // knobs of the run that were not known
};

inline constexpr const char* kStepTime = "step time";
inline constexpr const char* kMemory = "memory";

// Of a job: the model's kind (dense, experts) and the software that runs it; of step times also how well its kernels are known.
[[nodiscard]] Traits traits_of(const training::Job& job, const training::TrainingResult& result, const std::string& quantity = kStepTime);

struct Family {
  std::string name;
  double width = 0;             // of ln(measured / predicted)
  double assumed = 0;           // knobs that its runs left open, on average
  double kernels = 0;           // half width of its runs' kernels, root mean square
  std::int64_t rows = 0;
  std::int64_t campaigns = 0;   // sources and chips among them
};

// Of a serving system: what single kernels leave out. No serving run is set aside to fit it to.
struct ServedWidth {
  std::string name;   // "time per token"
  double width = 0;   // of ln(measured / predicted)
  std::string note;   // why
};
inline constexpr const char* kTimePerToken = "time per token";
inline constexpr const char* kTimeToFirstToken = "time to the first token";
inline constexpr const char* kServedRate = "rate";

struct Intervals {
  double share = 0.8;
  std::vector<Family> families;       // parents before children
  config::Figure<units::Ratio> knob;  // half width of one knob that had to be assumed
  std::vector<ServedWidth> served;
  config::Figure<units::Ratio> served_knob;  // of one knob of a serving run
  std::string provenance;             // what was fitted, and how to do it again
};
void describe(config::Schema& s, Family& family);
void describe(config::Schema& s, ServedWidth& served);
void describe(config::Schema& s, Intervals& intervals);

// catalog/validation/intervals.yaml; nothing if the catalog has none, or with diagnostics if it is wrong.
[[nodiscard]] std::optional<Intervals> load_intervals(const config::DocumentSource& source, config::Diagnostics& diagnostics);

// Half width in the logarithm, and what it rests on, for people.
struct HalfWidth {
  double log = 0;
  std::string basis;
};
// Nothing if not even the most general family of the path is known.
[[nodiscard]] std::optional<HalfWidth> half_width(const Intervals& intervals, const Traits& traits);

// Of a figure of a serving system: w^2 = width^2 + assumed served_knob^2 + kernels^2. `kernels` is the half width that residuals of the kernels in it give.
// Nothing if the table has no such figure.
[[nodiscard]] std::optional<double> served_half_width(const Intervals& intervals, const std::string& name, double kernels, std::int64_t assumed);

}  // namespace zettatwin::uncertainty
