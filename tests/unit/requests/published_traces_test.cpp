// SPDX-License-Identifier: Apache-2.0
// Published traces as they are, against figures known of them.
#include <gtest/gtest.h>

#include <algorithm>
#include <unordered_set>

#include "../../support/trace_files.hpp"
#include "drain.hpp"
#include "requests/servegen.hpp"
#include "requests/trace.hpp"
#include "shared_traces.hpp"

namespace zettatwin::requests {
namespace {

using namespace test;

struct Trace {
  std::vector<Request> requests;
  std::vector<std::int32_t> inputs, outputs;  // sorted
  Means means;
  double span = 0;  // s

  [[nodiscard]] static std::int32_t percentile(const std::vector<std::int32_t>& sorted, double p) {
    return sorted[static_cast<std::size_t>(p * static_cast<double>(sorted.size() - 1) + 0.5)];
  }
};

Trace read(const std::string& text, TraceFormat format) {
  config::Diagnostics diagnostics;
  StringSource source(text);
  const auto list = read_trace(source, "trace", format, {}, diagnostics);
  for (const auto& d : diagnostics.all()) ADD_FAILURE() << d.text();
  Trace trace;
  if (!list) return trace;
  ListStream stream(list);
  trace.requests = drained(stream);
  trace.means = stream.means();
  for (const auto& r : trace.requests) {
    trace.inputs.push_back(r.input);
    trace.outputs.push_back(r.output);
  }
  std::sort(trace.inputs.begin(), trace.inputs.end());
  std::sort(trace.outputs.begin(), trace.outputs.end());
  trace.span = trace.requests.back().arrival.seconds().si();
  return trace;
}

// Share of blocks that an infinite cache has when a request comes; every hit is part of a hit prefix.
double hit_rate(const Trace& trace) {
  std::unordered_set<std::uint64_t> cached;
  double hits = 0, all = 0;
  for (const auto& r : trace.requests)
    for (const auto block : r.blocks) {
      ++all;
      if (!cached.insert(block).second) ++hits;
    }
  return hits / all;
}

#define ZT_TRACE_OR_SKIP(text, name)        \
  const auto text = shared_trace(name);     \
  if (text.empty()) GTEST_SKIP() << "no traces/" << (name) << ": set ZT_SHARED_DATA"

TEST(PublishedTraces, MooncakeConversation) {
  ZT_TRACE_OR_SKIP(text, "mooncake_conversation_trace.jsonl.gz");
  const auto trace = read(text, TraceFormat::mooncake);
  ASSERT_EQ(trace.requests.size(), 12'031u);
  EXPECT_NEAR(trace.span, 3537, 0.01);
  EXPECT_EQ(Trace::percentile(trace.inputs, 0.5), 6909);
  EXPECT_NEAR(Trace::percentile(trace.inputs, 0.9), 27'367, 10);
  EXPECT_EQ(trace.inputs.back(), 126'195);
  EXPECT_EQ(Trace::percentile(trace.outputs, 0.5), 350);
  EXPECT_EQ(trace.outputs.back(), 2000);
  EXPECT_NEAR(hit_rate(trace), 0.366, 0.0005);
}

TEST(PublishedTraces, MooncakeSynthetic) {
  ZT_TRACE_OR_SKIP(text, "mooncake_synthetic_trace.jsonl.gz");
  const auto trace = read(text, TraceFormat::mooncake);
  ASSERT_EQ(trace.requests.size(), 3993u);
  EXPECT_EQ(Trace::percentile(trace.inputs, 0.5), 11'587);
  EXPECT_EQ(Trace::percentile(trace.outputs, 0.5), 69);
  EXPECT_NEAR(hit_rate(trace), 0.640, 0.0005);
}

TEST(PublishedTraces, AzureCode) {
  ZT_TRACE_OR_SKIP(text, "azure2023_code.csv.gz");
  const auto trace = read(text, TraceFormat::azure);
  ASSERT_EQ(trace.requests.size(), 8819u);
  EXPECT_NEAR(trace.means.input, 2048, 0.5);
  EXPECT_NEAR(trace.means.output, 27.9, 0.05);
  EXPECT_EQ(Trace::percentile(trace.inputs, 0.5), 1469);
  EXPECT_NEAR(trace.span, 57 * 60 + 15.948056, 1e-9);  // 18:17:03.97996 to 19:14:19.928016
}

TEST(PublishedTraces, AzureConversation) {
  ZT_TRACE_OR_SKIP(text, "azure2023_conv.csv.gz");
  const auto trace = read(text, TraceFormat::azure);
  ASSERT_EQ(trace.requests.size(), 19'366u);
  EXPECT_NEAR(trace.means.input, 1155, 0.5);
  EXPECT_NEAR(trace.means.output, 211, 0.5);
  EXPECT_EQ(Trace::percentile(trace.outputs, 0.5), 129);
}

TEST(PublishedTraces, ServingLogs) {
  for (const std::string run : {"RTX4090_Llama-3.1-8B", "RTXPRO6000_Llama-3.1-8B", "RTXPRO6000_Qwen3-30B-A3B-Instruct-2507", "RTXPRO6000_Qwen3-32B"}) {
    ZT_TRACE_OR_SKIP(text, "llmservingsim_" + run + "_requests.jsonl");
    const auto trace = read(text, TraceFormat::llmservingsim);
    EXPECT_EQ(trace.requests.size(), 300u) << run;
    EXPECT_NEAR(trace.span, 29.15, 0.05) << run;
  }
}

// Sums of the rates in the files: 2306.12 over 144 windows.
TEST(PublishedTraces, ServeGenReasoning) {
  const auto files = shared_archive("servegen_reason_deepseek-r1.tar.gz");
  if (files.empty()) GTEST_SKIP() << "no traces/servegen_reason_deepseek-r1.tar.gz: set ZT_SHARED_DATA";
  config::Diagnostics diagnostics;
  const auto pool = read_servegen(zettatwin::test::TraceTexts(files), "reason/deepseek-r1", diagnostics);
  for (const auto& d : diagnostics.all()) ADD_FAILURE() << d.text();
  ASSERT_TRUE(pool);
  EXPECT_EQ(pool->clients.size(), 73u);
  EXPECT_EQ(pool->windows(), 144u);
  const auto stream = client_stream(pool, {});
  EXPECT_NEAR(stream->means().rate.si(), 2306.12 / 144, 1e-4);
  const auto all = drained(*stream);
  // Most clients are bursty; the sum is still within a percent.
  EXPECT_NEAR(static_cast<double>(all.size()) / (2306.12 * 600), 1, 0.01);
  double input = 0, output = 0;
  for (const auto& r : all) input += r.input, output += r.output;
  EXPECT_NEAR(input / static_cast<double>(all.size()) / stream->means().input, 1, 0.02);
  EXPECT_NEAR(output / static_cast<double>(all.size()) / stream->means().output, 1, 0.02);
}

// Five datasets are absent from the archive; their clients are named.
TEST(PublishedTraces, ServeGenLanguage) {
  const auto files = shared_archive("servegen_language_m-small.tar.gz");
  if (files.empty()) GTEST_SKIP() << "no traces/servegen_language_m-small.tar.gz: set ZT_SHARED_DATA";
  config::Diagnostics diagnostics;
  const auto pool = read_servegen(zettatwin::test::TraceTexts(files), "language/m-small", diagnostics);
  ASSERT_TRUE(pool);
  ASSERT_EQ(diagnostics.all().size(), 1u);
  EXPECT_NE(diagnostics.all()[0].text().find("clients 1, 5, 8, 11, 38 have no lengths"), std::string::npos) << diagnostics.all()[0].text();
  EXPECT_EQ(pool->clients.size(), 38u);
  EXPECT_EQ(pool->windows(), 2016u);
}

}  // namespace
}  // namespace zettatwin::requests
