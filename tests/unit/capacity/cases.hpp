// SPDX-License-Identifier: Apache-2.0
// Questions about capacity on machines and models of the catalog.
#pragma once

#include "../../support/catalog_parts.hpp"
#include "capacity/frontier.hpp"

namespace zettatwin::test {

inline inference::Software serving_software(const std::string& name = "vllm") {
  config::Diagnostics diagnostics;
  auto software = inference::load_software(CatalogFiles{}, name, config::location_in("test"), diagnostics);
  EXPECT_TRUE(software) << text_of(diagnostics);
  return software.value_or(inference::Software{});
}

struct CapacityCase {
  hardware::Machine machine;
  model::Architecture model;
  inference::Software software = serving_software();
  std::int64_t chips = 8;
  std::int64_t input = 1024, output = 256;
  fleet::Slo slo;
  inference::Pool base;

  [[nodiscard]] capacity::Frontier answer(bool disaggregated = true) const {
    return capacity::frontier({.machine = machine, .model = model, .software = software, .chips = chips, .input = input, .output = output, .slo = slo, .base = base, .aggregated = true, .disaggregated = disaggregated});
  }
};

inline CapacityCase capacity_case(const std::string& machine, const std::string& model, std::int64_t chips, inference::Format weights = inference::Format::fp8) {
  CapacityCase c{.machine = catalog_machine(machine, chips), .model = catalog_model(model), .chips = chips};
  c.base.weights = weights;
  return c;
}

}  // namespace zettatwin::test
