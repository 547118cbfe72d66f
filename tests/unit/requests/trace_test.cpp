// SPDX-License-Identifier: Apache-2.0
#include "requests/trace.hpp"

#include <gtest/gtest.h>

#include "drain.hpp"
#include "requests/detail/moment.hpp"

namespace zettatwin::requests {
namespace {

using namespace test;

// A text in pieces of a few bytes.
class Dripping final : public TextSource {
 public:
  Dripping(std::string_view text, std::size_t piece) : text_(text), piece_(piece) {}
  std::string_view piece() override {
    const auto part = text_.substr(0, piece_);
    text_.remove_prefix(part.size());
    return part;
  }

 private:
  std::string_view text_;
  std::size_t piece_;
};

struct Read {
  std::shared_ptr<const RequestList> list;
  std::string problems;
  std::size_t count = 0;
};

Read read(std::string_view text, TraceFormat format, const TraceOptions& options = {}) {
  config::Diagnostics diagnostics;
  StringSource source(text);
  Read read{read_trace(source, "t", format, options, diagnostics), "", diagnostics.error_count()};
  for (const auto& d : diagnostics.all()) read.problems += d.text() + "\n";
  EXPECT_EQ(read.list == nullptr, read.count > 0);
  // Where the text is cut into pieces makes no difference.
  for (const std::size_t piece : {1, 7}) {
    config::Diagnostics again;
    Dripping dripping(text, piece);
    (void)read_trace(dripping, "t", format, options, again);
    std::string problems;
    for (const auto& d : again.all()) problems += d.text() + "\n";
    EXPECT_EQ(problems, read.problems);
  }
  return read;
}

std::vector<Request> all_of(const Read& read) {
  EXPECT_EQ(read.problems, "");
  if (!read.list) return {};
  ListStream stream(read.list);
  return drained(stream);
}

TEST(Trace, Mooncake) {
  const auto all = all_of(read("{\"timestamp\": 27482, \"input_length\": 1024, \"output_length\": 52, \"hash_ids\": [46, 47]}\n"
                               "\n{\"timestamp\": 30535.25, \"input_length\": 600, \"output_length\": 1, \"hash_ids\": [46, 18446744073709551615], \"more\": {\"a\": [1, {}]}}", TraceFormat::mooncake));
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].arrival.count(), 0);
  EXPECT_EQ(all[1].arrival.count(), 3'053'250'000'000);
  EXPECT_EQ(all[0].input, 1024);
  EXPECT_EQ(all[0].output, 52);
  EXPECT_EQ(all[0].blocks, (std::vector<std::uint64_t>{46, 47}));
  EXPECT_EQ(all[1].blocks, (std::vector<std::uint64_t>{46, UINT64_MAX}));
}

