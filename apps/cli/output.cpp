// SPDX-License-Identifier: Apache-2.0
#include "cli/output.hpp"

#include <fmt/format.h>

#include <set>

namespace zettatwin::cli {

void print(const config::Diagnostics& diagnostics) {
  std::set<std::string> printed;
  for (const auto severity : {config::Severity::error, config::Severity::warning})
    for (const auto& diagnostic : diagnostics.all())
      if (diagnostic.severity == severity && printed.insert(diagnostic.text()).second) fmt::print(stderr, "{}\n", diagnostic.text());
}

}  // namespace zettatwin::cli
