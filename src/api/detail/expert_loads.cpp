// SPDX-License-Identifier: Apache-2.0
#include "api/detail/expert_loads.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "units/text.hpp"

namespace zettatwin::api::detail {
namespace {

using config::Node;

Node number(const std::string& text, const config::Location& where) {
  Node node;
  node.kind = Node::Kind::scalar;
  node.text = text;
  node.where = where;
  return node;
}

// All numbers of a list, also of lists; false if there is anything else.
bool flatten(const Node& node, const config::Location& where, Node& shares) {
  if (node.kind == Node::Kind::scalar) {
    shares.items.push_back(number(node.text, where));
    return units::parse_number(node.text).has_value();
  }
  return node.kind == Node::Kind::sequence && std::all_of(node.items.begin(), node.items.end(), [&](const Node& item) { return flatten(item, where, shares); });
}

// Lines of numbers; the line of what is none, or nothing.
std::optional<std::size_t> read_lines(std::string_view text, const config::Location& where, Node& shares) {
  std::size_t line = 1;
  bool header = false;  // the present line has words
  const auto take = [&](std::string_view word) {
    if (word.empty()) return true;
    if (units::parse_number(word)) {
      if (!header) shares.items.push_back(number(std::string(word), where));
      return !header;
    }
    header = line == 1 && shares.items.empty();
    return header;
  };
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    const char c = i < text.size() ? text[i] : '\n';
    if (c != '\n' && c != ',' && c != ';' && c != ' ' && c != '\t' && c != '\r') continue;
    if (!take(text.substr(begin, i - begin))) return line;
    begin = i + 1;
    if (c != '\n') continue;
    ++line;
    header = false;
  }
  return std::nullopt;
}

Node shares_of(const Node& file, const config::DocumentSource& source, config::Diagnostics& diagnostics) {
  Node shares;
  shares.kind = Node::Kind::sequence;
  shares.where = file.where;
  const auto slash = file.where.file ? file.where.file->rfind('/') : std::string::npos;
  std::optional<std::string> text;
  if (slash != std::string::npos && !file.text.starts_with('/')) text = source.read(file.where.file->substr(0, slash + 1) + file.text);
  if (!text) text = source.read(file.text);
  if (!text) {
    diagnostics.error(file.where, fmt::format("'{}' cannot be read", file.text), "it is to hold the measured load of each expert", "give a file with one number per expert, or one such line per layer");
    return shares;
  }
  const auto first = text->find_first_not_of(" \t\r\n");
  const bool document = first != std::string::npos && ((*text)[first] == '[' || (*text)[first] == '-');
  if (document) {
    const auto tree = config::parse_document(*text, file.text, diagnostics);
    if (tree && !flatten(*tree, file.where, shares)) diagnostics.error(config::location_in(file.text), "a list of expert loads has something else than numbers");
  } else if (const auto line = read_lines(*text, file.where, shares)) {
    diagnostics.error(config::location_in(fmt::format("{}:{}", file.text, *line)), "expert loads are lines of numbers", "one number per expert, a line for each layer");
  }
  return shares;
}

void replace(Node& node, const config::DocumentSource& source, config::Diagnostics& diagnostics) {
  if (auto* load = node.find("load"); load && load->is_mapping()) {
    if (const auto* file = load->find("file")) {
      const Node shares = shares_of(*file, source, diagnostics);
      if (load->find("shares")) diagnostics.error(load->where, "an expert load with both 'file' and 'shares'", "", "remove one of them");
      const auto where = file->where;
      std::erase_if(load->entries, [](const config::Entry& entry) { return entry.key == "file"; });
      if (!load->find("kind")) load->entries.push_back({"kind", where, number("listed", where)});
      if (!load->find("shares")) load->entries.push_back({"shares", where, shares});
    }
  }
  for (const char* role : {"prefill", "decode"})
    if (auto* pool = node.find(role); pool && pool->is_mapping()) replace(*pool, source, diagnostics);
  if (auto* pools = node.find("pools"))
    for (auto& pool : pools->items) replace(pool, source, diagnostics);
}

}  // namespace

Node with_expert_loads(const Node& deployment, const config::DocumentSource& source, config::Diagnostics& diagnostics) {
  Node out = deployment;
  replace(out, source, diagnostics);
  return out;
}

}  // namespace zettatwin::api::detail
