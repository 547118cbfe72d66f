// SPDX-License-Identifier: Apache-2.0
// Acceptance::drawn: how many tokens a step yields for a sequence, a function of (seed, request, tokens generated so far): the same whatever else runs,
// and the same again when a step is repeated.
#pragma once

#include <cstdint>
#include <vector>

#include "base/random.hpp"
#include "serving/engine_settings.hpp"

namespace zettatwin::serving::detail {

class AcceptanceDraw final {
 public:
  static constexpr std::uint16_t kPurpose = 0x5eed;
  AcceptanceDraw() = default;
  AcceptanceDraw(const Speculation& speculation, std::uint64_t seed) : seed_(seed) {
    if (speculation.mode != Acceptance::drawn) return;
    double all_accepted = 1;
    for (std::int64_t i = 0; i < speculation.draft; ++i) accepted_.push_back(all_accepted *= speculation.accepts(i));
  }
  [[nodiscard]] bool active() const { return !accepted_.empty(); }
  // P(at least i + 1 accepted) = p_0 ... p_i falls with i, so one uniform number decides.
  [[nodiscard]] std::int64_t tokens(std::uint64_t request, std::int64_t generated) const {
    RandomStream stream(seed_, stream_of(kPurpose, request));
    stream.seek(2 * static_cast<std::uint64_t>(generated));
    const double u = stream.uniform();
    std::int64_t tokens = 1;
    for (const double p : accepted_) {
      if (u >= p) break;
      ++tokens;
    }
    return tokens;
  }

 private:
  std::uint64_t seed_ = 0;
  std::vector<double> accepted_;
};

}  // namespace zettatwin::serving::detail
