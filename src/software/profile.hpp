// SPDX-License-Identifier: Apache-2.0
// The software that runs a job, as far as step time and memory depend on it: how much memory its kernels move beside the matrix products, what it
// keeps, what it recomputes, how fast it issues kernels. Properties of a framework and its generation, never of a model, a machine or a run.
// Model: a kernel that streams memory moves a number of bytes per element of its input, forward and backward; frameworks differ in how many kernels
// they fuse, so in that number. Activations have 2 bytes per element.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/document.hpp"
#include "config/figure.hpp"
#include "config/schema.hpp"

namespace zettatwin::software {

// Bytes moved per element.
struct Moved {
  config::Figure<units::Bytes> forward;
  config::Figure<units::Bytes> backward;
};

// Parts of a layer that selective recomputation may run again; Megatron-Core's names (--recompute-modules).
enum class Module { core_attn, layernorm, mlp_act, moe_act, mla_up_proj, mlp, mlp_up, attn_proj };
[[nodiscard]] std::span<const config::Word> module_words();

// How the cross entropy keeps its logits.
enum class LossKernel {
  fused,     // the gradient overwrites the bf16 logits: 2 bytes per logit
  in_place,  // an fp32 copy turns into softmax and gradient in place, beside the bf16 gradient: 6 (Megatron-LM)
  eager,     // bf16 logits, fp32 copy, log-softmax and gradient, each its own tensor: 14 (PyTorch's cross_entropy)
};
[[nodiscard]] std::span<const config::Word> loss_words();

// How copies of tokens travel to their experts.
enum class Dispatcher {
  deduplicated,  // once to each unit of the network, whatever the number of its experts (DeepEP, HybridEP, DeepSeek-V3)
  all_to_all,    // every copy on its own (Megatron-Core's default, with a permutation before and after)
};
[[nodiscard]] std::span<const config::Word> dispatcher_words();

// Generation of the attention kernel; what an older one reaches is in the chip's file (efficiency.attention).
enum class AttentionKernel { best, flash2, flash1 };
[[nodiscard]] std::span<const config::Word> attention_words();

// What was otherwise before a date: a profile named with a date, "megatron-core@2024-12", is the one of that time.
struct Generation {
  std::string before;  // "2025-03", "2023" or "2023-07-15": dates compare as text
  std::string is;      // another profile that describes the time before; empty: this one with `set` laid over it
  config::Node set;
  std::string note;
};

struct Profile {
  std::string name;
  std::string title;
  std::string since;  // date of the first release that it describes
  std::string notes;
  std::vector<Generation> generations;  // newest first; all that hold for a date are laid over one another in this order

  Moved norm;              // per feature of the hidden state
  Moved residual;          // with bias and dropout where the framework has them
  Moved layout;            // per feature of queries, keys and values: bias, rotary embedding, transposition
  Moved activation;        // per feature of a feed-forward without gate
  Moved gated_activation;  // per feature behind the gate
  Moved routing;           // per score of the router
  Moved permutation;       // per feature of the tokens and of their copies, once before and once after the experts
  Moved expert_bias;       // per feature of what experts put out, where they have biases; absent: the product adds them
  Moved embedding;         // per feature
  Moved cross_entropy;     // per logit
  Moved scores;            // unfused attention: per query and key; absent with flash attention
  Moved ring_merge;        // ring attention: per feature of outputs and part of the keys after the first, to join what the parts give; absent: the attention kernel does
  config::Figure<units::Ratio> eager;         // bytes moved over those above by kernels that nothing fuses; absent: 1
  config::Figure<units::Bytes> accumulation;  // per parameter and microbatch, to add a weight gradient to the accumulated one; absent: the product does it
  config::Figure<units::Seconds> host;        // to issue the kernels of one layer, forward and backward; absent: the chip's figure
  config::Figure<units::Seconds> expert_host;  // of a layer with routed experts; absent: the same
  config::Figure<units::Seconds> broadcast;  // ZeRO 1: updated parameters return by one broadcast per rank, this long for each outside a node; absent: one gather
  config::Figure<units::Bytes> scale_search;    // per element read before a cast, where one scale serves a whole tensor and is found anew; absent: none
  config::Figure<units::Bytes> collective_copy;  // per element that tensor-parallel ranks gather or scatter, to bring its parts in order; absent: none
  config::Figure<units::Bytes> partial_sum;  // per element that is reduced in chunks beside a product, to add up the parts of all ranks at the end; absent: none
  config::Figure<units::Bytes> rescale;  // per element that a quantised product of the backward pass writes, to apply its scales afterwards; absent: none
  config::Figure<units::Ratio> send_share;   // of what a collective takes from computation, at each end of a send between pipeline ranks; absent: half
  config::Figure<units::Bytes> bucket_copy;  // per parameter, to flatten a gradient bucket before its reduction and to copy it back; absent: it is reduced in place
  Dispatcher dispatcher = Dispatcher::deduplicated;
  bool quantised_dispatch = true;  // tokens travel in the format of the recipe; else in bf16
  bool quantised_gather = true;    // tensor-parallel ranks cast before they gather; else they gather bf16 and cast all of it
  bool row_scales = false;         // one scale per row, and per column for the other products: each copy is cast on its own
  bool keeps_gathered = false;     // the backward pass has what was gathered forward, or gathers it again where it recomputes; else it gathers once more for weight gradients
  bool repeats_keys = false;       // ring attention: keys and values travel once for each head that shares them
  bool flash_attention = true;  // scores are never stored
  AttentionKernel attention = AttentionKernel::best;
  bool dropout = false;
  bool dummy_gradients = false;  // where products add weight gradients themselves, autograd is given an unused bf16 tensor, kept once per shape of a weight
  LossKernel loss = LossKernel::fused;
  std::vector<Module> selective{Module::layernorm, Module::mlp_act, Module::moe_act, Module::mla_up_proj};  // what plans with recompute=selective run again
  config::Figure<units::Ratio> fragmentation;  // lost by the allocator: of activations and buffers; states live in a few long-lived blocks
  config::Figure<units::Bytes> workspace;      // driver context, communicators, matrix library
  std::int64_t bucket_parameters = 40'000'000;  // that one gradient bucket holds at most, or one layer (Megatron-LM's default)
  std::int64_t prefetch_layers = 1;             // ZeRO 3: layers gathered ahead of the running one

  [[nodiscard]] double send_part() const { return send_share.present ? send_share.si() : 0.5; }
  [[nodiscard]] double eager_factor() const { return eager.present ? eager.si() : 1; }
  [[nodiscard]] bool recomputes(Module module) const;  // under selective recomputation
};

void describe(config::Schema& s, Moved& moved);
void describe(config::Schema& s, Generation& generation);
void describe(config::Schema& s, Profile& profile);

// What a scenario without `software` runs on.
inline constexpr const char* kDefault = "megatron-core";

// The catalog's document "software/<name>.yaml"; with "@date" behind the name, as it was then.
[[nodiscard]] std::optional<Profile> load_profile(const config::DocumentSource& source, const std::string& name, const config::Location& where, config::Diagnostics& diagnostics);
// A name, or a mapping written in place that may extend a profile; nothing: the default. `changes`, a mapping or null, is laid over it.
[[nodiscard]] std::optional<Profile> profile_from(const config::DocumentSource& source, const config::Node& node, const config::Node& changes, config::Diagnostics& diagnostics);

}  // namespace zettatwin::software
