// SPDX-License-Identifier: Apache-2.0
// What a user asks for: which pools of instances serve a model, how each instance is cut over its chips, in which formats, with which software.
// As text or YAML: `tp=8,instances=4` is one aggregated pool; `prefill.tp=8,prefill.instances=2,decode.dp=64,decode.ep=64` are two, and keys beside them hold
// for both; `pools: [{role: decode, ...}]` names any number.
// An instance has pp stages of tp x dp chips: attention is cut over tp, and dp ranks have sequences of their own; routed experts are cut over ep x expert_tp =
// tp x dp. With ffn_chips > 0 the feed-forwards live on chips of their own (attention-FFN disaggregation), ep of them per stage.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/schema.hpp"
#include "inference/format.hpp"
#include "model/architecture.hpp"

namespace zettatwin::inference {

// Which kernels compute a pool's routed experts: what the engine would run, or one of both kinds.
enum class ExpertKernels { engine, tuned, library };
[[nodiscard]] std::span<const config::Word> expert_kernels_words();

enum class Role { aggregated, prefill, decode };
[[nodiscard]] std::span<const config::Word> role_words();

// How tokens spread over routed experts.
enum class LoadKind {
  balanced,   // all alike
  power_law,  // the i-th busiest gets i^-exponent
  listed,     // shares as measured, busiest first or not
};
[[nodiscard]] std::span<const config::Word> load_words();
struct ExpertLoad {
  LoadKind kind = LoadKind::power_law;
  double exponent = 0.5;
  std::vector<double> shares;  // one per expert, or those of each layer with experts one after the other
  friend bool operator==(const ExpertLoad&, const ExpertLoad&) = default;
};

struct Pool {
  std::string name;
  Role role = Role::aggregated;
  config::Node machine;        // its own, beside the deployment's; nothing: that one
  std::int64_t instances = 0;  // 0: as many as the chips allow
  std::int64_t tp = 1, pp = 1, dp = 1;
  std::int64_t ep = 0;         // 0: 1 with tensor-parallel experts if dp is 1, else tp x dp
  std::int64_t ffn_chips = 0;  // per stage, beside tp x dp for attention
  Format weights = Format::published;
  Format attention = Format::as_weights;  // projections of attention
  Format attention_output = Format::as_weights;  // the last of them, where it is quantised and the others are not; as_weights: as `attention`
  Format experts = Format::as_weights;    // routed; as_weights with weights as published: as those are published
  std::int64_t int4_group = 0;            // weights in int4: weights per scale, -1 a channel; 0: as published, 32 where the model is published in another format
  bool int4_zeros = false;                // as published
  Format cache = Format::bf16;
  ExpertKernels expert_kernels = ExpertKernels::engine;
  std::int64_t head_tp = 0;               // chips that the output projection is cut over; 0: tp
  std::int64_t redundant_experts = 0;     // copies of busy experts, in the whole instance
  std::int64_t shared_copies = 0;         // of the shared experts, on chips of their own among ep, to which tokens travel as to a routed expert; 0: every chip has them
  bool two_batch_overlap = false;         // a batch in two halves, one communicates while the other computes
  std::int64_t microbatches = 3;          // attention-FFN disaggregation: in flight between the two sides
  ExpertLoad load;
  double memory_share = 0;                // of a chip's memory; 0: as the software
  units::Watts power;                     // that a chip is limited to; zero: its design power
  config::Node engine;                    // laid over the software's engine settings

  [[nodiscard]] std::int64_t attention_chips() const { return tp * dp; }              // of a stage
  [[nodiscard]] std::int64_t expert_chips() const { return ffn_chips > 0 ? ffn_chips : tp * dp; }
  [[nodiscard]] std::int64_t chips() const { return (tp * dp + ffn_chips) * pp; }     // of an instance
  [[nodiscard]] std::int64_t expert_parallel(const model::Architecture& model) const;
  [[nodiscard]] std::int64_t expert_tp(const model::Architecture& model) const { return expert_chips() / expert_parallel(model); }
  [[nodiscard]] Format attention_format() const { return attention == Format::as_weights ? weights : attention; }
  [[nodiscard]] Format attention_output_format() const { return attention_output == Format::as_weights ? attention_format() : attention_output; }
  [[nodiscard]] model::IntegerGroups groups() const { return {.size = int4_group == 0 ? model::IntegerGroups{}.size : int4_group, .zeros = int4_zeros}; }
  [[nodiscard]] Format expert_format() const { return experts == Format::as_weights ? weights : experts; }
};

// The pool with formats for `published`: a stated format stays; parts that are as the weights follow them, into the checkpoint where these are as published.
[[nodiscard]] Pool with_published_formats(Pool pool, const model::Architecture& model);

struct Deployment {
  std::vector<Pool> pools;
  config::Node software;  // a name of catalog/serving, or a mapping that may extend one; nothing: the default

  [[nodiscard]] bool disaggregated() const;
};

void describe(config::Schema& s, ExpertLoad& load);
void describe(config::Schema& s, Pool& pool);
void describe(config::Schema& s, Deployment& deployment);

// From a document tree (an empty one gives one aggregated pool of one chip per instance).
[[nodiscard]] std::optional<Deployment> read_deployment(const config::Node& node, config::Diagnostics& diagnostics);
// From text as plan::parse_plan_text reads it.
[[nodiscard]] std::optional<Deployment> parse_deployment(const std::string& text, const std::string& name, config::Diagnostics& diagnostics);
// The short text that gives the deployment again: "prefill.tp=8,prefill.instances=2,decode.tp=1,decode.dp=64,decode.ep=64".
[[nodiscard]] std::string text_of(const Deployment& deployment, const model::Architecture& model);

// Whether the model says how it is published and all pools hold its weights in those formats.
[[nodiscard]] bool weights_as_published(const Deployment& deployment, const model::Architecture& model);

// Whether the pool's sizes suit the model; errors name the pool and the nearest values.
[[nodiscard]] bool check(const Pool& pool, const model::Architecture& model, const config::Location& where, config::Diagnostics& diagnostics);

}  // namespace zettatwin::inference
