// SPDX-License-Identifier: Apache-2.0
#include "model/translate.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/contract.hpp"

namespace zettatwin::model {
namespace {

using config::Entry;
using config::Node;

// Switched off or left open: nothing is set.
bool says_nothing(const Node& value) {
  switch (value.kind) {
    case Node::Kind::null:
      return true;
    case Node::Kind::scalar:
      return value.text.empty() || value.text == "false" || value.text == "0" || value.text == "0.0";
    case Node::Kind::sequence:
      return value.items.empty();
    case Node::Kind::mapping:
      return value.entries.empty();
  }
  return false;
}

class Translator final {
 public:
  Translator(const Dialect& dialect, config::Diagnostics& diagnostics)
      : dialect_(dialect), diagnostics_(diagnostics) {}

  Node run(const Node& root) {
    Node stated;
    stated.kind = Node::Kind::mapping;
    stated.where = root.where;
    walk(root, "", stated);
    auto defaults = config::parse_document(
        dialect_.defaults, fmt::format("defaults of {}", dialect_.model_types.front()), diagnostics_);
    ZT_ASSERT(defaults && defaults->is_mapping(), "defaults of a dialect are a mapping");
    Node own = merged(*defaults, stated);
    spell_blocks(own);
    split_at_commas(own.find("moe_layers"));
    return own;
  }

