// SPDX-License-Identifier: Apache-2.0
// Any bytes as the network of a level: a graph that can be built, or at least one error.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "hardware/machine.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace zettatwin;
  constexpr std::int64_t kUnits = 8;
  if (size > 4096) return 0;
  config::Diagnostics diagnostics;
  const auto node = config::parse_document({reinterpret_cast<const char*>(data), size}, "fuzz", diagnostics);
  if (!node || !node->is_mapping()) return 0;
  hardware::LevelNetwork network;
  config::read(*node, "network", config::FigureForm::bare_allowed, diagnostics, network);
  network.graph.units = kUnits;
  double vertices = kUnits;
  for (const auto& [name, group] : network.graph.switches) vertices += static_cast<double>(group.count);
  if (!hardware::is_graph(network.kind) || vertices > 1000) return 0;
  hardware::check_graph(network.graph, "fuzz", node->where, diagnostics);
  if (!diagnostics.has_errors() && !(hardware::graph_rates(network.graph, kUnits, 1).uniform.si() > 0)) std::abort();
  return 0;
}
