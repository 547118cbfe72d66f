// SPDX-License-Identifier: Apache-2.0
#include "base/contract.hpp"

#include <fmt/format.h>

#include <string_view>

namespace zettatwin {

void contract_failed(const char* kind, const char* condition, const std::string& detail,
                     std::source_location where) {
  std::string_view file = where.file_name();
  if (const auto at = file.rfind("src/"); at != std::string_view::npos) file.remove_prefix(at);
  throw ContractFailure(fmt::format("{} broken at {}:{}: {}{}{}", kind, file, where.line(), condition,
                                    detail.empty() ? "" : ": ", detail));
}

}  // namespace zettatwin
