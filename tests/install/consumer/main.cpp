// SPDX-License-Identifier: Apache-2.0
// Uses the installed headers and libraries: reads a document and a quantity.
#include "config/document.hpp"
#include "units/text.hpp"

int main() {
  using namespace zettatwin;
  config::Diagnostics diagnostics;
  const auto document = config::parse_document("bandwidth: 4.0 TB/s\n", "consumer.yaml", diagnostics);
  if (!document || diagnostics.has_errors()) return 1;
  const auto quantity = units::parse_quantity(document->find("bandwidth")->text);
  return quantity && quantity->si == 4.0e12 ? 0 : 1;
}
