// SPDX-License-Identifier: Apache-2.0
#include "validation/request_log.hpp"

#include <gtest/gtest.h>

#include "../../support/catalog_files.hpp"

namespace zettatwin::validation {
namespace {

std::optional<std::vector<LoggedRequest>> read(const std::string& text, config::Diagnostics& diagnostics) { return read_request_log(text, "log.jsonl", diagnostics); }

TEST(RequestLog, ReadsWhatARunMeasured) {
  config::Diagnostics diagnostics;
  const auto log = read(R"({"input_toks": 10, "output_toks": 5, "queued_ts": 3.0, "first_token_ts": 3.5, "last_token_ts": 5.5, "extra": "x"}
{"input_toks": 7, "output_toks": 1, "queued_ts": 1.0, "first_token_ts": 1.25, "last_token_ts": 1.25}

)",
                        diagnostics);
  ASSERT_TRUE(log) << test::text_of(diagnostics);
  ASSERT_EQ(log->size(), 2u);
  EXPECT_EQ((*log)[0].input, 7);  // in order of queueing
  EXPECT_DOUBLE_EQ((*log)[0].latency(), 0.25);
  EXPECT_DOUBLE_EQ((*log)[1].ttft(), 0.5);
  EXPECT_DOUBLE_EQ((*log)[1].latency(), 2.5);
  EXPECT_DOUBLE_EQ((*log)[1].tpot(), 0.5);
}

TEST(RequestLog, SaysWhichLineIsWrong) {
  for (const char* line : {"nonsense", "[1]", R"({"input_toks": 10})", R"({"input_toks": 0, "output_toks": 5, "queued_ts": 3, "first_token_ts": 4, "last_token_ts": 5})",
                           R"({"input_toks": 9, "output_toks": 5, "queued_ts": 3, "first_token_ts": 2, "last_token_ts": 5})", R"({"input_toks": 9, "output_toks": 5, "queued_ts": "3", "first_token_ts": 4, "last_token_ts": 5})"}) {
    config::Diagnostics diagnostics;
    EXPECT_FALSE(read(std::string(R"({"input_toks": 1, "output_toks": 1, "queued_ts": 0, "first_token_ts": 1, "last_token_ts": 1})") + "\n" + line + "\n", diagnostics)) << line;
    EXPECT_NE(test::text_of(diagnostics).find("log.jsonl:2"), std::string::npos) << test::text_of(diagnostics);
  }
  config::Diagnostics diagnostics;
  EXPECT_FALSE(read("", diagnostics));
}

}  // namespace
}  // namespace zettatwin::validation
