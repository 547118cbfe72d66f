// SPDX-License-Identifier: Apache-2.0
// A toy machine and toy models whose times can be worked out by hand, as documents that are read the way a user's are. By default one core, 2^40 FLOP/s,
// memory and links so fast that they take no time, no overheads: a product of m x n x k in multiples of the tile takes 2 m n k / 2^40 s exactly.
#pragma once

#include <fmt/format.h>

#include "catalog_parts.hpp"
#include "config/document.hpp"
#include "hardware/catalog.hpp"
#include "model/import.hpp"
#include "model/preset.hpp"
#include "software.hpp"
#include "training/train.hpp"

namespace zettatwin::test {

inline constexpr double kUnit = 1.0 / 1024;  // s: 2^30 FLOP on the toy chip

struct ToyLevel {
  std::string name;
  std::int64_t size = 1;
  double bytes_per_s = 1e24;
  double latency_s = 0;
  std::string kind = "switched";
};

struct Toy {
  double flop_per_s = 1099511627776.0;  // 2^40; fp8 twice
  double bytes_per_s = 1e24;
  double capacity = 1e15;
  double interference = 0;
  double host_s = 0;                    // per layer and microbatch
  double kernel_s = 0;                  // launch of every kernel
  bool fp8 = true;
  std::vector<ToyLevel> levels{{"node", 8}};
};

[[nodiscard]] inline std::string toy_chip_yaml(const Toy& t) {
  const auto gemm = fmt::format("{{math: 1, launch: {0} s, ramp: 0 s, memory: 1, half_bytes: 0 B, l2_bandwidth: 1e24 B/s, k_latency: 0 s}}", t.kernel_s);
  const auto attention = fmt::format("{{math: 1, softmax: 0 s, tile: 0 s, launch: {} s, memory: 1, window_keys: 0, backward: 1}}", t.kernel_s);
  const auto stream = fmt::format("{{memory: 1, launch: {} s, half_bytes: 0 B}}", t.kernel_s);
  return fmt::format(
      "{{title: Toy chip, vendor: nobody, family: toy, rank_unit: package, matrix_cores: 1,\n"
      "  matrix_peak: {{bf16: {} FLOP/s{}}},\n"
      "  memory: {{kind: toy, capacity: {} B, bandwidth: {} B/s}},\n"
      "  efficiency: {{status: 'measured: by definition', sustained: 1, interference: {}, gemm: {{bf16: {}}}, attention: {{bf16: {}}},\n"
      "    grouped: {{math: 1, launch: 0 s, per_expert: 0 s}}, stream: {}, quantise: {}, host: {{eager: {} s, graph: 0 s}}}}}}",
      t.flop_per_s, t.fp8 ? fmt::format(", fp8: {} FLOP/s", 2 * t.flop_per_s) : "", t.capacity, t.bytes_per_s, t.interference, gemm, attention, stream, stream, t.host_s);
}

[[nodiscard]] inline std::string toy_machine_yaml(const Toy& t) {
  std::string levels;
  for (const auto& l : t.levels) {
    const bool pairs = l.kind == "full_mesh";
    levels += fmt::format("{}{{name: {}, counts: {}s, size: {}, network: {{kind: {}, {}: {} B/s, latency: {} s, efficiency: 1}}}}", levels.empty() ? "" : ", ", l.name, l.name,
                          l.size, l.kind, pairs ? "pair_bandwidth" : "bandwidth", l.bytes_per_s, l.latency_s);
  }
  return fmt::format("{{title: Toy machine, chip: {},\n levels: [{}]}}", toy_chip_yaml(t), levels);
}

[[nodiscard]] inline hardware::Machine toy_machine(const Toy& t = {}) {
  config::Diagnostics diagnostics;
  const auto node = config::parse_document(toy_machine_yaml(t), "toy.yaml", diagnostics);
  auto machine = node ? hardware::machine_from(Documents{{}}, *node, diagnostics) : std::nullopt;
  EXPECT_TRUE(machine) << text_of(diagnostics);
  return machine.value_or(hardware::Machine{});
}

// h = 512, 4 heads of 128, feed-forward of 1024 without gate, 1024 words: products of 2^29 FLOP per 1024 tokens and h x h.
inline constexpr const char* kToyDense =
    "{model_type: transformer, hidden_size: 512, num_hidden_layers: 2, vocab_size: 1024, num_attention_heads: 4, intermediate_size: 1024, gated: false}";
// As above with 8 gated experts of 256, two per token, and a shared one; the first layer dense.
inline constexpr const char* kToyExperts =
    "{model_type: transformer, hidden_size: 512, num_hidden_layers: 4, vocab_size: 1024, num_attention_heads: 4, intermediate_size: 1024, num_experts: 8,"
    " num_experts_per_tok: 2, moe_intermediate_size: 256, n_shared_experts: 1, first_k_dense_replace: 1}";

[[nodiscard]] inline model::Architecture toy_model(const std::string& text = kToyDense) {
  config::Diagnostics diagnostics;
  const auto node = config::parse_document(text, "config.json", diagnostics);
  auto architecture = node ? model::import_config(*node, "toy", diagnostics) : std::nullopt;
  EXPECT_TRUE(architecture) << text_of(diagnostics);
  return architecture.value_or(model::Architecture{});
}

[[nodiscard]] inline training::Job toy_job(const Toy& t = {}, const std::string& model = kToyDense) {
  training::Job job{.machine = toy_machine(t), .architecture = toy_model(model), .software = catalog_software()};
  job.sequence_length = 1024;
  job.plan.global_batch = 1;
  job.software.bucket_parameters = 1;  // every layer and end a bucket of its own
  job.software.send_share = {};
  return job;
}

// The answer; problems fail the test.
[[nodiscard]] inline training::TrainingResult answer(const training::Job& job) {
  config::Diagnostics diagnostics;
  auto result = training::train(job, config::location_in("test"), diagnostics);
  EXPECT_TRUE(result) << text_of(diagnostics);
  return result.value_or(training::TrainingResult{});
}

}  // namespace zettatwin::test
