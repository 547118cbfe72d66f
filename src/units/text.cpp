// SPDX-License-Identifier: Apache-2.0
#include "units/text.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <optional>

namespace zettatwin::units {
namespace {

struct UnitSymbol {
  std::string_view symbol;
  double factor;
  Dimension dimension;
  bool prefixes;  // may carry k, M, G...
};

constexpr Dimension kPerSecond{.second = -1};

// Longest symbols first, so that "bit" is not read as "b"+"it" and "FLOP/s" not as "FLOP".
constexpr std::array kUnits{
    UnitSymbol{"FLOP/s", 1, kComputeRate, true},  UnitSymbol{"FLOPS", 1, kComputeRate, true},
    UnitSymbol{"OP/s", 1, kComputeRate, true},    UnitSymbol{"OPS", 1, kComputeRate, true},
    UnitSymbol{"FLOP", 1, kFlop, true},           UnitSymbol{"tokens/s", 1, kTokenRate, true},
    UnitSymbol{"tokens", 1, kTokens, true},       UnitSymbol{"bit/s", 0.125, kBandwidth, true},
    UnitSymbol{"bit", 0.125, kBytes, true},       UnitSymbol{"B/s", 1, kBandwidth, true},
    UnitSymbol{"min", 60, kTime, false},          UnitSymbol{"USD", 1, kMoney, true},
    UnitSymbol{"days", 86400, kTime, false},      UnitSymbol{"J/B", 1, kEnergy / kBytes, true},
    UnitSymbol{"Wh", 3600, kEnergy, true},        UnitSymbol{"Hz", 1, kPerSecond, true},
    UnitSymbol{"m2", 1, kArea, false},            UnitSymbol{"pJ/bit", 8e-12, kEnergy / kBytes, false},
    UnitSymbol{"B", 1, kBytes, true},             UnitSymbol{"s", 1, kTime, true},
    UnitSymbol{"h", 3600, kTime, false},          UnitSymbol{"d", 86400, kTime, false},
    UnitSymbol{"W", 1, kPower, true},             UnitSymbol{"J", 1, kEnergy, true},
    UnitSymbol{"m", 1, kLength, true},            UnitSymbol{"%", 0.01, kDimensionless, false},
    UnitSymbol{"requests/s", 1, kPerSecond, false},    UnitSymbol{"requests/min", 1.0 / 60, kPerSecond, false},
    UnitSymbol{"requests/h", 1.0 / 3600, kPerSecond, false}, UnitSymbol{"requests/day", 1.0 / 86400, kPerSecond, false},
    UnitSymbol{"/s", 1, kPerSecond, false},       UnitSymbol{"/min", 1.0 / 60, kPerSecond, false},
    UnitSymbol{"/h", 1.0 / 3600, kPerSecond, false},   UnitSymbol{"/day", 1.0 / 86400, kPerSecond, false},
};

std::optional<double> prefix_factor(std::string_view prefix, std::string_view symbol) {
  if (prefix.empty()) return 1.0;
  struct Prefix { std::string_view text; double factor; };
  constexpr std::array kPrefixes{Prefix{"p", 1e-12}, Prefix{"n", 1e-9},  Prefix{"u", 1e-6},  Prefix{"µ", 1e-6},
                                 Prefix{"m", 1e-3},  Prefix{"c", 1e-2},  Prefix{"k", 1e3},   Prefix{"K", 1e3},
                                 Prefix{"M", 1e6},   Prefix{"G", 1e9},   Prefix{"T", 1e12},  Prefix{"P", 1e15},
                                 Prefix{"E", 1e18},  Prefix{"Z", 1e21}};
  constexpr std::array kBinary{Prefix{"Ki", 0x1p10}, Prefix{"Mi", 0x1p20}, Prefix{"Gi", 0x1p30}, Prefix{"Ti", 0x1p40},
                               Prefix{"Pi", 0x1p50}};
  for (const auto& p : kPrefixes) if (p.text == prefix) return p.factor;
  if (symbol == "B" || symbol == "B/s")
    for (const auto& p : kBinary) if (p.text == prefix) return p.factor;
  return std::nullopt;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool is_digit(std::string_view text, std::size_t i) { return i < text.size() && text[i] >= '0' && text[i] <= '9'; }

// A comma after one to three leading digits or after another whole group, and before exactly three digits.
bool is_group_separator(std::string_view text, std::size_t i) {
  if (text[i] != ',' || !is_digit(text, i + 1) || !is_digit(text, i + 2) || !is_digit(text, i + 3) || is_digit(text, i + 4)) return false;
  std::size_t before = 0;
  while (before < i && is_digit(text, i - 1 - before)) ++before;
  if (before == 0 || before > 3) return false;
  const bool first_group = before == i || text[i - 1 - before] == '-' || text[i - 1 - before] == '+';
  return first_group || (before == 3 && text[i - 4] == ',');
}

struct NumberPrefix { double value; std::string_view rest; };

Result<NumberPrefix, std::string> split_number(std::string_view text) {
  std::string digits;  // without separators: "524_288", and "524,288" in groups of three only, since elsewhere ',' is a decimal point
  std::size_t i = 0;
  for (; i < text.size(); ++i) {
    const char c = text[i];
    const bool exponent_sign = (c == '+' || c == '-') && !digits.empty() && (digits.back() == 'e' || digits.back() == 'E');
    const bool exponent = (c == 'e' || c == 'E') && i + 1 < text.size() && digits.find_first_of("eE") == std::string::npos &&
                          !digits.empty() && (std::isdigit(static_cast<unsigned char>(text[i + 1])) || text[i + 1] == '-' || text[i + 1] == '+');
    if (c == '_' && !digits.empty()) continue;
    if (is_group_separator(text, i)) continue;
    if (std::isdigit(static_cast<unsigned char>(c)) || c == '.' || exponent || exponent_sign || (i == 0 && (c == '-' || c == '+'))) {
      if (!(i == 0 && c == '+')) digits.push_back(c);
    } else {
      break;
    }
  }
  double value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (digits.empty() || error == std::errc::invalid_argument || end != digits.data() + digits.size())
    return fail(fmt::format("'{}' does not start with a number", text));
  if (error == std::errc::result_out_of_range || !std::isfinite(value))
    return fail(fmt::format("the number in '{}' is out of range", text));
  return NumberPrefix{value, trim(text.substr(i))};
}

}  // namespace

Result<double, std::string> parse_number(std::string_view text) {
  auto number = split_number(trim(text));
  if (!number) return fail(std::move(number.error()));
  if (!number->rest.empty()) return fail(fmt::format("'{}' is not a plain number", text));
  return number->value;
}

Result<ParsedQuantity, std::string> parse_quantity(std::string_view text) {
  auto number = split_number(trim(text));
  if (!number) return fail(std::move(number.error()));
  const std::string_view unit = number->rest;
  if (unit.empty()) return ParsedQuantity{number->value, kDimensionless};
  for (const auto& known : kUnits) {
    if (!unit.ends_with(known.symbol)) continue;
    const auto prefix = unit.substr(0, unit.size() - known.symbol.size());
    if (!prefix.empty() && !known.prefixes) continue;
    if (const auto factor = prefix_factor(prefix, known.symbol)) {
      const double si = number->value * *factor * known.factor;
      if (!std::isfinite(si)) return fail(fmt::format("'{}' is out of range", text));
      return ParsedQuantity{si, known.dimension};
    }
  }
  if (const auto factor = prefix_factor(unit, ""); factor && *factor >= 1e3 && std::isfinite(number->value * *factor))
    return ParsedQuantity{number->value * *factor, kDimensionless};  // "671 G": a large count
  return fail(fmt::format("'{}' is not a unit that I know", unit));
}

std::string base_unit(Dimension d) {
  if (d == kDimensionless) return "";
  for (const auto& known : kUnits)
    if (known.dimension == d && known.factor == 1) return std::string(known.symbol);
  std::string text;
  const auto add = [&text](std::string_view symbol, int power) {
    if (power == 0) return;
    if (!text.empty()) text += " ";
    text += symbol;
    if (power != 1) text += fmt::format("^{}", power);
  };
  add("B", d.byte); add("FLOP", d.flop); add("J", d.joule); add("m", d.metre);
  add("USD", d.dollar); add("token", d.token); add("s", d.second);
  return text;
}

std::string example_unit(Dimension d) {
  if (d == kBandwidth) return "GB/s";
  if (d == kBytes) return "GB";
  if (d == kComputeRate) return "TFLOP/s";
  if (d == kTime) return "us";
  if (d == kFrequency) return "GHz";
  return base_unit(d);
}

namespace {

// `digits` significant digits, but whole numbers in full; out of the range that prefixes cover, in exponent form.
std::string number_text(double value, int digits) {
  const double magnitude = std::abs(value);
  if (!std::isfinite(value) || magnitude >= 1e7 || (magnitude < 0.1 && magnitude > 0)) return fmt::format("{:.{}g}", value, digits);
  const int whole = magnitude >= 1 ? static_cast<int>(std::floor(std::log10(magnitude))) + 1 : 1;
  return fmt::format("{:.{}f}", value, std::max(0, digits - whole));
}

std::string long_time(double si) {
  const double magnitude = std::abs(si);
  const auto [unit, seconds] = magnitude >= 2 * 86400 ? std::pair("days", 86400.0) : magnitude >= 7200 ? std::pair("h", 3600.0) : std::pair("min", 60.0);
  return magnitude < 1e7 * seconds ? fmt::format("{:.1f} {}", si / seconds, unit) : fmt::format("{:.4g} {}", si / seconds, unit);
}

}  // namespace

std::string human(double si, Dimension d, int digits) {
  if (d == kArea) return std::abs(si) >= 1000 && std::abs(si) < 1e15 ? fmt::format("{} m2", grouped(std::llround(si))) : number_text(si, digits) + " m2";
  if (d == kTime && std::abs(si) >= 120) return long_time(si);
  static constexpr std::array<std::string_view, 12> kNames{"p", "n", "u", "m", "", "k", "M", "G", "T", "P", "E", "Z"};
  int index = 4;
  double scaled = si;
  if (si != 0 && std::isfinite(si)) {
    const int lowest = d == kTime || d == kPower || d == kEnergy || d == kLength ? 0 : 4;
    const int highest = d == kTime ? 4 : 11;
    while (std::abs(scaled) >= 999.5 && index < highest) { scaled /= 1000; ++index; }
    while (std::abs(scaled) < 0.9995 && index > lowest) { scaled *= 1000; --index; }
  }
  const std::string unit = std::string(kNames[static_cast<std::size_t>(index)]) + base_unit(d);
  return number_text(scaled, digits) + (unit.empty() ? "" : " " + unit);
}

std::string grouped(long long value) {
  std::string text = std::to_string(value);
  for (int i = static_cast<int>(text.size()) - 3; i > (value < 0 ? 1 : 0); i -= 3) text.insert(static_cast<std::size_t>(i), ",");
  return text;
}

}  // namespace zettatwin::units
