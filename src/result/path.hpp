// SPDX-License-Identifier: Apache-2.0
// Names as elements of paths in result trees: "qkv projection" -> "qkv_projection".
#pragma once

#include <cctype>
#include <string>
#include <string_view>

namespace zettatwin::result {

[[nodiscard]] inline std::string path_element(std::string_view name) {
  std::string text;
  for (const char c : name)
    if (std::isalnum(static_cast<unsigned char>(c))) text += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    else if (!text.empty() && text.back() != '_') text += '_';
  while (!text.empty() && text.back() == '_') text.pop_back();
  return text;
}

}  // namespace zettatwin::result
