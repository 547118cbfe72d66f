// SPDX-License-Identifier: Apache-2.0
// The data-parallel rank to which a request is bound, where an engine draws it (SGLang: bootstrap_room % dp_size, with a random room): a function of (seed, request), each rank
// equally likely.
#pragma once

#include <cstdint>

#include "base/random.hpp"

namespace zettatwin::serving::detail {

[[nodiscard]] inline std::int32_t bound_rank(std::uint64_t seed, std::uint64_t request, std::int64_t ranks) {
  constexpr std::uint16_t kPurpose = 0x5a4b;
  RandomStream stream(seed, stream_of(kPurpose, request));
  return static_cast<std::int32_t>(stream.below(static_cast<std::uint64_t>(ranks)));
}

}  // namespace zettatwin::serving::detail
