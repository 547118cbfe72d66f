// SPDX-License-Identifier: Apache-2.0
// How fast messages progress that are under way together on the ports of several pipeline ranks.
// Model: a collective uses both directions of its rank's ports, a send the outgoing ones of the sender and the incoming ones of the receiver, each the share u
// of them that its footprint says. Rates are max-min fair under sum of u r <= 1 on every level's ports (on a mesh: on every peer's link) and r <= 1
// (src/flow/max_min.hpp; docs/math/overlap.md). A set of messages is solved once.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "training/footprint.hpp"

namespace zettatwin::training {

struct PortMessage {
  std::int32_t from = 0, to = 0;  // pipeline ranks; the same for a collective
  const Footprint* ports = nullptr;
};

class SharedPorts final {
 public:
  // In the order of the messages, in units of each one's speed alone. Footprints live as long as this.
  [[nodiscard]] const std::vector<double>& rates(const std::vector<PortMessage>& messages);

 private:
  using Key = std::vector<std::int64_t>;
  [[nodiscard]] std::int64_t id_of(const Footprint* ports);

  std::map<const Footprint*, std::int64_t> ids_;  // only looked up
  std::map<Key, std::vector<double>> known_;
  Key key_;
};

}  // namespace zettatwin::training
