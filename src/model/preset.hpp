// SPDX-License-Identifier: Apache-2.0
// Models by name: catalog/models/<name>.yaml holds a config.json tree with its origin and the published
// parameter counts. A name that is a path is a user's own config.json (or a file of the same form as a
// preset).
#pragma once

#include <optional>
#include <string>

#include "config/schema.hpp"
#include "model/architecture.hpp"

namespace zettatwin::model {

enum class Origin {
  published,  // shapes from the authors' config.json or paper
  benchmark,  // shape of published benchmark runs; not a released model
  synthetic,  // our own design, for machines larger than today's models
};

// Published counts, for checking ours. Some authors leave the input table out of `active`.
struct PublishedParameters {
  config::Figure<units::Ratio> total;
  config::Figure<units::Ratio> active;
  bool active_counts_embedding = true;
};

struct ModelPreset {
  std::string name;   // equals the file's name
  std::string title;  // "DeepSeek-V3"
  Origin origin = Origin::published;
  std::string source;    // of the shapes
  std::string released;  // "2024-12"
  std::string note;
  PublishedParameters parameters_published;
  config::Node config;  // a config.json tree, kept as it is: import_config reads it
};
void describe(config::Schema& s, PublishedParameters& p);
void describe(config::Schema& s, ModelPreset& p);

[[nodiscard]] std::optional<ModelPreset> load_preset(const config::DocumentSource& source,
                                                     const std::string& name, const config::Location& where,
                                                     config::Diagnostics& diagnostics);

// True if `name` is a path to a document rather than a preset's name: it holds '/' or ends in .json, .yaml,
// .yml.
[[nodiscard]] bool is_model_path(const std::string& name);
// The name of a model read from a path: the file's stem, or its folder's for ".../deepseek-v3/config.json".
[[nodiscard]] std::string model_name_of(const std::string& path);

// `overrides`, if given, is a mapping laid over the config in its own dialect ({num_hidden_layers: 4}).
[[nodiscard]] std::optional<Architecture> load_model(const config::DocumentSource& source,
                                                     const std::string& name_or_path,
                                                     const config::Location& where,
                                                     config::Diagnostics& diagnostics,
                                                     const config::Node* overrides = nullptr);

}  // namespace zettatwin::model
