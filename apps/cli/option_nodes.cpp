// SPDX-License-Identifier: Apache-2.0
#include "cli/option_nodes.hpp"

#include <fmt/format.h>

#include "plan/plan.hpp"

namespace zettatwin::cli {

config::Node scalar(const std::string& option, const std::string& text) {
  config::Node node;
  node.kind = config::Node::Kind::scalar;
  node.where = config::location_in(option);
  node.text = text;
  return node;
}

config::Node mapping(const std::string& name) {
  config::Node node;
  node.kind = config::Node::Kind::mapping;
  node.where = config::location_in(name);
  return node;
}

void set(config::Node& mapping, const char* key, const std::string& option, const std::string& text) {
  if (!text.empty()) mapping.entries.push_back({key, config::location_in(option), scalar(option, text)});
}

std::optional<config::Node> read_scenario(const std::string& path, const FileSource& source, config::Diagnostics& diagnostics) {
  if (path.empty()) return mapping("command line");
  const auto text = source.read(path);
  if (!text) {
    diagnostics.error(config::location_in(path), "cannot be read", "", "name a scenario file such as scenarios/atlas-950-deepseek-v3.yaml");
    return std::nullopt;
  }
  auto document = config::parse_document(*text, path, diagnostics);
  if (document && !document->is_mapping()) {
    diagnostics.error(document->where, "a scenario must be a mapping of keys to values");
    return std::nullopt;
  }
  return document;
}

config::Node choice_of(const std::string& option, const std::string& text, const FileSource& source, config::Diagnostics& diagnostics) {
  if (text.find('=') != std::string::npos) return plan::parse_plan_text(text, option, diagnostics);
  if (text == "auto") return scalar(option, text);
  const auto file = source.read(text);
  if (!file) diagnostics.error(config::location_in(option), fmt::format("'{}' is neither auto, nor key=value,..., nor a file that can be read", text));
  else if (auto document = config::parse_document(*file, text, diagnostics)) return std::move(*document);
  return scalar(option, text);
}

}  // namespace zettatwin::cli
