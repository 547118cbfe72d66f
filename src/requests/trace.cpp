// SPDX-License-Identifier: Apache-2.0
#include "requests/trace.hpp"

#include <array>

#include "requests/detail/dialect.hpp"

namespace zettatwin::requests {
namespace {

using config::Word;

constexpr std::array kTraceWords{Word{"mooncake", static_cast<int>(TraceFormat::mooncake), "JSON lines: timestamp (ms), input_length, output_length, hash_ids"},
                                 Word{"azure", static_cast<int>(TraceFormat::azure), "CSV: TIMESTAMP, ContextTokens, GeneratedTokens"},
                                 Word{"requests", static_cast<int>(TraceFormat::requests), "JSON lines or CSV: arrival (s), input, output; session, model, blocks"},
                                 Word{"llmservingsim", static_cast<int>(TraceFormat::llmservingsim), "JSON lines: queued_ts (s), input_toks, output_toks"},
                                 Word{"servegen", static_cast<int>(TraceFormat::servegen), "folder of clients: chunk-N-trace.csv, chunk-N-dataset.json"}};

}  // namespace

std::span<const Word> trace_words() { return kTraceWords; }

std::shared_ptr<const RequestList> read_trace(TextSource& text, const std::string& name, TraceFormat format, const TraceOptions& options,
                                             config::Diagnostics& diagnostics) {
  const auto& dialect = detail::dialect_of(format);
  detail::Problems problems(name, diagnostics);
  detail::Lines lines(text, problems);
  detail::ListBuilder builder(dialect, options, problems);
  std::string_view first;
  bool any = lines.next(first);
  while (any && first.find_first_not_of(" \t") == std::string_view::npos) any = lines.next(first);
  if (any) {
    const bool json = dialect.layout == detail::Layout::json_lines || (dialect.layout == detail::Layout::either && first[first.find_first_not_of(" \t")] == '{');
    if (json) detail::read_json_lines(lines, dialect, problems, builder, first);
    else detail::read_csv(lines, dialect, problems, builder, first);
  }
  auto list = builder.finish();
  if (!problems.finish()) return nullptr;
  if (list->size() == 0) {
    diagnostics.error(config::location_in(name), "no requests", any ? "the file has no row" : "the file is empty");
    return nullptr;
  }
  return list;
}

}  // namespace zettatwin::requests
