// SPDX-License-Identifier: Apache-2.0
// What the formats of traces call the fields of a request, and one row of any of them on its way into a list.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "requests/detail/lines.hpp"
#include "requests/detail/moment.hpp"
#include "requests/trace.hpp"

namespace zettatwin::requests::detail {

enum class Field : std::uint8_t { arrival, input, output, session, model, blocks, none };
inline constexpr std::size_t kFields = 6;
[[nodiscard]] std::string_view name_of(Field field);

// How arrivals are written: calendar, or decimal in units of 10^power seconds.
struct Clock {
  bool calendar = false;
  int power = 0;
};

struct FieldName {
  std::string_view name;
  Field field;
  Clock clock = {};
};

enum class Layout { json_lines, csv, either };
enum class Order { by_arrival, any };  // of the rows in the file

struct Dialect {
  Layout layout;
  std::span<const FieldName> names;
  std::span<const Field> required;
  std::int64_t block_tokens;  // of blocks, where the format fixes them
  Order order = Order::by_arrival;

  [[nodiscard]] const FieldName* find(std::string_view name) const;
};
[[nodiscard]] const Dialect& dialect_of(TraceFormat format);

// Fields of a row as they were written, numbers as text.
struct RawRow {
  struct Value {
    std::string_view text;
    const FieldName* name = nullptr;  // nullptr: not given
    std::size_t column = 0;           // from 1; 0: to be looked for in the line, behind the key
    bool quoted = false;
  };
  std::uint32_t line = 0;
  std::string_view line_text;
  std::array<Value, kFields> values;
  std::vector<std::uint64_t> blocks;

  [[nodiscard]] Value& operator[](Field field) { return values[static_cast<std::size_t>(field)]; }
  [[nodiscard]] bool has(Field field) const { return values[static_cast<std::size_t>(field)].name != nullptr; }
  [[nodiscard]] std::size_t column(Field field) const;
  void begin(std::uint32_t number, std::string_view text);
};

// The name of a block or session: a whole number, or a hash of other text.
[[nodiscard]] std::uint64_t identity(std::string_view text, bool quoted);

// Checks rows and collects them.
class ListBuilder final {
 public:
  ListBuilder(const Dialect& dialect, const TraceOptions& options, Problems& problems);
  void add(RawRow& row);
  [[nodiscard]] std::shared_ptr<const RequestList> finish();

 private:
  [[nodiscard]] bool complete(const RawRow& row);
  [[nodiscard]] bool read_length(RawRow& row, Field field, std::int32_t& tokens);
  [[nodiscard]] bool read_moment(RawRow& row, Moment& at);
  [[nodiscard]] bool read_model(RawRow& row);
  [[nodiscard]] bool check_blocks(const RawRow& row);
  void error(const RawRow& row, Field field, std::string problem, std::string why, std::string suggestion = "");

  const Dialect& dialect_;
  const TraceOptions& options_;
  Problems& problems_;
  std::int64_t block_tokens_;
  Request request_;
  std::shared_ptr<RequestList> list_;
  Moment first_ = 0, last_ = 0;
  bool timed_ = false;  // first_ and last_ are known
  std::vector<std::pair<Moment, Request>> unordered_;
};

// Each reads all rows into the builder.
void read_json_lines(Lines& lines, const Dialect& dialect, Problems& problems, ListBuilder& builder, std::string_view first_line);
void read_csv(Lines& lines, const Dialect& dialect, Problems& problems, ListBuilder& builder, std::string_view title_line);

}  // namespace zettatwin::requests::detail
