// SPDX-License-Identifier: Apache-2.0
// Cuts a view in two factors: the innermost `size` members and the steps between such blocks.
#pragma once

#include <optional>

#include "space/view.hpp"

namespace zettatwin::space {

struct Partition {
  View inner;  // `size` members
  View outer;  // view.size() / size steps
};

// Nothing if `size` does not factor through the view's atoms (an atom is split where size cuts it evenly).
[[nodiscard]] std::optional<Partition> partition(const View& view, std::int64_t size);

}  // namespace zettatwin::space
