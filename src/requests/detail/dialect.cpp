// SPDX-License-Identifier: Apache-2.0
#include "requests/detail/dialect.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/contract.hpp"
#include "base/stable_hash.hpp"
#include "requests/length_law.hpp"

namespace zettatwin::requests::detail {
namespace {

constexpr Clock kSeconds{.power = 0}, kMilliseconds{.power = -3};

constexpr std::array kMooncakeNames{FieldName{"timestamp", Field::arrival, kMilliseconds}, FieldName{"input_length", Field::input},
                                    FieldName{"output_length", Field::output}, FieldName{"hash_ids", Field::blocks}};
constexpr std::array kAzureNames{FieldName{"TIMESTAMP", Field::arrival, {.calendar = true}}, FieldName{"ContextTokens", Field::input},
                                 FieldName{"GeneratedTokens", Field::output}};
constexpr std::array kServingSimNames{FieldName{"queued_ts", Field::arrival, kSeconds}, FieldName{"input_toks", Field::input}, FieldName{"output_toks", Field::output}};
// The first of each is the name that messages use.
constexpr std::array kRequestNames{
    FieldName{"arrival", Field::arrival, kSeconds},         FieldName{"arrival_s", Field::arrival, kSeconds},   FieldName{"timestamp", Field::arrival, kSeconds},
    FieldName{"arrival_time", Field::arrival, kSeconds},    FieldName{"arrived_at", Field::arrival, kSeconds},  FieldName{"arrival_ms", Field::arrival, kMilliseconds},
    FieldName{"timestamp_ms", Field::arrival, kMilliseconds},
    FieldName{"input", Field::input},                       FieldName{"input_tokens", Field::input},            FieldName{"input_length", Field::input},
    FieldName{"prompt_tokens", Field::input},               FieldName{"num_prefill_tokens", Field::input},      FieldName{"input_toks", Field::input},
    FieldName{"output", Field::output},                     FieldName{"output_tokens", Field::output},          FieldName{"output_length", Field::output},
    FieldName{"completion_tokens", Field::output},          FieldName{"num_decode_tokens", Field::output},      FieldName{"output_toks", Field::output},
    FieldName{"session", Field::session},                   FieldName{"session_id", Field::session},            FieldName{"model", Field::model},
    FieldName{"blocks", Field::blocks},                     FieldName{"hash_ids", Field::blocks}};

constexpr std::array kTimed{Field::arrival, Field::input, Field::output};
constexpr std::array kTimedWithBlocks{Field::arrival, Field::input, Field::output, Field::blocks};

constexpr Dialect kMooncake{Layout::json_lines, kMooncakeNames, kTimedWithBlocks, 512};
constexpr Dialect kAzure{Layout::csv, kAzureNames, kTimed, 0};
constexpr Dialect kServingSim{Layout::json_lines, kServingSimNames, kTimed, 0, Order::any};
constexpr Dialect kRequests{Layout::either, kRequestNames, kTimed, 0};

// Whole, possibly written as 12.0.
std::optional<double> whole_number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value) || value != std::floor(value)) return std::nullopt;
  return value;
}

std::string shown(std::string_view text) {
  constexpr std::size_t kMost = 40;
  std::string clean(text.substr(0, kMost));
  for (char& c : clean)
    if (static_cast<unsigned char>(c) < 0x20) c = '?';
  return text.size() > kMost ? clean + "..." : clean;
}

}  // namespace

std::string_view name_of(Field field) {
  constexpr std::array<std::string_view, kFields + 1> kNames{"arrival", "input", "output", "session", "model", "blocks", ""};
  return kNames[static_cast<std::size_t>(field)];
}

const FieldName* Dialect::find(std::string_view name) const {
  const auto at = std::find_if(names.begin(), names.end(), [&](const FieldName& known) { return known.name == name; });
  return at == names.end() ? nullptr : &*at;
}

const Dialect& dialect_of(TraceFormat format) {
  switch (format) {
    case TraceFormat::mooncake: return kMooncake;
    case TraceFormat::azure: return kAzure;
    case TraceFormat::llmservingsim: return kServingSim;
    case TraceFormat::requests: return kRequests;
    case TraceFormat::servegen: break;
  }
  ZT_EXPECT(false, "clients are no list of requests");
  return kRequests;
}

std::size_t RawRow::column(Field field) const {
  const auto& value = values[static_cast<std::size_t>(field)];
  if (value.column > 0 || value.name == nullptr) return std::max<std::size_t>(value.column, 1);
  const auto key = fmt::format("\"{}\"", value.name->name);
  auto at = line_text.find(key);
  if (at == std::string_view::npos) return 1;
  at = line_text.find_first_not_of(" \t:", at + key.size());
  return at == std::string_view::npos ? 1 : at + 1;
}

void RawRow::begin(std::uint32_t number, std::string_view text) {
  line = number;
  line_text = text;
  values.fill({});
  blocks.clear();
}

std::uint64_t identity(std::string_view text, bool quoted) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (!quoted && error == std::errc{} && end == text.data() + text.size()) return value;
  return StableHash().add(text).value();
}

ListBuilder::ListBuilder(const Dialect& dialect, const TraceOptions& options, Problems& problems)
    : dialect_(dialect), options_(options), problems_(problems), block_tokens_(dialect.block_tokens > 0 ? dialect.block_tokens : options.block_tokens),
      list_(std::make_shared<RequestList>(block_tokens_)) {}

