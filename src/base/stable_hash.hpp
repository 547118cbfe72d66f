// SPDX-License-Identifier: Apache-2.0
// A hash that is the same on every machine, run and compiler: used for determinism checks and result identities.
// FNV-1a, 64 bits. Not for untrusted keys.
#pragma once

#include <bit>
#include <cstdint>
#include <string_view>

namespace zettatwin {

class StableHash final {
 public:
  StableHash& add(std::string_view text) {
    for (const char c : text) add_byte(static_cast<std::uint8_t>(c));
    add_byte(0xff);  // so that ("ab","c") differs from ("a","bc")
    return *this;
  }
  StableHash& add(std::uint64_t value) {
    for (int i = 0; i < 8; ++i) add_byte(static_cast<std::uint8_t>(value >> (8 * i)));
    return *this;
  }
  StableHash& add(std::int64_t value) { return add(static_cast<std::uint64_t>(value)); }
  StableHash& add(double value) { return add(std::bit_cast<std::uint64_t>(value)); }
  [[nodiscard]] std::uint64_t value() const { return state_; }

 private:
  void add_byte(std::uint8_t byte) { state_ = (state_ ^ byte) * 0x100000001b3ULL; }
  std::uint64_t state_ = 0xcbf29ce484222325ULL;
};

}  // namespace zettatwin
