// SPDX-License-Identifier: Apache-2.0
// Any bytes as a YAML or JSON document: a tree within the limits, or at least one error; never a crash, never both.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "config/document.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace zettatwin::config;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Diagnostics diagnostics;
  const auto root = parse_document(text, "fuzz.yaml", diagnostics, {.bytes = 1u << 16, .depth = 32, .nodes = 10'000});
  if (root.has_value() == diagnostics.has_errors()) std::abort();
  for (const auto& diagnostic : diagnostics.all())
    if (diagnostic.text().empty()) std::abort();
  return 0;
}
