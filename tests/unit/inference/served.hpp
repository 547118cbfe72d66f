// SPDX-License-Identifier: Apache-2.0
// Instances for tests: of the toy machine with software that costs nothing, and of the catalog.
#pragma once

#include "../../support/toy.hpp"
#include "inference/serve.hpp"

namespace zettatwin::test {

// Software whose own times are zero; one graph size per batch.
[[nodiscard]] inline inference::Software free_software() {
  inference::Software s;
  s.name = "free";
  s.graphs = true;
  s.graph_max = 1 << 20;
  s.graphs_with_prompts = true;
  s.engine.max_tokens = 8192;
  s.engine.max_sequences = 256;
  for (auto* ratio : {&s.small_kernels, &s.small_kernels_latent, &s.routing_kernels, &s.exchange_cores}) ratio->value = units::Ratio::from_si(0);
  for (auto* one : {&s.kernels, &s.expert_kernels, &s.overlap_share, &s.memory_share, &s.transfer_share}) one->value = units::Ratio::from_si(1);
  s.loading.value = units::BytesPerSecond::from_si(1e9);
  return s;
}

[[nodiscard]] inline inference::Software catalog_serving(const std::string& name) {
  config::Diagnostics diagnostics;
  auto software = inference::load_software(CatalogFiles{}, name, config::location_in("test"), diagnostics);
  EXPECT_TRUE(software && diagnostics.all().empty()) << text_of(diagnostics);
  return software.value_or(inference::Software{});
}

[[nodiscard]] inline inference::Deployment deployment(const std::string& text) {
  config::Diagnostics diagnostics;
  auto parsed = inference::parse_deployment(text, "--deployment", diagnostics);
  EXPECT_TRUE(parsed) << text_of(diagnostics);
  return parsed.value_or(inference::Deployment{});
}

[[nodiscard]] inline inference::Served served(const hardware::Machine& machine, const model::Architecture& model, const inference::Software& software, const std::string& text,
                                              std::int64_t chips = 0, std::int64_t sequence = 0) {
  config::Diagnostics diagnostics;
  const auto wanted = deployment(text);
  auto answer = inference::serve({.machine = machine, .model = model, .deployment = wanted, .software = software, .chips = chips, .sequence = sequence}, config::location_in("test"), diagnostics);
  EXPECT_TRUE(answer) << text_of(diagnostics);
  return answer ? std::move(*answer) : inference::Served{};
}

[[nodiscard]] inline double seconds(const inference::ServedPool& pool, std::int64_t sequences, std::int64_t cached, std::vector<serving::Chunk> chunks = {}) {
  return pool.timer->step({.sequences = sequences, .cached = cached, .chunks = chunks}).seconds().si();
}

}  // namespace zettatwin::test
