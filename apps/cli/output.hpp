// SPDX-License-Identifier: Apache-2.0
// Exit codes and what goes to standard error.
#pragma once

#include "config/diagnostic.hpp"

namespace zettatwin::cli {

// Scripts rely on these.
enum class Exit { answered = 0, infeasible = 1, bad_input = 2, internal = 70 };
[[nodiscard]] constexpr int code(Exit e) { return static_cast<int>(e); }

// Prints all diagnostics, errors first, each once.
void print(const config::Diagnostics& diagnostics);

// Throws std::system_error if standard output has not taken all that was printed: half an answer must not look like one.
void finish_output();

}  // namespace zettatwin::cli
