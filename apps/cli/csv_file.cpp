// SPDX-License-Identifier: Apache-2.0
#include "cli/csv_file.hpp"

#include <csv.h>
#include <fmt/format.h>

#include <memory>

namespace zettatwin::cli {
namespace {

struct Reading {
  validation::Table table;
  validation::Record record;
  std::int64_t line = 1;        // of the character being read
  bool first_of_record = true;
  bool titles = true;
};

void on_cell(void* data, std::size_t size, void* reading) {
  static_cast<Reading*>(reading)->record.cells.emplace_back(static_cast<const char*>(data), size);
}

void on_record(int, void* reading) {
  auto& r = *static_cast<Reading*>(reading);
  if (r.titles) r.table.columns = std::move(r.record.cells);
  else r.table.records.push_back(std::move(r.record));
  r.titles = false;
  r.record = {};
  r.first_of_record = true;
}

struct Release {
  void operator()(csv_parser* parser) const {
    csv_free(parser);
    delete parser;
  }
};

}  // namespace

std::optional<validation::Table> parse_csv(std::string_view text, const std::string& name, config::Diagnostics& diagnostics) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  const std::unique_ptr<csv_parser, Release> parser(new csv_parser);
  if (csv_init(parser.get(), CSV_STRICT | CSV_STRICT_FINI) != 0) return std::nullopt;
  Reading reading;
  reading.table.name = name;
  const auto fail = [&] {
    auto where = config::location_in(name);
    where.line = static_cast<std::uint32_t>(reading.line);
    diagnostics.error(where, fmt::format("this is no CSV: {}", csv_strerror(csv_error(parser.get()))), "a quote inside a cell is doubled, and the cell is quoted", "");
    return std::nullopt;
  };
  for (std::size_t begin = 0; begin < text.size(); ++reading.line) {  // line by line, to know where records begin
    const auto end = std::min(text.find('\n', begin), text.size() - 1) + 1;
    if (reading.first_of_record) reading.record.line = reading.line;
    reading.first_of_record = false;
    if (csv_parse(parser.get(), text.data() + begin, end - begin, on_cell, on_record, &reading) != end - begin) return fail();
    begin = end;
  }
  if (csv_fini(parser.get(), on_cell, on_record, &reading) != 0) return fail();
  if (reading.titles) {
    diagnostics.error(config::location_in(name), "the file is empty", "its first line names the columns", "");
    return std::nullopt;
  }
  return std::move(reading.table);
}

}  // namespace zettatwin::cli
