// SPDX-License-Identifier: Apache-2.0
#include "config/document.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <sstream>
#include <unordered_set>

#include "config/raw_text.hpp"

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
    std::unordered_set<std::string> keys;  // of a mapping; only asked whether it holds one
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
      top.drop = !top.keys.insert(node.text).second;
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

// Any content after the document's end: nothing may be without effect unnoticed.
class SecondDocument final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override { throw Refused{mark, "the document is followed by another one", "only one is read"}; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

Location at_mark(const Location& start, const YAML::Mark& mark) {
  return {start.file, static_cast<std::uint32_t>(std::max(0, mark.line) + 1), static_cast<std::uint32_t>(std::max(0, mark.column) + 1)};
}

// False, with an error, if the text cannot be a document at all.
bool is_readable(std::string_view text, const Location& start, const DocumentLimits& limits, Diagnostics& diagnostics) {
  if (text.size() > limits.bytes) {
    diagnostics.error(start, "the document is too large", fmt::format("{} bytes; the limit is {}", text.size(), limits.bytes));
    return false;
  }
  if (const auto bad = first_bad_byte(text)) {
    diagnostics.error({start.file, bad->line, bad->column}, "the document is not text", "a zero byte, or not UTF-8");
    return false;
  }
  return true;
}

// Runs the parser into the builder; false, with an error, if it stopped early.
bool run_parser(std::string_view text, const Location& start, TreeBuilder& builder, Diagnostics& diagnostics) {
  // The parser takes a truncated flow document for a mapping used as a key: the open bracket is the better message.
  const auto report = [&](const Location& where, const std::string& problem, const std::string& why) {
    if (const auto open = unclosed_bracket(text))
      diagnostics.error({start.file, open->line, open->column}, "this bracket is never closed", "the document ends inside it");
    else
      diagnostics.error(where, problem, why);
    return false;
  };
  try {
    std::istringstream stream{join_surrogate_pairs(text)};
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder)) return true;
    SecondDocument second;
    while (parser.HandleNextDocument(second)) {}
    return true;
  } catch (const Refused& refused) {
    return report(at_mark(start, refused.mark), refused.problem, refused.why);
  } catch (const YAML::Exception& e) {
    return report(at_mark(start, e.mark), fmt::format("not valid YAML or JSON: {}", e.msg), "");
  }
}

}  // namespace

std::optional<Node> parse_document(std::string_view text, const std::string& name, Diagnostics& diagnostics,
                                   const DocumentLimits& limits) {
  const Location start{std::make_shared<const std::string>(name), 1, 1};
  const std::size_t errors_before = diagnostics.error_count();
  if (!is_readable(text, start, limits, diagnostics)) return std::nullopt;
  TreeBuilder builder(start.file, limits, diagnostics);
  if (!run_parser(text, start, builder, diagnostics)) return std::nullopt;
  auto root = builder.take();
  if (!root && diagnostics.error_count() == errors_before)
    diagnostics.error(start, "the document is empty", "", "write a mapping such as 'machine: dgx-h100'");
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
