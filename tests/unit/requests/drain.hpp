// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "requests/stream.hpp"

namespace zettatwin::requests::test {

// All requests up to the end, or the first so many.
[[nodiscard]] inline std::vector<Request> drained(Stream& stream, std::size_t most = SIZE_MAX) {
  std::vector<Request> all;
  for (Request r; all.size() < most && stream.next(r);) all.push_back(r);
  return all;
}

}  // namespace zettatwin::requests::test
