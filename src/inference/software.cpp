// SPDX-License-Identifier: Apache-2.0
#include "inference/software.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "config/catalog_document.hpp"
#include "units/text.hpp"

namespace zettatwin::inference {
namespace {

using config::Word;

constexpr std::array kTraffic{Word{"exchange", static_cast<int>(ExpertTraffic::exchange), "tokens to the chips of their experts and back"},
                              Word{"gather", static_cast<int>(ExpertTraffic::gather), "all tokens to all chips, results added up where they belong"},
                              Word{"gather_few", static_cast<int>(ExpertTraffic::gather_few), "gather among no more chips than a token has experts, exchange among more"}};
constexpr std::array kTuned{Word{"always", static_cast<int>(TunedExperts::always), "kernels of a deployed engine"},
                            Word{"generated", static_cast<int>(TunedExperts::generated), "these on chips with 4-bit products; an operator library's on others, and for 4-bit products of gathered tokens"}};
constexpr std::array kRules{Word{"all", static_cast<int>(MemoryRule::all), "of the chip's memory, for everything"},
                            Word{"lasting", static_cast<int>(MemoryRule::lasting), "of the chip's memory, for weights and cache"},
                            Word{"left", static_cast<int>(MemoryRule::left), "of what weights, activations and graphs leave, for the cache"}};
constexpr config::FieldOptions kTime{.presence = config::Presence::required, .range = config::kNonNegative};
constexpr config::FieldOptions kShare{.presence = config::Presence::required, .range = config::kFraction};

void describe_graphs(config::Schema& s, Software& p) {
  s.boolean("graphs", p.graphs, "decoding steps are replayed from captured graphs");
  s.integer("graph_max", p.graph_max, "largest captured batch, in tokens of a data-parallel rank; sizes are 1, 2, 4 and multiples of 8", {.range = {1, 1 << 20}});
  std::vector<std::string> texts;
  for (const auto size : p.graph_sizes) texts.push_back(std::to_string(size));
  s.texts("graph_sizes", texts, "captured batches, ascending, instead of those");
  p.graph_sizes.clear();
  for (const auto& text : texts) {
    const auto number = units::parse_number(text);
    const auto size = number ? static_cast<std::int64_t>(*number) : 0;
    s.check(size >= 1 && (p.graph_sizes.empty() || size > p.graph_sizes.back()), fmt::format("'{}' is not the next captured size", text), "sizes are whole numbers, ascending");
    p.graph_sizes.push_back(std::max<std::int64_t>(size, 1));
  }
  s.boolean("graphs_with_prompts", p.graphs_with_prompts, "steps with prompts use piecewise graphs: the host does not bound them layer by layer");
}

void describe_host(config::Schema& s, Software& p) {
  s.figure("host_step", p.host_step, "host time to schedule a step and prepare its inputs", kTime);
  s.boolean("overlapped_host", p.overlapped_host, "the host prepares the next step while one runs");
  s.boolean("overlapped_sequences", p.overlapped_sequences, "with overlapped_host: host_sequence passes while the chip computes, else it shows");
  s.figure("host_sequence", p.host_sequence, "host time per sequence and step that nothing hides: sampling, detokenising, returning", kTime);
  s.figure("rank_agreement", p.rank_agreement, "host time per step in which data-parallel ranks agree on it; hidden as host_sequence is", kTime);
  s.figure("eager_layer", p.eager_layer, "host time to issue one layer's kernels without a graph", kTime);
  s.figure("eager_latent_layer", p.eager_latent_layer, "the same of a layer with latent attention; eager_layer if absent");
  s.figure("prompt_step", p.prompt_step, "host time that a step with prompts adds", kTime);
}

void describe_kernels(config::Schema& s, Software& p) {
  s.figure("small_kernels", p.small_kernels, "kernels of a layer beside products, attention and experts: norms, rotary embedding, cache, activation", kTime);
  s.figure("small_kernels_latent", p.small_kernels_latent, "the same where attention is multi-latent", kTime);
  s.figure("routing_kernels", p.routing_kernels, "kernels that choose experts, beside the router's product", kTime);
  s.figure("kernel_gap", p.kernel_gap, "between small kernels of a graph", kTime);
  s.figure("sampling", p.sampling, "of a step", kTime);
  s.figure("sampling_sequence", p.sampling_sequence, "per sampled token", kTime);
  s.figure("kernels", p.kernels, "time of dense and attention kernels over that of the chip's figures", config::kRequired);
  s.figure("expert_kernels", p.expert_kernels, "time of routed experts over that of the chip's figures", config::kRequired);
  s.choice("tuned_experts", p.tuned_experts, tuned_experts_words(), "which kernels compute routed experts, where a chip's file has both");
  s.figure("library_layer", p.library_layer, "time of a layer whose experts an operator library computes in block-scaled FP8 that no table of kernels shows");
  s.integer("expert_row_block", p.expert_row_block, "rows that each expert's are rounded up to in block-scaled products of as many tokens and more, on chips without 4-bit products; 0: never", {.range = {0, 1 << 12}});
  s.choice("expert_traffic", p.expert_traffic, expert_traffic_words(), "how tokens of data-parallel ranks reach experts");
  s.boolean("random_ranks", p.random_ranks, "instances that compute prompts alone bind requests to data-parallel ranks at random; else a prompt goes where there is room");
  s.boolean("wide_gathers", p.wide_gathers, "tokens that are gathered travel in 16 bits");
  s.boolean("reduced_gathers", p.reduced_gathers, "tokens of steps with prompts are gathered, and their results added up, by all-reduces of zero-padded rows");
  s.boolean("quantised_exchange", p.quantised_exchange, "tokens travel to experts in 8 bits");
  s.boolean("tf32", p.tf32, "products in 32 bits round to TF32 on matrix cores (vLLM VLLM_FLOAT32_MATMUL_PRECISION=high, SGLang --enable-tf32-matmul)");
  s.boolean("fp4_casts", p.fp4_casts, "activations of 4-bit products are cast by kernels of their own");
  s.boolean("exchange_as_products", p.exchange_as_products, "tokens travel to experts as these multiply them: in 4 bits, in 8 with known scales, else in 16");
  s.boolean("fused_latent", p.fused_latent, "one kernel holds what precedes latent attention of decoding tokens: casts, norms, projections up to the absorbed key's, rotary embedding, cache writes");
  s.boolean("ordered_exchange", p.ordered_exchange, "dispatch hands rows over ordered by expert and cast, combine weighs and adds them: no other kernels sort, copy or sum rows");
  s.boolean("latent_prompts_as_cache", p.latent_prompts_as_cache, "prompts of latent attention are multiplied in the cache's format, after a cast; else in 16 bits");
  s.integer("shared_stream", p.shared_stream, "tokens of a rank up to which captured steps run shared experts on a second stream beside the routed ones; 0: never");
  s.figure("exchange_cores", p.exchange_cores, "two-batch overlap: share of the cores that high-throughput exchange kernels take", {config::Presence::required, {0, 0.9}});
  s.figure("overlap_share", p.overlap_share, "two-batch overlap: share of an exchange that travels while the other half computes", {config::Presence::required, config::kUnitInterval});
}

std::optional<Software> read(const config::Node& node, const std::string& name, config::FigureForm form, config::Diagnostics& diagnostics) {
  const auto before = diagnostics.error_count();
  Software software;
  software.name = name;
  config::read(node, "serving software", form, diagnostics, software);
  if (diagnostics.error_count() != before) return std::nullopt;
  return software;
}

}  // namespace

std::span<const Word> expert_traffic_words() { return kTraffic; }
std::span<const Word> tuned_experts_words() { return kTuned; }
std::span<const Word> memory_rule_words() { return kRules; }

std::int64_t Software::padded(std::int64_t tokens) const {
  if (!captured(tokens)) return tokens;
  if (!graph_sizes.empty()) return *std::lower_bound(graph_sizes.begin(), graph_sizes.end(), tokens);
  constexpr std::int64_t kStep = 8;
  const std::int64_t size = tokens <= 2 ? tokens : tokens <= 4 ? 4 : (tokens + kStep - 1) / kStep * kStep;
  return std::min(size, graph_max);
}

void describe(config::Schema& s, Software& p) {
  s.text("title", p.title, "what it is", config::kRequired);
  s.text("since", p.since, "date of the first release that it describes");
  s.text("notes", p.notes, "what to know about it");
  s.object("engine", p.engine, "how it schedules, unless a deployment says otherwise");
  s.boolean("stage_sequences", p.stage_sequences, "max_sequences is of each part of a pipeline's batch, of which there are as many as stages; else of all together");
  describe_graphs(s, p);
  describe_host(s, p);
  describe_kernels(s, p);
  s.figure("memory_share", p.memory_share, "share of memory that the engine uses, see memory_rule", kShare);
  s.choice("memory_rule", p.memory_rule, memory_rule_words(), "what memory_share is a share of");
  s.figure("reserve", p.reserve, "of it for context, libraries and graphs", kTime);
  s.figure("buffers", p.buffers, "of it for communication, in instances of several chips", kTime);
  s.boolean("windowed_cache", p.windowed_cache, "layers with a sliding window keep only the window");
  s.figure("frontend", p.frontend, "of a request before it is queued: HTTP, tokenising", kTime);
  s.figure("transfer_latency", p.transfer_latency, "of a cache's hand-over between instances", kTime);
  s.figure("transfer_share", p.transfer_share, "share of the network's rate that hand-overs reach", kShare);
  s.figure("start_up", p.start_up, "of an instance, beside reading its weights", kTime);
  s.figure("loading", p.loading, "rate at which a chip's weights are read", config::kRequired);
}

std::optional<Software> load_software(const config::DocumentSource& source, const std::string& name, const config::Location& where, config::Diagnostics& diagnostics) {
  const auto node = config::load_document(source, "serving", name, where, diagnostics);
  return node ? read(*node, name, config::FigureForm::provenance_required, diagnostics) : std::nullopt;
}

std::optional<Software> software_from(const config::DocumentSource& source, const config::Node& node, config::Diagnostics& diagnostics) {
  const auto load = [&](const std::string& name, const config::Location& at) { return config::load_document(source, "serving", name, at, diagnostics); };
  const bool in_place = node.is_mapping();
  const std::string name = in_place ? (node.find("extends") ? node.find("extends")->text : "of the scenario") : node.text.empty() ? kDefaultSoftware : node.text;
  const auto whole = in_place ? config::extended(node, load, diagnostics) : load(name, node.where);
  return whole ? read(*whole, name, config::FigureForm::bare_allowed, diagnostics) : std::nullopt;
}

}  // namespace zettatwin::inference
