// SPDX-License-Identifier: Apache-2.0
// A chip: the unit that a rank runs on. Datasheet facts with provenance, and the efficiencies that operator times need.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "config/figure.hpp"
#include "config/schema.hpp"
#include "hardware/efficiency.hpp"
#include "hardware/precision.hpp"

namespace zettatwin::hardware {

struct DeviceMemory {
  std::string kind;  // "HBM3"
  config::Figure<units::Bytes> capacity;
  config::Figure<units::BytesPerSecond> bandwidth;
};

struct Chip {
  std::string name;    // "ascend-950dt-36"
  std::string title;   // "Huawei Ascend 950DT, 36-core bin"
  std::string vendor;
  std::string family;  // "ascend-950": chips whose unmeasured efficiencies are alike
  std::string rank_unit;  // what one rank is: "package", "die"
  std::string notes;
  config::Figure<units::Ratio> matrix_cores;  // AI cores or SMs that GEMM tiles are spread over
  config::Figure<units::Hertz> clock;
  std::map<Precision, config::Figure<units::FlopPerSecond>> matrix_peak;    // dense, matrix unit alone
  std::map<Precision, config::Figure<units::FlopPerSecond>> vector_peak;
  std::map<Precision, config::Figure<units::FlopPerSecond>> headline_peak;  // as marketed: matrix plus vector, rounded
  DeviceMemory memory;
  config::Figure<units::Bytes> l2_capacity;
  config::Figure<units::BytesPerSecond> scale_up_bandwidth;  // all ports, per direction
  config::Figure<units::BytesPerSecond> scale_out_bandwidth; // NICs, per direction
  config::Figure<units::Watts> power;                        // design power of the chip
  config::Figure<units::Dollars> price;
  Efficiency efficiency;

  // Peak of the matrix unit for GEMMs in `p`: the entry itself, or its twin's (fp8 and mxfp8, bf16 and fp16). 0 if the unit cannot.
  [[nodiscard]] units::FlopPerSecond peak(Precision p) const;
  // The entry of matrix_peak that serves `p`; nothing if the unit cannot.
  [[nodiscard]] std::optional<Precision> peak_entry(Precision p) const;
};

void describe(config::Schema& s, DeviceMemory& memory);
void describe(config::Schema& s, Chip& chip);

}  // namespace zettatwin::hardware
