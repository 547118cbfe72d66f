// SPDX-License-Identifier: Apache-2.0
// Moments of files as whole picoseconds since some origin, exact whatever the clock: 1787267980.0827403 s is not near a binary fraction.
#pragma once

#include <optional>
#include <string_view>

namespace zettatwin::requests::detail {

using Moment = __int128;  // picoseconds; the largest that is read is 10^15 s

// A decimal number, possibly with an exponent, of units of 10^power seconds. Nothing if it is none, or out of range; digits below a picosecond are
// rounded. May be negative.
[[nodiscard]] std::optional<Moment> decimal_moment(std::string_view text, int power);

// "2023-11-16 18:17:03.9799600", also with T between, and Z or an offset such as +08:00 behind.
[[nodiscard]] std::optional<Moment> calendar_moment(std::string_view text);

}  // namespace zettatwin::requests::detail
