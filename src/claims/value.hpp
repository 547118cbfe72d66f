// SPDX-License-Identifier: Apache-2.0
// A computed figure that remembers how: formula, inputs with sources, and its range where an input has one. Ranges are combined as if all
// inputs were at their low or all at their high end together, so they are the widest.
#pragma once

#include <string>

#include "result/tree.hpp"

namespace zettatwin::claims {

struct Value {
  result::Node node;    // si, dimension, formula, inputs
  double low = 0;       // low == high without a range
  double high = 0;
  std::string missing;  // why there is no value; then si is 0

  [[nodiscard]] double si() const { return node.si; }
  [[nodiscard]] bool known() const { return missing.empty(); }
  [[nodiscard]] bool has_range() const { return low < high; }
  // Whether it rests on an input of that confidence.
  [[nodiscard]] bool rests_on(config::Confidence confidence) const { return !result::inputs_below(node, confidence).empty(); }
};

[[nodiscard]] Value missing_value(std::string why);
// A plain number, such as a count; `source` says where it comes from.
[[nodiscard]] Value counted(const std::string& name, double value, const std::string& source);
// A figure of the catalog; missing if it is absent.
[[nodiscard]] Value figure_value(const std::string& name, const std::string& owner, double si, units::Dimension dimension, const config::Provenance& provenance, bool present);
template <units::Dimension D>
[[nodiscard]] Value from_figure(const std::string& name, const std::string& owner, const config::Figure<units::Quantity<D>>& figure) {
  return figure_value(name, owner, figure.si(), D, figure.provenance, figure.present);
}

[[nodiscard]] Value operator*(const Value& a, const Value& b);
[[nodiscard]] Value operator/(const Value& a, const Value& b);
[[nodiscard]] Value operator+(const Value& a, const Value& b);  // of one dimension
// Times a number that is a matter of reading rather than a figure; `text` stands in the formula.
[[nodiscard]] Value scaled(Value value, double factor, const std::string& text);
// Rounded to so many significant digits.
[[nodiscard]] Value rounded(Value value, std::int64_t digits);

// "510 EFLOP/s", "524,288", "1.67 GB/token", "2,393 tokens/s", "13.1 bn USD".
[[nodiscard]] std::string shown(double si, units::Dimension dimension, int digits = 4);
// "642 to 872 TB/s".
[[nodiscard]] std::string range_text(const Value& value);

}  // namespace zettatwin::claims
