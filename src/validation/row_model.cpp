// SPDX-License-Identifier: Apache-2.0
#include "validation/row_model.hpp"

#include <fmt/format.h>

#include <cmath>

#include "validation/node_text.hpp"
#include "validation/run_words.hpp"

namespace zettatwin::validation {
namespace {

using config::Node;

class ModelOfRow final {
 public:
  ModelOfRow(const Row& row, const ModelIndex& index, const ModelNames& names) : row_(row), index_(index), names_(names) {}

  RowModel run() {
    const auto* known = names_.find(row_.text("model"));
    if (known && !known->is.empty())
      if (const auto* shape = index_.named(known->is, row_)) {
        if (!known->note.empty()) assume(known->note);
        preset(*shape);
        return std::move(result_);
      }
    if (const auto* shape = index_.find(row_)) preset(*shape);
    else if (known && known->is.empty()) result_.problem = fmt::format("'{}': {}", row_.text("model"), known->note);
    else build();
    return std::move(result_);
  }

 private:
  void assume(std::string what) { result_.assumed.push_back(std::move(what)); }
  [[nodiscard]] Node mapping() const { return empty_mapping(where_); }
  void add(Node& to, const std::string& key, const std::string& value) const { put(to, key, text_node(value, where_)); }
  void add(Node& to, const std::string& key, std::int64_t value) const { add(to, key, std::to_string(value)); }

  void preset(const ModelIndex::Shape& shape) {
    result_.model = mapping();
    add(result_.model, "preset", shape.name);
    result_.layers = layers_of_row();
    if (result_.layers <= 0) result_.layers = shape.layers;
    if (result_.layers == shape.layers) return;
    auto overrides = mapping();
    add(overrides, "num_hidden_layers", result_.layers);
    put(result_.model, "overrides", std::move(overrides));
  }

  // Of the column, or of a name such as "Llama3-70B (12 layers)"; 0 if neither says.
  [[nodiscard]] std::int64_t layers_of_row() const {
    if (const auto layers = row_.whole("layers"); layers && *layers > 0) return *layers;
    const auto name = lower_case(row_.text("model"));
    for (const std::string_view word : {" layer", "-layer"})
      if (const auto layers = number_before(name, word); layers && *layers >= 1) return static_cast<std::int64_t>(*layers);
    return 0;
  }

  // A column, or what stands for it.
  std::int64_t column(const char* name, std::int64_t missing) {
    if (const auto value = row_.whole(name); value && *value > 0) return *value;
    assume(fmt::format("{}={}", name, missing));
    return missing;
  }

  void build() {
    const auto hidden = row_.whole("hidden");
    result_.layers = layers_of_row();
    if (result_.layers < 1 || !hidden || *hidden < 1) {
      result_.problem = fmt::format("no model of the catalog has the name or the shape of '{}', and the row lacks layers or hidden", row_.text("model"));
      return;
    }
    const auto experts = row_.whole("experts").value_or(0);
    if (experts > 0 && (!row_.whole("topk") || !row_.whole("ffn"))) {
      result_.problem = fmt::format("no model of the catalog has the name or the shape of '{}', and the row lacks topk or ffn, the width of an expert", row_.text("model"));
      return;
    }
    shape_.layers = result_.layers;
    shape_.hidden = *hidden;
    constexpr std::int64_t kHead = 128, kVocabulary = 65536;  // of most models; between the 32 k and 152 k of others
    shape_.heads = column("heads", std::max<std::int64_t>(1, *hidden / kHead));
    shape_.kv_heads = row_.whole("kv_heads").value_or(0) > 0 ? *row_.whole("kv_heads") : shape_.heads;
    shape_.vocabulary = column("vocab", kVocabulary);
    shape_.width = column("ffn", 4 * *hidden);
    if (experts > 0) mixture(experts);
    else dense();
  }

  [[nodiscard]] Node config() const {
    auto config = mapping();
    add(config, "model_type", std::string("transformer"));
    for (const auto& [key, value] : {std::pair{"num_hidden_layers", shape_.layers}, {"hidden_size", shape_.hidden}, {"num_attention_heads", shape_.heads}, {"num_key_value_heads", shape_.kv_heads}, {"vocab_size", shape_.vocabulary}})
      add(config, key, value);
    return config;
  }

  void finish(Node config) {
    result_.model = mapping();
    put(result_.model, "config", std::move(config));
  }

  void mixture(std::int64_t experts) {
    auto config = this->config();
    for (const auto& [key, value] : {std::pair{"num_experts", experts}, {"num_experts_per_tok", *row_.whole("topk")}, {"moe_intermediate_size", shape_.width}}) add(config, key, value);
    add(config, "tie_word_embeddings", std::string("false"));
    finish(std::move(config));
    assume("a plain transformer of the row's shape with gated experts in every layer");
  }

  // Gated or not, tied or not, by what the parameters say.
  void dense() {
    const double h = static_cast<double>(shape_.hidden), l = static_cast<double>(shape_.layers);
    const double attention = 2 * h * h * (1 + static_cast<double>(shape_.kv_heads) / static_cast<double>(shape_.heads));
    const auto parameters = [&](double matrices, double tables) { return l * (attention + matrices * h * static_cast<double>(shape_.width)) + tables * h * static_cast<double>(shape_.vocabulary); };
    const double published = row_.number("params_total_b").value_or(0) * 1e9;
    const bool gated = published > 0 ? std::abs(parameters(3, 2) - published) < std::abs(parameters(2, 1) - published) : shape_.width != 4 * shape_.hidden;
    const double tied = parameters(gated ? 3 : 2, 1), untied = parameters(gated ? 3 : 2, 2);
    auto config = this->config();
    add(config, "intermediate_size", shape_.width);
    add(config, "gated", std::string(gated ? "true" : "false"));
    const bool ties = published > 0 ? std::abs(tied - published) <= std::abs(untied - published) : !gated;
    add(config, "tie_word_embeddings", std::string(ties ? "true" : "false"));
    finish(std::move(config));
    assume(fmt::format("a plain {} transformer of the row's shape", gated ? "gated" : "ungated"));
  }

  struct Built {
    std::int64_t layers = 0, hidden = 0, heads = 0, kv_heads = 0, vocabulary = 0, width = 0;
  };

  const Row& row_;
  const ModelIndex& index_;
  const ModelNames& names_;
  config::Location where_ = config::location_in("row " + std::string(row_.text("id")));
  Built shape_;
  RowModel result_;
};

}  // namespace

RowModel model_of(const Row& row, const ModelIndex& index, const ModelNames& names) { return ModelOfRow(row, index, names).run(); }

}  // namespace zettatwin::validation
