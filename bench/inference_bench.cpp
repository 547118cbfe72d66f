// SPDX-License-Identifier: Apache-2.0
// Why: simulated fleets ask an instance's timer at every change of a batch, up to a million times a second. Tables are filled before what is measured: a question
// about a known piece, about a new piece of a known batch, and a step with chunks of prompts.
#include <benchmark/benchmark.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "hardware/catalog.hpp"
#include "inference/serve.hpp"
#include "model/preset.hpp"

namespace {

using namespace zettatwin;

class CatalogFolder final : public config::DocumentSource {
 public:
  [[nodiscard]] std::optional<std::string> read(const std::string& path) const override {
    std::ifstream file(std::filesystem::path(ZT_SOURCE_CATALOG) / path);
    if (!file) return std::nullopt;
    return std::string(std::istreambuf_iterator<char>(file), {});
  }
  [[nodiscard]] std::vector<std::string> list(const std::string&) const override { return {}; }
};

const inference::Served& wide_experts() {
  static const auto served = [] {
    const CatalogFolder catalog;
    config::Diagnostics diagnostics;
    const auto where = config::location_in("bench");
    const auto machine = hardware::load_machine(catalog, "dgx-h800", where, diagnostics);
    const auto model = model::load_model(catalog, "deepseek-v3", where, diagnostics);
    const auto software = inference::load_software(catalog, "deepseek", where, diagnostics);
    const auto deployment = inference::parse_deployment("dp=32,ep=32,redundant_experts=32,weights=fp8_block,instances=1", "bench", diagnostics);
    return inference::serve({.machine = *machine, .model = *model, .deployment = *deployment, .software = *software}, where, diagnostics);
  }();
  return *served;
}

void known_piece(benchmark::State& state) {
  const auto& timer = *wide_experts().pools[0].timer;
  std::int64_t cached = 2048 * 4000;
  for (auto _ : state) benchmark::DoNotOptimize(timer.decode(2048, cached += 64));
}
BENCHMARK(known_piece);

void new_batch(benchmark::State& state) {
  const auto& timer = *wide_experts().pools[0].timer;
  std::int64_t n = 0, round = 0;
  for (auto _ : state) {
    n = n % 4096 + 1;
    round += n == 1 ? 1 : 0;
    benchmark::DoNotOptimize(timer.decode(n, n * (1000 + round % 7 * 1000)));
  }
}
BENCHMARK(new_batch)->MinWarmUpTime(1);

void step_with_prompts(benchmark::State& state) {
  const auto& timer = *wide_experts().pools[0].timer;
  std::array<serving::Chunk, 2> chunks{{{900, 0, true}, {124, 2048, false}}};
  std::int32_t i = 0;
  for (auto _ : state) {
    chunks[1].context = 1024 * (i++ % 8);
    benchmark::DoNotOptimize(timer.step({.sequences = 2048, .cached = 2048 * 4000, .chunks = chunks}));
  }
}
BENCHMARK(step_with_prompts);

void make_instance(benchmark::State& state) {
  for (auto _ : state) {
    auto about = wide_experts().pools[0].timer->about();
    const auto timer = inference::make_timer(std::move(about));
    benchmark::DoNotOptimize(timer->decode(1024, 1024 * 1000));
  }
}
BENCHMARK(make_instance);

}  // namespace
