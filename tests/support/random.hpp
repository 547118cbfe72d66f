// SPDX-License-Identifier: Apache-2.0
// Random numbers that are the same everywhere: SplitMix64 (Steele, Lea, Flood 2014), seeded per case so that a failure names its seed.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <vector>

namespace zettatwin::test {

class Random final {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15ULL + 1) {}

  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  // Whole, both ends included.
  std::int64_t between(std::int64_t low, std::int64_t high) { return low + static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(high - low + 1)); }
  bool one_in(std::int64_t n) { return between(1, n) == 1; }
  template <class T>
  T of(std::initializer_list<T> choices) { return choices.begin()[between(0, static_cast<std::int64_t>(choices.size()) - 1)]; }
  template <class T>
  const T& of(const std::vector<T>& choices) { return choices[static_cast<std::size_t>(between(0, static_cast<std::int64_t>(choices.size()) - 1))]; }

 private:
  std::uint64_t state_;
};

}  // namespace zettatwin::test
