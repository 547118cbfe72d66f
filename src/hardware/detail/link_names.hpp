// SPDX-License-Identifier: Apache-2.0
// The names in the links of a graph: NAME with a number, NAMEi..j, NAME* for all of a group, or NAME alone for a group of one.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "hardware/graph_network.hpp"

namespace zettatwin::hardware::detail {

inline constexpr const char* kUnit = "unit";  // the group of endpoints

struct LinkEnd {
  std::string group;
  std::int64_t number = 0;
  friend auto operator<=>(const LinkEnd&, const LinkEnd&) = default;
};

class LinkNames final {
 public:
  // Problems with names go to diagnostics; both outlive this.
  LinkNames(const GraphNetwork& network, config::Diagnostics& diagnostics) : network_(network), diagnostics_(diagnostics) {}

  // The pairs that a rule joins; empty, with diagnostics, if a name or the pattern does not fit.
  [[nodiscard]] std::vector<std::pair<LinkEnd, LinkEnd>> pairs_of(const LinkRule& rule) const;

 private:
  struct Range {
    std::string group;
    std::int64_t first = 0;
    std::int64_t count = 0;  // 0: not a name
    [[nodiscard]] LinkEnd at(std::int64_t i) const { return {group, first + i}; }
  };
  [[nodiscard]] Range range_of(const config::Node& name) const;
  [[nodiscard]] std::int64_t size_of(const std::string& group) const;  // 0: unknown
  [[nodiscard]] Range fail(const config::Node& name, const std::string& problem, const std::string& why, const std::string& suggestion) const;

  const GraphNetwork& network_;
  config::Diagnostics& diagnostics_;
};

}  // namespace zettatwin::hardware::detail
