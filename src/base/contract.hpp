// SPDX-License-Identifier: Apache-2.0
// Contracts: checks of our own code that stay on in release builds. A broken one is a bug of Zettatwin, never of
// the user; it throws ContractFailure, the only exception that crosses the api, and the program exits with 70.
#pragma once

#include <source_location>
#include <stdexcept>
#include <string>

namespace zettatwin {

// Carries what was expected and where. what() is a one-line report fit for a bug tracker.
class ContractFailure final : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

[[noreturn]] void contract_failed(const char* kind, const char* condition, const std::string& detail,
                                  std::source_location where);

}  // namespace zettatwin

// ZT_EXPECT: what a caller must provide. ZT_ENSURE: what a function promises. ZT_ASSERT: what must hold in between.
// The second argument is a std::string with the offending values.
#define ZT_CONTRACT_(kind, condition, detail)                                                          \
  (static_cast<bool>(condition) ? void(0)                                                              \
                                : ::zettatwin::contract_failed(kind, #condition, (detail),             \
                                                               std::source_location::current()))
#define ZT_EXPECT(condition, detail) ZT_CONTRACT_("expectation", condition, detail)
#define ZT_ENSURE(condition, detail) ZT_CONTRACT_("guarantee", condition, detail)
#define ZT_ASSERT(condition, detail) ZT_CONTRACT_("assertion", condition, detail)
