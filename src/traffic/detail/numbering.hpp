// SPDX-License-Identifier: Apache-2.0
// Consecutive numbers for keys, in the order in which they come: a hash table with open addressing. Numbers depend on the order of keys alone.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace zettatwin::traffic::detail {

// Finaliser of splitmix64 (Steele, Lea and Flood 2014).
[[nodiscard]] inline std::uint64_t mixed(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

class Numbering final {
 public:
  struct Key {
    std::uint64_t a = 0;
    std::uint64_t b = 0;
    friend bool operator==(const Key&, const Key&) = default;
  };

  [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(keys_.size()); }
  void clear() {
    keys_.clear();
    slots_.assign(slots_.size(), kFree);
  }
  std::uint32_t number(const Key& key) {
    if (2 * (keys_.size() + 1) > slots_.size()) grow();
    auto& slot = slots_[place(key)];
    if (slot == kFree) {
      slot = size();
      keys_.push_back(key);
    }
    return slot;
  }
  [[nodiscard]] std::optional<std::uint32_t> find(const Key& key) const {
    if (slots_.empty()) return std::nullopt;
    const auto slot = slots_[place(key)];
    return slot == kFree ? std::nullopt : std::optional(slot);
  }

 private:
  static constexpr std::uint32_t kFree = 0xffffffff;

  // Of the key, or of the free slot where it would go.
  [[nodiscard]] std::size_t place(const Key& key) const {
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = mixed(key.a ^ mixed(key.b)) & mask;
    while (slots_[at] != kFree && !(keys_[slots_[at]] == key)) at = (at + 1) & mask;
    return at;
  }
  void grow() {
    slots_.assign(slots_.empty() ? 64 : 2 * slots_.size(), kFree);
    for (std::uint32_t i = 0; i < keys_.size(); ++i) slots_[place(keys_[i])] = i;
  }

  std::vector<Key> keys_;
  std::vector<std::uint32_t> slots_;  // a power of two of them
};

}  // namespace zettatwin::traffic::detail
