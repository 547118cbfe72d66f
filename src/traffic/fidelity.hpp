// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace zettatwin::traffic {

enum class Fidelity {
  folded,    // classes of ranks, links and flows
  unfolded,  // every rank its own class: the same code on the identity partition
};

}  // namespace zettatwin::traffic
