// SPDX-License-Identifier: Apache-2.0
#include "model/import.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "model/quantisation.hpp"
#include "model/transformer_config.hpp"
#include "model/translate.hpp"

namespace zettatwin::model {
namespace {

using config::Diagnostics;
using config::Node;

constexpr std::string_view kOwnDialect = "transformer";

std::optional<std::string> model_type_of(const Node& root, Diagnostics& diagnostics) {
  const Node* type = root.find("model_type");
  if (!type || type->kind != Node::Kind::scalar || type->text.empty()) {
    diagnostics.error(type ? type->where : root.where, "the model lacks 'model_type'",
                      "it says how the other keys are meant",
                      "write the Hugging Face name such as llama, or transformer");
    return std::nullopt;
  }
  return type->text;
}

void refuse(const Node& root, const std::string& type, Diagnostics& diagnostics) {
  std::vector<std::string> known{std::string(kOwnDialect)};
  for (const auto& dialect : dialects())
    for (const auto name : dialect.model_types) known.emplace_back(name);
  const auto near = config::nearest(type, known);
  diagnostics.error(root.find("model_type")->where, fmt::format("the architecture '{}' is not known", type),
                    "its fields cannot be trusted to mean what they mean elsewhere",
                    fmt::format("{}if it is a plain transformer, describe it with model_type: transformer",
                                near.empty() ? "" : fmt::format("the nearest known is '{}'; ", near)));
  report_unmappable(root, diagnostics);
}

// Our own dialect needs no translation, and its unknown keys are misspellings.
Node without_model_type(const Node& root) {
  Node own = root;
  std::erase_if(own.entries, [](const config::Entry& entry) { return entry.key == "model_type"; });
  return own;
}

// `wrapper` is the document that `root` is the language model of, or `root` itself.
std::optional<Architecture> import_text_model(const Node& root, const Node& wrapper, const std::string& name,
                                              Diagnostics& diagnostics) {
  const auto type = model_type_of(root, diagnostics);
  if (!type) {
    report_unmappable(root, diagnostics);
    return std::nullopt;
  }
  const Dialect* dialect = find_dialect(*type);
  if (!dialect && *type != kOwnDialect) {
    refuse(root, *type, diagnostics);
    return std::nullopt;
  }
  const std::size_t errors_before = diagnostics.error_count();
  Node own = dialect ? translate(root, *dialect, diagnostics) : without_model_type(root);
  if (dialect) add_published_formats(root, wrapper, own, diagnostics);
  TransformerConfig c;
  config::read(own, fmt::format("the {} model", *type), config::FigureForm::bare_allowed, diagnostics, c);
  if (diagnostics.error_count() != errors_before) return std::nullopt;
  auto architecture = assemble(c, own, diagnostics);
  if (!architecture) return std::nullopt;
  architecture->name = name;
  architecture->model_type = *type;
  return architecture;
}

// The language model of a multimodal wrapper, or the end of `entries`.
template <class Entries>
auto wrapped_model(Entries& entries) {
  return std::find_if(entries.begin(), entries.end(), [](const config::Entry& entry) {
    return entry.value.is_mapping() &&
           (entry.key == "text_config" || entry.key == "llm_config" || entry.key == "language_config");
  });
}

}  // namespace

std::optional<Architecture> import_config(const Node& root, const std::string& name,
                                          Diagnostics& diagnostics) {
  if (!root.is_mapping()) {
    diagnostics.error(root.where, "a model's config must be a mapping of keys to values");
    return std::nullopt;
  }
  const auto wrapped = wrapped_model(root.entries);
  if (wrapped == root.entries.end()) return import_text_model(root, root, name, diagnostics);
  Node text = wrapped->value;
  // Whether the head is the token table is the wrapper's to say.
  if (const Node* tied = root.find("tie_word_embeddings"); tied && !text.find("tie_word_embeddings"))
    text.entries.push_back({"tie_word_embeddings", tied->where, *tied});
  diagnostics.warning(wrapped->where, fmt::format("only the language model '{}' is modelled", wrapped->key),
                      "other parts of the multimodal model (vision, audio, projectors) cost nothing here");
  return import_text_model(text, root, name, diagnostics);
}

Node with_overrides(Node root, const Node& overrides) {
  const auto wrapped = wrapped_model(root.entries);
  if (wrapped == root.entries.end()) return merged(root, overrides);
  wrapped->value = merged(wrapped->value, overrides);
  return root;
}

}  // namespace zettatwin::model
