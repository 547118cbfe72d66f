// SPDX-License-Identifier: Apache-2.0
// Which chunks of prompts decide how long a step takes.
#pragma once

#include <cstdint>
#include <span>

#include "serving/step_timer.hpp"

namespace zettatwin::inference::detail {

// Of chunks of bound sequences, which come rank by rank: the most tokens that a rank has, and the chunks of the rank whose attention has most pairs.
[[nodiscard]] std::int64_t most_tokens_of_rank(std::span<const serving::Chunk> chunks);
[[nodiscard]] std::span<const serving::Chunk> busiest_rank(std::span<const serving::Chunk> chunks);

}  // namespace zettatwin::inference::detail
