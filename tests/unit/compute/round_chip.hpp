// SPDX-License-Identifier: Apache-2.0
// A chip of round figures, so that times can be worked out by hand: 100 cores, 100 TFLOP/s, 1 TB/s, no overheads.
#pragma once

#include "compute/operator_time.hpp"

namespace zettatwin::compute {

template <class Q>
[[nodiscard]] config::Figure<Q> figure(Q value) {
  return {.value = value, .provenance = {.source = "test", .confidence = config::Confidence::stated}, .present = true};
}
[[nodiscard]] inline config::Figure<units::Ratio> ratio(double value) { return figure(units::Ratio::from_si(value)); }
[[nodiscard]] inline config::Figure<units::Seconds> us(double value) { return figure(value * units::microsecond); }

[[nodiscard]] inline hardware::GemmEfficiency ideal_gemm() {
  return {.math = ratio(1), .launch = us(0), .ramp = us(0), .memory = ratio(1), .half_bytes = figure(units::Bytes{}),
          .l2_bandwidth = figure(1e6 * units::TB_per_s), .k_latency = us(0), .split = {}};
}

[[nodiscard]] inline hardware::Chip round_chip() {
  using hardware::Precision;
  hardware::Chip chip;
  chip.name = "round";
  chip.matrix_cores = ratio(100);
  chip.matrix_peak[Precision::bf16] = figure(100 * units::TFLOP_per_s);
  chip.matrix_peak[Precision::fp8] = figure(200 * units::TFLOP_per_s);
  chip.memory = {"HBM", figure(100 * units::GB), figure(1 * units::TB_per_s)};
  auto& e = chip.efficiency;
  e.sustained = ratio(1);
  e.interference = ratio(0);
  e.gemm[Precision::bf16] = ideal_gemm();
  e.attention[Precision::bf16] = {ratio(1), us(0), us(0), us(0), ratio(1), ratio(0), ratio(1)};
  e.grouped = {ratio(1), us(0), us(0)};
  e.stream = {ratio(1), us(0), figure(units::Bytes{})};
  e.quantise = e.stream;
  e.host = {us(0), us(0)};
  return chip;
}

[[nodiscard]] inline double microseconds(const OperatorTime& t) { return static_cast<double>(t.time.count()) * 1e-6; }

}  // namespace zettatwin::compute
