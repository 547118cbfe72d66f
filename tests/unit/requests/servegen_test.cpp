// SPDX-License-Identifier: Apache-2.0
#include "requests/servegen.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "../../support/trace_files.hpp"
#include "drain.hpp"
#include "requests/stream.hpp"

namespace zettatwin::requests {
namespace {

using namespace test;
using zettatwin::test::TraceTexts;
using Texts = std::map<std::string, std::string>;

// Client 0: 2/s in the first window of 1000 s, nothing, then 1/s; client 3: 0.5/s throughout, with the lengths of another window; client 12: no lengths.
Texts three() {
  return {{"f/chunk-0-trace.csv", "0,2,3,Gamma,0.111,9\n1000,0,0,,0,0\n2000,1,1,Weibull,0.7,1\n"},
          {"f/chunk-0-dataset.json", "{\"0\": {\"input_tokens\": \"{10: 0.5, 30: 0.5}\", \"output_tokens\": \"{7: 1.0}\", \"reason_ratio\": \"{0.1: 1}\"},\n"
                                     " \"2000\": {\"input_tokens\": \"{100: 1}\", \"output_tokens\": \"{1: 1}\"}}"},
          {"f/chunk-3-trace.csv", "0,0.5,1,,0,0\r\n1000,0.5,1,,0,0\r\n2000,0.5,1,,0,0"},
          {"f/chunk-3-dataset.json", "{\"0\": {\"input_tokens\": \"{}\", \"output_tokens\": \"{}\"}, \"1000\": {\"input_tokens\": \"{0: 1}\", \"output_tokens\": \"{5: 1}\"}}"},
          {"f/chunk-12-trace.csv", "0,1,1,,0,0\n1000,0,1,,0,0\n2000,0.5,1,,0,0\n"},
          {"f/readme.txt", ""}};
}

std::string all_text(const config::Diagnostics& diagnostics) {
  std::string text;
  for (const auto& d : diagnostics.all()) text += d.text() + "\n";
  return text;
}

TEST(ServeGen, ReadsClients) {
  config::Diagnostics diagnostics;
  const auto pool = read_servegen(TraceTexts(three()), "f", diagnostics);
  ASSERT_TRUE(pool) << all_text(diagnostics);
  EXPECT_EQ(pool->window.count(), 1'000'000'000'000'000);
  EXPECT_EQ(pool->windows(), 3u);
  ASSERT_EQ(pool->clients.size(), 2u);
  EXPECT_EQ(pool->clients[1].number, 3);
  EXPECT_EQ(pool->without_lengths, std::vector<std::int64_t>{12});
  EXPECT_NEAR(pool->share_left_out, 1.5 / (1.5 + 3 + 1.5), 1e-12);
  EXPECT_NE(all_text(diagnostics).find("f: warning: clients 12 have no lengths and are left out (their dataset.json is absent or empty; they send 25.0 % of the requests)"), std::string::npos)
      << all_text(diagnostics);
}

// 2000 + 1000 requests of client 0 and 1500 of client 3.
TEST(ServeGen, DrawsThem) {
  config::Diagnostics diagnostics;
  const auto pool = read_servegen(TraceTexts(three()), "f", diagnostics);
  const auto means = client_stream(pool, {})->means();
  EXPECT_NEAR(means.rate.si(), 4500.0 / 3000, 1e-12);
  EXPECT_NEAR(means.input, (2000 * 20 + 1000 * 100 + 1500 * 1) / 4500.0, 1e-9);
  EXPECT_NEAR(means.output, (2000 * 7 + 1000 * 1 + 1500 * 5) / 4500.0, 1e-9);
  std::map<std::int32_t, double> seen;  // by output
  constexpr int kRuns = 40;
  for (int run = 0; run < kRuns; ++run) {
    const auto stream = client_stream(pool, {.rate_scale = 2, .seed = run});
    units::Picoseconds last;
    for (const auto& r : drained(*stream)) {
      EXPECT_GE(r.arrival, last);
      last = r.arrival;
      seen[r.output] += 1.0 / kRuns;
      const double t = r.arrival.seconds().si();
      if (r.output == 7) { EXPECT_LT(t, 1000); }
      if (r.output == 1) { EXPECT_TRUE(t >= 2000 && t < 3000 && r.input == 100); }
    }
    EXPECT_EQ(drained(*stream->fresh()).size(), drained(*stream->fresh()).size());
  }
  // Gamma gaps of cv 3: the variance of a count is near cv^2 times its mean.
  EXPECT_NEAR(seen[7], 4000, 5 * 3 * std::sqrt(4000.0 / kRuns));
  EXPECT_NEAR(seen[1], 2000, 5 * 2 * std::sqrt(2000.0 / kRuns));
  EXPECT_NEAR(seen[5], 3000, 5 * std::sqrt(3000.0 / kRuns));
}

TEST(ServeGen, SomeWindows) {
  config::Diagnostics diagnostics;
  const auto pool = read_servegen(TraceTexts(three()), "f", diagnostics);
  const auto all = drained(*client_stream(pool, {.first_window = 2, .windows = 1}));
  EXPECT_NEAR(static_cast<double>(all.size()), 1500, 5 * 2 * std::sqrt(1500));
  for (const auto& r : all) EXPECT_TRUE(r.arrival.seconds().si() < 1000 && (r.output == 1 || r.output == 5));
}

TEST(ServeGen, ProblemsHavePlaces) {
  const auto problem = [](const std::string& file, const std::string& text) {
    auto texts = three();
    texts[file] = text;
    config::Diagnostics diagnostics;
    EXPECT_FALSE(read_servegen(TraceTexts(texts), "f", diagnostics)) << text;
    return all_text(diagnostics);
  };
  const auto expect = [&](const std::string& file, const std::string& text, const std::string& wanted) {
    const auto found = problem(file, text);
    EXPECT_NE(found.find(wanted), std::string::npos) << found << " instead of " << wanted;
  };
  const std::string rates = "f/chunk-0-trace.csv", lengths = "f/chunk-0-dataset.json";
  expect(rates, "0,1,1,,0,0\n1000,-1,1,,0,0\n2000,nan,1,,0,0\n", "chunk-0-trace.csv:2:6: error: not a rate");
  expect(rates, "0,1,1,,0,0\n1000,1,1,Pareto,1,1\n2000,1,1,,0,0\n", "chunk-0-trace.csv:2:10: error: not a distribution of gaps");
  expect(rates, "0,1,1,,0,0\n1000,1,1,Gamma,0,1\n2000,1,1,,0,0\n", "chunk-0-trace.csv:2:10: error: not a distribution of gaps");
  expect(rates, "0,1,1,,0,0\n1000,1,1,,0,0\n3000,1,1,,0,0\n", "chunk-0-trace.csv:3:1: error: a window that starts at 3000 s");
  expect(rates, "0,1,1,,0,0\n1000,1,1\n", "chunk-0-trace.csv:2:1: error: 3 cells instead of 6");
  expect(rates, "", "fewer than two windows");
  expect("f/chunk-3-trace.csv", "0,1,1,,0,0\n1000,1,1,,0,0\n", "2 windows of 1000 s (all clients have the same windows)");
  expect(lengths, "{\"0\": {", "chunk-0-dataset.json:1:8: error: not JSON");
  expect(lengths, "{\"0\":\n {\"input_tokens\": \"{5: 0.1, 6 0.2}\", \"output_tokens\": \"{7: 1}\"}}", "chunk-0-dataset.json:2:31: error: input_tokens of window 0 cannot be read (a colon");
  expect(lengths, "{\"0\":\n {\"input_tokens\": \"{5: -0.1}\", \"output_tokens\": \"{7: 1}\"}}", "probabilities are not negative");
  expect(lengths, "{\"0\": {\"input_tokens\": \"{5: 1}\"}}", "chunk-0-dataset.json:1:2: error: no output_tokens in window 0");
  expect(lengths, "{\"zero\": {}}", "not a window");
  expect(lengths, "{\"0\": 1e999}", "a number out of range");
  config::Diagnostics diagnostics;
  EXPECT_FALSE(read_servegen(TraceTexts(Texts{}), "f", diagnostics));
  EXPECT_NE(all_text(diagnostics).find("f: error: no clients"), std::string::npos);
}

}  // namespace
}  // namespace zettatwin::requests
