// SPDX-License-Identifier: Apache-2.0
#include "space/partition.hpp"

namespace zettatwin::space {

std::optional<Partition> partition(const View& view, std::int64_t size) {
  Partition result;
  std::int64_t missing = size;
  for (const auto& atom : view.atoms) {
    if (missing == 1) {
      result.outer.atoms.push_back(atom);
    } else if (missing >= atom.size) {
      if (missing % atom.size != 0) return std::nullopt;
      result.inner.atoms.push_back(atom);
      missing /= atom.size;
    } else {
      if (atom.size % missing != 0) return std::nullopt;
      result.inner.atoms.push_back({missing, atom.stride});
      result.outer.atoms.push_back({atom.size / missing, atom.stride * missing});
      missing = 1;
    }
  }
  if (missing != 1) return std::nullopt;
  return result;
}

}  // namespace zettatwin::space