// CR LF, seven digits of a second, no last line end; the year changes.
TEST(Trace, Azure) {
  const auto r = read("TIMESTAMP,ContextTokens,GeneratedTokens\r\n2023-12-31 23:59:59.9799600,4808,10\r\n2024-01-01 00:00:00.0319601,3180,8", TraceFormat::azure);
  const auto all = all_of(r);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[1].arrival.count(), 52'000'100'000);
  EXPECT_EQ(all[1].input, 3180);
  EXPECT_EQ(all[1].output, 8);
  EXPECT_EQ(r.list->block_tokens(), 0);
  // With offsets, as later files have them: 01:30 at +01:00 is half an hour after midnight.
  EXPECT_EQ(all_of(read("TIMESTAMP,ContextTokens,GeneratedTokens\n2024-05-10 00:00:00.009930+00:00,1,1\n2024-05-10T01:30:00+01:00,1,1\n", TraceFormat::azure))[1].arrival.count(),
            1'799'990'070'000'000);
}

TEST(Trace, RequestLists) {
  const TraceOptions options{.block_tokens = 16, .models = {"small", "large"}};
  const auto json = all_of(read("{\"arrival\": 0.5, \"input\": 20, \"output\": 3, \"session\": \"a\", \"model\": \"large\", \"blocks\": [\"x\", 7]}\n"
                                "{\"arrival\": 1.5e0, \"input\": 20.0, \"output\": 3, \"session\": null, \"model\": 1, \"blocks\": []}\n", TraceFormat::requests, options));
  ASSERT_EQ(json.size(), 2u);
  EXPECT_EQ(json[1].arrival.count(), 1'000'000'000'000);
  EXPECT_EQ(json[0].model, 1);
  EXPECT_EQ(json[1].model, 1);
  EXPECT_NE(json[0].session, 0u);
  EXPECT_EQ(json[1].session, 0u);
  EXPECT_EQ(json[0].blocks.size(), 2u);
  EXPECT_EQ(json[0].blocks[1], 7u);

  const auto csv = all_of(read("# made by hand\noutput, \"input\" ,arrival_ms,other,session_id,hash_ids,model\n3,40,500,\"a, b\",9,1 2;3,small\n3,40,1500.5,,9,,\n", TraceFormat::requests, options));
  ASSERT_EQ(csv.size(), 2u);
  EXPECT_EQ(csv[1].arrival.count(), 1'000'500'000'000);
  EXPECT_EQ(csv[0].input, 40);
  EXPECT_EQ(csv[0].session, 9u);
  EXPECT_EQ(csv[0].blocks, (std::vector<std::uint64_t>{1, 2, 3}));
  EXPECT_TRUE(csv[1].blocks.empty());
}

// Arrivals of the wall clock, to the picosecond although doubles of that size are 0.2 us apart; the log is in another order.
TEST(Trace, ServingLog) {
  const auto all = all_of(read("{\"request_id\": \"bench-0\", \"input_toks\": 5, \"output_toks\": 6, \"arrival_time\": 1, \"queued_ts\": 1787267980.0827406, \"first_token_ts\": 2}\n"
                               "{\"request_id\": \"bench-1\", \"input_toks\": 7, \"output_toks\": 8, \"arrival_time\": 2, \"queued_ts\": 1787267980.0827403}\n", TraceFormat::llmservingsim));
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].input, 7);
  EXPECT_EQ(all[1].input, 5);
  EXPECT_EQ(all[1].arrival.count(), 300'000);
}

void expect_problem(std::string_view text, TraceFormat format, std::string_view problem, const TraceOptions& options = {}) {
  const auto r = read(text, format, options);
  EXPECT_NE(r.problems.find(problem), std::string::npos) << r.problems << " instead of " << problem;
}

