// SPDX-License-Identifier: Apache-2.0
#include "config/document.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <sstream>

namespace zettatwin::config {

const Node* Node::find(std::string_view key) const {
  for (const auto& entry : entries)
    if (entry.key == key) return &entry.value;
  return nullptr;
}

Node* Node::find(std::string_view key) { return const_cast<Node*>(std::as_const(*this).find(key)); }

namespace {

struct Refused {  // thrown out of the event parser, caught in parse_document
  YAML::Mark mark;
  std::string problem;
  std::string why;
};

// Builds the tree from parse events: yaml-cpp's own tree keeps no position of missing keys and drops duplicates.
class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(std::shared_ptr<const std::string> file, const DocumentLimits& limits, Diagnostics& diagnostics)
      : file_(std::move(file)), limits_(limits), diagnostics_(diagnostics) {}

  std::optional<Node> take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw Refused{mark, "aliases are not supported", "a small document could expand without bound"};
  }
  void OnAnchor(const YAML::Mark&, const std::string&) override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override { add(make(Node::Kind::null, mark), mark); }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t, const std::string& value) override {
    const bool quoted = tag == "!";
    if (!pending_key() && !quoted && !stack_.empty() && (value == "null" || value == "~")) return OnNull(mark, 0);
    Node node = make(Node::Kind::scalar, mark);
    node.text = value;
    node.quoted = quoted;
    add(std::move(node), mark);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
    open(make(Node::Kind::sequence, mark), mark);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
    open(make(Node::Kind::mapping, mark), mark);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    Node node;
    bool has_key = false;
    bool drop = false;  // value of a duplicate key
    std::string key;
    Location key_where;
  };

  Location at(const YAML::Mark& mark) const {
    return {file_, static_cast<std::uint32_t>(mark.line + 1), static_cast<std::uint32_t>(mark.column + 1)};
  }
  Node make(Node::Kind kind, const YAML::Mark& mark) {
    if (++count_ > limits_.nodes) throw Refused{mark, "the document is too large", fmt::format("more than {} values", limits_.nodes)};
    Node node;
    node.kind = kind;
    node.where = at(mark);
    return node;
  }
  bool pending_key() const {
    return !stack_.empty() && stack_.back().node.kind == Node::Kind::mapping && !stack_.back().has_key;
  }
  void open(Node node, const YAML::Mark& mark) {
    if (pending_key()) throw Refused{mark, "a key must be plain text", "here it is a list or a mapping"};
    if (stack_.size() >= limits_.depth) throw Refused{mark, "the document is nested too deeply", fmt::format("the limit is {} levels", limits_.depth)};
    stack_.push_back({std::move(node)});
  }
  void close() {
    Node done = std::move(stack_.back().node);
    stack_.pop_back();
    attach(std::move(done));
  }
  void add(Node node, const YAML::Mark& mark) {
    if (pending_key()) {
      auto& top = stack_.back();
      if (node.kind != Node::Kind::scalar) throw Refused{mark, "a key is missing before ':'", ""};
      top.drop = top.node.find(node.text) != nullptr;
      if (top.drop)
        diagnostics_.error(node.where, fmt::format("key '{}' is given twice", node.text),
                           fmt::format("first at {}", first_of(top.node, node.text)), "keep one of them");
      top.key = std::move(node.text);
      top.key_where = node.where;
      top.has_key = true;
      return;
    }
    attach(std::move(node));
  }
  static std::string first_of(const Node& mapping, const std::string& key) {
    for (const auto& entry : mapping.entries)
      if (entry.key == key) return entry.where.text();
    return "";
  }
  void attach(Node node) {
    if (stack_.empty()) {
      root_ = std::move(node);
      return;
    }
    auto& top = stack_.back();
    if (top.node.kind == Node::Kind::sequence) {
      top.node.items.push_back(std::move(node));
      return;
    }
    if (!top.drop) top.node.entries.push_back({std::move(top.key), top.key_where, std::move(node)});
    top.has_key = false;
  }

  std::shared_ptr<const std::string> file_;
  const DocumentLimits& limits_;
  Diagnostics& diagnostics_;
  std::vector<Open> stack_;
  std::optional<Node> root_;
  std::size_t count_ = 0;
};

}  // namespace

std::optional<Node> parse_document(std::string_view text, const std::string& name, Diagnostics& diagnostics,
                                   const DocumentLimits& limits) {
  const Location start{std::make_shared<const std::string>(name), 1, 1};
  if (text.size() > limits.bytes) {
    diagnostics.error(start, "the document is too large", fmt::format("{} bytes; the limit is {}", text.size(), limits.bytes));
    return std::nullopt;
  }
  if (text.find('\0') != std::string_view::npos) {
    diagnostics.error(start, "the document holds a zero byte", "it is not text");
    return std::nullopt;
  }
  const std::size_t errors_before = diagnostics.error_count();
  TreeBuilder builder(start.file, limits, diagnostics);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder)) {
      diagnostics.error(start, "the document is empty", "", "write a mapping such as 'machine: dgx-h100'");
      return std::nullopt;
    }
  } catch (const Refused& refused) {
    diagnostics.error({start.file, static_cast<std::uint32_t>(refused.mark.line + 1), static_cast<std::uint32_t>(refused.mark.column + 1)},
                      refused.problem, refused.why);
    return std::nullopt;
  } catch (const YAML::Exception& e) {
    diagnostics.error({start.file, static_cast<std::uint32_t>(std::max(0, e.mark.line) + 1), static_cast<std::uint32_t>(std::max(0, e.mark.column) + 1)},
                      fmt::format("not valid YAML or JSON: {}", e.msg));
    return std::nullopt;
  }
  auto root = builder.take();
  if (!root && diagnostics.error_count() == errors_before) diagnostics.error(start, "the document is empty");
  if (diagnostics.error_count() != errors_before) return std::nullopt;
  return root;
}

Node merged(const Node& base, const Node& over) {
  if (!base.is_mapping() || !over.is_mapping()) return over;
  Node result = base;
  result.where = over.where;
  for (const auto& entry : over.entries) {
    bool found = false;
    for (auto& existing : result.entries) {
      if (existing.key != entry.key) continue;
      existing.value = merged(existing.value, entry.value);
      existing.where = entry.where;
      found = true;
    }
    if (!found) result.entries.push_back(entry);
  }
  return result;
}

}  // namespace zettatwin::config
