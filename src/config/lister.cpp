// SPDX-License-Identifier: Apache-2.0
// The visitor that flattens an object to rows of path, value and provenance.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "config/schema.hpp"
#include "units/text.hpp"

namespace zettatwin::config {

class Lister final : public Schema {
 public:
  std::vector<ValueRow> rows;

 protected:
  void on_text(const Field& f, std::string& v) override { if (!v.empty()) add(f, v); }
  void on_boolean(const Field& f, bool& v) override { add(f, v ? "true" : "false"); }
  void on_integer(const Field& f, std::int64_t& v) override { add(f, units::grouped(v)); }
  void on_quantity(const Field& f, units::Dimension d, double& si, Provenance* provenance, bool* present) override {
    if (present && !*present) return;
    ValueRow row{path(f), units::human(si, d, 4), si, true, d, std::nullopt};
    if (provenance) row.provenance = *provenance;
    rows.push_back(std::move(row));
  }
  void on_choice(const Field& f, int& v, std::span<const Word> words) override {
    for (const auto& w : words) if (w.value == v) add(f, std::string(w.name));
  }
  void on_texts(const Field& f, std::vector<std::string>& v) override { if (!v.empty()) add(f, fmt::format("{}", fmt::join(v, ", "))); }
  void on_node(const Field& f, Node& v) override { if (v.kind == Node::Kind::scalar) add(f, v.text); }
  bool begin_object(const Field& f) override {
    prefix_.push_back(path(f));
    return true;
  }
  bool begin_optional_object(const Field& f, bool has_value) override { return has_value && begin_object(f); }
  void end_object() override { prefix_.pop_back(); }
  std::size_t begin_list(const Field& f, std::size_t size) override {
    prefix_.push_back(path(f));
    return size;
  }
  bool begin_item(std::size_t index) override {
    prefix_.push_back(fmt::format("{}[{}]", prefix_.back(), index));
    return true;
  }
  void end_list() override { prefix_.pop_back(); }
  std::vector<std::string> begin_table(const Field& f, const std::vector<std::string>& names) override {
    prefix_.push_back(path(f));
    return names;
  }
  void end_table() override { prefix_.pop_back(); }

 private:
  std::string path(const Field& f) const {
    return prefix_.empty() ? std::string(f.key) : fmt::format("{}.{}", prefix_.back(), f.key);
  }
  void add(const Field& f, std::string value) { rows.push_back({path(f), std::move(value), 0, false, {}, std::nullopt}); }
  std::vector<std::string> prefix_;
};

ListerHandle::ListerHandle() : lister_(std::make_unique<Lister>()) {}
ListerHandle::~ListerHandle() = default;
Schema& ListerHandle::schema() { return *lister_; }
std::vector<ValueRow> ListerHandle::rows() const { return lister_->rows; }

}  // namespace zettatwin::config
