// SPDX-License-Identifier: Apache-2.0
// Durations of any number of requests in bounded memory: count, sum, least and greatest are exact, quantiles are known to 1/1024 (0.098 %).
// Model: bins as wide as 1/512 of their octave (below 1,024 ps: one picosecond); a value stands in the middle of its bin. An octave takes 2 KiB once
// something falls into it (4 KiB more where a bin has more than 4 billion). Whole numbers throughout: merging is exact, in any order.
// Quantile q of n values is the linear interpolation between the order statistics around rank q (n - 1), as NumPy's and the benchmark tools' default.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "units/picoseconds.hpp"

namespace zettatwin::fleet {

class LogHistogram final {
 public:
  LogHistogram() = default;
  LogHistogram(const LogHistogram& other) { merge(other); }
  LogHistogram(LogHistogram&&) = default;
  LogHistogram& operator=(const LogHistogram& other);
  LogHistogram& operator=(LogHistogram&&) = default;
  ~LogHistogram() = default;

  // Expects value >= 0 and times >= 0.
  void add(units::Picoseconds value, std::int64_t times = 1);
  void merge(const LogHistogram& other);

  [[nodiscard]] std::int64_t count() const { return count_; }
  // Zero of nothing.
  [[nodiscard]] units::Seconds mean() const;
  [[nodiscard]] units::Seconds quantile(double q) const;  // expects 0 <= q <= 1
  [[nodiscard]] units::Seconds least() const { return count_ == 0 ? units::Seconds{} : units::Picoseconds(least_).seconds(); }
  [[nodiscard]] units::Seconds greatest() const { return units::Picoseconds(greatest_).seconds(); }

 private:
  static constexpr int kSubBits = 9;
  static constexpr std::int64_t kSub = std::int64_t{1} << kSubBits;
  struct Octave {
    std::array<std::uint32_t, kSub> low{};                        // counts modulo 2^32
    std::unique_ptr<std::array<std::int64_t, kSub>> high;         // the rest
    void add(std::size_t bin, std::int64_t times);
    [[nodiscard]] std::int64_t count(std::size_t bin) const { return static_cast<std::int64_t>(low[bin]) + (high ? (*high)[bin] : 0); }
  };
  __extension__ using Sum = __int128;

  [[nodiscard]] Octave& octave(std::size_t index);
  [[nodiscard]] double order_statistic(std::int64_t rank) const;  // in picoseconds

  std::vector<std::unique_ptr<Octave>> octaves_;
  std::int64_t count_ = 0;
  Sum sum_ = 0;
  std::int64_t least_ = INT64_MAX;
  std::int64_t greatest_ = 0;
};

}  // namespace zettatwin::fleet
