// SPDX-License-Identifier: Apache-2.0
// Quantities as text: "4.0 TB/s", "112 Gbit/s", "144 GB", "973.2 TFLOP/s", "1.65 GHz", "2.1 us", "64000 m2", "35000 USD",
// "0.85", "85 %", "671 G". Prefixes p n u m k M G T P E Z, and Ki Mi Gi Ti Pi for bytes; TFLOPS and TOPS are read as per
// second. "524,288" and "524_288" are groups of digits; a comma anywhere else is an error, never a decimal point.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "units/dimension.hpp"
#include "units/picoseconds.hpp"
#include "units/quantity.hpp"

namespace zettatwin::units {

struct ParsedQuantity {
  double si = 0;
  Dimension dimension;
};

// Errors are one sentence that says what is wrong with the text, without its place.
[[nodiscard]] Result<ParsedQuantity, std::string> parse_quantity(std::string_view text);

// A finite decimal number without unit; rejects nan, inf, hexadecimal and trailing text.
[[nodiscard]] Result<double, std::string> parse_number(std::string_view text);

// The base unit of a dimension as printed in JSON names and messages: "B/s", "FLOP/s", "s", "W"; "" when dimensionless.
[[nodiscard]] std::string base_unit(Dimension dimension);
// An example of a unit that users would write: "GB/s", "TFLOP/s", "us".
[[nodiscard]] std::string example_unit(Dimension dimension);

// Human text with an engineering prefix and `digits` significant digits: "4.00 TB/s", "12.3 ms", "2.10 us".
[[nodiscard]] std::string human(double si, Dimension dimension, int digits = 3);
template <Dimension D>
[[nodiscard]] std::string human(Quantity<D> quantity, int digits = 3) { return human(quantity.si(), D, digits); }
[[nodiscard]] inline std::string human(Picoseconds time, int digits = 3) { return human(time.seconds(), digits); }

// Large integers with separators: 524288 -> "524,288".
[[nodiscard]] std::string grouped(long long value);

}  // namespace zettatwin::units
