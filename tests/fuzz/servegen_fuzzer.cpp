// SPDX-License-Identifier: Apache-2.0
// Any bytes as either file of a client: a pool whose first requests are in order with lengths of at least 1, or errors; never a crash.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "../support/trace_files.hpp"
#include "requests/servegen.hpp"
#include "requests/stream.hpp"

namespace {

using namespace zettatwin;

void read(const std::string& rates, const std::string& lengths) {
  config::Diagnostics diagnostics;
  const auto pool = requests::read_servegen(test::TraceTexts({{"f/chunk-1-trace.csv", rates}, {"f/chunk-1-dataset.json", lengths}}), "f", diagnostics);
  if ((pool == nullptr) != diagnostics.has_errors()) std::abort();
  if (pool == nullptr) return;
  const auto stream = requests::client_stream(pool, {});
  (void)stream->means();
  units::Picoseconds last;
  requests::Request r;
  for (int i = 0; i < 20 && stream->next(r); ++i) {
    if (r.arrival < last || r.input < 1 || r.output < 1) std::abort();
    last = r.arrival;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  read(text, "{\"0\": {\"input_tokens\": \"{10: 1}\", \"output_tokens\": \"{7: 1}\"}}");
  read("0,2,1,Gamma,0.5,1\n600,1,1,Weibull,0.7,0\n", text);
  return 0;
}
