// SPDX-License-Identifier: Apache-2.0
// Decoding attention as a table: values on sixteen points per octave of cached tokens (every integer below sixteen), linear between, filled as asked. The chord of
// a smooth curve over a sixteenth of an octave is off by less than 0.05 %; of a kink (a full window) by less than its change of slope over that piece.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

namespace zettatwin::inference::detail {

inline constexpr int kPieceBits = 4;
inline constexpr int kOctaves = 50;

// The piece that holds `tokens` >= 1, by number, and where it begins.
struct GridPiece {
  std::size_t index = 0;
  std::int64_t from = 0, to = 0;
};
[[nodiscard]] inline GridPiece piece_of(std::int64_t tokens) {
  constexpr std::int64_t kFirst = std::int64_t{1} << kPieceBits;
  if (tokens < kFirst) return {static_cast<std::size_t>(tokens), tokens, tokens + 1};
  const int octave = static_cast<int>(std::bit_width(static_cast<std::uint64_t>(tokens))) - 1;
  const int shift = octave - kPieceBits;
  const auto part = tokens >> shift;  // in [16, 32)
  const auto index = static_cast<std::size_t>(shift) * kFirst + static_cast<std::size_t>(part);
  return {index, part << shift, (part + 1) << shift};
}

class Curve final {
 public:
  // `value(tokens)` at points of the grid.
  template <class F>
  [[nodiscard]] double at(double tokens, F&& value) {
    if (tokens < 1) tokens = 1;
    const auto piece = piece_of(static_cast<std::int64_t>(tokens));
    const double low = node(piece.index, piece.from, value), high = node(piece.index + 1, piece.to, value);
    return low + (high - low) * ((tokens - static_cast<double>(piece.from)) / static_cast<double>(piece.to - piece.from));
  }

 private:
  template <class F>
  double node(std::size_t index, std::int64_t tokens, F&& value) {
    if (index >= nodes_.size()) nodes_.resize(index + 32, std::nan(""));
    if (std::isnan(nodes_[index])) {
      const double computed = value(tokens);  // may grow other curves, never this one
      nodes_[index] = computed;
    }
    return nodes_[index];
  }
  std::vector<double> nodes_;
};

}  // namespace zettatwin::inference::detail
