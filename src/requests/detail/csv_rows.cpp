// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "requests/detail/dialect.hpp"

namespace zettatwin::requests::detail {
namespace {

struct Cell {
  std::string_view text;
  std::size_t column;
  bool quoted = false;
};

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// The cells of a line. A quoted cell may hold commas, but neither quotes nor line ends: no field of a request does.
bool split(std::string_view line, std::uint32_t number, Problems& problems, std::vector<Cell>& cells) {
  cells.clear();
  for (std::size_t at = 0;;) {
    while (at < line.size() && (line[at] == ' ' || line[at] == '\t')) ++at;
    if (at < line.size() && line[at] == '"') {
      const auto close = line.find('"', at + 1);
      if (close == std::string_view::npos) return problems.error(number, at + 1, "the quote is not closed", "a quoted cell ends on its line"), false;
      cells.push_back({line.substr(at + 1, close - at - 1), at + 1, true});
      at = line.find_first_not_of(" \t", close + 1);
      if (at == std::string_view::npos) return true;
      if (line[at] != ',') return problems.error(number, at + 1, "text after a quoted cell", "cells are divided by commas"), false;
    } else {
      const auto end = std::min(line.find(',', at), line.size());
      cells.push_back({trimmed(line.substr(at, end - at)), at + 1});
      at = end;
    }
    if (at >= line.size()) return true;
    ++at;
  }
}

bool skipped(std::string_view line) { return line.starts_with('#') || line.find_first_not_of(" \t") == std::string_view::npos; }

// Which column holds which field. False if a required one is missing or one comes twice.
bool read_titles(const std::vector<Cell>& cells, std::uint32_t number, const Dialect& dialect, Problems& problems, std::vector<const FieldName*>& titles) {
  std::array<bool, kFields> found{};
  bool good = true;
  for (const auto& cell : cells) {
    const auto* name = dialect.find(cell.text);
    titles.push_back(name);
    if (name == nullptr) continue;
    auto& seen = found[static_cast<std::size_t>(name->field)];
    if (seen) problems.error(number, cell.column, fmt::format("a second column of {}", name_of(name->field)), "it is not clear which holds"), good = false;
    seen = true;
  }
  for (const auto field : dialect.required) {
    if (found[static_cast<std::size_t>(field)]) continue;
    std::string names;
    for (const auto& known : dialect.names)
      if (known.field == field) names += (names.empty() ? "" : ", ") + std::string(known.name);
    problems.error(number, 1, fmt::format("no column of {}", name_of(field)), "the first line names the columns", fmt::format("known: {}", names));
    good = false;
  }
  return good;
}

// Blocks in a cell are divided by blanks or semicolons.
void split_blocks(std::string_view text, std::vector<std::uint64_t>& blocks) {
  constexpr std::string_view kBetween = " ;\t[],";
  for (auto at = text.find_first_not_of(kBetween); at != std::string_view::npos; at = text.find_first_not_of(kBetween, at)) {
    const auto end = std::min(text.find_first_of(kBetween, at), text.size());
    blocks.push_back(identity(text.substr(at, end - at), false));
    at = end;
  }
}

}  // namespace

void read_csv(Lines& lines, const Dialect& dialect, Problems& problems, ListBuilder& builder, std::string_view title_line) {
  std::vector<Cell> cells;
  std::vector<const FieldName*> titles;
  std::string_view line = title_line;
  while (skipped(line))
    if (!lines.next(line)) return;
  if (!split(line, lines.number(), problems, cells) || !read_titles(cells, lines.number(), dialect, problems, titles)) return;
  RawRow row;
  while (lines.next(line)) {
    if (skipped(line) || !split(line, lines.number(), problems, cells)) continue;
    if (cells.size() != titles.size()) {
      problems.error(lines.number(), 1, fmt::format("{} cells instead of {}", cells.size(), titles.size()), "every row has one cell per column of the first line");
      continue;
    }
    row.begin(lines.number(), line);
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const auto* name = titles[i];
      if (name == nullptr || cells[i].text.empty()) continue;
      row[name->field] = {.text = cells[i].text, .name = name, .column = cells[i].column, .quoted = false};
      if (name->field == Field::blocks) split_blocks(cells[i].text, row.blocks);
    }
    builder.add(row);
  }
}

}  // namespace zettatwin::requests::detail
