// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/contract.hpp"
#include "config/schema.hpp"
#include "units/text.hpp"

namespace zettatwin::config {
namespace {

std::string range_text(const Range& r, const std::string& unit) {
  const auto u = unit.empty() ? "" : " " + unit;
  if (r.high >= 1e299) return r.low_open ? fmt::format("must be above {:g}{}", r.low, u) : fmt::format("must be at least {:g}{}", r.low, u);
  const auto number = [](double v) { return v >= 1e5 && v < 1e18 && v == std::floor(v) ? units::grouped(static_cast<long long>(v)) : fmt::format("{:g}", v); };
  return fmt::format("must lie in {}{}, {}]{}", r.low_open ? "(" : "[", number(r.low), number(r.high), u);
}

bool inside(const Range& r, double v) { return (r.low_open ? v > r.low : v >= r.low) && v <= r.high; }

const std::vector<Word>& confidence_words() {
  static const std::vector<Word> words{
      {"stated", static_cast<int>(Confidence::stated), ""},       {"measured", static_cast<int>(Confidence::measured), ""},
      {"claimed", static_cast<int>(Confidence::claimed), ""},     {"derived", static_cast<int>(Confidence::derived), ""},
      {"unverified", static_cast<int>(Confidence::unverified), ""}, {"estimated", static_cast<int>(Confidence::estimated), ""}};
  return words;
}

std::string all_words(std::span<const Word> words) {
  std::vector<std::string> names;
  for (const auto& w : words) names.emplace_back(w.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

class Reader final : public Schema {
 public:
  Reader(const Node& node, std::string what, FigureForm form, Diagnostics& diagnostics)
      : form_(form), diagnostics_(diagnostics) {
    push(&node, std::move(what));
    if (!node.is_mapping()) diagnostics_.error(node.where, fmt::format("{} must be a mapping of keys to values", frames_.back().what));
  }
  ~Reader() override { finish(); }

  void finish() {
    while (!frames_.empty()) pop();
  }

  void check(bool ok, const std::string& problem, const std::string& why, const std::string& suggestion) override {
    if (!ok) diagnostics_.error(frames_.back().node->where, problem, why, suggestion);
  }

 protected:
  void on_text(const Field& field, std::string& value) override {
    if (const Node* node = scalar(field)) value = node->text;
  }
  void on_boolean(const Field& field, bool& value) override {
    const Node* node = scalar(field);
    if (!node) return;
    if (const auto parsed = as_boolean(*node)) value = *parsed;
    else diagnostics_.error(node->where, fmt::format("'{}' of {} must be true or false, not '{}'", field.key, what(), node->text));
  }
  void on_integer(const Field& field, std::int64_t& value) override {
    const Node* node = scalar(field);
    if (!node) return;
    const auto parsed = as_integer(*node);
    if (!parsed) return diagnostics_.error(node->where, fmt::format("'{}' of {} must be a whole number, not '{}'", field.key, what(), node->text));
    if (!inside(field.options.range, static_cast<double>(*parsed)))
      return diagnostics_.error(node->where, fmt::format("'{}' of {} is {}", field.key, what(), *parsed), range_text(field.options.range, ""));
    value = *parsed;
  }
  void on_quantity(const Field& field, units::Dimension dimension, double& si, Provenance* provenance, bool* present) override {
    const Node* node = find(field);
    if (!node) return;
    const Node* value_node = node;
    Provenance read;
    if (provenance) {
      if (node->is_mapping()) {
        value_node = read_provenance(field, *node, dimension, read);
        if (!value_node) return;
      } else {
        if (form_ == FigureForm::provenance_required)
          return diagnostics_.error(node->where, fmt::format("'{}' of {} has no source", field.key, what()),
                                    "every catalog figure carries its source and confidence",
                                    "write {value: ..., source: ..., confidence: ...}");
        read.source = node->where.text();
      }
    } else if (node->kind != Node::Kind::scalar) {
      return diagnostics_.error(node->where, fmt::format("'{}' of {} must be a single value", field.key, what()));
    }
    if (value_node->kind != Node::Kind::scalar)
      return diagnostics_.error(value_node->where, fmt::format("'{}' of {} must be a single value", field.key, what()));
    if (!parse_into(field, *value_node, dimension, field.options.range, si)) return;
    if (provenance) {
      check_range(field, *node, si, read);
      *provenance = std::move(read);
      *present = true;
    }
  }
  void on_choice(const Field& field, int& value, std::span<const Word> words) override {
    const Node* node = scalar(field);
    if (!node) return;
    for (const auto& word : words)
      if (word.name == node->text) { value = word.value; return; }
    std::vector<std::string> names;
    for (const auto& w : words) names.emplace_back(w.name);
    const auto near = nearest(node->text, names);
    diagnostics_.error(node->where, fmt::format("'{}' is not a known {} of {}", node->text, field.key, what()),
                       fmt::format("known: {}", all_words(words)), near.empty() ? "" : fmt::format("did you mean '{}'?", near));
  }
  void on_texts(const Field& field, std::vector<std::string>& value) override {
    const Node* node = find(field);
    if (!node) return;
    value.clear();
    if (node->kind == Node::Kind::scalar) { value.push_back(node->text); return; }
    if (node->kind != Node::Kind::sequence) return diagnostics_.error(node->where, fmt::format("'{}' of {} must be a list", field.key, what()));
    for (const auto& item : node->items) {
      if (item.kind != Node::Kind::scalar) diagnostics_.error(item.where, fmt::format("'{}' of {} must list plain values", field.key, what()));
      else value.push_back(item.text);
    }
  }
  void on_node(const Field& field, Node& value) override {
    if (const Node* node = find(field)) value = *node;
  }
  bool begin_object(const Field& field) override {
    const Node* node = find(field);
    if (!node) return false;
    if (!node->is_mapping()) {
      diagnostics_.error(node->where, fmt::format("'{}' of {} must be a mapping of keys to values", field.key, what()));
      return false;
    }
    push(node, fmt::format("{}.{}", what(), field.key));
    return true;
  }
  bool begin_optional_object(const Field& field, bool) override { return begin_object(field); }
  void end_object() override { pop(); }
  std::size_t begin_list(const Field& field, std::size_t size) override {
    const Node* node = find(field);
    if (!node) { push(nullptr, ""); return size; }
    if (node->kind != Node::Kind::sequence) {
      diagnostics_.error(node->where, fmt::format("'{}' of {} must be a list", field.key, what()));
      push(nullptr, "");
      return 0;
    }
    const auto name = fmt::format("{}.{}", what(), field.key);
    push(node, name);
    return node->items.size();
  }
  bool begin_item(std::size_t index) override {
    const Node* list = frames_.back().node;
    if (!list) return false;
    const Node& item = list->items[index];
    const auto name = fmt::format("{}[{}]", frames_.back().what, index);
    if (!item.is_mapping()) {
      diagnostics_.error(item.where, fmt::format("{} must be a mapping of keys to values", name));
      return false;
    }
    push(&item, name);
    return true;
  }
  void end_list() override { frames_.pop_back(); }
  std::vector<std::string> begin_table(const Field& field, const std::vector<std::string>&) override {
    const Node* node = find(field);
    std::vector<std::string> names;
    if (node && !node->is_mapping()) {
      diagnostics_.error(node->where, fmt::format("'{}' of {} must be a mapping of names", field.key, what()));
      node = nullptr;
    }
    const auto name = fmt::format("{}.{}", what(), field.key);
    push(node, name);
    if (node) for (const auto& entry : node->entries) names.push_back(entry.key);
    return names;
  }
  void end_table() override { pop(); }

 private:
  struct Frame {
    const Node* node;
    std::string what;
    std::set<std::string, std::less<>> known;
  };

  const std::string& what() const { return frames_.back().what; }
  void push(const Node* node, std::string what) { frames_.push_back({node, std::move(what), {}}); }
  void pop() {
    const Frame frame = std::move(frames_.back());
    frames_.pop_back();
    if (!frame.node || !frame.node->is_mapping()) return;
    for (const auto& entry : frame.node->entries) {
      if (frame.known.contains(entry.key)) continue;
      const std::vector<std::string> candidates(frame.known.begin(), frame.known.end());
      const auto near = nearest(entry.key, candidates);
      diagnostics_.error(entry.where, fmt::format("unknown key '{}' in {}", entry.key, frame.what),
                         near.empty() ? fmt::format("known: {}", fmt::join(candidates, ", ")) : "",
                         near.empty() ? "" : fmt::format("did you mean '{}'?", near));
    }
  }
  const Node* find(const Field& field) {
    auto& frame = frames_.back();
    if (!frame.node) return nullptr;
    frame.known.emplace(field.key);
    const Node* node = frame.node->is_mapping() ? frame.node->find(field.key) : nullptr;
    if (node && node->kind == Node::Kind::null) node = nullptr;
    if (!node && field.options.presence == Presence::required)
      diagnostics_.error(frame.node->where, fmt::format("{} lacks '{}'", frame.what, field.key), std::string(field.doc));
    return node;
  }
  const Node* scalar(const Field& field) {
    const Node* node = find(field);
    if (node && node->kind != Node::Kind::scalar) {
      diagnostics_.error(node->where, fmt::format("'{}' of {} must be a single value", field.key, what()));
      return nullptr;
    }
    return node;
  }
  const Node* read_provenance(const Field& field, const Node& node, units::Dimension dimension, Provenance& read) {
    const auto name = fmt::format("{}.{}", what(), field.key);
    for (const auto& entry : node.entries) {
      static const std::vector<std::string> known{"value", "source", "confidence", "note", "low", "high"};
      if (std::find(known.begin(), known.end(), entry.key) == known.end()) {
        const auto near = nearest(entry.key, known);
        diagnostics_.error(entry.where, fmt::format("unknown key '{}' in figure {}", entry.key, name), fmt::format("known: {}", fmt::join(known, ", ")),
                           near.empty() ? "" : fmt::format("did you mean '{}'?", near));
      }
    }
    if (const auto* n = node.find("source")) read.source = n->text;
    if (const auto* n = node.find("note")) read.note = n->text;
    const auto* confidence = node.find("confidence");
    if (confidence) {
      bool found = false;
      for (const auto& word : confidence_words())
        if (word.name == confidence->text) { read.confidence = static_cast<Confidence>(word.value); found = true; }
      if (!found) diagnostics_.error(confidence->where, fmt::format("'{}' is not a confidence", confidence->text), fmt::format("known: {}", all_words(confidence_words())));
    }
    if (form_ == FigureForm::provenance_required) {
      if (read.source.empty()) diagnostics_.error(node.where, fmt::format("figure {} has no source", name));
      if (!confidence) diagnostics_.error(node.where, fmt::format("figure {} has no confidence", name), fmt::format("known: {}", all_words(confidence_words())));
    } else if (read.source.empty()) {
      read.source = node.where.text();
    }
    if (const auto* n = node.find("low")) parse_into({"low", "", {}}, *n, dimension, field.options.range, read.low_si);
    if (const auto* n = node.find("high")) parse_into({"high", "", {}}, *n, dimension, field.options.range, read.high_si);
    const Node* value = node.find("value");
    if (!value) diagnostics_.error(node.where, fmt::format("figure {} lacks 'value'", name));
    return value;
  }
  void check_range(const Field& field, const Node& node, double si, const Provenance& read) {
    if (!node.is_mapping() || !node.find("low") || !node.find("high")) return;
    if (!(read.low_si <= si && si <= read.high_si))
      diagnostics_.error(node.where, fmt::format("figure {}.{} does not lie between its low and high", what(), field.key));
  }
  bool parse_into(const Field& field, const Node& node, units::Dimension dimension, const Range& range, double& si) {
    const auto parsed = units::parse_quantity(node.text);
    if (!parsed) {
      diagnostics_.error(node.where, fmt::format("'{}' of {}: {}", field.key, what(), parsed.error()), "",
                         dimension == units::kDimensionless ? "" : fmt::format("write a number with a unit such as {}", units::example_unit(dimension)));
      return false;
    }
    if (!(parsed->dimension == dimension)) {
      const auto got = units::base_unit(parsed->dimension);
      diagnostics_.error(node.where, fmt::format("'{}' of {} has the wrong unit: '{}'", field.key, what(), node.text),
                         dimension == units::kDimensionless ? fmt::format("it is a plain number, not {}", got)
                                                            : fmt::format("it needs a unit such as {}{}", units::example_unit(dimension), got.empty() ? "" : ", not " + got));
      return false;
    }
    if (!inside(range, parsed->si)) {
      diagnostics_.error(node.where, fmt::format("'{}' of {} is {}", field.key, what(), node.text), range_text(range, units::base_unit(dimension)));
      return false;
    }
    si = parsed->si;
    return true;
  }

  FigureForm form_;
  Diagnostics& diagnostics_;
  std::vector<Frame> frames_;
};

ReaderHandle::ReaderHandle(const Node& node, std::string what, FigureForm form, Diagnostics& diagnostics)
    : reader_(std::make_unique<Reader>(node, std::move(what), form, diagnostics)) {}
ReaderHandle::~ReaderHandle() = default;
Schema& ReaderHandle::schema() { return *reader_; }

}  // namespace zettatwin::config
