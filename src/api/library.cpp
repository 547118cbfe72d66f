// SPDX-License-Identifier: Apache-2.0
#include "api/library.hpp"

#include <fmt/format.h>

#include "api/machine_of_size.hpp"
#include "model/import.hpp"
#include "model/preset.hpp"

namespace zettatwin::api {
namespace {

// A path in a scenario file is relative to that file.
std::string resolved(const std::string& path, const config::Location& where, const config::DocumentSource& source) {
  if (!model::is_model_path(path) || path.starts_with('/') || !where.file) return path;
  const auto slash = where.file->rfind('/');
  if (slash == std::string::npos) return path;
  const auto beside = where.file->substr(0, slash + 1) + path;
  return source.read(beside) ? beside : path;
}

std::optional<model::Architecture> load_architecture(const config::Node& node, const config::DocumentSource& source, config::Diagnostics& diagnostics) {
  if (node.kind == config::Node::Kind::scalar) return model::load_model(source, resolved(node.text, node.where, source), node.where, diagnostics);
  if (!node.is_mapping()) {
    diagnostics.error(node.where, node.kind == config::Node::Kind::null ? "the scenario lacks 'model'" : "'model' must be a name or a mapping", "", "name a preset (zettatwin catalog list models) or a config.json");
    return std::nullopt;
  }
  struct Choice {
    std::string preset;
    config::Node overrides;
  } choice;
  const auto* preset = node.find("preset");
  const auto* config = node.find("config");
  if (config && !preset) return model::import_config(*config, "model", diagnostics);
  if (preset && preset->kind == config::Node::Kind::scalar && !preset->text.empty()) choice.preset = preset->text;
  else if (preset) diagnostics.error(preset->where, "'preset' must be the name of a model or the path of a config.json");
  else diagnostics.error(node.where, "model lacks 'preset'", "a mapping names the preset or config.json that it changes", "write {preset: NAME, overrides: {...}}");
  for (const auto& entry : node.entries)
    if (entry.key != "preset" && entry.key != "overrides") diagnostics.error(entry.where, fmt::format("unknown key '{}' in model", entry.key), "known: preset, overrides; or config alone");
  if (choice.preset.empty()) return std::nullopt;
  return model::load_model(source, resolved(choice.preset, node.where, source), node.where, diagnostics, node.find("overrides"));
}

// A description as text that tells any two apart; places in documents do not count, but relative paths depend on the document.
void append_key(const config::Node& node, std::string& key) {
  key += static_cast<char>('0' + static_cast<int>(node.kind));
  key += node.quoted ? '"' : ' ';
  const auto append_text = [&](const std::string& text) { key += fmt::format("{}:{}", text.size(), text); };
  append_text(node.text);
  for (const auto& item : node.items) append_key(item, key);
  for (const auto& entry : node.entries) {
    append_text(entry.key);
    append_key(entry.value, key);
  }
  key += ';';
}

std::string key_of(const config::Node& node) {
  std::string key = node.where.file ? node.where.file->substr(0, node.where.file->rfind('/') + 1) : "";
  append_key(node, key);
  return key;
}

}  // namespace

template <class T, class Load>
const T* Library::find(Shelf<T>& shelf, const std::string& key, config::Diagnostics& diagnostics, Load load) {
  const auto [at, absent] = shelf.try_emplace(key);
  auto& entry = at->second;
  if (absent) entry.value = load(entry.said);
  diagnostics.append(entry.said);
  return entry.value ? &*entry.value : nullptr;
}

const hardware::Machine* Library::machine(const config::Node& node, std::int64_t chips, config::Diagnostics& diagnostics) {
  return find(machines_, fmt::format("{} {}", key_of(node), chips), diagnostics, [&](config::Diagnostics& said) {
    auto machine = load_machine(node, source_, said);
    return machine ? machine_of_size(*machine, chips, node.where, said) : std::nullopt;
  });
}

const model::Architecture* Library::architecture(const config::Node& node, config::Diagnostics& diagnostics) {
  return find(architectures_, key_of(node), diagnostics, [&](config::Diagnostics& said) { return load_architecture(node, source_, said); });
}

const software::Profile* Library::profile(const config::Node& node, const config::Node& changes, config::Diagnostics& diagnostics) {
  return find(profiles_, key_of(node) + key_of(changes), diagnostics, [&](config::Diagnostics& said) { return software::profile_from(source_, node, changes, said); });
}

}  // namespace zettatwin::api
