// SPDX-License-Identifier: Apache-2.0
// From 64-bit keys to small values: open addressing, linear probing, no tombstones. Never iterated, so its order cannot reach a result.
// Constant expected time; grows by doubling at 5/8 full and never shrinks.
#pragma once

#include <cstdint>
#include <vector>

namespace zettatwin::serving::detail {

template <class Value>
class IndexMap final {
 public:
  IndexMap() : places_(16), shift_(60) {}
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] const Value* find(std::uint64_t key) const {
    for (std::size_t i = home(key);; i = next(i)) {
      if (!places_[i].used) return nullptr;
      if (places_[i].key == key) return &places_[i].value;
    }
  }
  // False if the key was there already; its value stays.
  bool insert(std::uint64_t key, Value value) {
    if ((size_ + 1) * 8 > places_.size() * 5) grow();
    std::size_t i = home(key);
    for (; places_[i].used; i = next(i))
      if (places_[i].key == key) return false;
    places_[i] = {key, value, true};
    ++size_;
    return true;
  }
  void erase(std::uint64_t key) {
    std::size_t hole = home(key);
    for (; places_[hole].key != key || !places_[hole].used; hole = next(hole))
      if (!places_[hole].used) return;
    // What follows without a gap moves back, unless it would come before its home.
    for (std::size_t i = next(hole); places_[i].used; i = next(i)) {
      const std::size_t from_home = (i - home(places_[i].key)) & (places_.size() - 1), from_hole = (i - hole) & (places_.size() - 1);
      if (from_home < from_hole) continue;
      places_[hole] = places_[i];
      hole = i;
    }
    places_[hole].used = false;
    --size_;
  }

 private:
  struct Place { std::uint64_t key = 0; Value value{}; bool used = false; };
  // Fibonacci hashing (Knuth, TAOCP 3, 6.4).
  [[nodiscard]] std::size_t home(std::uint64_t key) const { return static_cast<std::size_t>((key * 0x9e3779b97f4a7c15ULL) >> shift_); }
  [[nodiscard]] std::size_t next(std::size_t i) const { return (i + 1) & (places_.size() - 1); }
  void grow() {
    std::vector<Place> old(places_.size() * 2);
    old.swap(places_);
    --shift_;
    size_ = 0;
    for (const auto& place : old)
      if (place.used) insert(place.key, place.value);
  }
  std::vector<Place> places_;
  int shift_;
  std::size_t size_ = 0;
};

}  // namespace zettatwin::serving::detail
