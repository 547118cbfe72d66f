// SPDX-License-Identifier: Apache-2.0
// Bytes of one sequence's cache in an instance, by its length: layers that keep every token, layers that keep a window, states of constant size.
#pragma once

#include <algorithm>

#include "units/quantity.hpp"

namespace zettatwin::serving {

struct CacheBytes {
  units::Bytes per_token;           // of layers that keep every token
  units::Bytes windowed_per_token;  // of the others, until their windows are full
  units::Bytes windows;             // full
  units::Bytes per_sequence;        // states, whatever the length

  // Of a sequence of so many tokens. Windows of several sizes count as one of their mean size.
  [[nodiscard]] units::Bytes of(double tokens) const { return per_token * tokens + std::min(windowed_per_token * tokens, windows) + per_sequence; }
};

}  // namespace zettatwin::serving
