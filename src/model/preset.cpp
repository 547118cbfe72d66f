// SPDX-License-Identifier: Apache-2.0
#include "model/preset.hpp"

#include <fmt/format.h>

#include <array>

#include "model/import.hpp"

namespace zettatwin::model {
namespace {

using config::Diagnostics;
using config::DocumentSource;
using config::Location;
using config::Node;

constexpr std::array kOrigins{
    config::Word{"published", static_cast<int>(Origin::published),
                 "shapes from the authors' config.json or paper"},
    config::Word{"benchmark", static_cast<int>(Origin::benchmark),
                 "shape of published benchmark runs, not a released model"},
    config::Word{"synthetic", static_cast<int>(Origin::synthetic),
                 "designed here for machines beyond today's models"},
};

std::optional<Node> document(const DocumentSource& source, const std::string& path,
                             Diagnostics& diagnostics) {
  const auto text = source.read(path);
  return text ? config::parse_document(*text, path, diagnostics) : std::nullopt;
}

std::optional<ModelPreset> preset_from(const Node& root, Diagnostics& diagnostics) {
  const std::size_t errors_before = diagnostics.error_count();
  ModelPreset preset;
  config::read(root, "model preset", config::FigureForm::provenance_required, diagnostics, preset);
  return diagnostics.error_count() == errors_before ? std::optional(std::move(preset)) : std::nullopt;
}

void report_unknown_model(const DocumentSource& source, const std::string& name, const Location& where,
                          Diagnostics& diagnostics) {
  const auto near = config::nearest(name, source.list("models"));
  diagnostics.error(where, fmt::format("there is no model '{}' in the catalog", name), "",
                    near.empty() ? "give a preset's name or the path of a config.json"
                                 : fmt::format("did you mean '{}'?", near));
}

// The config.json tree behind a name or path, and the model's name.
struct NamedConfig {
  std::string name;
  Node config;
};
std::optional<NamedConfig> config_of(const DocumentSource& source, const std::string& name,
                                     const Location& where, Diagnostics& diagnostics) {
  if (!is_model_path(name)) {
    auto preset = load_preset(source, name, where, diagnostics);
    return preset ? std::optional(NamedConfig{preset->name, std::move(preset->config)}) : std::nullopt;
  }
  if (!source.read(name)) {
    diagnostics.error(where, fmt::format("the model file '{}' cannot be read", name));
    return std::nullopt;
  }
  auto root = document(source, name, diagnostics);
  if (!root) return std::nullopt;
  if (!root->find("config") || root->find("model_type"))
    return NamedConfig{model_name_of(name), std::move(*root)};
  auto preset = preset_from(*root, diagnostics);
  return preset ? std::optional(NamedConfig{preset->name, std::move(preset->config)}) : std::nullopt;
}

}  // namespace

void describe(config::Schema& s, PublishedParameters& p) {
  s.figure("total", p.total, "all parameters without multi-token-prediction modules");
  s.figure("active", p.active, "parameters that one token uses");
  s.boolean("active_counts_embedding", p.active_counts_embedding,
            "false: the authors leave the input table out of active");
}

void describe(config::Schema& s, ModelPreset& p) {
  s.text("name", p.name, "preset name, equal to the file's", config::kRequired);
  s.text("title", p.title, "name as its authors write it", config::kRequired);
  s.choice("origin", p.origin, kOrigins, "where the shape comes from", config::kRequired);
  s.text("source", p.source, "citation of the shapes", config::kRequired);
  s.text("released", p.released, "year-month of the release");
  s.text("note", p.note, "what to know about this preset");
  s.object("parameters_published", p.parameters_published, "counts stated by the authors");
  s.node("config", p.config, "the keys of its config.json", config::kRequired);
}

bool is_model_path(const std::string& name) {
  return name.find('/') != std::string::npos || name.ends_with(".json") || name.ends_with(".yaml") ||
         name.ends_with(".yml");
}

std::string model_name_of(const std::string& path) {
  const auto last = [](const std::string& text) { return text.substr(text.rfind('/') + 1); };
  const std::string file = last(path);
  const std::string stem = file.substr(0, file.rfind('.'));
  const auto slash = path.rfind('/');
  if (stem != "config" || slash == std::string::npos || slash == 0) return stem;
  return last(path.substr(0, slash));
}

std::optional<ModelPreset> load_preset(const DocumentSource& source, const std::string& name,
                                       const Location& where, Diagnostics& diagnostics) {
  const std::string path = fmt::format("models/{}.yaml", name);
  if (!source.read(path)) {
    report_unknown_model(source, name, where, diagnostics);
    return std::nullopt;
  }
  auto root = document(source, path, diagnostics);
  if (!root) return std::nullopt;
  auto preset = preset_from(*root, diagnostics);
  if (preset && preset->name != name)
    diagnostics.warning(where, fmt::format("the preset '{}' calls itself '{}'", name, preset->name));
  return preset;
}

std::optional<Architecture> load_model(const DocumentSource& source, const std::string& name_or_path,
                                       const Location& where, Diagnostics& diagnostics,
                                       const Node* overrides) {
  auto named = config_of(source, name_or_path, where, diagnostics);
  if (!named) return std::nullopt;
  return import_config(overrides ? with_overrides(std::move(named->config), *overrides) : named->config,
                       named->name, diagnostics);
}

}  // namespace zettatwin::model
