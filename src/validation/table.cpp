// SPDX-License-Identifier: Apache-2.0
#include "validation/table.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "config/csv.hpp"

namespace zettatwin::validation {

std::optional<Table> read_table(std::string_view text, const std::string& name, config::Diagnostics& diagnostics) {
  const auto csv = config::Csv::parse(text, name, diagnostics, config::Csv::Length::any);
  if (!csv) return std::nullopt;
  Table table{.name = name, .columns = {csv->titles().begin(), csv->titles().end()}, .records = {}};
  table.records.reserve(csv->rows());
  for (std::size_t row = 0; row < csv->rows(); ++row) {
    auto& record = table.records.emplace_back();
    record.line = csv->where(row, 0).line;
    for (std::size_t column = 0; column < csv->cells(row); ++column) record.cells.emplace_back(csv->cell(row, column));
  }
  return table;
}

std::optional<std::size_t> Table::column(std::string_view title) const {
  const auto at = std::find(columns.begin(), columns.end(), title);
  return at == columns.end() ? std::nullopt : std::optional(static_cast<std::size_t>(at - columns.begin()));
}

std::string_view Row::text(std::string_view column) const {
  const auto at = table_.column(column);
  if (!at || *at >= record_.cells.size()) return {};
  std::string_view cell = record_.cells[*at];
  constexpr std::string_view kBlank = " \t\r\n";
  const auto first = cell.find_first_not_of(kBlank);
  return first == std::string_view::npos ? std::string_view{} : cell.substr(first, cell.find_last_not_of(kBlank) - first + 1);
}

std::optional<double> Row::number(std::string_view column) const {
  const auto cell = text(column);
  double value = 0;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  return error == std::errc{} && std::isfinite(value) ? std::optional(value) : std::nullopt;
}

std::optional<std::int64_t> Row::whole(std::string_view column) const {
  const auto value = number(column);
  return value && *value >= 0 && *value <= 1e15 && *value == std::floor(*value) ? std::optional(static_cast<std::int64_t>(*value)) : std::nullopt;
}

std::string Row::group() const {
  const auto id = text("id");
  return std::string(id.substr(0, id.find('-')));
}

const std::vector<std::string>& known_columns() {
  static const std::vector<std::string> kColumns{"set", "fully_specified", "id", "source", "year", "model", "params_total_b", "params_active_b", "layers", "hidden", "ffn", "heads", "kv_heads", "vocab",
                                                 "experts", "topk", "seq_len", "gbs", "mbs", "chip", "num_chips", "precision", "tp", "sp", "cp", "pp", "vpp", "ep", "dp", "zero_or_fsdp", "recompute",
                                                 "attn_impl", "metric", "value", "unit", "notes", "confidence"};
  return kColumns;
}

const std::vector<std::string>& needed_columns() {
  static const std::vector<std::string> kColumns{"id", "model", "chip", "num_chips", "metric", "value"};
  return kColumns;
}

}  // namespace zettatwin::validation
