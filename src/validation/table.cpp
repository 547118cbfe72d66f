// SPDX-License-Identifier: Apache-2.0
#include "validation/table.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>

#include "config/csv.hpp"

namespace zettatwin::validation {
namespace {

bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }
bool is_letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; }

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const auto first = text.find_first_not_of(kBlank);
  return first == std::string_view::npos ? std::string_view{} : text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

// What else a column may be called.
struct Synonym {
  std::string_view title, column;
};
constexpr std::array kSynonyms{
    Synonym{"gpu", "chip"}, Synonym{"gpu_type", "chip"}, Synonym{"accelerator", "chip"}, Synonym{"hardware", "chip"}, Synonym{"chip_type", "chip"}, Synonym{"gpus", "num_chips"}, Synonym{"num_gpus", "num_chips"},
    Synonym{"chips", "num_chips"}, Synonym{"devices", "num_chips"}, Synonym{"num_devices", "num_chips"}, Synonym{"world_size", "num_chips"}, Synonym{"global_batch", "gbs"}, Synonym{"global_batch_size", "gbs"},
    Synonym{"micro_batch", "mbs"}, Synonym{"micro_batch_size", "mbs"}, Synonym{"sequence_length", "seq_len"}, Synonym{"seq_length", "seq_len"}, Synonym{"seqlen", "seq_len"}, Synonym{"tensor_parallel", "tp"},
    Synonym{"tensor_parallel_size", "tp"}, Synonym{"pipeline_parallel", "pp"}, Synonym{"pipeline_parallel_size", "pp"}, Synonym{"context_parallel", "cp"}, Synonym{"context_parallel_size", "cp"},
    Synonym{"expert_parallel", "ep"}, Synonym{"expert_parallel_size", "ep"}, Synonym{"data_parallel", "dp"}, Synonym{"data_parallel_size", "dp"}, Synonym{"vp", "vpp"}, Synonym{"virtual_pipeline", "vpp"},
    Synonym{"dtype", "precision"}, Synonym{"recomputation", "recompute"}, Synonym{"activation_checkpointing", "recompute"}, Synonym{"sharding", "zero_or_fsdp"}, Synonym{"zero", "zero_or_fsdp"},
    Synonym{"measured", "value"}, Synonym{"units", "unit"}, Synonym{"note", "notes"}, Synonym{"comments", "notes"}, Synonym{"model_name", "model"}, Synonym{"reference", "source"}, Synonym{"num_layers", "layers"},
    Synonym{"hidden_size", "hidden"}, Synonym{"intermediate_size", "ffn"}, Synonym{"ffn_hidden_size", "ffn"}, Synonym{"num_attention_heads", "heads"}, Synonym{"num_heads", "heads"},
    Synonym{"num_key_value_heads", "kv_heads"}, Synonym{"num_kv_heads", "kv_heads"}, Synonym{"vocab_size", "vocab"}, Synonym{"num_experts", "experts"}, Synonym{"top_k", "topk"}, Synonym{"input_len", "isl"},
    Synonym{"output_len", "osl"}, Synonym{"concurrency", "batch_or_concurrency"}};

// "Num Chips (GPUs)" is num_chips.
std::string plain_title(std::string_view title) {
  if (title.starts_with("\xef\xbb\xbf")) title.remove_prefix(3);  // the mark of UTF-8
  title = trimmed(title.substr(0, title.find_first_of("([")));
  std::string name;
  for (const char c : title) name += c == ' ' || c == '-' ? '_' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return name;
}

// Synonyms get their column's name unless the file has a column of that name.
void rename_synonyms(std::vector<std::string>& columns) {
  const auto titles = columns;
  for (auto& name : columns) {
    const auto known = std::find_if(kSynonyms.begin(), kSynonyms.end(), [&](const Synonym& s) { return s.title == name; });
    if (known != kSynonyms.end() && std::find(titles.begin(), titles.end(), known->column) == titles.end()) name = known->column;
  }
}

// "value [ms]" is in ms.
std::string unit_of(std::string_view title) {
  const auto open = title.find_first_of("([");
  if (open == std::string_view::npos) return "";
  const auto inside = title.substr(open + 1);
  return std::string(trimmed(inside.substr(0, inside.find_first_of(")]"))));
}

