// SPDX-License-Identifier: Apache-2.0
// Any bytes as a trace of any format, in pieces of any size: requests in order with lengths of at least 1, or errors; never a crash.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "requests/trace.hpp"

namespace {

using namespace zettatwin;

class Pieces final : public requests::TextSource {
 public:
  Pieces(std::string_view text, std::size_t size) : text_(text), size_(size) {}
  std::string_view piece() override {
    const auto part = text_.substr(0, size_);
    text_.remove_prefix(part.size());
    return part;
  }

 private:
  std::string_view text_;
  std::size_t size_;
};

void read(std::string_view text, requests::TraceFormat format) {
  config::Diagnostics diagnostics;
  Pieces pieces(text, 1 + text.size() % 61);
  const auto list = requests::read_trace(pieces, "fuzz", format, {.block_tokens = 16, .models = {"small"}}, diagnostics);
  if ((list == nullptr) != diagnostics.has_errors() || diagnostics.error_count() > requests::kProblemsShown + 1) std::abort();
  if (list == nullptr) return;
  requests::ListStream stream(list);
  units::Picoseconds last;
  for (requests::Request r; stream.next(r); last = r.arrival)
    if (r.arrival < last || r.input < 1 || r.output < 1 || r.model < 0) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const auto format : {requests::TraceFormat::mooncake, requests::TraceFormat::azure, requests::TraceFormat::requests, requests::TraceFormat::llmservingsim}) read(text, format);
  return 0;
}
