// SPDX-License-Identifier: Apache-2.0
// Small machines for tests of the network, and the catalog's.
#pragma once

#include "../../support/catalog_files.hpp"
#include "network/collective.hpp"

namespace zettatwin::network::test {

using zettatwin::test::CatalogFiles;

// Bandwidth 100 GB/s (per pair on meshes and tori), latency 1 us, efficiency 1, no ramp.
[[nodiscard]] inline hardware::Level ideal_level(hardware::NetworkKind kind, std::int64_t size, double gb_per_s = 100, double latency_us = 1) {
  hardware::Level level;
  level.name = std::string(hardware::name_of(kind));
  level.size = size;
  level.network.kind = kind;
  level.network.pair_bandwidth.value = level.network.bandwidth.value = gb_per_s * units::GB_per_s;
  level.network.latency.value = latency_us * units::microsecond;
  level.network.efficiency.value = units::Ratio::from_si(1);
  if (kind == hardware::NetworkKind::torus) level.network.torus = {size};
  return level;
}

[[nodiscard]] inline hardware::Machine machine_of(std::vector<hardware::Level> levels) {
  hardware::Machine machine;
  machine.name = "test";
  machine.levels = std::move(levels);
  return machine;
}

[[nodiscard]] inline hardware::Machine catalog_machine(const std::string& name) {
  config::Diagnostics diagnostics;
  auto machine = hardware::load_machine(CatalogFiles{}, name, config::location_in("test"), diagnostics);
  EXPECT_TRUE(machine) << zettatwin::test::text_of(diagnostics);
  return machine.value_or(hardware::Machine{});
}

[[nodiscard]] inline double seconds(const hardware::Machine& machine, const CollectiveRequest& request) {
  return collective_time(topology::whole(machine), request).time.seconds().si();
}

}  // namespace zettatwin::network::test
