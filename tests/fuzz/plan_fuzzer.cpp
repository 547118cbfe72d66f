// SPDX-License-Identifier: Apache-2.0
// Any bytes as a plan, "tp=8,pp=16" or YAML: a plan, or at least one error.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "plan/plan.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace zettatwin;
  if (size > (1u << 14)) return 0;
  const std::string text(reinterpret_cast<const char*>(data), size);
  config::Diagnostics diagnostics;
  const auto node = plan::parse_plan_text(text, "--plan", diagnostics);
  plan::Plan from_text;
  config::read(node, "plan", config::FigureForm::bare_allowed, diagnostics, from_text);
  config::Diagnostics of_document;
  const auto root = config::parse_document(text, "plan.yaml", of_document,
                                           {.bytes = 1u << 14, .depth = 32, .nodes = 10'000});
  if (!root) return 0;
  plan::Plan from_document;
  config::read(*root, "plan", config::FigureForm::bare_allowed, of_document, from_document);
  if (!root->is_mapping() && !of_document.has_errors()) std::abort();
  return 0;
}
