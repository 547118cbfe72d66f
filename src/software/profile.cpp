// SPDX-License-Identifier: Apache-2.0
#include "software/profile.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "config/catalog_document.hpp"

namespace zettatwin::software {
namespace {

using config::Word;

constexpr std::array kModules{Word{"core_attn", static_cast<int>(Module::core_attn), "scores, softmax and their product with the values"},
                              Word{"layernorm", static_cast<int>(Module::layernorm), "norms, latent ones too"},
                              Word{"mlp_act", static_cast<int>(Module::mlp_act), "the activation function of dense and shared feed-forwards"},
                              Word{"moe_act", static_cast<int>(Module::moe_act), "the activation function of routed experts"},
                              Word{"mla_up_proj", static_cast<int>(Module::mla_up_proj), "multi-latent attention: up projections and rotary embedding"}};
constexpr std::array kLosses{Word{"fused", static_cast<int>(LossKernel::fused), "the gradient overwrites the logits: 2 bytes per logit"},
                             Word{"in_place", static_cast<int>(LossKernel::in_place), "one fp32 copy beside bf16: 6 bytes per logit"},
                             Word{"eager", static_cast<int>(LossKernel::eager), "every step its own tensor: 14 bytes per logit"}};

constexpr config::FieldOptions kMoved{.range = config::kNonNegative};

void describe_selective(config::Schema& s, std::vector<Module>& selective) {
  std::vector<std::string> texts;
  for (const auto module : selective) texts.emplace_back(config::word_of(module_words(), module));
  s.texts("selective", texts, "parts of a layer that selective recomputation runs again: core_attn, layernorm, mlp_act, moe_act, mla_up_proj");
  selective.clear();
  for (const auto& text : texts) {
    const auto word = std::find_if(kModules.begin(), kModules.end(), [&](const Word& w) { return w.name == text; });
    s.check(word != kModules.end(), fmt::format("'{}' in selective is not a part of a layer", text), "known: core_attn, layernorm, mlp_act, moe_act, mla_up_proj");
    if (word != kModules.end()) selective.push_back(static_cast<Module>(word->value));
  }
}

std::optional<Profile> read(const config::Node& node, const std::string& name, config::FigureForm form, config::Diagnostics& diagnostics) {
  const auto errors_before = diagnostics.error_count();
  Profile profile;
  profile.name = name;
  config::read(node, fmt::format("software {}", name), form, diagnostics, profile);
  if (diagnostics.error_count() != errors_before) return std::nullopt;
  return profile;
}

}  // namespace

std::span<const Word> module_words() { return kModules; }
std::span<const Word> loss_words() { return kLosses; }

bool Profile::recomputes(Module module) const { return std::find(selective.begin(), selective.end(), module) != selective.end(); }

void describe(config::Schema& s, Moved& moved) {
  s.figure("forward", moved.forward, "bytes per element, forward", kMoved);
  s.figure("backward", moved.backward, "bytes per element, backward", kMoved);
}

void describe(config::Schema& s, Profile& p) {
  s.text("title", p.title, "what it is", config::kRequired);
  s.text("since", p.since, "date of the first release that it describes");
  s.text("notes", p.notes, "what to know about it");
  s.object("norm", p.norm, "memory that a norm moves, per feature of the hidden state");
  s.object("residual", p.residual, "addition to the residual stream, with bias and dropout where there are any, per feature");
  s.object("layout", p.layout, "bias, rotary embedding and transposition, per feature of queries, keys and values");
  s.object("activation", p.activation, "activation function without gate, per feature");
  s.object("gated_activation", p.gated_activation, "activation function with gate, per feature behind the gate");
  s.object("routing", p.routing, "choice of experts, per score");
  s.object("permutation", p.permutation, "sorting by expert, per feature of tokens and copies, once before and once after the experts");
  s.object("embedding", p.embedding, "token embedding, per feature");
  s.object("cross_entropy", p.cross_entropy, "loss, per logit");
  s.object("scores", p.scores, "softmax of unfused attention, per query and key");
  s.figure("eager", p.eager, "bytes moved over those above, by kernels that nothing fuses; 1 if absent");
  s.figure("accumulation", p.accumulation, "bytes per parameter and microbatch to add a weight gradient to the accumulated one; absent: the product adds");
  s.figure("host", p.host, "time of the host to issue one layer's kernels, forward and backward; the chip's figure if absent");
  s.boolean("flash_attention", p.flash_attention, "attention scores are never stored");
  s.boolean("dropout", p.dropout, "dropout masks are stored");
  s.choice("loss", p.loss, loss_words(), "how the cross entropy keeps its logits");
  describe_selective(s, p.selective);
  s.figure("fragmentation", p.fragmentation, "allocator's loss, as a fraction of activations and buffers", {.range = {0, 1}});
  s.figure("workspace", p.workspace, "driver context, communicators and matrix library", kMoved);
  s.integer("bucket_parameters", p.bucket_parameters, "parameters of one gradient bucket");
  s.integer("prefetch_layers", p.prefetch_layers, "ZeRO 3: layers gathered ahead", {.range = {0, 64}});
  s.check(p.flash_attention || p.scores.forward.present, "unfused attention needs scores", "flash_attention is false", "give scores.forward and scores.backward");
}

std::optional<Profile> load_profile(const config::DocumentSource& source, const std::string& name, const config::Location& where, config::Diagnostics& diagnostics) {
  const auto node = config::load_document(source, "software", name, where, diagnostics);
  return node ? read(*node, name, config::FigureForm::provenance_required, diagnostics) : std::nullopt;
}

std::optional<Profile> profile_from(const config::DocumentSource& source, const config::Node& node, const config::Node& changes, config::Diagnostics& diagnostics) {
  const auto load = [&](const std::string& name, const config::Location& at) { return config::load_document(source, "software", name, at, diagnostics); };
  const bool in_place = node.is_mapping();
  const std::string name = in_place ? (node.find("extends") ? node.find("extends")->text : "of the scenario") : node.text.empty() ? kDefault : node.text;
  auto whole = in_place ? config::extended(node, load, diagnostics) : load(name, node.where);
  if (!whole) return std::nullopt;
  if (changes.is_mapping()) whole = config::laid_over(*whole, changes);
  return read(*whole, name, config::FigureForm::bare_allowed, diagnostics);
}

}  // namespace zettatwin::software
