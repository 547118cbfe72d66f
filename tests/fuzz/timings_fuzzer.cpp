// SPDX-License-Identifier: Apache-2.0
// Any bytes as a file of timings: samples of positive times that can be fitted, or errors; never a crash.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "../unit/compute/round_chip.hpp"
#include "calibration/timings.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace zettatwin;
  static const auto chip = compute::round_chip();
  constexpr std::size_t kEnough = 20;  // samples to fit
  config::Diagnostics diagnostics;
  const auto families = calibration::read_timings({reinterpret_cast<const char*>(data), size}, "fuzz", {}, chip, diagnostics);
  if (families.empty() != diagnostics.has_errors()) std::abort();
  for (const auto& family : families) {
    if (family.samples.empty()) std::abort();
    if (family.samples.size() <= kEnough) (void)calibration::calibrate(chip, {family}, {.source = "fuzz"});
  }
  return 0;
}