void ListBuilder::error(const RawRow& row, Field field, std::string problem, std::string why, std::string suggestion) {
  problems_.error(row.line, row.column(field), std::move(problem), std::move(why), std::move(suggestion));
}

bool ListBuilder::complete(const RawRow& row) {
  bool all = true;
  for (const auto field : dialect_.required) {
    if (row.has(field)) continue;
    all = false;
    const auto name = std::find_if(dialect_.names.begin(), dialect_.names.end(), [&](const FieldName& n) { return n.field == field; })->name;
    problems_.error(row.line, 1, fmt::format("no {}", name), "every request has one");
  }
  return all;
}

bool ListBuilder::read_length(RawRow& row, Field field, std::int32_t& tokens) {
  const auto& value = row[field];
  const auto number = value.quoted ? std::nullopt : whole_number(value.text);
  if (!number) return error(row, field, fmt::format("'{}' is not a whole number of tokens", shown(value.text)), fmt::format("{} is a length", value.name->name)), false;
  constexpr double kLongest = LengthLaw::kLongest;
  if (*number < 1 || *number > kLongest)
    return error(row, field, fmt::format("{} tokens", shown(value.text)), fmt::format("{} is at least 1 and at most {:.0f}", value.name->name, kLongest)), false;
  tokens = static_cast<std::int32_t>(*number);
  return true;
}

bool ListBuilder::read_moment(RawRow& row, Moment& at) {
  const auto& value = row[Field::arrival];
  const auto clock = value.name->clock;
  const auto moment = clock.calendar ? calendar_moment(value.text) : value.quoted ? std::nullopt : decimal_moment(value.text, clock.power);
  if (!moment) {
    error(row, Field::arrival, fmt::format("'{}' is not a time", shown(value.text)), clock.calendar ? "times look like 2023-11-16 18:17:03.9799600" : "arrivals are numbers");
    return false;
  }
  if (*moment < 0) return error(row, Field::arrival, fmt::format("a request at {}", shown(value.text)), "arrivals are not negative"), false;
  if (!timed_) first_ = last_ = *moment;
  timed_ = true;
  if (dialect_.order == Order::by_arrival && *moment < last_) {
    error(row, Field::arrival, fmt::format("the request comes before the one above it, at {}", shown(value.text)), "requests are in order of arrival", "sort the file by arrival");
    return false;
  }
  constexpr Moment kRange = 9'200'000'000'000'000'000;  // 106 days of picoseconds
  if (dialect_.order == Order::by_arrival && *moment - first_ > kRange)
    return error(row, Field::arrival, fmt::format("a request at {}", shown(value.text)), "a trace spans at most 106 days"), false;
  at = last_ = *moment;
  return true;
}

bool ListBuilder::read_model(RawRow& row) {
  request_.model = 0;
  if (!row.has(Field::model)) return true;
  const auto& value = row[Field::model];
  const auto named = std::find(options_.models.begin(), options_.models.end(), value.text);
  if (named != options_.models.end()) {
    request_.model = static_cast<std::int32_t>(named - options_.models.begin());
    return true;
  }
  const auto index = whole_number(value.text);
  if (index && *index >= 0 && *index < 1e6) {
    request_.model = static_cast<std::int32_t>(*index);
    return true;
  }
  const auto near = config::nearest(value.text, options_.models);
  error(row, Field::model, fmt::format("'{}' is no model here", shown(value.text)), "a request names a model of the scenario, or its index", near.empty() ? "" : fmt::format("did you mean '{}'?", near));
  return false;
}

bool ListBuilder::check_blocks(const RawRow& row) {
  if (row.blocks.empty()) return true;
  if (block_tokens_ <= 0) return error(row, Field::blocks, "blocks of unknown size", "blocks stand for so many tokens each", "give block_tokens"), false;
  const std::int64_t tokens = std::int64_t{request_.input} + request_.output;
  if (static_cast<std::int64_t>(row.blocks.size()) > (tokens + block_tokens_ - 1) / block_tokens_) {
    error(row, Field::blocks, fmt::format("{} blocks of {} tokens for a prompt of {} and an answer of {}", row.blocks.size(), block_tokens_, request_.input, request_.output),
          "blocks name the content of the prompt");
    return false;
  }
  return true;
}

void ListBuilder::add(RawRow& row) {
  if (!complete(row)) return;
  Moment at = 0;
  bool good = read_moment(row, at);
  good = read_length(row, Field::input, request_.input) && good;
  good = read_length(row, Field::output, request_.output) && good;
  good = read_model(row) && good;
  if (!good || !check_blocks(row)) return;
  request_.session = row.has(Field::session) ? identity(row[Field::session].text, row[Field::session].quoted) : 0;
  std::swap(request_.blocks, row.blocks);
  if (dialect_.order == Order::any) {
    unordered_.emplace_back(at, request_);
    return;
  }
  request_.arrival = units::Picoseconds(static_cast<std::int64_t>(at - first_));
  list_->add(request_);
}

std::shared_ptr<const RequestList> ListBuilder::finish() {
  if (dialect_.order == Order::any) {
    std::stable_sort(unordered_.begin(), unordered_.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    constexpr Moment kRange = 9'200'000'000'000'000'000;
    for (auto& [at, request] : unordered_) {
      const Moment since = at - unordered_.front().first;
      if (since > kRange) {
        problems_.error(0, 0, "requests too far apart", "a trace spans at most 106 days");
        break;
      }
      request.arrival = units::Picoseconds(static_cast<std::int64_t>(since));
      list_->add(request);
    }
  }
  return list_;
}

}  // namespace zettatwin::requests::detail
