// SPDX-License-Identifier: Apache-2.0
#include "validation/model_index.hpp"

#include <algorithm>
#include <cctype>

#include "model/preset.hpp"

namespace zettatwin::validation {
namespace {

// Letters and digits alone: "LLAMA3.1-405B" and "llama-3.1-405b" are "llama31405b".
std::string plain(std::string_view text) {
  std::string result;
  for (const char c : text)
    if (std::isalnum(static_cast<unsigned char>(c))) result += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

std::size_t common_prefix(const std::string& a, const std::string& b) {
  std::size_t n = 0;
  while (n < a.size() && n < b.size() && a[n] == b[n]) ++n;
  return n;
}

bool agrees(std::optional<std::int64_t> given, std::int64_t is) { return !given || *given == 0 || *given == is; }

// Vocabularies are padded to multiples.
bool close(std::optional<std::int64_t> given, std::int64_t is) { return !given || *given == 0 || std::abs(static_cast<double>(*given) / static_cast<double>(is) - 1) < 0.02; }

}  // namespace

ModelIndex::ModelIndex(const config::DocumentSource& source, config::Diagnostics& diagnostics) {
  for (const auto& name : source.list("models")) {
    const auto model = model::load_model(source, name, config::location_in("models"), diagnostics);
    if (!model || model->kinds.empty()) continue;
    const auto& attention = model->kinds.front().attention;
    Shape shape{.name = name, .layers = model->layers(), .hidden = model->hidden, .heads = attention.heads, .kv_heads = attention.kv_heads, .vocabulary = model->vocabulary, .experts = 0, .widths = {}};
    for (const auto& kind : model->kinds) {
      if (kind.dense) shape.widths.push_back(kind.dense->intermediate);
      if (!kind.experts) continue;
      shape.experts = kind.experts->routed_experts;
      shape.widths.push_back(kind.experts->intermediate);
    }
    shapes_.push_back(std::move(shape));
  }
}

const ModelIndex::Shape* ModelIndex::find(const Row& row) const {
  const auto name = plain(row.text("model"));
  const auto width = row.whole("ffn"), layers = row.whole("layers"), experts = row.whole("experts");
  const Shape* best = nullptr;
  std::pair<bool, std::size_t> best_key;
  for (const auto& shape : shapes_) {
    if (!row.whole("hidden") || !agrees(row.whole("hidden"), shape.hidden) || !agrees(row.whole("heads"), shape.heads)) continue;
    if (experts.value_or(0) != shape.experts || !close(row.whole("vocab"), shape.vocabulary)) continue;
    if (row.whole("kv_heads") && !agrees(row.whole("kv_heads"), shape.kv_heads)) continue;
    if (width && *width > 0 && std::find(shape.widths.begin(), shape.widths.end(), *width) == shape.widths.end()) continue;
    const std::pair key{agrees(layers, shape.layers), common_prefix(name, plain(shape.name))};
    if (best && !(key > best_key)) continue;
    best = &shape;
    best_key = key;
  }
  // A shorter stack of another family is no match.
  return best && (best_key.first || best_key.second >= 4) ? best : nullptr;
}

const ModelIndex::Shape* ModelIndex::named(const std::string& preset, const Row& row) const {
  const auto at = std::find_if(shapes_.begin(), shapes_.end(), [&](const Shape& s) { return s.name == preset; });
  if (at == shapes_.end()) return nullptr;
  const auto width = row.whole("ffn");
  const bool same = agrees(row.whole("hidden"), at->hidden) && agrees(row.whole("heads"), at->heads) && agrees(row.whole("kv_heads"), at->kv_heads) && agrees(row.whole("experts"), at->experts) &&
                    close(row.whole("vocab"), at->vocabulary) && (!width || *width == 0 || std::find(at->widths.begin(), at->widths.end(), *width) != at->widths.end());
  return same ? &*at : nullptr;
}

std::vector<std::string> ModelIndex::names() const {
  std::vector<std::string> names;
  for (const auto& shape : shapes_) names.push_back(shape.name);
  return names;
}

}  // namespace zettatwin::validation