// Behind what a number may be led by: "~6000", "TP8", "tp=8".
std::size_t first_digit(std::string_view cell, std::string_view column) {
  std::size_t at = 0;
  while (at < cell.size() && (std::string_view("~<>=$ ").find(cell[at]) != std::string_view::npos || static_cast<unsigned char>(cell[at]) >= 0x80)) ++at;
  std::size_t same = 0;
  while (same < column.size() && at + same < cell.size() && std::tolower(static_cast<unsigned char>(cell[at + same])) == column[same]) ++same;
  if (same < column.size()) return at;
  at += same;
  while (at < cell.size() && std::string_view("=: ").find(cell[at]) != std::string_view::npos) ++at;
  return at;
}

// A number at `at`, which moves behind it. Commas between groups of three digits are left out: "1,024".
std::optional<double> read_number(std::string_view cell, std::size_t& at) {
  std::string digits;
  auto i = at;
  for (; i < cell.size(); ++i) {
    const bool comma = cell[i] == ',' && !digits.empty() && is_digit(digits.back()) && i + 3 < cell.size() && is_digit(cell[i + 1]) && is_digit(cell[i + 2]) && is_digit(cell[i + 3]) && !(i + 4 < cell.size() && is_digit(cell[i + 4])) &&
                       digits.find('.') == std::string::npos;
    if (comma) continue;
    const bool exponent = (cell[i] == 'e' || cell[i] == 'E') && i + 1 < cell.size() && (is_digit(cell[i + 1]) || ((cell[i + 1] == '+' || cell[i + 1] == '-') && i + 2 < cell.size() && is_digit(cell[i + 2])));
    const bool sign = (cell[i] == '-' || cell[i] == '+') && (digits.empty() || digits.back() == 'e' || digits.back() == 'E');
    if (!is_digit(cell[i]) && cell[i] != '.' && !exponent && !sign) break;
    digits += cell[i];
  }
  double value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || !std::isfinite(value)) return std::nullopt;
  at = i;
  return value;
}

// "8K" tokens are 8192, "1.2k" of anything else 1200.
double multiplier(std::string_view rest, std::string_view column) {
  if (rest.empty() || (rest.size() > 1 && is_letter(rest[1]))) return 1;
  const bool tokens = column == "seq_len" || column == "isl" || column == "osl";
  if (rest[0] == 'K' || rest[0] == 'k') return tokens ? 1024 : 1000;
  if (rest[0] == 'M') return tokens ? 1024.0 * 1024 : 1e6;
  return column.starts_with("params") && rest[0] == 'T' ? 1000 : 1;
}

}  // namespace

std::optional<Table> read_table(std::string_view text, const std::string& name, config::Diagnostics& diagnostics) {
  const auto csv = config::Csv::parse(text, name, diagnostics, config::Csv::Length::any);
  if (!csv) return std::nullopt;
  Table table{.name = name, .columns = {}, .units = {}, .records = {}};
  for (const auto title : csv->titles()) {
    table.columns.push_back(plain_title(title));
    table.units.push_back(unit_of(title));
  }
  rename_synonyms(table.columns);
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
  const auto cell = at && *at < record_.cells.size() ? trimmed(record_.cells[*at]) : std::string_view{};
  if (!cell.empty() || column != "unit") return cell;
  const auto value = table_.column("value");
  return value && *value < table_.units.size() ? std::string_view(table_.units[*value]) : std::string_view{};
}

std::optional<double> Row::number(std::string_view column) const {
  const auto cell = text(column);
  auto at = first_digit(cell, column);
  auto value = read_number(cell, at);
  if (!value) return std::nullopt;
  if (column == "value" && at < cell.size() && cell[at] == '-') {  // a range
    auto behind = at + 1;
    if (const auto end = read_number(cell, behind); end && *end > *value) return (*value + *end) / 2;
  }
  if (column == "num_chips" && at + 1 < cell.size() && cell[at] == 'x' && is_digit(cell[at + 1])) {  // nodes x chips
    auto behind = at + 1;
    if (const auto chips = read_number(cell, behind)) return *value * *chips;
  }
  return *value * multiplier(cell.substr(at), column);
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
