// SPDX-License-Identifier: Apache-2.0
// A serving stack of some date, as far as time and memory depend on it: how it schedules, what its host costs, which kernels it fuses, how it moves tokens to
// experts. catalog/serving/<name>.yaml. Properties of the software, never of a model, a machine or a run.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/document.hpp"
#include "config/figure.hpp"
#include "config/schema.hpp"
#include "serving/engine_settings.hpp"

namespace zettatwin::inference {

// How tokens of data-parallel ranks reach experts on other chips.
enum class ExpertTraffic {
  exchange,  // to the chips of their experts and back (DeepEP and the like)
  gather,    // all tokens to all chips, results added up where they belong
  gather_few,  // gather where the chips of a group are no more than the experts of a token, exchange beyond (TensorRT-LLM)
};
[[nodiscard]] std::span<const config::Word> expert_traffic_words();

// Which kernels compute routed experts, where a chip's file has both: those of a deployed engine after its own tuning (served_experts) or an operator library's (expert_layer).
enum class TunedExperts {
  always,
  generated,  // generated for chips with 4-bit products; other chips, and 4-bit products of gathered tokens, have the library's (TensorRT-LLM)
};
[[nodiscard]] std::span<const config::Word> tuned_experts_words();

// What memory_share is a share of.
enum class MemoryRule {
  all,     // the chip's memory, for everything (vLLM)
  lasting, // the chip's memory, for weights and cache; activations and graphs live in the rest (SGLang)
  left,    // what weights, activations and graphs leave, for the cache (TensorRT-LLM)
};
[[nodiscard]] std::span<const config::Word> memory_rule_words();

struct Software {
  std::string name;
  std::string title;
  std::string since;  // date of the first release that it describes
  std::string notes;

