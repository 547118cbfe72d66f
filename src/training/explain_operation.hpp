// SPDX-License-Identifier: Apache-2.0
// Why an operation takes as long as it does: formula, shape, and the figures of chip or machine that it rests on.
#pragma once

#include <string>
#include <vector>

#include "result/tree.hpp"
#include "training/step.hpp"

namespace zettatwin::training {

struct OperationExplanation {
  std::string formula;
  std::vector<result::Input> inputs;
};

[[nodiscard]] OperationExplanation explain_leaf(const Step& step, const Leaf& leaf);

}  // namespace zettatwin::training
