// SPDX-License-Identifier: Apache-2.0
// The visitor that documents a described type.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "config/schema.hpp"
#include "units/text.hpp"

namespace zettatwin::config {

class Reference final : public Schema {
 public:
  std::vector<ReferenceRow> rows;

 protected:
  void on_text(const Field& f, std::string&) override { add(f, "text"); }
  void on_boolean(const Field& f, bool&) override { add(f, "true or false"); }
  void on_integer(const Field& f, std::int64_t&) override { add(f, "integer"); }
  void on_quantity(const Field& f, units::Dimension d, double&, Provenance* provenance, bool*) override {
    const auto unit = units::base_unit(d);
    const std::string kind = provenance ? "figure" : "number";
    add(f, unit.empty() ? kind : fmt::format("{} in {}", kind, unit));
  }
  void on_choice(const Field& f, int&, std::span<const Word> words) override {
    std::vector<std::string> names;
    for (const auto& w : words) names.emplace_back(w.name);
    add(f, fmt::format("one of {}", fmt::join(names, ", ")));
  }
  void on_texts(const Field& f, std::vector<std::string>&) override { add(f, "list of text"); }
  void on_node(const Field& f, Node&) override { add(f, "name or mapping"); }
  bool begin_object(const Field& f) override {
    if (!f.doc.empty()) add(f, "mapping");
    prefix_.push_back(path(f));
    return true;
  }
  bool begin_optional_object(const Field& f, bool) override { return begin_object(f); }
  void end_object() override { prefix_.pop_back(); }
  std::size_t begin_list(const Field& f, std::size_t) override {
    add(f, "list");
    prefix_.push_back(path(f) + "[]");
    return 1;
  }
  bool begin_item(std::size_t) override {
    prefix_.push_back(prefix_.back());
    return true;
  }
  void end_list() override { prefix_.pop_back(); }
  std::vector<std::string> begin_table(const Field& f, const std::vector<std::string>&) override {
    add(f, "mapping by name");
    prefix_.push_back(path(f));
    return {"<name>"};
  }
  void end_table() override { prefix_.pop_back(); }

 private:
  std::string path(const Field& f) const {
    return prefix_.empty() ? std::string(f.key) : fmt::format("{}.{}", prefix_.back(), f.key);
  }
  void add(const Field& f, std::string kind) {
    rows.push_back({path(f), std::move(kind), f.options.presence == Presence::required, std::string(f.doc)});
  }
  std::vector<std::string> prefix_;
};

ReferenceHandle::ReferenceHandle() : reference_(std::make_unique<Reference>()) {}
ReferenceHandle::~ReferenceHandle() = default;
Schema& ReferenceHandle::schema() { return *reference_; }
std::vector<ReferenceRow> ReferenceHandle::rows() const { return reference_->rows; }

}  // namespace zettatwin::config
