// SPDX-License-Identifier: Apache-2.0
// Any bytes as a quantity: a finite value that can be printed, or an error text; never a crash.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "units/text.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace zettatwin::units;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto number = parse_number(text); number && !std::isfinite(*number)) std::abort();
  const auto quantity = parse_quantity(text);
  if (!quantity) return quantity.error().empty() ? (std::abort(), 0) : 0;
  if (!std::isfinite(quantity->si)) std::abort();
  if (human(quantity->si, quantity->dimension).empty() && quantity->si != 0) std::abort();
  return 0;
}