TEST(Trace, ProblemsHavePlaces) {
  const std::string good = "{\"timestamp\": 5, \"input_length\": 1, \"output_length\": 1, \"hash_ids\": [1]}\n";
  const auto mooncake = TraceFormat::mooncake;
  expect_problem("", mooncake, "t: error: no requests (the file is empty)");
  expect_problem("\n \n", mooncake, "t: error: no requests");
  expect_problem(good + "{\"timestamp\": 4, \"input_length\": 1, \"output_length\": 1, \"hash_ids\": [1]}", mooncake, "t:2:15: error: the request comes before the one above it");
  expect_problem("{\"timestamp\": -1, \"input_length\": 1, \"output_length\": 1, \"hash_ids\": [1]}", mooncake, "t:1:15: error: a request at -1");
  expect_problem("{\"timestamp\": 1, \"input_length\":  -3, \"output_length\": 1, \"hash_ids\": [1]}", mooncake, "t:1:35: error: -3 tokens");
  expect_problem("{\"timestamp\": 1, \"input_length\": 1.5, \"output_length\": 1, \"hash_ids\": [1]}", mooncake, "t:1:34: error: '1.5' is not a whole number of tokens");
  expect_problem("{\"timestamp\": 1, \"input_length\": \"1\", \"output_length\": 1, \"hash_ids\": [1]}", mooncake, "is not a whole number");
  expect_problem("{\"timestamp\": 1, \"input_length\": 99999999999999999999999, \"output_length\": 1, \"hash_ids\": [1]}", mooncake, "99999999999999999999999 tokens");
  expect_problem("{\"timestamp\": 1, \"input_length\": 0, \"output_length\": 1, \"hash_ids\": [1]}", mooncake, "0 tokens (input_length is at least 1");
  expect_problem("{\"timestamp\": 1, \"output_length\": 1, \"hash_ids\": [1]}", mooncake, "t:1:1: error: no input_length");
  expect_problem("{\"timestamp\": null, \"input_length\": [1], \"output_length\": {}, \"hash_ids\": [1]}", mooncake, "no timestamp");
  expect_problem("{\"timestamp\": 1, \"input_length\": [1], \"output_length\": {}, \"hash_ids\": [1]}", mooncake, "'a list' is not a whole number");
  expect_problem("{\"timestamp\": 1, \"timestamp\": 2, \"input_length\": 1, \"output_length\": 1, \"hash_ids\": [1]}", mooncake, "arrival is given twice");
  expect_problem("{\"timestamp\": 1, \"input_length\": 1, \"output_length\": 1, \"hash_ids\": [1, 2.5]}", mooncake, "t:1:69: error: blocks hold something else");
  expect_problem("{\"timestamp\": 1, \"input_length\": 1, \"output_length\": 1, \"hash_ids\": [[1]]}", mooncake, "blocks hold something else");
  expect_problem("{\"timestamp\": 1, \"input_length\": 1, \"output_length\": 1, \"hash_ids\": \"1\"}", mooncake, "blocks are not a list");
  expect_problem("{\"timestamp\": 1, \"input_length\": 1, \"output_length\": 1, \"hash_ids\": [1, 2, 3]}", mooncake, "3 blocks of 512 tokens for a prompt of 1 and an answer of 1");
  expect_problem(good + good.substr(0, 40), mooncake, "t:2:41: error: not JSON");
  expect_problem("{\"other\": 1e999}", mooncake, "t:1:15: error: not JSON: number overflow parsing '1e999'");
  expect_problem("[1]", mooncake, "a list (each line is one request");
  expect_problem("{\"timestamp\": 1e300, \"input_length\": 1, \"output_length\": 1, \"hash_ids\": [1]}", mooncake, "is not a time");
  expect_problem(good + "{\"timestamp\": 1e12, \"input_length\": 1, \"output_length\": 1, \"hash_ids\": [1]}", mooncake, "106 days");

  const auto azure = TraceFormat::azure;
  expect_problem("TIMESTAMP,ContextTokens\n", azure, "t:1:1: error: no column of output (the first line names the columns); known: GeneratedTokens");
  expect_problem("TIMESTAMP,ContextTokens,GeneratedTokens\n2023-02-29 18:17:03.9,1,1\n", azure, "t:2:1: error: '2023-02-29 18:17:03.9' is not a time");
  expect_problem("TIMESTAMP,ContextTokens,GeneratedTokens\n2023-02-28 18:17:03.9,1\n", azure, "t:2:1: error: 2 cells instead of 3");
  expect_problem("TIMESTAMP,ContextTokens,GeneratedTokens\n2023-02-28 18:17:03.9,1,\n", azure, "t:2:1: error: no GeneratedTokens");
  expect_problem("TIMESTAMP,ContextTokens,GeneratedTokens\n2023-02-28 18:17:03.9, 1x,2\n", azure, "t:2:24: error: '1x' is not a whole number");
  expect_problem("TIMESTAMP,ContextTokens,GeneratedTokens\n\"2023-02-28 18:17:03.9,1,2\n", azure, "t:2:1: error: the quote is not closed");
  expect_problem("TIMESTAMP,ContextTokens,GeneratedTokens\n", azure, "no requests (the file has no row)");

  const auto requests = TraceFormat::requests;
  expect_problem("arrival,arrival_ms,input,output\n1,1,1,1\n", requests, "t:1:9: error: a second column of arrival");
  expect_problem("arrival,input,output,blocks\n1,1,1,5\n", requests, "blocks of unknown size");
  expect_problem("arrival,input,output,model\n1,1,1,lorge\n", requests, "did you mean 'large'?", {.models = {"large"}});
}

// A row that is wrong in one way does not hide that the next is wrong in another.
TEST(Trace, ProblemsDoNotHideEachOther) {
  const auto r = read("arrival,input,output\n5,0,1\n4,1,-1\n", TraceFormat::requests);
  EXPECT_EQ(r.problems, "t:2:3: error: 0 tokens (input is at least 1 and at most 536870911)\n"
                        "t:3:1: error: the request comes before the one above it, at 4 (requests are in order of arrival); sort the file by arrival\n"
                        "t:3:5: error: -1 tokens (output is at least 1 and at most 536870911)\n");
}

