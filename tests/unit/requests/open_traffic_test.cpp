// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>

#include "../../support/trace_files.hpp"
#include "drain.hpp"
#include "requests/adapted.hpp"
#include "requests/list_stream.hpp"
#include "requests/traffic_spec.hpp"

namespace zettatwin::requests {
namespace {

using namespace test;
using zettatwin::test::TraceTexts;

const TraceTexts kFiles({{"a.csv", "arrival,input,output,model\n100,10,1,large\n102,20,2,0\n104,30,3,\n110,40,4,\n"},
                         {"g/chunk-0-trace.csv", "0,2,1,,0,0\n100,4,1,,0,0\n"},
                         {"g/chunk-0-dataset.json", "{\"0\": {\"input_tokens\": \"{10: 1}\", \"output_tokens\": \"{7: 1}\"}}"}});

struct Opened {
  std::unique_ptr<Stream> stream;
  std::string problems;
};

Opened open(const char* text) {
  config::Diagnostics diagnostics;
  Opened opened;
  const auto node = config::parse_document(text, "t.yaml", diagnostics);
  const auto spec = node ? read_traffic(*node, diagnostics) : std::nullopt;
  if (spec) opened.stream = open_traffic(*spec, kFiles, {"small", "large"}, diagnostics);
  EXPECT_EQ(opened.stream == nullptr, diagnostics.has_errors());
  for (const auto& d : diagnostics.all()) opened.problems += d.text() + "\n";
  return opened;
}

std::vector<double> times(Stream& stream) {
  std::vector<double> seconds;
  for (const auto& r : drained(stream)) seconds.push_back(static_cast<double>((r.arrival.count() + 500'000) / 1'000'000) / 1e6);  // to a microsecond
  return seconds;
}

TEST(OpenTraffic, Trace) {
  const auto plain = open("trace: {file: a.csv}");
  ASSERT_TRUE(plain.stream) << plain.problems;
  EXPECT_EQ(plain.stream->size(), 4);
  EXPECT_DOUBLE_EQ(plain.stream->means().rate.si(), 0.3);
  EXPECT_EQ(times(*plain.stream->fresh()), (std::vector<double>{0, 2, 4, 10}));
  EXPECT_EQ(drained(*plain.stream)[0].model, 1);

  EXPECT_EQ(times(*open("trace: {file: a.csv, rate_scale: 4}").stream), (std::vector<double>{0, 0.5, 1, 2.5}));
  const auto faster = open("{trace: {file: a.csv}, rate: 3 requests/s}");
  EXPECT_DOUBLE_EQ(faster.stream->means().rate.si(), 3);
  EXPECT_EQ(times(*faster.stream->fresh()), (std::vector<double>{0, 0.2, 0.4, 1}));
  EXPECT_EQ(times(*open("{trace: {file: a.csv, start: 2 s}, duration: 5 s}").stream), (std::vector<double>{0, 2}));
  const auto two = open("{trace: {file: a.csv}, requests: 2}");
  EXPECT_EQ(two.stream->size(), 2);
  EXPECT_EQ(drained(*two.stream->fresh()).size(), 2u);
  const auto closed = open("{trace: {file: a.csv}, concurrency: 2}");
  EXPECT_EQ(closed.stream->concurrency(), 2);
  EXPECT_EQ(times(*closed.stream->fresh()), (std::vector<double>{0, 0, 0, 0}));
  EXPECT_EQ(closed.stream->part({.instance = 1, .of = 2})->concurrency(), 1);
}

TEST(OpenTraffic, Clients) {
  const auto all = open("trace: {file: g, format: servegen}");
  EXPECT_DOUBLE_EQ(all.stream->means().rate.si(), 3);
  const auto late = open("{trace: {file: g, format: servegen, start: 150 s}, rate: 40 requests/s}");
  EXPECT_NEAR(late.stream->means().rate.si(), 40, 1e-9);
  EXPECT_NEAR(static_cast<double>(drained(*late.stream).size()), 4000, 5 * 64);
}

TEST(OpenTraffic, Problems) {
  const auto expect = [](const char* text, const char* problem) {
    const auto opened = open(text);
    EXPECT_NE(opened.problems.find(problem), std::string::npos) << opened.problems << " instead of " << problem;
  };
  expect("trace: {file: b.csv}", "b.csv: error: the file cannot be read");
  expect("trace: {format: azure}", "file");
  expect("trace: {file: a.csv, format: azure}", "a.csv:1:1: error: no column of arrival");
  expect("{trace: {file: a.csv}, input: 10}", "both a trace and laws");
  expect("{trace: {file: a.csv, rate_scale: 2}, rate: 1 /s}", "rate_scale and a rate");
  expect("trace: {file: x, format: servegen}", "no clients");
  expect("trace: {file: g, format: servegen, start: 1 h}", "start is behind the end");
}

// Ten times the rate of a Poisson stream, one of eight instances: drawn without the others', with the law of a stream of that rate.
TEST(Adapted, SharesOfLaws) {
  TrafficSpec spec;
  spec.rate = units::Hertz::from_si(4);
  spec.input = spec.output = {.mean = 10};
  const auto fast = adapted(synthetic(spec), {.rate_scale = 10, .model = 3});
  const auto share = fast->part({.instance = 5, .of = 8});
  EXPECT_NEAR(share->means().rate.si(), 5, 1e-12);
  const auto all = drained(*share, 10'000);
  EXPECT_NEAR(all.back().arrival.seconds().si(), 2000, 5 * 2000 / std::sqrt(8 * 10'000));
  EXPECT_EQ(all[7].model, 3);
  EXPECT_EQ(drained(*adapted(synthetic(spec), {.requests = 81})->part({.instance = 0, .of = 8})).size(), 11u);
}

TEST(Adapted, NothingAfterTheRangeOfTime) {
  auto list = std::make_shared<RequestList>();
  list->add({.arrival = units::Picoseconds(0), .input = 1, .output = 1});
  list->add({.arrival = units::Picoseconds(1'000'000'000'000'000'000), .input = 1, .output = 1});
  EXPECT_EQ(drained(*adapted(std::make_unique<ListStream>(list), {.rate_scale = 0.01})).size(), 1u);
}

}  // namespace
}  // namespace zettatwin::requests
