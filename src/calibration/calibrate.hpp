// SPDX-License-Identifier: Apache-2.0
// Timings to figures of a chip, family by family, with how well they describe the timings before and after.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "calibration/fit.hpp"
#include "calibration/goodness.hpp"
#include "calibration/parameters.hpp"
#include "calibration/sample.hpp"

namespace zettatwin::calibration {

// Samples of one family, and whose figures they determine: its own, and those of casts that no other table tells apart.
struct FamilySamples {
  Family family;
  std::vector<Family> fitted;
  std::vector<Sample> samples;
};

struct FamilyReport {
  std::string name;             // "gemm.bf16", "all-reduce"
  std::size_t fitted_on = 0;    // samples
  Goodness before, after;       // of all samples, or of those held out
  std::vector<Fitted> figures;
  bool started = false;         // judged by the figures that a fit starts from: the chip has none of its own
};

struct Calibration {
  hardware::Chip chip;
  std::vector<FamilyReport> families;
  std::set<std::string> made;   // paths of the figures that the timings gave, and of what their entries need that the chip had not
};

struct Options {
  bool hold_out = false;  // fit half of the groups of shapes, judge the other half; the chip keeps what the half gave
  bool judge = false;     // fit nothing
  bool afresh = false;    // start from typical figures instead of the chip's own: the result depends on the timings and the datasheet alone
  std::vector<std::string> keep;  // figures whose path begins so stay as they are
  std::string source;     // of the figures' provenance
  std::string note;
};

// Of a figure that a fit gave.
[[nodiscard]] config::Provenance provenance_of(const Fitted& figure, const Options& options);

// Figures of `chip` from the timings. Residuals of families with at least ten samples become its uncertainty.
[[nodiscard]] Calibration calibrate(const hardware::Chip& chip, const std::vector<FamilySamples>& families, const Options& options);

// "{value: 0.8, source: ..., confidence: derived, low: ..., high: ..., note: ...}"
[[nodiscard]] std::string figure_text(double si, units::Dimension dimension, const config::Provenance& provenance);
[[nodiscard]] std::string quoted(const std::string& text);  // as YAML

// What the calibration made, as a document that extends `base`; without a title for the base's own.
[[nodiscard]] std::string chip_document(const Calibration& calibration, const std::string& base, const std::string& title);

}  // namespace zettatwin::calibration
