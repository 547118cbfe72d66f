// SPDX-License-Identifier: Apache-2.0
// A stream at another rate, cut, in a closed loop, or asked of one model.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "requests/stream.hpp"

namespace zettatwin::requests {

struct Adaptation {
  units::Seconds start;          // what comes before is left out, and time begins here
  double rate_scale = 1;         // arrivals come that many times as fast
  std::int64_t requests = 0;     // at most; 0: no limit
  units::Seconds duration;       // after start and scaling; 0: no limit
  std::int64_t concurrency = 0;  // > 0: a closed loop with the stream's requests in their order
  std::optional<std::int32_t> model;  // that all requests ask for
};
// Expects a positive scale. Content and lengths stay. Shares are drawn from the shares of the stream where only times of requests change.
// means() stays that of the whole stream, at the new rate.
[[nodiscard]] std::unique_ptr<Stream> adapted(std::unique_ptr<Stream> stream, const Adaptation& adaptation);

}  // namespace zettatwin::requests
