// SPDX-License-Identifier: Apache-2.0
// Recorded traces as request lists; docs/requests.md describes each format. The first request is at time 0, whatever clock the file uses, to the
// picosecond (decimal fractions are not taken through binary ones). Unknown columns and keys are ignored, empty lines skipped.
// Errors, all with line and column: what is no JSON or no row, missing, negative, fractional or huge values, arrivals that go back, more blocks than
// tokens, an empty file. Any text is safe to read; a line has at most 16 MiB. Time is linear in the text, memory that of the list.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/schema.hpp"
#include "requests/list_stream.hpp"
#include "requests/text_source.hpp"

namespace zettatwin::requests {

enum class TraceFormat {
  mooncake,       // JSON lines: timestamp (ms), input_length, output_length, hash_ids (blocks of 512 tokens)
  azure,          // CSV: TIMESTAMP (calendar), ContextTokens, GeneratedTokens
  requests,       // JSON lines or CSV: arrival (s) or arrival_ms, input, output; if known session, model, blocks; common other names of these
  llmservingsim,  // JSON lines: queued_ts (s), input_toks, output_toks; measured columns are ignored; sorted here, as the log is not
  servegen,       // a folder of clients, see servegen.hpp
};
[[nodiscard]] std::span<const config::Word> trace_words();

struct TraceOptions {
  std::int64_t block_tokens = 0;    // of the blocks that format `requests` names
  std::vector<std::string> models;  // what requests may ask for by name; an index is always understood
};

// At most this many problems of one file are reported one by one.
inline constexpr std::size_t kProblemsShown = 20;

// Nothing but diagnostics if anything is wrong. Expects another format than servegen.
[[nodiscard]] std::shared_ptr<const RequestList> read_trace(TextSource& text, const std::string& name, TraceFormat format, const TraceOptions& options,
                                                           config::Diagnostics& diagnostics);

}  // namespace zettatwin::requests