TEST(Trace, AllProblemsButNotEndlessly) {
  std::string text = "arrival,input,output\n";
  for (int i = 0; i < 1000; ++i) text += "1,0,1\n";
  const auto r = read(text, TraceFormat::requests);
  EXPECT_EQ(r.count, kProblemsShown + 1);
  EXPECT_NE(r.problems.find("980 more problems (1000 in all; the first 20 are shown)"), std::string::npos) << r.problems;
}

TEST(Trace, EndlessLine) {
  const std::string text(20u << 20, 'x');
  config::Diagnostics diagnostics;
  Dripping source(text, 1u << 16);
  EXPECT_EQ(read_trace(source, "t", TraceFormat::mooncake, {}, diagnostics), nullptr);
  EXPECT_NE(diagnostics.all()[0].text().find("t:1:1: error: a line of more than"), std::string::npos);
}

TEST(Moment, Decimal) {
  using detail::decimal_moment;
  EXPECT_EQ(decimal_moment("1.5", 0), 1'500'000'000'000);
  EXPECT_EQ(decimal_moment("27482", -3), 27'482'000'000'000);
  EXPECT_EQ(decimal_moment("1.5e3", -3), 1'500'000'000'000);
  EXPECT_EQ(decimal_moment("15E-1", 0), 1'500'000'000'000);
  EXPECT_EQ(decimal_moment("0.0000000000014", 0), 1);   // 1.4 ps
  EXPECT_EQ(decimal_moment("0.0000000000015", 0), 2);
  EXPECT_EQ(decimal_moment("0.0000000000005", 0), 1);
  EXPECT_EQ(decimal_moment("0.00000000000049", 0), 0);
  EXPECT_EQ(decimal_moment("-2", 0), -2'000'000'000'000);
  EXPECT_EQ(decimal_moment("0e999", 0), 0);
  EXPECT_EQ(decimal_moment("1e-999", 0), 0);
  EXPECT_EQ(decimal_moment("1.00000000000000000000000000000000000000000000000001", 0), 1'000'000'000'000);
  EXPECT_EQ(decimal_moment("1787267980.0827403", 0).value() - decimal_moment("1787267980", 0).value(), 82'740'300'000);
  for (const auto* bad : {"", "-", ".", "e5", "1e", "1e5x", "1x", "+1", "0x10", "nan", "inf", "1e16", "1e1001", "--1", "1..2"}) EXPECT_FALSE(decimal_moment(bad, 0)) << bad;
}

TEST(Moment, Calendar) {
  using detail::calendar_moment;
  constexpr detail::Moment kSecond = 1'000'000'000'000;
  EXPECT_EQ(calendar_moment("1970-01-01 00:00:00"), 0);
  EXPECT_EQ(calendar_moment("2023-11-16 18:17:03.9799600").value(), detail::Moment{1'700'158'623} * kSecond + 979'960'000'000);
  EXPECT_EQ(calendar_moment("2000-02-29T00:00:00Z").value(), detail::Moment{951'782'400} * kSecond);
  EXPECT_EQ(calendar_moment("2000-02-29T00:00:00-01:30").value(), detail::Moment{951'782'400 + 5400} * kSecond);
  EXPECT_EQ(calendar_moment("1969-12-31 23:59:59").value(), -kSecond);
  for (const auto* bad : {"", "2023", "2023-13-01 00:00:00", "2023-00-01 00:00:00", "1900-02-29 00:00:00", "2023-01-32 00:00:00", "2023-01-01 24:00:00", "2023-01-01 00:60:00",
                          "2023-01-01 00:00:61", "2023-01-01 00:00:00.", "2023-01-01 00:00:00x", "2023-01-01 00:00:00+1", "2023-01-01 00:00:00+00:00x"})
    EXPECT_FALSE(calendar_moment(bad)) << bad;
}

}  // namespace
}  // namespace zettatwin::requests
