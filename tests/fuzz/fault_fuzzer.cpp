// SPDX-License-Identifier: Apache-2.0
// Any bytes as a fault: a place that prints as it reads, or at least one error.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "traffic/fault.hpp"

namespace {

zettatwin::hardware::Machine machine() {
  using namespace zettatwin::hardware;
  Machine machine;
  machine.name = "fuzz";
  machine.chip_name = "ascend";
  const auto add = [&](const char* name, std::int64_t size, NetworkKind kind, std::int64_t planes, std::int64_t ports) {
    Level level;
    level.name = name;
    level.size = size;
    level.network.kind = kind;
    level.network.planes = planes;
    level.network.ports_per_chip = ports;
    machine.levels.push_back(level);
  };
  add("board", 8, NetworkKind::full_mesh, 1, 0);
  add("pod", 128, NetworkKind::switched, 8, 0);
  add("row", 4, NetworkKind::torus, 1, 0);
  add("cluster", 64, NetworkKind::clos, 4, 1);
  return machine;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace zettatwin;
  static const auto with = machine();
  if (size > 4096) return 0;
  const std::string text(reinterpret_cast<const char*>(data), size);
  config::Diagnostics diagnostics;
  const auto fault = traffic::parse_fault(text, with, config::location_in("--fault"), diagnostics);
  if (fault.has_value() == diagnostics.has_errors()) std::abort();
  if (!fault) return 0;
  const bool slow = fault->remaining > 0;
  const auto again = traffic::parse_fault(std::string(traffic::name_of(fault->kind)) + "@" + traffic::place_text(fault->place, with) + (slow ? ":0.5" : ""), with,
                                          config::location_in("--fault"), diagnostics);
  if (!again || again->place != fault->place) std::abort();
  return 0;
}
