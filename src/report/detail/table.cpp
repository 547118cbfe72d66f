// SPDX-License-Identifier: Apache-2.0
#include "report/detail/table.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/contract.hpp"

namespace zettatwin::report::detail {

std::string Table::text() const {
  std::vector<std::size_t> widths(alignment_.size(), 0);
  for (const auto& row : rows_) {
    ZT_EXPECT(row.size() == alignment_.size(), row.front());
    for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], row[c].size());
  }
  std::string out;
  for (const auto& row : rows_) {
    for (std::size_t c = 0; c < row.size(); ++c)
      out += alignment_[c] == 'r' ? fmt::format("  {:>{}}", row[c], widths[c]) : fmt::format("  {:<{}}", row[c], widths[c]);
    out.erase(out.find_last_not_of(' ') + 1);
    out += "\n";
  }
  return out;
}

}  // namespace zettatwin::report::detail
