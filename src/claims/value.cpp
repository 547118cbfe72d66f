// SPDX-License-Identifier: Apache-2.0
#include "claims/value.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/contract.hpp"
#include "units/text.hpp"

namespace zettatwin::claims {
namespace {

// A sum as a factor needs parentheses.
std::string factor_text(const std::string& formula) {
  return formula.find(" + ") != std::string::npos && !formula.ends_with(')') ? "(" + formula + ")" : formula;
}

Value combined(const Value& a, const Value& b, std::string formula) {
  if (!a.known()) return a;
  if (!b.known()) return b;
  Value value = a;
  value.node.formula = std::move(formula);
  for (const auto& input : b.node.inputs) {
    const auto same = [&](const result::Input& i) { return i.name == input.name && i.value == input.value; };
    const bool there = std::any_of(value.node.inputs.begin(), value.node.inputs.end(), same);
    if (!there) value.node.inputs.push_back(input);
  }
  return value;
}

}  // namespace

Value missing_value(std::string why) {
  Value value;
  value.missing = std::move(why);
  return value;
}

Value counted(const std::string& name, double si, const std::string& source) {
  Value value;
  value.node.si = value.low = value.high = si;
  value.node.formula = name;
  value.node.inputs.push_back({name, shown(si, units::kDimensionless), source, config::Confidence::derived, ""});
  return value;
}

Value figure_value(const std::string& name, const std::string& owner, double si, units::Dimension dimension, const config::Provenance& provenance, bool present) {
  if (!present) return missing_value(fmt::format("the catalog has no {} of {}", name, owner));
  Value value;
  value.node.si = value.low = value.high = si;
  if (provenance.low_si < provenance.high_si) {
    value.low = provenance.low_si;
    value.high = provenance.high_si;
  }
  value.node.dimension = dimension;
  value.node.formula = name;
  value.node.inputs.push_back({fmt::format("{} of {}", name, owner), shown(si, dimension), provenance.source, provenance.confidence, provenance.note});
  return value;
}

Value operator*(const Value& a, const Value& b) {
  Value value = combined(a, b, fmt::format("{} x {}", factor_text(a.node.formula), factor_text(b.node.formula)));
  if (!value.known()) return value;
  value.node.si = a.si() * b.si();
  value.low = a.low * b.low;
  value.high = a.high * b.high;
  value.node.dimension = a.node.dimension * b.node.dimension;
  return value;
}

Value operator/(const Value& a, const Value& b) {
  const bool product = b.node.formula.find(" x ") != std::string::npos;
  Value value = combined(a, b, fmt::format(fmt::runtime(product ? "{} / ({})" : "{} / {}"), factor_text(a.node.formula), factor_text(b.node.formula)));
  if (!value.known()) return value;
  if (b.low <= 0) return missing_value("divided by nothing");
  value.node.si = a.si() / b.si();
  value.low = a.low / b.high;
  value.high = a.high / b.low;
  value.node.dimension = a.node.dimension / b.node.dimension;
  return value;
}

Value operator+(const Value& a, const Value& b) {
  Value value = combined(a, b, fmt::format("{} + {}", a.node.formula, b.node.formula));
  if (!value.known()) return value;
  ZT_EXPECT(a.node.dimension == b.node.dimension, value.node.formula);
  value.node.si = a.si() + b.si();
  value.low = a.low + b.low;
  value.high = a.high + b.high;
  return value;
}

Value scaled(Value value, double factor, const std::string& text) {
  value.node.si *= factor;
  value.low *= factor;
  value.high *= factor;
  value.node.formula = fmt::format("{} {}", factor_text(value.node.formula), text);
  return value;
}

Value rounded(Value value, std::int64_t digits) {
  if (!value.known() || value.si() <= 0) return value;
  const auto cut = [digits](double x) {
    const double place = std::pow(10.0, std::floor(std::log10(x)) + 1 - static_cast<double>(digits));
    return std::round(x / place) * place;
  };
  value.node.si = cut(value.si());
  value.low = cut(value.low);
  value.high = cut(value.high);
  value.node.formula = fmt::format("round({}, {} digit{})", value.node.formula, digits, digits == 1 ? "" : "s");
  return value;
}

std::string shown(double si, units::Dimension d, int digits) {
  const bool whole = d == units::kDimensionless && si == std::floor(si);
  if (whole && std::abs(si) >= 100 && std::abs(si) < 1e8) return units::grouped(std::llround(si));
  if (d == units::kTokenRate && si >= 1000 && si < 1e5) return units::grouped(std::llround(si)) + " tokens/s";
  if (d == units::kMoney && si >= 1e9) return fmt::format("{:.{}g} bn USD", si / 1e9, digits);
  // Per token, per byte, per joule: the denominator stays without prefix.
  if (d.second == 0 && d.token < 0) return units::human(si, d * units::kTokens, digits) + "/token";
  if (d.second == 0 && d.byte < 0) return units::human(si, d * units::kBytes, digits) + "/B";
  if (d.second == 0 && d.joule < 0) return units::human(si, d * units::kEnergy, digits) + "/J";
  if (d == units::kDimensionless && si < 1e4 && si >= 0.1) return fmt::format("{:.{}g}", si, digits);
  return units::human(si, d, digits);
}

std::string range_text(const Value& value) {
  const auto low = shown(value.low, value.node.dimension, 3), high = shown(value.high, value.node.dimension, 3);
  const auto space = low.find(' ');
  const bool same_unit = space != std::string::npos && high.ends_with(low.substr(space));
  return fmt::format("{} to {}", same_unit ? low.substr(0, space) : low, high);
}

}  // namespace zettatwin::claims
