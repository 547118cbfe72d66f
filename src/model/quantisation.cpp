// SPDX-License-Identifier: Apache-2.0
#include "model/quantisation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <initializer_list>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "model/dialects.hpp"

namespace zettatwin::model {
namespace {

using config::Node;

constexpr std::string_view kWide = "bf16";

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// The scalar under `key` in small letters, else nothing.
std::string word(const Node& mapping, std::string_view key) {
  const Node* value = mapping.find(key);
  return value && value->kind == Node::Kind::scalar ? lower(value->text) : std::string();
}

std::int64_t number(const Node& mapping, std::string_view key) {
  const auto text = word(mapping, key);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() ? value : 0;
}

bool states(const Node& mapping, std::string_view key) {
  const Node* value = mapping.find(key);
  return value && value->kind != Node::Kind::null;
}

const Node* first_of(const Node& config, const Node& wrapper, std::initializer_list<std::string_view> keys) {
  for (const Node* document : {&config, &wrapper})
    for (const auto key : keys)
      if (states(*document, key)) return document->find(key);
  return nullptr;
}

// What a list of modules that stay wide names. Patterns end in "*", regular expressions begin with "re:".
enum class Part { attention, beside_experts, other };
Part part_of(const std::string& module) {
  const auto has = [&](std::string_view text) { return module.find(text) != std::string::npos; };
  if (has("vision") || has("visual") || has("indexer")) return Part::other;
  auto name = module;
  while (!name.empty() && (name.back() == '*' || name.back() == '.' || name.back() == '$')) name.pop_back();
  const bool matrix = name.ends_with("proj");
  if (name.ends_with("attn") || (has("attn") && matrix)) return Part::attention;
  if (name.ends_with("shared_experts") || name.ends_with("shared_expert") || (has("shared_expert") && matrix)) return Part::beside_experts;
  if (has("mlp") && !has("expert") && matrix) return Part::beside_experts;
  return Part::other;
}

// The number after "layers.", or -1: all layers.
std::int64_t layer_of(const std::string& module) {
  constexpr std::string_view kLayers = "layers.";
  const auto at = module.find(kLayers);
  std::int64_t layer = -1;
  if (at != std::string::npos) std::from_chars(module.data() + at + kLayers.size(), module.data() + module.size(), layer);
  return layer;
}

// All names in the lists of modules that stay wide.
std::vector<const Node*> left_alone(const Node& quantisation) {
  std::vector<const Node*> names;
  for (const std::string_view key : {"ignore", "modules_to_not_convert", "ignored_layers", "exclude_modules"})
    if (const Node* list = quantisation.find(key))
      for (const auto& item : list->items)
        if (item.kind == Node::Kind::scalar) names.push_back(&item);
  return names;
}

// Whether `part` stays wide in half of the layers at least.
bool left_wide(const Node& quantisation, Part part, std::int64_t layers) {
  std::set<std::int64_t> found;
  for (const Node* name : left_alone(quantisation)) {
    const auto module = lower(name->text);
    if (part_of(module) != part) continue;
    const auto layer = layer_of(module);
    if (layer < 0) return true;
    found.insert(layer);
  }
  return !found.empty() && 2 * static_cast<std::int64_t>(found.size()) >= layers;
}

// Parts of the names of modules that language models and what is wrapped around them have. Such a module is either one of the parts above, or wide in every format
// (tables, heads, norms, routers), or none of the language model's, or a single matrix.
constexpr std::string_view kModules[] = {"attn", "attention", "mlp", "moe", "expert", "ffn", "feed_forward", "gate", "router", "head", "embed", "norm", "vision", "visual", "audio", "projector", "patch", "multi_modal",
                                         "index", "mtp", "nextn", "eh_proj", "bias", "conv", "mixer", "mamba", "layers", "proj", "wte", "wpe", "dense", "fc1", "fc2", "classifier", "score"};

// The whole word that somebody may have meant.
std::string meant(const std::string& module) {
  static const std::vector<std::string> kUsual{"self_attn", "attn", "linear_attn", "mlp", "shared_experts", "shared_expert", "experts", "lm_head", "embed_tokens", "q_proj", "k_proj", "v_proj", "o_proj", "gate", "router", "vision_tower", "visual"};
  std::string word;
  for (const char c : module + ".") {
    if (std::isalnum(static_cast<unsigned char>(c)) || c == '_') {
      word += c;
      continue;
    }
    if (const auto near = word.empty() ? word : config::nearest(word, kUsual); !near.empty()) return near;
    word.clear();
  }
  return {};
}

// A name that means no module of any model that we know is a misspelling, or a part that is counted narrower than it is. One warning for all of them.
void warn_of_unknown(const Node& quantisation, config::Diagnostics& diagnostics) {
  const Node* first = nullptr;
  std::size_t others = 0;
  for (const Node* name : left_alone(quantisation)) {
    const auto module = lower(name->text);
    if (std::any_of(std::begin(kModules), std::end(kModules), [&](std::string_view known) { return module.find(known) != std::string::npos; })) continue;
    if (!first) first = name;
    else ++others;
  }
  if (!first) return;
  const auto near = meant(lower(first->text));
  diagnostics.warning(first->where, fmt::format("'{}'{}, which the quantisation leaves as it is, matches no module that is known", first->text, others > 0 ? fmt::format(" (and {} more)", others) : ""),
                      "if the model has it, it is counted in the narrow format",
                      near.empty() ? "state the formats in the deployment, such as weights=fp8,attention=bf16" : fmt::format("did you mean '{}'?", near));
}

// The format of one group of compressed-tensors and Model Optimizer; nothing if it is not one of ours.
std::string_view format_of_group(const Node& group) {
  const Node* weights = group.find("weights");
  if (!weights || !weights->is_mapping()) return {};
  const auto bits = number(*weights, "num_bits"), size = number(*weights, "group_size");
  const auto type = word(*weights, "type"), strategy = word(*weights, "strategy");
  if (type == "float" && bits == 8) return strategy == "block" ? "fp8_block" : size == 32 ? "mxfp8" : size == 0 ? "fp8" : "";
  if (type == "float" && bits == 4) return size == 16 ? "fp4" : size == 32 ? "mxfp4" : "";
  if (type == "int" && bits == 4) return "int4";
  if (type == "int" && bits == 8) return states(group, "input_activations") ? "int8" : "";
  return {};
}

std::string_view format_of_groups(const Node& quantisation) {
  const Node* groups = quantisation.find("config_groups");
  if (!groups || !groups->is_mapping() || groups->entries.empty()) return {};
  const auto format = format_of_group(groups->entries.front().value);
  const bool alike = std::all_of(groups->entries.begin(), groups->entries.end(), [&](const config::Entry& group) { return format_of_group(group.value) == format; });
  return alike ? format : std::string_view();
}

// Scales of DeepSeek's kind are per block of 128 x 128; other blocks are none of our formats.
std::string_view format_of_fp8(const Node& quantisation) {
  if (!states(quantisation, "weight_block_size")) return "fp8";
  const auto& block = quantisation.find("weight_block_size")->items;
  return block.size() == 2 && block[0].text == "128" && block[1].text == "128" ? "fp8_block" : "";
}

std::string_view format_of_algorithm(const std::string& algorithm) {
  constexpr WordPair kAlgorithms[] = {{"nvfp4", "fp4"}, {"fp8", "fp8"}, {"fp8_per_channel_per_token", "fp8"}, {"fp8_pb_wo", "fp8_block"}, {"mxfp8", "mxfp8"}, {"w4a16_awq", "int4"}};
  for (const auto& [name, format] : kAlgorithms)
    if (name == algorithm) return format;
  return {};
}

// Of what is quantised; nothing if it is not known.
std::string_view format_of(const Node& quantisation, const std::string& method, const std::string& algorithm) {
  if (method == "compressed-tensors") return format_of_groups(quantisation);
  if (!algorithm.empty()) return format_of_algorithm(algorithm);
  if (method == "fp8") return format_of_fp8(quantisation);
  if (method == "fbgemm_fp8") return "fp8";
  if (method == "mxfp4") return "mxfp4";
  if (method == "awq" || method == "gptq") return number(quantisation, "bits") == 4 ? "int4" : "";
  return {};
}

// The quantised modules are named, and they are experts.
bool targets_experts(const Node& quantisation) {
  const Node* groups = quantisation.find("config_groups");
  if (!groups) return false;
  bool any = false;
  for (const auto& group : groups->entries)
    if (const Node* targets = group.value.find("targets"))
      for (const auto& target : targets->items) {
        if (lower(target.text).find("expert") == std::string::npos) return false;
        any = true;
      }
  return any;
}

void add(Node& own, std::string_view key, std::string_view format, const config::Location& where) {
  Node value;
  value.kind = Node::Kind::scalar;
  value.where = where;
  value.text = format;
  own.entries.push_back({std::string(key), where, std::move(value)});
}

void warn(const Node& quantisation, const std::string& method, const std::string& algorithm, config::Diagnostics& diagnostics) {
  auto name = method.empty() ? std::string("without a quant_method") : fmt::format("'{}'", method);
  if (!algorithm.empty()) name += fmt::format(" with '{}'", algorithm);
  diagnostics.warning(quantisation.where, fmt::format("the quantisation {} of the published weights is not read", name), "it is not one of the formats that serving knows, or a mix of several; bf16 is assumed",
                      "state the formats in the deployment, such as weights=fp8,experts=fp4");
}

// Weights per scale of four-bit integers, and whether groups have zero points: as the tool or the group of compressed-tensors says, else the tools' default of 128.
void add_groups(const Node& quantisation, Node& own) {
  constexpr std::int64_t kUsual = 128;
  const Node* weights = nullptr;
  if (const Node* groups = quantisation.find("config_groups"); groups && groups->is_mapping() && !groups->entries.empty()) weights = groups->entries.front().value.find("weights");
  const Node& stated = weights && weights->is_mapping() ? *weights : quantisation;
  const auto size = number(stated, "group_size");
  const bool channel = size < 0 || word(stated, "strategy") == "channel";
  add(own, "int4_group", std::to_string(channel ? -1 : size > 0 ? size : kUsual), quantisation.where);
  const bool zeros = word(stated, "zero_point") == "true" || word(stated, "sym") == "false" || word(stated, "symmetric") == "false";
  add(own, "int4_zeros", zeros ? "true" : "false", quantisation.where);
}

// Routed experts of another format than the rest of a checkpoint in FP8: DeepSeek-V4's in 4 bits with a scale per 32, or in those of Model Optimizer.
std::string_view experts_apart(const Node& config, const Node& quantisation, const std::string& method) {
  if (method != "fp8") return {};
  if (const auto algorithm = word(quantisation, "moe_quant_algo"); !algorithm.empty()) return format_of_algorithm(algorithm);
  return word(config, "expert_dtype") == "fp4" ? "mxfp4" : "";
}

void add_quantised(const Node& config, const Node& quantisation, Node& own, config::Diagnostics& diagnostics) {
  const auto method = word(quantisation, "quant_method"), algorithm = word(quantisation, "quant_algo");
  if (const auto apart = experts_apart(config, quantisation, method); !apart.empty() && !format_of_fp8(quantisation).empty()) {
    add(own, "weight_format", format_of_fp8(quantisation), quantisation.where);
    return add(own, "expert_format", apart, quantisation.where);
  }
  const auto format = format_of(quantisation, method, algorithm);
  if (format.empty()) return warn(quantisation, method, algorithm, diagnostics);
  warn_of_unknown(quantisation, diagnostics);
  if (format == "int4") add_groups(quantisation, own);
  const auto layers = number(own, "num_hidden_layers");
  const bool experts = number(own, "num_experts") > 0;
  const bool only_experts = experts && (method == "mxfp4" || targets_experts(quantisation) || left_wide(quantisation, Part::beside_experts, layers));
  add(own, "weight_format", only_experts ? kWide : format, quantisation.where);
  if (only_experts) return add(own, "expert_format", format, quantisation.where);
  if (left_wide(quantisation, Part::attention, layers)) add(own, "attention_format", kWide, quantisation.where);
}

}  // namespace

void add_published_formats(const Node& config, const Node& wrapper, Node& own, config::Diagnostics& diagnostics) {
  if (const Node* quantisation = first_of(config, wrapper, {"quantization_config", "compression_config"}); quantisation && !(quantisation->is_mapping() && quantisation->entries.empty())) {
    add_quantised(config, *quantisation, own, diagnostics);
    return;
  }
  const Node* type = first_of(config, wrapper, {"torch_dtype", "dtype"});
  if (!type || type->kind != Node::Kind::scalar) return;
  if (const auto text = lower(type->text); text == "bfloat16" || text == "float16") add(own, "weight_format", kWide, type->where);
}

}  // namespace zettatwin::model
