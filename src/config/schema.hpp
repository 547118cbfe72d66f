// SPDX-License-Identifier: Apache-2.0
// One description of each kind of document is its parser, its validation, its reference documentation and its editor schema.
// A type T is described by a free function in its own namespace
//     void describe(config::Schema& s, T& value) {
//       s.text("name", value.name, "preset name", required);
//       s.figure("tdp", value.tdp, "thermal design power", {.range = positive});
//       s.object("memory", value.memory, "the memory next to the cores", required);
//     }
// and run by a visitor: Reader fills T from a Node (unknown keys, wrong units, missing figures are diagnostics with place and
// nearest key), Writer prints it, Reference documents it.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/document.hpp"
#include "config/figure.hpp"
#include "units/dimension.hpp"
#include "units/quantity.hpp"

namespace zettatwin::config {

enum class Presence { optional, required };

struct Range {
  double low = 0;
  double high = 0;
  bool low_open = false;  // exclusive
};
inline constexpr Range kPositive{0, 1e300, true};
inline constexpr Range kNonNegative{0, 1e300, false};
inline constexpr Range kFraction{0, 1, true};
inline constexpr Range kUnitInterval{0, 1, false};

struct FieldOptions {
  Presence presence = Presence::optional;
  Range range = kNonNegative;
};
inline constexpr FieldOptions kRequired{.presence = Presence::required, .range = kPositive};

struct Field {
  std::string_view key;
  std::string_view doc;
  FieldOptions options;
};

// One word of a closed vocabulary and what it means; tables of these give enums their names in documents.
struct Word {
  std::string_view name;
  int value;
  std::string_view doc;
};

class Schema {
 public:
  virtual ~Schema() = default;

  // Scalars.
  void text(std::string_view key, std::string& value, std::string_view doc, FieldOptions o = {}) { on_text({key, doc, o}, value); }
  void boolean(std::string_view key, bool& value, std::string_view doc, FieldOptions o = {}) { on_boolean({key, doc, o}, value); }
  void integer(std::string_view key, std::int64_t& value, std::string_view doc, FieldOptions o = {}) { on_integer({key, doc, o}, value); }
  void number(std::string_view key, double& value, std::string_view doc, FieldOptions o = {}) {
    on_quantity({key, doc, o}, units::kDimensionless, value, nullptr, nullptr);
  }
  template <units::Dimension D>
  void quantity(std::string_view key, units::Quantity<D>& value, std::string_view doc, FieldOptions o = {}) {
    double si = value.si();
    on_quantity({key, doc, o}, D, si, nullptr, nullptr);
    value = units::Quantity<D>::from_si(si);
  }
  template <units::Dimension D>
  void figure(std::string_view key, Figure<units::Quantity<D>>& value, std::string_view doc, FieldOptions o = {.range = kPositive}) {
    double si = value.value.si();
    on_quantity({key, doc, o}, D, si, &value.provenance, &value.present);
    value.value = units::Quantity<D>::from_si(si);
  }
  template <class E>
    requires std::is_enum_v<E>
  void choice(std::string_view key, E& value, std::span<const Word> words, std::string_view doc, FieldOptions o = {}) {
    int raw = static_cast<int>(value);
    on_choice({key, doc, o}, raw, words);
    value = static_cast<E>(raw);
  }
  // A subtree that is interpreted elsewhere: a name, or a mapping of another kind.
  void node(std::string_view key, Node& value, std::string_view doc, FieldOptions o = {}) { on_node({key, doc, o}, value); }
  void texts(std::string_view key, std::vector<std::string>& value, std::string_view doc, FieldOptions o = {}) { on_texts({key, doc, o}, value); }

  // Compounds: T must have describe(Schema&, T&).
  template <class T>
  void object(std::string_view key, T& value, std::string_view doc, FieldOptions o = {}) {
    if (begin_object({key, doc, o})) { describe(*this, value); end_object(); }
  }
  template <class T>
  void optional_object(std::string_view key, std::optional<T>& value, std::string_view doc) {
    if (!begin_optional_object({key, doc, {}}, value.has_value())) return;
    if (!value) value.emplace();
    describe(*this, *value);
    end_object();
  }
  template <class T>
  void list(std::string_view key, std::vector<T>& value, std::string_view doc, FieldOptions o = {}) {
    value.resize(begin_list({key, doc, o}, value.size()));
    for (std::size_t i = 0; i < value.size(); ++i)
      if (begin_item(i)) { describe(*this, value[i]); end_object(); }
    end_list();
  }
  // A mapping from names to objects of one kind.
  template <class T>
  void table(std::string_view key, std::map<std::string, T>& value, std::string_view doc, FieldOptions o = {}) {
    std::vector<std::string> names;
    for (const auto& [name, unused] : value) names.push_back(name);
    for (const auto& name : begin_table({key, doc, o}, names)) {
      T& row = value[name];
      if (begin_object({name, "", {}})) { describe(*this, row); end_object(); }
    }
    end_table();
  }
  // A mapping from the words of a vocabulary to figures: {bf16: {value: ...}, fp8: {...}}.
  template <class E, units::Dimension D>
  void figures(std::string_view key, std::map<E, Figure<units::Quantity<D>>>& value, std::span<const Word> words,
               std::string_view doc, FieldOptions o = {.range = kPositive}) {
    std::vector<std::string> names;
    for (const auto& word : words)
      if (value.contains(static_cast<E>(word.value))) names.emplace_back(word.name);
    const auto present = begin_table({key, doc, o}, names);
    for (const auto& word : words)
      if (std::find(present.begin(), present.end(), word.name) != present.end())
        figure(word.name, value[static_cast<E>(word.value)], word.doc, {.range = o.range});
    end_table();
  }

