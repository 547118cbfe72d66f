// SPDX-License-Identifier: Apache-2.0
// How many tokens a decoding sequence has after s steps: F(s) = floor(s p / q), with p / q >= 1 the mean tokens per step in units of 2^-20. Without
// speculation p = q and F(s) = s. All sequences advance alike, so F is a clock: a sequence that joins at F(s0) with r tokens to come ends at the
// first step with F(s) >= F(s0) + r.
#pragma once

#include <cmath>
#include <cstdint>

#include "base/contract.hpp"
#include "serving/engine_settings.hpp"

namespace zettatwin::serving::detail {

__extension__ using Wide = __int128;

// sum_{i=0}^{n-1} floor((a i + b) / m), by the Euclidean algorithm; O(log m). Expects n, a, b >= 0, m > 0.
[[nodiscard]] inline Wide floor_sum(std::int64_t n, std::int64_t m, std::int64_t a, std::int64_t b) {
  Wide answer = 0;
  Wide count = n, modulus = m, slope = a, offset = b;
  for (;;) {
    answer += count * (count - 1) / 2 * (slope / modulus) + count * (offset / modulus);
    slope %= modulus;
    offset %= modulus;
    const Wide last = slope * count + offset;
    if (last < modulus) return answer;
    count = last / modulus;
    offset = last % modulus;
    const Wide swapped = modulus;
    modulus = slope;
    slope = swapped;
  }
}

class TokenClock final {
 public:
  static constexpr std::int64_t kUnit = 1 << 20;
  TokenClock() = default;
  explicit TokenClock(const Speculation& speculation)
      : rate_(speculation.draft == 0 || speculation.mode == Acceptance::drawn ? kUnit : static_cast<std::int64_t>(std::llround(speculation.mean_tokens_per_step() * kUnit))) {}

  [[nodiscard]] bool whole() const { return rate_ == kUnit; }
  [[nodiscard]] std::int64_t tokens(std::int64_t steps) const { return whole() ? steps : static_cast<std::int64_t>(static_cast<Wide>(steps) * rate_ / kUnit); }
  // The fewest steps after `now` until the clock has moved on by `tokens` > 0.
  [[nodiscard]] std::int64_t steps_for(std::int64_t now, std::int64_t tokens_to_come) const {
    if (whole()) return tokens_to_come;
    const Wide target = (static_cast<Wide>(tokens(now)) + tokens_to_come) * kUnit;  // s rate >= target
    return static_cast<std::int64_t>((target + rate_ - 1) / rate_) - now;
  }
  // sum_{i=0}^{steps-1} (F(now + i) - F(now)).
  [[nodiscard]] Wide lead(std::int64_t now, std::int64_t steps) const {
    if (whole()) return static_cast<Wide>(steps) * (steps - 1) / 2;
    const std::int64_t fraction = static_cast<std::int64_t>(static_cast<Wide>(now) * rate_ % kUnit);
    return floor_sum(steps, kUnit, rate_, fraction);
  }

 private:
  std::int64_t rate_ = kUnit;
};

}  // namespace zettatwin::serving::detail
