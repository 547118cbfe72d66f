// SPDX-License-Identifier: Apache-2.0
// The dialects of Hugging Face config.json as data: which key of a model_type means which field of our own
// dialect (transformer_config.hpp), and what holds when a key is absent. Sources: the configuration and
// modelling classes of huggingface/transformers, and the remote code published beside the weights (DeepSeek,
// Kimi, MiniMax, MiMo, MPT).
#pragma once

#include <span>
#include <string_view>
#include <vector>

namespace zettatwin::model {

// A word of a document and the field's value that it stands for. "*" stands for any text, an empty value for
// no statement, "null" for what holds without the dialect's default.
struct WordPair {
  std::string_view word;
  std::string_view value;
};

// One key of a dialect. A key may appear twice: it then sets two fields.
struct Key {
  std::string_view name;        // "n_embd"; "attn_config.alibi" for a nested one
  std::string_view field = {};  // of TransformerConfig; empty: the same name; kNoField: known, without effect
  std::span<const WordPair> words = {};  // translation of values; empty: as they are
  bool per_layer = false;       // may be a list with one value per layer, all alike
  [[nodiscard]] std::string_view target() const { return field.empty() ? name : field; }
};
inline constexpr std::string_view kNoField = "-";

struct Dialect {
  std::vector<std::string_view> model_types;      // all names that it goes by
  std::vector<std::span<const Key>> keys;         // its own keys; they come before the common ones
  std::string_view defaults;                      // YAML in our own dialect: what holds for absent keys
  std::vector<std::string_view> unmodelled = {};  // keys whose part is left out, with a warning
};

[[nodiscard]] const std::vector<Dialect>& dialects();
[[nodiscard]] const Dialect* find_dialect(std::string_view model_type);
// Keys that every dialect understands.
[[nodiscard]] std::span<const Key> common_keys();

// A key without effect on shapes or computation that we model: token ids, dropout, initialisers, rope
// details, dtypes...
[[nodiscard]] bool has_no_effect(std::string_view key);
// A key whose name suggests that it changes shapes or computation; such a key must be mapped or refused.
[[nodiscard]] bool may_change_computation(std::string_view key);

}  // namespace zettatwin::model
