// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "requests/detail/dialect.hpp"

namespace zettatwin::requests::detail {
namespace {

using Json = nlohmann::json;

// Takes the wanted values of one object as its text goes by; what is nested elsewhere is passed over.
class RowHandler final {
 public:
  RowHandler(const Dialect& dialect, Problems& problems, RawRow& row) : dialect_(dialect), problems_(problems), row_(row) {}
  void begin() {
    depth_ = 0;
    wanted_ = nullptr;
    in_blocks_ = false;
    good_ = true;
  }
  [[nodiscard]] bool good() const { return good_; }

  bool null() {  // as if it were not given
    if (in_blocks_) return bad_block();
    if (depth_ == 1) wanted_ = nullptr;
    return true;
  }
  bool boolean(bool value) { return other(value ? "true" : "false"); }
  bool number_integer(std::int64_t value) { return in_blocks_ ? block(static_cast<std::uint64_t>(value)) : whole(value); }
  bool number_unsigned(std::uint64_t value) { return in_blocks_ ? block(value) : whole(value); }
  bool number_float(double /*value*/, const std::string& text) {
    if (in_blocks_) return bad_block();
    return take(text, false);
  }
  bool string(std::string& text) {
    if (in_blocks_ && depth_ == 2) return block(identity(text, true));
    return take(text, true);
  }
  bool binary(Json::binary_t& /*value*/) { return true; }
  bool start_object(std::size_t /*size*/) {
    if (in_blocks_) return bad_block();
    ++depth_;
    return depth_ == 1 || other("an object");
  }
  bool end_object() { return --depth_, true; }
  bool start_array(std::size_t /*size*/) {
    if (in_blocks_) return bad_block();
    ++depth_;
    if (depth_ == 1) return problems_.error(row_.line, 1, "a list", "each line is one request: an object {...}"), good_ = false, false;
    if (depth_ != 2 || wanted_ == nullptr) return true;
    if (wanted_->field != Field::blocks) return other("a list");
    in_blocks_ = true;
    return mark({}, false);
  }
  bool end_array() {
    --depth_;
    if (depth_ == 1) in_blocks_ = false, wanted_ = nullptr;
    return true;
  }
  bool key(std::string& name) {
    if (depth_ == 1) wanted_ = dialect_.find(name);
    return true;
  }
  bool parse_error(std::size_t position, const std::string& /*token*/, const Json::exception& error) {
    // "[json.exception.parse_error.101] parse error at line 1, column 5: syntax error ..."
    std::string_view what = error.what();
    if (const auto syntax = what.find("syntax error"); syntax != std::string_view::npos) what = what.substr(syntax);
    else if (const auto code = what.find("] "); code != std::string_view::npos) what = what.substr(code + 2);
    problems_.error(row_.line, std::max<std::size_t>(position, 1), "not JSON: " + printable(what), "each line is one request: an object {...}");
    good_ = false;
    return false;
  }

 private:
  static std::string printable(std::string_view text) {
    constexpr std::size_t kMost = 160;
    std::string clean(text.substr(0, kMost));
    for (char& c : clean)
      if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e) c = '?';
    return clean;
  }
  template <class Integer>
  bool whole(Integer value) {
    if (wanted_ == nullptr || depth_ != 1) return true;
    char digits[24];
    const auto [end, error] = std::to_chars(digits, digits + sizeof digits, value);
    return take(std::string_view(digits, static_cast<std::size_t>(end - digits)), false);
  }
  bool block(std::uint64_t name) {
    if (depth_ == 2) row_.blocks.push_back(name);
    return true;
  }
  bool bad_block() {
    problems_.error(row_.line, row_.column(Field::blocks), "blocks hold something else than whole numbers and names", "each entry names one block of the prompt");
    return good_ = false;
  }
  bool other(const char* what) {
    if (in_blocks_) return bad_block();
    return wanted_ == nullptr || mark(what, true);
  }
  bool take(std::string_view text, bool quoted) { return wanted_ == nullptr || depth_ != 1 || mark(text, quoted); }
  // Keeps the text of the wanted value, which the parser is about to forget.
  bool mark(std::string_view text, bool quoted) {
    const auto field = wanted_->field;
    if (row_.has(field)) {
      problems_.error(row_.line, row_.column(field), fmt::format("{} is given twice", name_of(field)), "it is not clear which holds");
      return good_ = false;
    }
    auto& kept = kept_[static_cast<std::size_t>(field)];
    kept.assign(text);
    row_[field] = {.text = kept, .name = wanted_, .column = 0, .quoted = quoted};
    if (!in_blocks_) wanted_ = nullptr;
    return true;
  }

  const Dialect& dialect_;
  Problems& problems_;
  RawRow& row_;
  std::array<std::string, kFields> kept_;
  const FieldName* wanted_ = nullptr;
  int depth_ = 0;
  bool in_blocks_ = false, good_ = true;
};

}  // namespace

void read_json_lines(Lines& lines, const Dialect& dialect, Problems& problems, ListBuilder& builder, std::string_view first_line) {
  RawRow row;
  RowHandler handler(dialect, problems, row);
  std::string_view line = first_line;
  do {
    if (line.find_first_not_of(" \t") == std::string_view::npos) continue;
    row.begin(lines.number(), line);
    handler.begin();
    if (Json::sax_parse(line.begin(), line.end(), &handler) && handler.good()) {
      if (row.has(Field::blocks) && row[Field::blocks].quoted) problems.error(row.line, row.column(Field::blocks), "blocks are not a list", "they name the blocks of the prompt in order");
      else builder.add(row);
    }
  } while (lines.next(line));
}

}  // namespace zettatwin::requests::detail
