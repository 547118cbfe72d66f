// SPDX-License-Identifier: Apache-2.0
#include "cli/output.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <set>
#include <system_error>

namespace zettatwin::cli {

void print(const config::Diagnostics& diagnostics) {
  std::set<std::string> printed;
  for (const auto severity : {config::Severity::error, config::Severity::warning})
    for (const auto& diagnostic : diagnostics.all())
      if (diagnostic.severity == severity && printed.insert(diagnostic.text()).second) fmt::print(stderr, "{}\n", diagnostic.text());
}

void finish_output() {
  errno = 0;
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) throw std::system_error(errno != 0 ? errno : EIO, std::generic_category(), "cannot write to standard output");
}

}  // namespace zettatwin::cli
