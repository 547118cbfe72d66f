// SPDX-License-Identifier: Apache-2.0
// A fleet of one in `divisor` of the instances with as much of the requests, of the network and of the cache pool: routers see loads that are distributed alike, up to
// terms of the order of 1/instances (mean field), and where requests share content, whole families of them are kept (requests/families.hpp), so that as much of it is found again.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "fleet/spec.hpp"
#include "requests/families.hpp"

namespace zettatwin::fleet {

struct FleetPart {
  std::int64_t divisor = 1;
  std::int64_t instance = 0;  // which of `divisor` parts of the requests
  std::shared_ptr<const requests::CommonContent> common;
};

// Whether instances may find content that other requests left: a pool or caches of prefixes, and requests that name content.
[[nodiscard]] bool shares_content(const FleetSpec& spec);
// What nearly all parts of that size would have: begun with by a good part of what one part gets.
[[nodiscard]] std::shared_ptr<const requests::CommonContent> common_content_of(const FleetSpec& spec, std::int64_t divisor);
// None if the fleet cannot be divided: closed loops, failures of named instances, pools of fewer than `least` instances in a part.
[[nodiscard]] std::optional<FleetSpec> part_of(const FleetSpec& spec, const FleetPart& part, std::int64_t least);

}  // namespace zettatwin::fleet