  serving::EngineSettings engine;  // budgets are of one data-parallel rank
  bool stage_sequences = false;    // max_sequences is of each part of a pipeline's batch, of which there are as many as stages; else of all together
  // Captured graphs: batches of decoding tokens are padded to the next of these sizes per data-parallel rank; larger ones run without graphs.
  bool graphs = true;
  std::vector<std::int64_t> graph_sizes;            // ascending; empty: 1, 2, 4, then multiples of 8 up to graph_max
  std::int64_t graph_max = 512;
  config::Figure<units::Seconds> host_step;         // of the host to schedule a step and to prepare its inputs
  bool overlapped_host = true;                      // the host prepares the next step while one runs
  config::Figure<units::Seconds> host_sequence;     // per sequence of a data-parallel rank and step: sampling, detokenising, returning
  bool overlapped_sequences = false;                // with overlapped_host: that too passes while the chip computes; else it shows
  config::Figure<units::Seconds> rank_agreement;    // of the hosts of data-parallel ranks, per step, to agree on who computes how much: beside the chip as host_sequence
  config::Figure<units::Seconds> eager_layer;       // of the host to issue a layer's kernels where no graph is captured; steps with prompts are such
  config::Figure<units::Seconds> eager_latent_layer;  // the same of a layer with latent attention, whose prompts take more kernels; absent: eager_layer
  bool graphs_with_prompts = false;                 // piecewise graphs: steps with prompts wait for the host only as decoding steps do
  config::Figure<units::Seconds> prompt_step;       // of the host for a step with prompts: tables, tokens, no overlap
  config::Figure<units::Ratio> small_kernels;         // norms, rotary embedding, cache writes, activation of a layer that are kernels of their own
  config::Figure<units::Ratio> small_kernels_latent;  // the same in latent attention's layers, whose cache and rotary kernels are fused
  config::Figure<units::Ratio> routing_kernels;       // beside the router's product
  config::Figure<units::Seconds> kernel_gap;          // between small kernels in a graph
  config::Figure<units::Seconds> sampling;            // of a step
  config::Figure<units::Seconds> sampling_sequence;   // per sampled token
  config::Figure<units::Ratio> kernels;             // time of its kernels over that of the chip's figures: generations of the software
  config::Figure<units::Ratio> expert_kernels;      // the same of routed experts
  TunedExperts tuned_experts = TunedExperts::always;
  config::Figure<units::Seconds> library_layer;     // kernels of a layer whose experts the library computes in block-scaled FP8 that no table shows; absent: none
  // Steps of so many tokens and more round each expert's rows of block-scaled products up to a multiple of it, on chips without 4-bit products (vLLM: DeepGEMM's contiguous layout); 0: never.
  std::int64_t expert_row_block = 0;
  ExpertTraffic expert_traffic = ExpertTraffic::exchange;
  bool random_ranks = false;                        // instances that compute prompts alone bind requests to data-parallel ranks at random
  bool wide_gathers = false;                        // tokens that are gathered travel as they are, in 16 bits, and are cast by each chip
  bool reduced_gathers = false;                     // with prompts in a step, whose ranks have different numbers of tokens, zero-padded rows are all-reduced both ways
  bool quantised_exchange = true;                   // tokens travel to experts in 8 bits
  bool tf32 = false;                                // products in 32 bits round to TF32 on matrix cores
  bool fp4_casts = false;                           // activations of 4-bit products are cast by kernels of their own, not by what computes them
  bool exchange_as_products = false;                // in four where experts multiply four-bit values, in eight with known scales: cast before they travel; others in 16
  bool fused_latent = false;                        // one kernel holds what precedes latent attention of decoding tokens: norms, projections up to the absorbed key's, casts, rotary embedding, cache writes
  bool ordered_exchange = false;                    // dispatch hands rows over ordered by expert and cast, combine weighs and adds them: no kernels of the chip sort, copy or sum rows
  bool latent_prompts_as_cache = false;             // prompts of latent attention are multiplied in the cache's format, after a cast; else in 16 bits
  std::int64_t shared_stream = 0;                   // captured batches of up to so many tokens of a rank run shared experts on a second stream, beside the routed ones
  config::Figure<units::Ratio> exchange_cores;      // two-batch overlap: share of the chip's cores that high-throughput exchange kernels take from the other half
  config::Figure<units::Ratio> overlap_share;       // two-batch overlap: share of an exchange that travels while the other half computes; the rest waits for it or makes it wait
  config::Figure<units::Ratio> memory_share;
  MemoryRule memory_rule = MemoryRule::all;
  config::Figure<units::Bytes> reserve;             // context, libraries, graphs
  config::Figure<units::Bytes> buffers;             // for communication, of instances of several chips
  bool windowed_cache = true;                       // layers with a sliding window keep only the window
  config::Figure<units::Seconds> frontend;          // of a request before it is queued: HTTP, tokenising
  config::Figure<units::Seconds> transfer_latency;  // of a cache's hand-over between instances
  config::Figure<units::Ratio> transfer_share;      // of the network's rate that hand-overs reach
  config::Figure<units::Seconds> start_up;          // of an instance beside reading its weights
  config::Figure<units::BytesPerSecond> loading;    // of weights, per chip

  // Tokens that a data-parallel rank computes for a decoding step of `tokens`.
  [[nodiscard]] std::int64_t padded(std::int64_t tokens) const;
  [[nodiscard]] bool captured(std::int64_t tokens) const { return graphs && tokens <= padded_max(); }
  [[nodiscard]] std::int64_t padded_max() const { return graph_sizes.empty() ? graph_max : graph_sizes.back(); }
};
void describe(config::Schema& s, Software& software);

inline constexpr const char* kDefaultSoftware = "vllm";

[[nodiscard]] std::optional<Software> load_software(const config::DocumentSource& source, const std::string& name, const config::Location& where, config::Diagnostics& diagnostics);
// A name, or a mapping in place that may extend a profile; nothing: the default.
[[nodiscard]] std::optional<Software> software_from(const config::DocumentSource& source, const config::Node& node, config::Diagnostics& diagnostics);

}  // namespace zettatwin::inference
