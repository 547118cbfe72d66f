// SPDX-License-Identifier: Apache-2.0
// The two files of a ServeGen client.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "requests/detail/lines.hpp"
#include "requests/servegen.hpp"

namespace zettatwin::requests::detail {

struct RateWindow {
  std::int64_t start = 0;  // s
  double rate = 0;
  GapLaw gaps = GapLaw::exponential();
};
// Windows one after another and of one length. Nothing, and problems, if they are not.
[[nodiscard]] std::optional<std::vector<RateWindow>> read_rates(TextSource& text, Problems& problems);

struct LengthWindow {
  std::int64_t start = 0;  // s
  Client::Lengths lengths;
};
// Windows that have both lengths, in order of time; possibly none.
[[nodiscard]] std::optional<std::vector<LengthWindow>> read_lengths(std::string_view text, Problems& problems);

}  // namespace zettatwin::requests::detail
