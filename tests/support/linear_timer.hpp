// SPDX-License-Identifier: Apache-2.0
// A step's time in whole picoseconds, linear in what is in it, with a jump and a second slope at a border of cached tokens.
#pragma once

#include <algorithm>
#include <cstdint>

#include "serving/step_timer.hpp"

namespace zettatwin::test {

struct LinearTimer final : serving::StepTimer {
  std::int64_t step_base = 1000;
  std::int64_t per_sequence = 10;
  std::int64_t per_cached = 1;
  std::int64_t per_cached_far = 2;  // behind `border`
  std::int64_t border = INT64_MAX / 4;
  std::int64_t jump = 0;  // at the border
  std::int64_t per_prompt_token = 5;
  std::int64_t per_context = 1;  // of a chunk

  [[nodiscard]] std::int64_t reading(std::int64_t cached) const { return per_cached * std::min(cached, border) + per_cached_far * std::max<std::int64_t>(0, cached - border) + (cached >= border ? jump : 0); }
  [[nodiscard]] serving::DecodePiece decode(std::int64_t sequences, std::int64_t cached) const override {
    const bool far = cached >= border;
    const std::int64_t from = far ? border : 0;
    return {.from = from, .to = far ? INT64_MAX : border, .base = units::Picoseconds(step_base + per_sequence * sequences + reading(from)),
            .slope = far ? per_cached_far : per_cached, .exchange = {}};
  }
  [[nodiscard]] units::Picoseconds step(const serving::StepLoad& load) const override {
    std::int64_t time = step_base + per_sequence * load.sequences + reading(load.cached);
    for (const auto& chunk : load.chunks) time += per_prompt_token * chunk.tokens + per_context * chunk.context;
    return units::Picoseconds(time);
  }
};

}  // namespace zettatwin::test
