// SPDX-License-Identifier: Apache-2.0
// Admission::expected: the share of their remaining output for which running sequences are counted, as SGLang's new-token ratio: it falls from
// `expected_output` to `expected_output_least` over so many decoding steps, begins anew when the engine runs dry, and is estimated from what runs when
// a sequence had to be preempted (python/sglang/srt/managers/scheduler_components/new_token_ratio_tracker.py, ScheduleBatch.retract_decode).
#pragma once

#include <algorithm>
#include <cstdint>

#include "serving/engine_settings.hpp"

namespace zettatwin::serving::detail {

class ExpectedShare final {
 public:
  explicit ExpectedShare(const EngineSettings& e)
      : first_(e.expected_output), least_(std::min(e.expected_output_least, e.expected_output)),
        fall_(e.expected_output_steps > 0 ? (first_ - least_) / static_cast<double>(e.expected_output_steps) : 0), share_(first_) {}
  // `steps`: decoding steps that the engine has made.
  [[nodiscard]] std::int64_t of(std::int64_t tokens, std::int64_t steps) const {
    return static_cast<std::int64_t>(std::max(least_, share_ - fall_ * static_cast<double>(steps - since_)) * static_cast<double>(tokens));
  }
  void ran_dry(std::int64_t steps) {
    share_ = first_;
    since_ = steps;
  }
  void preempted(std::int64_t steps, std::int64_t sequences, std::int64_t generated, std::int64_t to_come) {
    share_ = std::min(1.0, static_cast<double>(generated + kMargin * sequences) / static_cast<double>(generated + to_come + 1));
    since_ = steps;
  }

 private:
  static constexpr std::int64_t kMargin = 20;  // tokens per sequence: SGLANG_RETRACT_DECODE_STEPS
  double first_, least_, fall_, share_;
  std::int64_t since_ = 0;
};

}  // namespace zettatwin::serving::detail
