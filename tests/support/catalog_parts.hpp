// SPDX-License-Identifier: Apache-2.0
// Models and machines of the catalog; a failed load fails the test.
#pragma once

#include "catalog_files.hpp"
#include "model/preset.hpp"

namespace zettatwin::test {

[[nodiscard]] inline model::Architecture catalog_model(const std::string& name) {
  config::Diagnostics diagnostics;
  auto architecture = model::load_model(CatalogFiles{}, name, config::location_in("test"), diagnostics);
  EXPECT_TRUE(architecture) << text_of(diagnostics);
  return architecture.value_or(model::Architecture{});
}

// A catalog machine of so many chips; 0: as it is.
[[nodiscard]] inline hardware::Machine catalog_machine(const std::string& name, std::int64_t chips = 0) {
  config::Diagnostics diagnostics;
  const auto where = config::location_in("test");
  auto machine = hardware::load_machine(CatalogFiles{}, name, where, diagnostics);
  if (machine && chips > 0) machine = hardware::resized(*machine, chips, where, diagnostics);
  EXPECT_TRUE(machine) << text_of(diagnostics);
  return machine.value_or(hardware::Machine{});
}

}  // namespace zettatwin::test
