// SPDX-License-Identifier: Apache-2.0
#include "fleet/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <string>

#include "base/contract.hpp"

namespace zettatwin::fleet {

namespace {

// Octave 0 holds [0, 512), octave o >= 1 [512 * 2^(o-1), 512 * 2^o) in bins of 2^(o-1).
std::size_t octave_of(std::uint64_t value, int sub_bits) {
  return static_cast<std::size_t>(std::max(0, static_cast<int>(std::bit_width(value)) - sub_bits));
}

}  // namespace

LogHistogram& LogHistogram::operator=(const LogHistogram& other) {
  if (this != &other) *this = LogHistogram(other);
  return *this;
}

void LogHistogram::Octave::add(std::size_t bin, std::int64_t times) {
  const std::int64_t sum = static_cast<std::int64_t>(low[bin]) + times;
  low[bin] = static_cast<std::uint32_t>(sum);
  if (sum == static_cast<std::int64_t>(low[bin])) return;
  if (!high) high = std::make_unique<std::array<std::int64_t, kSub>>();
  (*high)[bin] += sum - static_cast<std::int64_t>(low[bin]);
}

LogHistogram::Octave& LogHistogram::octave(std::size_t index) {
  if (index >= octaves_.size()) octaves_.resize(index + 1);
  if (!octaves_[index]) octaves_[index] = std::make_unique<Octave>();
  return *octaves_[index];
}

void LogHistogram::add(units::Picoseconds value, std::int64_t times) {
  const std::int64_t ps = value.count();
  ZT_EXPECT(ps >= 0 && times >= 0, std::to_string(times) + " durations of " + std::to_string(ps) + " ps");
  if (times == 0) return;
  const std::size_t o = octave_of(static_cast<std::uint64_t>(ps), kSubBits);
  octave(o).add(static_cast<std::size_t>((o == 0 ? ps : ps >> (o - 1)) & (kSub - 1)), times);
  count_ += times;
  sum_ += static_cast<Sum>(ps) * times;
  least_ = std::min(least_, ps);
  greatest_ = std::max(greatest_, ps);
}

void LogHistogram::merge(const LogHistogram& other) {
  for (std::size_t o = 0; o < other.octaves_.size(); ++o) {
    if (!other.octaves_[o]) continue;
    Octave& mine = octave(o);
    for (std::size_t i = 0; i < mine.low.size(); ++i) mine.add(i, other.octaves_[o]->count(i));
  }
  count_ += other.count_;
  sum_ += other.sum_;
  least_ = std::min(least_, other.least_);
  greatest_ = std::max(greatest_, other.greatest_);
}

units::Seconds LogHistogram::mean() const {
  if (count_ == 0) return {};
  const std::int64_t whole = static_cast<std::int64_t>(sum_ / count_);
  const double rest = static_cast<double>(static_cast<std::int64_t>(sum_ % count_)) / static_cast<double>(count_);
  return units::Seconds::from_si((static_cast<double>(whole) + rest) * 1e-12);
}

double LogHistogram::order_statistic(std::int64_t rank) const {
  if (rank == 0) return static_cast<double>(least_);
  if (rank == count_ - 1) return static_cast<double>(greatest_);
  std::int64_t before = 0;
  for (std::size_t o = 0; o < octaves_.size(); ++o) {
    if (!octaves_[o]) continue;
    for (std::size_t i = 0; i < octaves_[o]->low.size(); ++i) {
      before += octaves_[o]->count(i);
      if (before <= rank) continue;
      const double low = o == 0 ? static_cast<double>(i) : std::ldexp(static_cast<double>(kSub) + static_cast<double>(i), static_cast<int>(o) - 1);
      const double width = o == 0 ? 1 : std::ldexp(1.0, static_cast<int>(o) - 1);
      return std::clamp(low + (width - 1) / 2, static_cast<double>(least_), static_cast<double>(greatest_));
    }
  }
  return static_cast<double>(greatest_);
}

units::Seconds LogHistogram::quantile(double q) const {
  ZT_EXPECT(q >= 0 && q <= 1, "quantile " + std::to_string(q));
  if (count_ == 0) return {};
  const double position = q * static_cast<double>(count_ - 1);
  const auto rank = static_cast<std::int64_t>(position);
  const double fraction = position - static_cast<double>(rank);
  const double low = order_statistic(rank);
  const double high = fraction > 0 ? order_statistic(rank + 1) : low;
  return units::Seconds::from_si((low + fraction * (high - low)) * 1e-12);
}

}  // namespace zettatwin::fleet
