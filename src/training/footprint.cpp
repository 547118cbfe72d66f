// SPDX-License-Identifier: Apache-2.0
#include "training/footprint.hpp"

#include <algorithm>

namespace zettatwin::training {

double stretch(const Footprint* a, const Footprint* b) {
  double most = 1;
  if (a == nullptr || b == nullptr) return most;
  for (std::size_t l = 0; l < std::min(a->size(), b->size()); ++l)
    if (((*a)[l].peers & (*b)[l].peers) != 0) most = std::max(most, (*a)[l].share + (*b)[l].share);
  return most;
}

bool have_ports_in_common(const Footprint* a, const Footprint* b) {
  if (a == nullptr || b == nullptr) return false;
  for (std::size_t l = 0; l < std::min(a->size(), b->size()); ++l)
    if ((*a)[l].share > 0 && (*b)[l].share > 0 && ((*a)[l].peers & (*b)[l].peers) != 0) return true;
  return false;
}

}  // namespace zettatwin::training
