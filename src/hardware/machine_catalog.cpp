// SPDX-License-Identifier: Apache-2.0
// Machines from documents. Two conveniences on top of the schema, so that variants and scenarios stay short:
// `levels` may be a mapping from names (a variant then changes one level), and the size of a level may be given by the word
// that the level `counts` ("nodes: 256"), or the whole machine's by `chips: 2048`.
#include <fmt/format.h>

#include <algorithm>

#include "config/catalog_document.hpp"
#include "hardware/catalog.hpp"

namespace zettatwin::hardware {
namespace {

using config::Diagnostics;
using config::FigureForm;
using config::Node;

Node scalar(std::string text, const config::Location& where) {
  Node node;
  node.kind = Node::Kind::scalar;
  node.where = where;
  node.text = std::move(text);
  return node;
}

void set(Node& mapping, const std::string& key, Node value) {
  if (Node* old = mapping.find(key)) *old = std::move(value);
  else mapping.entries.push_back({key, value.where, value});
}

std::optional<Node> take(Node& mapping, std::string_view key) {
  const Node* found = mapping.find(key);
  if (!found) return std::nullopt;
  Node value = *found;
  std::erase_if(mapping.entries, [key](const config::Entry& e) { return e.key == key; });
  return value;
}

void name_levels(Node& root) {
  Node* levels = root.find("levels");
  if (!levels || !levels->is_mapping()) return;
  Node list;
  list.kind = Node::Kind::sequence;
  list.where = levels->where;
  for (auto& entry : levels->entries) {
    if (entry.value.is_mapping()) set(entry.value, "name", scalar(entry.key, entry.where));
    list.items.push_back(std::move(entry.value));
  }
  *levels = std::move(list);
}

void size_levels(Node& root) {
  Node* found = root.find("levels");
  if (!found) return;
  for (std::size_t i = 0; i < found->items.size(); ++i) {
    const Node* counts = found->items[i].find("counts");
    const std::string word = counts ? counts->text : "";  // a copy: erasing an entry moves the others
    auto size = counts ? take(root, word) : std::nullopt;
    found = root.find("levels");
    if (size) set(found->items[i], "size", std::move(*size));
  }
}

std::optional<Chip> chip_from(const config::DocumentSource& source, const Node& node, FigureForm form, Diagnostics& diagnostics) {
  const auto load = [&](const std::string& name, const config::Location& where) {
    return config::load_document(source, "chips", name, where, diagnostics);
  };
  const auto whole = config::extended(node, load, diagnostics);
  if (!whole) return std::nullopt;
  Chip chip;
  const Node* base = node.find("extends");
  chip.name = base ? base->text : "chip";
  config::read(*whole, "chip", form, diagnostics, chip);
  return chip;
}

// Reads and removes `chip`, which may be a name or a mapping; leaves its name for the schema.
std::optional<Chip> take_chip(const config::DocumentSource& source, Node& root, FigureForm form, Diagnostics& diagnostics) {
  Node* node = root.find("chip");
  if (!node) return std::nullopt;
  auto chip = node->is_mapping() ? chip_from(source, *node, form, diagnostics) : load_chip(source, node->text, node->where, diagnostics);
  if (node->is_mapping()) *node = scalar(chip ? chip->name : "", node->where);
  return chip;
}

std::optional<std::int64_t> take_chips(Node& root, config::Location& where, Diagnostics& diagnostics) {
  const auto node = take(root, "chips");
  if (!node) return std::nullopt;
  where = node->where;
  const auto chips = config::as_integer(*node);
  if (!chips) diagnostics.error(where, fmt::format("'chips' must be a whole number, not '{}'", node->text));
  return chips;
}

void check_graphs(const Node& root, const Machine& machine, Diagnostics& diagnostics) {
  const Node* levels = root.find("levels");
  for (std::size_t l = 0; levels && l < std::min(machine.levels.size(), levels->items.size()); ++l) {
    const auto& level = machine.levels[l];
    const Node* network = levels->items[l].find("network");
    if (is_graph(level.network.kind)) check_graph(level.network.graph, level.name, network ? network->where : levels->items[l].where, diagnostics);
  }
}

std::optional<Machine> build(const config::DocumentSource& source, Node root, const std::string& name, FigureForm form,
                             Diagnostics& diagnostics) {
  const auto errors_before = diagnostics.error_count();
  config::Location where;
  name_levels(root);
  size_levels(root);
  const auto chips = take_chips(root, where, diagnostics);
  auto chip = take_chip(source, root, form, diagnostics);
  Machine machine;
  machine.name = name;
  config::read(root, fmt::format("machine {}", name), form, diagnostics, machine);
  check_graphs(root, machine, diagnostics);
  if (!chip || diagnostics.error_count() != errors_before) return std::nullopt;
  machine.chip = std::move(*chip);
  if (!chips) derive_rates(machine);
  return chips ? resized(machine, *chips, where, diagnostics) : std::optional(std::move(machine));
}

// A user's own file: figures may be bare values.
std::optional<Machine> machine_in_file(const config::DocumentSource& source, const std::string& path, const config::Location& where, Diagnostics& diagnostics) {
  const auto text = source.read(path);
  if (!text) {
    diagnostics.error(where, fmt::format("there is no file '{}'", path), "names that end in .yaml are files", "leave .yaml out for a machine of the catalog");
    return std::nullopt;
  }
  const auto node = config::parse_document(*text, path, diagnostics);
  if (node && !node->is_mapping()) diagnostics.error(node->where, fmt::format("{} must be a mapping of keys to values", path));
  if (!node || !node->is_mapping()) return std::nullopt;
  auto machine = machine_from(source, *node, diagnostics);
  if (machine && !node->find("name")) machine->name = path;
  return machine;
}

}  // namespace

std::optional<Machine> load_machine(const config::DocumentSource& source, const std::string& name, const config::Location& where,
                                    Diagnostics& diagnostics) {
  if (name.ends_with(".yaml")) return machine_in_file(source, name, where, diagnostics);
  auto node = config::load_document(source, "machines", name, where, diagnostics);
  if (!node) return std::nullopt;
  return build(source, std::move(*node), name, FigureForm::provenance_required, diagnostics);
}

std::optional<Machine> machine_from(const config::DocumentSource& source, const Node& node, Diagnostics& diagnostics) {
  if (node.kind == Node::Kind::scalar) return load_machine(source, node.text, node.where, diagnostics);
  const auto load = [&](const std::string& name, const config::Location& where) {
    return config::load_document(source, "machines", name, where, diagnostics);
  };
  auto whole = config::extended(node, load, diagnostics);
  if (!whole) return std::nullopt;
  const Node* base = node.find("extends");
  return build(source, std::move(*whole), base ? base->text : "machine", FigureForm::bare_allowed, diagnostics);
}

}  // namespace zettatwin::hardware
