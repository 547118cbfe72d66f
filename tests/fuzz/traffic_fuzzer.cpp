// SPDX-License-Identifier: Apache-2.0
// Any document as traffic: a stream whose first requests are in order with lengths of at least 1, whole and in shares, or errors; never a crash.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "requests/traffic_spec.hpp"

namespace {

using namespace zettatwin;

void drain(requests::Stream& stream) {
  units::Picoseconds last;
  requests::Request r;
  for (int i = 0; i < 20 && stream.next(r); ++i) {
    if (r.arrival < last || r.input < 1 || r.output < 1 || (!r.blocks.empty() && stream.block_tokens() == 0)) std::abort();
    last = r.arrival;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  config::Diagnostics diagnostics;
  const auto node = config::parse_document({reinterpret_cast<const char*>(data), size}, "fuzz", diagnostics);
  if (!node) return 0;
  const auto spec = requests::read_traffic(*node, diagnostics);
  if (spec.has_value() == diagnostics.has_errors()) std::abort();
  if (!spec || spec->trace) return 0;
  constexpr std::int64_t kManyBlocks = 1 << 20;  // of one prompt: a test of memory, not of reading
  if (spec->shared_prefixes && spec->shared_prefixes->tokens / spec->block_tokens > kManyBlocks) return 0;
  if (spec->sessions && spec->sessions->max_context / spec->block_tokens > kManyBlocks) return 0;
  const auto stream = requests::synthetic(*spec);
  (void)stream->means();
  drain(*stream);
  drain(*stream->part({.instance = 1, .of = 3}));
  drain(*stream->part({.instance = 0, .of = 3, .split = requests::Split::random}));
  return 0;
}
