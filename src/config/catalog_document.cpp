// SPDX-License-Identifier: Apache-2.0
#include "config/catalog_document.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace zettatwin::config {
namespace {

void unknown_document(const DocumentSource& source, const std::string& folder, const std::string& name,
                      const Location& where, Diagnostics& diagnostics) {
  const auto known = source.list(folder);
  const auto near = nearest(name, known);
  diagnostics.error(where, fmt::format("the catalog has no '{}' in {}", name, folder),
                    known.empty() ? "the folder is empty or missing" : "",
                    near.empty() ? fmt::format("see 'zettatwin catalog list' for the {}", folder) : fmt::format("did you mean '{}'?", near));
}

// Loads `name` over what it extends; `chain` holds the documents that are being loaded, to find cycles.
std::optional<Node> load_chain(const DocumentSource& source, const std::string& folder,
                                       const std::string& name, const Location& where,
                                       Diagnostics& diagnostics, std::vector<std::string>& chain) {
  if (std::find(chain.begin(), chain.end(), name) != chain.end()) {
    diagnostics.error(where, fmt::format("'{}' extends itself", name), "the chain of 'extends' must end");
    return std::nullopt;
  }
  const auto path = fmt::format("{}/{}.yaml", folder, name);
  const auto text = source.read(path);
  if (!text) {
    unknown_document(source, folder, name, where, diagnostics);
    return std::nullopt;
  }
  auto node = parse_document(*text, path, diagnostics);
  if (!node || !node->is_mapping()) {
    if (node) diagnostics.error(node->where, fmt::format("{} must be a mapping of keys to values", path));
    return std::nullopt;
  }
  chain.push_back(name);
  return extended(*node, [&](const std::string& base, const Location& at) {
    return load_chain(source, folder, base, at, diagnostics, chain);
  }, diagnostics);
}

}  // namespace

Node laid_over(const Node& base, const Node& over) {
  if (!base.is_mapping() || !over.is_mapping() || over.find("value")) return over;
  Node result = base;
  result.where = over.where;
  for (const auto& entry : over.entries) {
    const auto old = std::find_if(result.entries.begin(), result.entries.end(),
                                  [&](const Entry& e) { return e.key == entry.key; });
    if (old == result.entries.end()) result.entries.push_back(entry);
    else *old = {entry.key, entry.where, laid_over(old->value, entry.value)};
  }
  return result;
}

std::optional<Node> extended(const Node& node, const BaseLoader& load_base, Diagnostics& diagnostics) {
  const auto* base_name = node.find("extends");
  if (!base_name) return node;
  if (base_name->kind != Node::Kind::scalar) {
    diagnostics.error(base_name->where, "'extends' must be the name of one document");
    return std::nullopt;
  }
  const auto base = load_base(base_name->text, base_name->where);
  if (!base) return std::nullopt;
  Node own = node;
  std::erase_if(own.entries, [](const Entry& e) { return e.key == "extends"; });
  return laid_over(*base, own);
}

std::optional<Node> load_document(const DocumentSource& source, const std::string& folder,
                                          const std::string& name, const Location& where,
                                          Diagnostics& diagnostics) {
  std::vector<std::string> chain;
  return load_chain(source, folder, name, where, diagnostics, chain);
}

}  // namespace zettatwin::config
