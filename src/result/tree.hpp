// SPDX-License-Identifier: Apache-2.0
// Results are trees: every figure has a path, a value with its dimension, the formula it came from and the inputs with their
// sources. Children of a node that `sums` add up to it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/figure.hpp"
#include "units/picoseconds.hpp"
#include "units/quantity.hpp"

namespace zettatwin::result {

// One input of a formula as --explain prints it.
struct Input {
  std::string name;    // "hbm bandwidth"
  std::string value;   // "4.00 TB/s"
  std::string source;  // "WP", "scenario.yaml:4:3"
  config::Confidence confidence = config::Confidence::derived;
  std::string note;
};

struct Node {
  std::string key;    // one path element: "gemm"
  std::string label;  // for people: "matrix multiplication"
  double si = 0;
  units::Dimension dimension;
  std::string formula;
  std::vector<Input> inputs;
  std::vector<Node> children;
  bool sums = false;  // value is the sum of the children's

  Node& add(Node child);
  [[nodiscard]] const Node* find(std::string_view path) const;  // "breakdown.gemm.qkv"
};

template <units::Dimension D>
[[nodiscard]] Node leaf(std::string key, std::string label, units::Quantity<D> value, std::string formula = "", std::vector<Input> inputs = {}) {
  return {std::move(key), std::move(label), value.si(), D, std::move(formula), std::move(inputs), {}, false};
}
[[nodiscard]] inline Node leaf(std::string key, std::string label, units::Picoseconds value, std::string formula = "", std::vector<Input> inputs = {}) {
  return leaf(std::move(key), std::move(label), value.seconds(), std::move(formula), std::move(inputs));
}

// Sets the value of every summing node to the sum of its children, bottom up.
void total_up(Node& node);

// How many distinct inputs below `node` have each confidence; what a result rests on.
[[nodiscard]] std::vector<Input> inputs_below(const Node& node, config::Confidence confidence);

// All paths of leaves, for completion and error messages.
[[nodiscard]] std::vector<std::string> paths(const Node& node);

}  // namespace zettatwin::result
