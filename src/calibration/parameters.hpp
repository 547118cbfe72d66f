// SPDX-License-Identifier: Apache-2.0
// Which figures of a chip a family of operators determines, in what limits, and how well they are known before anything is measured.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "hardware/chip.hpp"

namespace zettatwin::calibration {

// One figure of a chip, as its logarithm is fitted: positive, within [low, high] in base units.
struct Parameter {
  std::string path;  // in the chip's document, "efficiency.gemm.bf16.math"
  units::Dimension dimension;
  double typical = 0;  // of measured chips: where a fit starts that is to depend on the timings alone
  double low = 0, high = 0;
  double spread = 1;  // standard deviation of the logarithm before measuring: how much chips of a family differ
  std::function<double(const hardware::Chip&)> get;  // within the limits
  std::function<void(hardware::Chip&, double)> set;
  std::function<config::Provenance&(hardware::Chip&)> provenance;
};

// A family of operators that share figures: "gemm.bf16", "decode_multi_head.fp8", "stream".
struct Family {
  std::string kind;  // "gemm"
  hardware::Precision precision = hardware::Precision::bf16;
  [[nodiscard]] std::string name() const;
  friend bool operator==(const Family&, const Family&) = default;
  friend auto operator<=>(const Family&, const Family&) = default;
};

// The figures of a family, most telling first. Gives the chip an entry of the family's own where it has none: a copy of the entry that
// stood in for it, or typical figures to start from.
[[nodiscard]] std::vector<Parameter> parameters_of(hardware::Chip& chip, const Family& family);

}  // namespace zettatwin::calibration
