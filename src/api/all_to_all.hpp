// SPDX-License-Identifier: Apache-2.0
// What users may say of an all-to-all's pattern: how unevenly receivers are loaded, and how tokens reach experts.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/diagnostic.hpp"
#include "topology/fabric.hpp"

namespace zettatwin::api {

// "zipf:S" (member i receives in proportion to 1/(i+1)^S) or relative loads "4,2,1": of the first members, the others 1. Scaled to mean 1.
[[nodiscard]] std::optional<std::vector<double>> parse_skew(const std::string& text, std::int64_t members, config::Diagnostics& diagnostics);

struct ExpertDispatch {
  std::int64_t top_k = 0;        // experts per token; 0: no dispatch, a plain all-to-all
  std::int64_t experts = 0;
  std::int64_t groups = 0;       // equal parts of the experts; 0: as many as the group spans units of its outermost level
  std::int64_t group_limit = 0;  // of which a token reaches at most so many; 0: all
};

// Bytes that one rank sends across each level as the outermost one when a token's copies for several experts of one unit travel to it once; `bytes` are those
// of all copies. Empty for a plain all-to-all. Copies for experts of one rank travel once as well.
[[nodiscard]] std::vector<units::Bytes> bytes_across_level(const ExpertDispatch& dispatch, units::Bytes bytes, const topology::Spread& spread);
[[nodiscard]] bool check(ExpertDispatch& dispatch, const topology::Spread& spread, config::Diagnostics& diagnostics);

}  // namespace zettatwin::api
