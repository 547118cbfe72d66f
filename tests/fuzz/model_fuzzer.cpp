// SPDX-License-Identifier: Apache-2.0
// Any bytes as a Hugging Face config.json: an architecture whose parameters can be counted, or at least one error.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "config/document.hpp"
#include "model/import.hpp"
#include "model/parameters.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace zettatwin;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  config::Diagnostics diagnostics;
  const auto root = config::parse_document(text, "config.json", diagnostics, {.bytes = 1u << 16, .depth = 32, .nodes = 10'000});
  if (!root) return 0;
  const auto architecture = model::import_config(*root, "fuzz", diagnostics);
  if (architecture.has_value() == diagnostics.has_errors()) std::abort();
  if (architecture && model::parameters_of(*architecture).total <= 0) std::abort();
  return 0;
}
