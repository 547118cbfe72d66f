// SPDX-License-Identifier: Apache-2.0
#include "requests/detail/moment.hpp"

#include <charconv>
#include <cstdint>

namespace zettatwin::requests::detail {
namespace {

constexpr Moment kSecond = 1'000'000'000'000;
constexpr Moment kLargest = kSecond * 1'000'000'000'000'000;
constexpr std::size_t kLongestNumber = 60;

bool digit(char c) { return c >= '0' && c <= '9'; }

// Exactly `count` digits.
std::optional<int> digits(std::string_view& text, std::size_t count) {
  if (text.size() < count) return std::nullopt;
  int value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (!digit(text[i])) return std::nullopt;
    value = 10 * value + (text[i] - '0');
  }
  text.remove_prefix(count);
  return value;
}

bool skip(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

// Days since 1970-01-01 in the Gregorian calendar: years begin in March, so that the leap day is their last.
std::int64_t days_since_epoch(std::int64_t year, int month, int day) {
  year -= month <= 2 ? 1 : 0;
  const std::int64_t era = year / 400, of_era = year - 400 * era;
  const std::int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146'097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719'468;
}

int days_in(int year, int month) {
  constexpr int kDays[]{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return kDays[month - 1] + (month == 2 && leap ? 1 : 0);
}

// "hh:mm"
std::optional<int> minutes(std::string_view& text) {
  const auto hour = digits(text, 2);
  if (!hour || !skip(text, ":")) return std::nullopt;
  const auto minute = digits(text, 2);
  if (!minute || *hour > 23 || *minute > 59) return std::nullopt;
  return *hour * 60 + *minute;
}

// Behind the time of day: nothing, Z, or an offset; in minutes.
std::optional<int> zone(std::string_view text) {
  if (text.empty() || text == "Z") return 0;
  const bool west = text.front() == '-';
  if (!skip(text, "+-")) return std::nullopt;
  const auto offset = minutes(text);
  if (!offset || !text.empty()) return std::nullopt;
  return west ? -*offset : *offset;
}

}  // namespace

std::optional<Moment> decimal_moment(std::string_view text, int power) {
  if (text.empty() || text.size() > kLongestNumber) return std::nullopt;
  const bool negative = text.front() == '-';
  if (negative) text.remove_prefix(1);
  Moment value = 0;
  int exponent = power + 12, seen = 0;
  bool point = false;
  std::size_t i = 0;
  for (; i < text.size(); ++i) {
    if (text[i] == '.' && !point) {
      point = true;
      continue;
    }
    if (!digit(text[i])) break;
    ++seen;
    const bool room = value < kLargest * 100'000;
    if (room) value = 10 * value + (text[i] - '0');
    exponent += (room ? 0 : 1) - (point ? 1 : 0);
  }
  if (seen == 0) return std::nullopt;
  if (i < text.size()) {
    if (text[i] != 'e' && text[i] != 'E') return std::nullopt;
    ++i;
    if (i < text.size() && text[i] == '+') ++i;
    int more = 0;
    const auto [end, error] = std::from_chars(text.data() + i, text.data() + text.size(), more);
    if (error != std::errc{} || end != text.data() + text.size() || more > 1000 || more < -1000) return std::nullopt;
    exponent += more;
  }
  for (; exponent > 0 && value != 0; --exponent) {
    if (value > kLargest) return std::nullopt;
    value *= 10;
  }
  int last = 0;
  for (; exponent < 0 && (value != 0 || last != 0); ++exponent) {
    last = static_cast<int>(value % 10);
    value /= 10;
  }
  if (last >= 5) ++value;
  if (value > kLargest) return std::nullopt;
  return negative ? -value : value;
}

std::optional<Moment> calendar_moment(std::string_view text) {
  const auto year = digits(text, 4);
  if (!year || !skip(text, "-")) return std::nullopt;
  const auto month = digits(text, 2);
  if (!month || *month < 1 || *month > 12 || !skip(text, "-")) return std::nullopt;
  const auto day = digits(text, 2);
  if (!day || *day < 1 || *day > days_in(*year, *month) || !skip(text, " T")) return std::nullopt;
  const auto minute = minutes(text);
  if (!minute || !skip(text, ":")) return std::nullopt;
  const auto second = digits(text, 2);
  if (!second || *second > 60) return std::nullopt;
  Moment fraction = 0;
  if (skip(text, ".")) {
    Moment unit = kSecond / 10;
    if (text.empty() || !digit(text.front())) return std::nullopt;
    for (; !text.empty() && digit(text.front()); text.remove_prefix(1), unit /= 10) fraction += unit * (text.front() - '0');
  }
  const auto offset = zone(text);
  if (!offset) return std::nullopt;
  const std::int64_t minutes_of_all = days_since_epoch(*year, *month, *day) * 1440 + *minute - *offset;
  return (Moment{minutes_of_all} * 60 + *second) * kSecond + fraction;
}

}  // namespace zettatwin::requests::detail
