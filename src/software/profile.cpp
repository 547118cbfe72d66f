// SPDX-License-Identifier: Apache-2.0
#include "software/profile.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "config/catalog_document.hpp"

namespace zettatwin::software {
namespace {

using config::Node;
using config::Word;

constexpr std::array kModules{Word{"core_attn", static_cast<int>(Module::core_attn), "scores, softmax and their product with the values"},
                              Word{"layernorm", static_cast<int>(Module::layernorm), "norms, latent ones too"},
                              Word{"mlp_act", static_cast<int>(Module::mlp_act), "the activation function of dense and shared feed-forwards"},
                              Word{"moe_act", static_cast<int>(Module::moe_act), "the activation function of routed experts"},
                              Word{"mla_up_proj", static_cast<int>(Module::mla_up_proj), "multi-latent attention: up projections and rotary embedding"},
                              Word{"mlp", static_cast<int>(Module::mlp), "dense feed-forwards as a whole"},
                              Word{"mlp_up", static_cast<int>(Module::mlp_up), "the first product of dense feed-forwards"},
                              Word{"attn_proj", static_cast<int>(Module::attn_proj), "products around attention; the output's not where tensor parallelism has summed it"}};
constexpr std::array kLosses{Word{"fused", static_cast<int>(LossKernel::fused), "the gradient overwrites the logits: 2 bytes per logit"},
                             Word{"in_place", static_cast<int>(LossKernel::in_place), "one fp32 copy beside bf16: 6 bytes per logit"},
                             Word{"eager", static_cast<int>(LossKernel::eager), "every step its own tensor: 14 bytes per logit"}};
constexpr std::array kAttention{Word{"best", static_cast<int>(AttentionKernel::best), "the kernels that the chip's figures describe"},
                                Word{"flash2", static_cast<int>(AttentionKernel::flash2), "FlashAttention 2 (2023)"},
                                Word{"flash1", static_cast<int>(AttentionKernel::flash1), "FlashAttention 1 (2022)"}};

constexpr std::array kDispatchers{Word{"deduplicated", static_cast<int>(Dispatcher::deduplicated), "a token travels once to each unit of the network (DeepEP, HybridEP)"},
                                  Word{"all_to_all", static_cast<int>(Dispatcher::all_to_all), "every copy travels on its own"}};

constexpr config::FieldOptions kMoved{.range = config::kNonNegative};

void describe_selective(config::Schema& s, std::vector<Module>& selective) {
  std::vector<std::string> texts;
  for (const auto module : selective) texts.emplace_back(config::word_of(module_words(), module));
  s.texts("selective", texts, "parts of a layer that selective recomputation runs again: core_attn, layernorm, mlp_act, moe_act, mla_up_proj, mlp, mlp_up, attn_proj");
  selective.clear();
  for (const auto& text : texts) {
    const auto word = std::find_if(kModules.begin(), kModules.end(), [&](const Word& w) { return w.name == text; });
    s.check(word != kModules.end(), fmt::format("'{}' in selective is not a part of a layer", text), "known: core_attn, layernorm, mlp_act, moe_act, mla_up_proj, mlp, mlp_up, attn_proj");
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

bool is_date(std::string_view text) {
  constexpr std::string_view kForm = "dddd-dd-dd";
  const bool whole = text.size() == 4 || text.size() == 7 || text.size() == kForm.size();
  return whole && std::equal(text.begin(), text.end(), kForm.begin(), [](char c, char form) { return form == 'd' ? c >= '0' && c <= '9' : c == form; });
}

std::optional<Node> load_node(const config::DocumentSource& source, const std::string& name, const config::Location& where, config::Diagnostics& diagnostics);

// The profile as it was on the date: of the generations that had not ended, each lies over the ones before.
std::optional<Node> dated(const config::DocumentSource& source, Node node, std::string_view date, const config::Location& where, config::Diagnostics& diagnostics) {
  const auto errors_before = diagnostics.error_count();
  std::vector<Generation> generations;
  if (const auto* list = node.find("generations"))
    for (const auto& item : list->items) config::read(item, "generation", config::FigureForm::bare_allowed, diagnostics, generations.emplace_back());
  if (diagnostics.error_count() != errors_before) return std::nullopt;
  for (const auto& generation : generations) {
    if (date >= generation.before) continue;
    if (!generation.is.empty()) {
      auto other = load_node(source, generation.is, where, diagnostics);
      if (!other) return std::nullopt;
      node = std::move(*other);
    }
    if (generation.set.is_mapping()) node = config::laid_over(node, generation.set);
  }
  return node;
}

// "name" or "name@date".
std::optional<Node> load_node(const config::DocumentSource& source, const std::string& name, const config::Location& where, config::Diagnostics& diagnostics) {
  const auto at = name.find('@');
  auto node = config::load_document(source, "software", name.substr(0, at), where, diagnostics);
  if (!node || at == std::string::npos) return node;
  const auto date = std::string_view(name).substr(at + 1);
  if (is_date(date)) return dated(source, std::move(*node), date, where, diagnostics);
  diagnostics.error(where, fmt::format("'{}' is no date", date), "a profile is dated by its year, month or day", fmt::format("write {}@2024-06", name.substr(0, at)));
  return std::nullopt;
}

}  // namespace

std::span<const Word> module_words() { return kModules; }
std::span<const Word> loss_words() { return kLosses; }
std::span<const Word> dispatcher_words() { return kDispatchers; }
std::span<const Word> attention_words() { return kAttention; }

bool Profile::recomputes(Module module) const { return std::find(selective.begin(), selective.end(), module) != selective.end(); }

void describe(config::Schema& s, Moved& moved) {
  s.figure("forward", moved.forward, "bytes per element, forward", kMoved);
  s.figure("backward", moved.backward, "bytes per element, backward", kMoved);
}

void describe(config::Schema& s, Generation& g) {
  s.text("before", g.before, "date that ended it: year, month or day", config::kRequired);
  s.text("is", g.is, "another profile that describes the time before");
  s.node("set", g.set, "changes to the profile");
  s.text("note", g.note, "what changed on the date, and where that is documented");
  s.check(is_date(g.before), fmt::format("'{}' is no date", g.before), "generations end on a year, month or day", "write 2024-06");
}

void describe(config::Schema& s, Profile& p) {
  s.text("title", p.title, "what it is", config::kRequired);
  s.text("since", p.since, "date of the first release that it describes");
  s.text("notes", p.notes, "what to know about it");
  s.list("generations", p.generations, "what was otherwise before a date; a name with a date, such as megatron-core@2024-06, asks for it");
  s.object("norm", p.norm, "memory that a norm moves, per feature of the hidden state");
  s.object("residual", p.residual, "addition to the residual stream, with bias and dropout where there are any, per feature");
  s.object("layout", p.layout, "bias, rotary embedding and transposition, per feature of queries, keys and values");
  s.object("activation", p.activation, "activation function without gate, per feature");
  s.object("gated_activation", p.gated_activation, "activation function with gate, per feature behind the gate");
  s.object("routing", p.routing, "choice of experts, per score");
  s.object("permutation", p.permutation, "sorting by expert, per feature of tokens and copies, once before and once after the experts");
  s.object("expert_bias", p.expert_bias, "biases of experts added and their gradients summed by kernels of their own, per feature of what experts put out; absent: the product adds them");
  s.object("embedding", p.embedding, "token embedding, per feature");
  s.object("cross_entropy", p.cross_entropy, "loss, per logit");
  s.object("scores", p.scores, "softmax of unfused attention, per query and key");
  s.object("ring_merge", p.ring_merge, "ring attention: per feature of outputs and part of the keys after the first, to join what the parts give; absent: the attention kernel does");
  s.figure("eager", p.eager, "bytes moved over those above, by kernels that nothing fuses; 1 if absent");
  s.figure("accumulation", p.accumulation, "bytes per parameter and microbatch to add a weight gradient to the accumulated one; absent: the product adds");
  s.figure("host", p.host, "time of the host to issue one layer's kernels, forward and backward; the chip's figure if absent");
  s.figure("expert_host", p.expert_host, "the same for a layer with routed experts; as for other layers if absent");
  s.figure("broadcast", p.broadcast, "ZeRO 1: time per rank of a sharding group outside a node, where updated parameters return by one broadcast per rank; absent: by one gather");
  s.figure("scale_search", p.scale_search, "bytes per element read before a cast to find the scale of the tensor; absent: scales come with the cast, or from earlier steps", kMoved);
  s.figure("collective_copy", p.collective_copy, "bytes per element that tensor-parallel ranks gather or scatter to bring its parts in order; absent: none, and none where messages run beside products", kMoved);
  s.figure("partial_sum", p.partial_sum, "bytes per element that tensor-parallel ranks reduce in chunks beside a product, to add up the parts of all ranks at the end; absent: none", kMoved);
  s.figure("rescale", p.rescale, "bytes per element that a quantised product of the backward pass writes, to apply scales afterwards; absent: the product does", kMoved);
  s.figure("send_share", p.send_share, "of what a collective takes from computation beside it, at each end of a send between pipeline ranks; half if absent", {.range = {0, 1}});
  s.figure("bucket_copy", p.bucket_copy, "bytes per parameter to flatten a gradient bucket before its reduction and to copy it back; absent: it is reduced in place", kMoved);
  s.choice("dispatcher", p.dispatcher, dispatcher_words(), "how copies of tokens travel to their experts");
  s.boolean("quantised_dispatch", p.quantised_dispatch, "tokens travel to their experts in the format of the recipe; else in bf16");
  s.boolean("quantised_gather", p.quantised_gather, "tensor-parallel ranks cast before they gather; else they gather bf16 and cast all of it");
  s.boolean("row_scales", p.row_scales, "one scale per row, and per column for other products: each copy is searched and cast on its own");
  s.boolean("keeps_gathered", p.keeps_gathered, "what tensor-parallel ranks gathered is kept for weight gradients, or gathered again by recomputation; else it is gathered once more");
  s.boolean("repeats_keys", p.repeats_keys, "ring attention: keys and values travel once for each head that shares them");
  s.choice("attention", p.attention, attention_words(), "generation of the attention kernel");
  s.boolean("flash_attention", p.flash_attention, "attention scores are never stored");
  s.boolean("dropout", p.dropout, "dropout masks are stored");
  s.boolean("dummy_gradients", p.dummy_gradients, "where products add weight gradients themselves, one unused bf16 gradient is kept per shape of a weight");
  s.choice("loss", p.loss, loss_words(), "how the cross entropy keeps its logits");
  describe_selective(s, p.selective);
  s.figure("fragmentation", p.fragmentation, "allocator's loss, as a fraction of activations and buffers", {.range = {0, 1}});
  s.figure("workspace", p.workspace, "driver context, communicators and matrix library", kMoved);
  s.integer("bucket_parameters", p.bucket_parameters, "parameters that a gradient bucket holds at most; a larger layer is one by itself");
  s.integer("prefetch_layers", p.prefetch_layers, "ZeRO 3: layers gathered ahead", {.range = {0, 64}});
  s.check(p.flash_attention || p.scores.forward.present, "unfused attention needs scores", "flash_attention is false", "give scores.forward and scores.backward");
}

std::optional<Profile> load_profile(const config::DocumentSource& source, const std::string& name, const config::Location& where, config::Diagnostics& diagnostics) {
  const auto node = load_node(source, name, where, diagnostics);
  return node ? read(*node, name, config::FigureForm::provenance_required, diagnostics) : std::nullopt;
}

std::optional<Profile> profile_from(const config::DocumentSource& source, const config::Node& node, const config::Node& changes, config::Diagnostics& diagnostics) {
  const auto load = [&](const std::string& name, const config::Location& at) { return load_node(source, name, at, diagnostics); };
  const bool in_place = node.is_mapping();
  const std::string name = in_place ? (node.find("extends") ? node.find("extends")->text : "of the scenario") : node.text.empty() ? kDefault : node.text;
  auto whole = in_place ? config::extended(node, load, diagnostics) : load(name, node.where);
  if (!whole) return std::nullopt;
  if (changes.is_mapping()) whole = config::laid_over(*whole, changes);
  return read(*whole, name, config::FigureForm::bare_allowed, diagnostics);
}

}  // namespace zettatwin::software