 private:
  // "4,5,6" as a list.
  static void split_at_commas(Node* value) {
    if (!value || value->kind != Node::Kind::scalar) return;
    Node list;
    list.kind = Node::Kind::sequence;
    list.where = value->where;
    for (std::size_t start = 0; start <= value->text.size();) {
      const auto end = std::min(value->text.find(',', start), value->text.size());
      Node one = *value;
      one.text = value->text.substr(start, end - start);
      list.items.push_back(std::move(one));
      start = end + 1;
    }
    *value = std::move(list);
  }
  // A pattern of one letter per block as a list, and the number of blocks where the document leaves it out (Nemotron-H).
  static void spell_blocks(Node& own) {
    Node* blocks = own.find("block_types");
    if (!blocks) return;
    if (blocks->kind == Node::Kind::scalar) {
      Node list;
      list.kind = Node::Kind::sequence;
      list.where = blocks->where;
      for (const char letter : blocks->text) {
        Node one = *blocks;
        one.text = letter == 'M' ? "mamba" : letter == '*' ? "attention" : letter == '-' ? "mlp" : letter == 'E' ? "moe" : std::string(1, letter);
        list.items.push_back(std::move(one));
      }
      *blocks = std::move(list);
    }
    if (own.find("num_hidden_layers")) return;
    Node count;
    count.kind = Node::Kind::scalar;
    count.where = blocks->where;
    count.text = std::to_string(blocks->items.size());
    own.entries.push_back({"num_hidden_layers", count.where, std::move(count)});
  }
  void walk(const Node& mapping, const std::string& prefix, Node& stated) {
    for (const auto& entry : mapping.entries) {
      const std::string name = prefix + entry.key;
      if (entry.value.is_mapping() && has_nested(name + "."))
        walk(entry.value, name + ".", stated);
      else
        translate_entry(name, entry, stated);
    }
  }
  bool has_nested(const std::string& prefix) const {
    for (const auto& group : dialect_.keys)
      for (const auto& key : group)
        if (key.name.starts_with(prefix)) return true;
    return false;
  }
  // The dialect's own keys hide common ones of the same name.
  std::vector<Key> keys_named(std::string_view name) const {
    std::vector<Key> found;
    const auto collect = [&](std::span<const Key> group) {
      for (const auto& key : group)
        if (key.name == name && std::none_of(found.begin(), found.end(),
                                             [&](const Key& k) { return k.target() == key.target(); }))
          found.push_back(key);
    };
    for (const auto& group : dialect_.keys) collect(group);
    if (found.empty()) collect(common_keys());
    return found;
  }
  void translate_entry(const std::string& name, const Entry& entry, Node& stated) {
    const auto keys = keys_named(name);
    if (keys.empty()) return unknown(name, entry);
    for (const auto& key : keys) {
      if (key.target() == kNoField) continue;
      Entry translated{std::string(key.target()), entry.where, entry.value};
      if (key.per_layer && !join(key, translated.value)) continue;
      if (translate_words(key, translated.value)) state(std::move(translated), name, stated);
    }
  }
  // One value of a list in which all are alike.
  bool join(const Key& key, Node& value) {
    if (value.kind != Node::Kind::sequence || value.items.empty()) return true;
    const auto first = value.items.front();
    if (std::all_of(value.items.begin(), value.items.end(), [&](const Node& one) { return one.kind == Node::Kind::scalar && one.text == first.text; })) {
      value = first;
      return true;
    }
    diagnostics_.error(value.where, fmt::format("'{}' differs from layer to layer", key.name), fmt::format("model_type {} is understood only with equal layers", dialect_.model_types.front()));
    return false;
  }
  // False if the value makes no statement.
  bool translate_words(const Key& key, Node& value) {
    if (key.words.empty()) return true;
    if (value.kind == Node::Kind::null) return false;
    if (value.kind != Node::Kind::sequence) return translate_word(key, value);
    for (auto& item : value.items)
      if (!translate_word(key, item)) return false;
    return true;
  }
  bool translate_word(const Key& key, Node& value) {
    for (const auto& [word, meaning] : key.words) {
      const bool same = value.kind == Node::Kind::scalar && value.text == word;
      if (!same && word != "*") continue;
      if (meaning != "*") value.text = meaning;
      if (meaning != "*") value.quoted = false;
      if (meaning == "null") value.kind = Node::Kind::null;
      return !meaning.empty();
    }
    diagnostics_.error(value.where, fmt::format("'{}: {}' could not be mapped", key.name, value.text),
                       fmt::format("model_type {} is understood only with {} {}",
                                   dialect_.model_types.front(), key.name, words_of(key)));
    return false;
  }
  static std::string words_of(const Key& key) {
    std::string text;
    for (const auto& pair : key.words) text += fmt::format("{}'{}'", text.empty() ? "" : " or ", pair.word);
    return text;
  }
  void state(Entry entry, const std::string& name, Node& stated) {
    Node* earlier = stated.find(entry.key);
    if (!earlier) return stated.entries.push_back(std::move(entry));
    if (entry.value.kind == Node::Kind::null) return;
    if (earlier->kind == Node::Kind::null) {
      *earlier = std::move(entry.value);
      return;
    }
    if (earlier->text != entry.value.text)
      diagnostics_.error(entry.where,
                         fmt::format("'{}: {}' contradicts an earlier key", name, entry.value.text),
                         fmt::format("{} says {} at {}", entry.key, earlier->text, earlier->where.text()),
                         "keep one of them");
  }
  void unknown(const std::string& name, const Entry& entry) {
    const auto& type = dialect_.model_types.front();
    if (has_no_effect(entry.key) || says_nothing(entry.value)) return;
    if (std::find(dialect_.unmodelled.begin(), dialect_.unmodelled.end(), name) != dialect_.unmodelled.end())
      return diagnostics_.warning(entry.where, fmt::format("'{}' is left out of the model", name),
                                  "its part of the architecture is not published in enough detail");
    if (may_change_computation(name))
      return diagnostics_.error(
          entry.where, fmt::format("the field '{}' could not be mapped", name),
          fmt::format("it may change the computation, and model_type {} is not known to have it", type));
    diagnostics_.warning(entry.where, fmt::format("'{}' is not used", name),
                         fmt::format("model_type {} is not known to have it", type));
  }

  const Dialect& dialect_;
  config::Diagnostics& diagnostics_;
};

bool known_to_some_dialect(std::string_view name) {
  const auto holds = [name](std::span<const Key> group) {
    return std::any_of(group.begin(), group.end(), [name](const Key& key) { return key.name == name; });
  };
  if (holds(common_keys())) return true;
  for (const auto& dialect : dialects())
    if (std::any_of(dialect.keys.begin(), dialect.keys.end(), holds)) return true;
  return false;
}

}  // namespace

Node translate(const Node& root, const Dialect& dialect, config::Diagnostics& diagnostics) {
  return Translator(dialect, diagnostics).run(root);
}

void report_unmappable(const Node& root, config::Diagnostics& diagnostics) {
  for (const auto& entry : root.entries) {
    if (has_no_effect(entry.key) || says_nothing(entry.value) || known_to_some_dialect(entry.key)) continue;
    if (may_change_computation(entry.key))
      diagnostics.error(entry.where, fmt::format("the field '{}' could not be mapped", entry.key),
                        "no known architecture has it");
  }
}

}  // namespace zettatwin::model
