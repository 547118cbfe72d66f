// SPDX-License-Identifier: Apache-2.0
#include "traffic/detail/link.hpp"

namespace zettatwin::traffic::detail {

std::string_view name_of(LinkKind kind) {
  switch (kind) {
    case LinkKind::send_port: return "port, sending";
    case LinkKind::receive_port: return "port, receiving";
    case LinkKind::mesh_link: return "mesh link";
    case LinkKind::torus_link: return "torus link";
    case LinkKind::leaf_up: return "leaf uplinks";
    case LinkKind::leaf_down: return "leaf downlinks";
    case LinkKind::memory: return "memory";
  }
  return "?";
}

}  // namespace zettatwin::traffic::detail
