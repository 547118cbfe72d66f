// SPDX-License-Identifier: Apache-2.0
// Looks at a document's text before and after the YAML parser: what it must be, what that parser cannot read
// of JSON, and where a truncated document was left open.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace zettatwin::config {

struct TextPlace {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
};

// The first byte that is not UTF-8 text without zero bytes.
[[nodiscard]] std::optional<TextPlace> first_bad_byte(std::string_view text);

// JSON writes characters beyond 16 bits as two \u escapes (a surrogate pair); YAML knows only the one escape
// \U.
[[nodiscard]] std::string join_surrogate_pairs(std::string_view text);

// Of a document that starts with a bracket: the innermost bracket that is never closed, if its quotes are.
[[nodiscard]] std::optional<TextPlace> unclosed_bracket(std::string_view text);

}  // namespace zettatwin::config
