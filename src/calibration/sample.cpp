// SPDX-License-Identifier: Apache-2.0
#include "calibration/sample.hpp"

namespace zettatwin::calibration {

double predicted(const hardware::Chip& chip, const Sample& sample) {
  double seconds = 0;
  for (const auto& op : sample.operators) seconds += std::visit([&](const auto& o) { return compute::time_of(chip, o).time.seconds().si(); }, op);
  return seconds;
}

hardware::Chip isolated(hardware::Chip chip) {
  chip.efficiency.isolate();
  return chip;
}

}  // namespace zettatwin::calibration
