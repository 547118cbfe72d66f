// SPDX-License-Identifier: Apache-2.0
// A document tree read from YAML or JSON (which is read as the YAML flow style that it is): every key and value knows its
// line and column, duplicate keys are errors, and hostile input (depth, size, aliases) is refused. Values stay text;
// the schema decides what they mean.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/diagnostic.hpp"

namespace zettatwin::config {

struct Node;

struct Entry;

struct Node {
  enum class Kind { null, scalar, sequence, mapping };
  Kind kind = Kind::null;
  Location where;
  std::string text;            // of a scalar
  bool quoted = false;         // scalar was quoted: "null" and "12" are then strings
  std::vector<Node> items;     // of a sequence
  std::vector<Entry> entries;  // of a mapping, in document order

  [[nodiscard]] const Node* find(std::string_view key) const;
  [[nodiscard]] Node* find(std::string_view key);
  [[nodiscard]] bool is_mapping() const { return kind == Kind::mapping; }
};

struct Entry {
  std::string key;
  Location where;
  Node value;
};

struct DocumentLimits {
  std::size_t bytes = 16u << 20;
  std::size_t depth = 64;
  std::size_t nodes = 200'000;
};

// Parses one document. On failure returns nothing and adds at least one error. `name` is used in locations.
[[nodiscard]] std::optional<Node> parse_document(std::string_view text, const std::string& name,
                                                 Diagnostics& diagnostics, const DocumentLimits& limits = {});

// Lays `over` on `base`: mappings merge key by key, everything else is replaced. Locations come from the winner.
[[nodiscard]] Node merged(const Node& base, const Node& over);

// Where documents come from; the core reads no files itself.
class DocumentSource {
 public:
  virtual ~DocumentSource() = default;
  // The text of a document such as "chips/h100.yaml" (catalog-relative) or a user's path; nothing if it does not exist.
  [[nodiscard]] virtual std::optional<std::string> read(const std::string& path) const = 0;
  // Names (without folder and ".yaml") of the documents of a catalog folder such as "chips", sorted.
  [[nodiscard]] virtual std::vector<std::string> list(const std::string& folder) const = 0;
};

}  // namespace zettatwin::config