  // Cross-field checks of describe(): the reader reports them at the current object; other visitors ignore them.
  virtual void check(bool ok, const std::string& problem, const std::string& why = "", const std::string& suggestion = "") {
    (void)ok; (void)problem; (void)why; (void)suggestion;
  }

 protected:
  virtual void on_text(const Field& field, std::string& value) = 0;
  virtual void on_boolean(const Field& field, bool& value) = 0;
  virtual void on_integer(const Field& field, std::int64_t& value) = 0;
  virtual void on_quantity(const Field& field, units::Dimension dimension, double& si, Provenance* provenance, bool* present) = 0;
  virtual void on_choice(const Field& field, int& value, std::span<const Word> words) = 0;
  virtual void on_texts(const Field& field, std::vector<std::string>& value) = 0;
  virtual void on_node(const Field& field, Node& value) = 0;
  virtual bool begin_object(const Field& field) = 0;
  virtual bool begin_optional_object(const Field& field, bool has_value) = 0;
  virtual void end_object() = 0;
  virtual std::size_t begin_list(const Field& field, std::size_t size) = 0;
  virtual bool begin_item(std::size_t index) = 0;
  virtual void end_list() = 0;
  virtual std::vector<std::string> begin_table(const Field& field, const std::vector<std::string>& names) = 0;
  virtual void end_table() = 0;
};

// The name of an enum value in a vocabulary.
template <class E>
[[nodiscard]] std::string_view word_of(std::span<const Word> words, E value) {
  for (const auto& word : words)
    if (word.value == static_cast<int>(value)) return word.name;
  return "?";
}

// Options of reading: whether figures may be bare values (users' files) or must carry source and confidence (catalog).
enum class FigureForm { bare_allowed, provenance_required };

// Fills `value` from a mapping node; all problems go to diagnostics. `what` names the object in messages ("chip", "plan").
class Reader;
class ReaderHandle {
 public:
  ReaderHandle(const Node& node, std::string what, FigureForm form, Diagnostics& diagnostics);
  ~ReaderHandle();
  ReaderHandle(const ReaderHandle&) = delete;
  ReaderHandle& operator=(const ReaderHandle&) = delete;
  [[nodiscard]] Schema& schema();

 private:
  std::unique_ptr<Reader> reader_;
};
template <class T>
void read(const Node& node, std::string what, FigureForm form, Diagnostics& diagnostics, T& value) {
  ReaderHandle handle(node, std::move(what), form, diagnostics);
  describe(handle.schema(), value);
}

// One line of reference documentation of a described type: path, kind or unit, presence, text.
struct ReferenceRow {
  std::string path;  // "memory.bandwidth", "levels[].size", "matrix_peak.bf16"
  std::string kind;  // "figure in B/s", "text", "integer", "one of a, b"
  bool required = false;
  std::string doc;
};
class Reference;
class ReferenceHandle {
 public:
  ReferenceHandle();
  ~ReferenceHandle();
  ReferenceHandle(const ReferenceHandle&) = delete;
  ReferenceHandle& operator=(const ReferenceHandle&) = delete;
  [[nodiscard]] Schema& schema();
  [[nodiscard]] std::vector<ReferenceRow> rows() const;

 private:
  std::unique_ptr<Reference> reference_;
};
template <class T>
[[nodiscard]] std::vector<ReferenceRow> reference_of() {
  T prototype{};
  ReferenceHandle handle;
  describe(handle.schema(), prototype);
  return handle.rows();
}

// The values of a described object, flattened in schema order: what `catalog show` prints.
struct ValueRow {
  std::string path;
  std::string value;  // human text with unit
  double si = 0;      // of quantities
  bool is_quantity = false;
  units::Dimension dimension;
  std::optional<Provenance> provenance;
};
class Lister;
class ListerHandle {
 public:
  ListerHandle();
  ~ListerHandle();
  ListerHandle(const ListerHandle&) = delete;
  ListerHandle& operator=(const ListerHandle&) = delete;
  [[nodiscard]] Schema& schema();
  [[nodiscard]] std::vector<ValueRow> rows() const;

 private:
  std::unique_ptr<Lister> lister_;
};
template <class T>
[[nodiscard]] std::vector<ValueRow> values_of(const T& value) {
  T copy = value;  // describe() takes a mutable reference for the reader's sake
  ListerHandle handle;
  describe(handle.schema(), copy);
  return handle.rows();
}

// A scalar's value as a boolean or number as YAML and JSON spell them; nothing if it is none.
[[nodiscard]] std::optional<bool> as_boolean(const Node& node);
[[nodiscard]] std::optional<double> as_number(const Node& node);
[[nodiscard]] std::optional<std::int64_t> as_integer(const Node& node);

}  // namespace zettatwin::config
