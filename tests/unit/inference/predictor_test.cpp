// SPDX-License-Identifier: Apache-2.0
#include "inference/predictor.hpp"

#include <gtest/gtest.h>

#include "served.hpp"

namespace zettatwin::inference {
namespace {

TEST(Steady, OneRequestIsTheSumOfItsSteps) {
  const auto s = test::served(test::toy_machine(), test::toy_model(), test::free_software(), "instances=1");
  const Workload load{.concurrency = 1, .input = 1000, .output = 101};
  const auto steady = steady_aggregated(s.pools[0], *s.software, load);
  const double prompt = test::seconds(s.pools[0], 0, 0, {{1000, 0, true}});
  double decode = 0;
  for (std::int64_t i = 1; i <= 100; ++i) decode += test::seconds(s.pools[0], 1, 1000 + i);
  EXPECT_NEAR(steady.tpot.si() / (decode / 100), 1, 2e-3);
  EXPECT_NEAR(steady.ttft_burst.si(), prompt, 0.51 * prompt);  // half a prompt of waiting at most
  EXPECT_NEAR(steady.output_tokens_per_s / (101 / (prompt + decode)), 1, 5e-3);
}

TEST(Steady, ThroughputRisesAndUsersSlowDown) {
  const auto s = test::served(test::catalog_machine("dgx-h200"), test::catalog_model("llama-3.3-70b"), test::catalog_serving("vllm"), "tp=4,weights=fp8,instances=1");
  double throughput = 0, tpot = 0;
  for (const double c : {1, 2, 8, 32, 128}) {
    const auto steady = steady_aggregated(s.pools[0], *s.software, {.concurrency = c, .input = 1000, .output = 1000});
    EXPECT_GT(steady.output_tokens_per_s, throughput);
    EXPECT_GT(steady.tpot.si(), tpot);
    throughput = steady.output_tokens_per_s;
    tpot = steady.tpot.si();
  }
}

TEST(Steady, DisaggregatedIsBoundByTheSlowerSide) {
  const auto s = test::served(test::catalog_machine("dgx-h200", 16), test::catalog_model("llama-3.3-70b"), test::catalog_serving("vllm"), "weights=fp8,prefill.tp=4,prefill.instances=1,decode.tp=4,decode.instances=1");
  const Workload load{.concurrency = 64, .input = 4000, .output = 500};
  const auto one = steady_disaggregated(s.pools[0], s.pools[1], *s.hand_over, *s.software, 1, load), four = steady_disaggregated(s.pools[0], s.pools[1], *s.hand_over, *s.software, 4, load);
  EXPECT_LE(one.prefill_utilisation, 1 + 1e-9);
  EXPECT_LT(one.output_tokens_per_s, four.output_tokens_per_s);
  EXPECT_LT(one.running, four.running);
  EXPECT_GT(one.ttft, four.ttft);
}

// Prompt, hand-over and decoding one after the other: nobody waits and nothing is shared.
TEST(Steady, OneRequestApartIsTheSumOfItsParts) {
  const auto s = test::served(test::toy_machine(), test::toy_model(), test::free_software(), "prefill.instances=1,decode.instances=1");
  const auto one = steady_disaggregated(s.pools[0], s.pools[1], *s.hand_over, *s.software, 1, {.concurrency = 1, .input = 1000, .output = 101});
  const double prompt = test::seconds(s.pools[0], 0, 0, {{1000, 0, true}});
  double decode = 0;
  for (std::int64_t i = 1; i <= 100; ++i) decode += test::seconds(s.pools[1], 1, 1000 + i);
  EXPECT_NEAR(one.ttft.si() / prompt, 1, 1e-6);
  EXPECT_NEAR(one.tpot.si() / ((one.hand_over.si() + decode) / 100), 1, 2e-3);
  EXPECT_NEAR(one.output_tokens_per_s / (101 / (prompt + one.hand_over.si() + decode)), 1, 2e-3);
  EXPECT_NEAR(one.running, decode / (prompt + one.hand_over.si() + decode), 2e-3);
}

// The hand-over is in the time to the first token where the decode instance sends that; where it computes it again, one step more.
TEST(Steady, FirstTokensApartAreSentWhereTheEngineSendsThem) {
  auto s = test::served(test::toy_machine(), test::toy_model(), test::free_software(), "prefill.instances=1,decode.instances=1");
  const auto with = [&](serving::FirstToken first) {
    s.pools[1].engine.first_token = first;
    return steady_disaggregated(s.pools[0], s.pools[1], *s.hand_over, *s.software, 1, {.concurrency = 1, .input = 1000, .output = 101});
  };
  const auto prompt = with(serving::FirstToken::prompt), joined = with(serving::FirstToken::joined), decoded = with(serving::FirstToken::decoded);
  EXPECT_NEAR(joined.ttft.si(), (prompt.ttft + prompt.hand_over).si(), 1e-9);
  EXPECT_NEAR(100 * joined.tpot.si(), (100.0 * prompt.tpot - prompt.hand_over).si(), 1e-9);
  EXPECT_DOUBLE_EQ(joined.output_tokens_per_s, prompt.output_tokens_per_s);
  EXPECT_NEAR(decoded.ttft.si(), (joined.ttft + joined.tpot).si(), 1e-9);
  EXPECT_NEAR(decoded.tpot.si(), joined.tpot.si(), 1e-9);
  EXPECT_NEAR(101 / decoded.output_tokens_per_s, 101 / joined.output_tokens_per_s + joined.tpot.si(), 1e-9);
}

// From one request to many there is no jump; prefill instances that are overrun have all others waiting before them, by Little's law.
TEST(Steady, ApartGrowsWithoutJumps) {
  const auto s = test::served(test::catalog_machine("dgx-h200", 16), test::catalog_model("llama-3.3-70b"), test::catalog_serving("vllm"), "weights=fp8,prefill.tp=4,prefill.instances=1,decode.tp=4,decode.instances=1");
  for (const double ratio : {0.25, 1.0, 3.0}) {
    const auto at = [&](double c) { return steady_disaggregated(s.pools[0], s.pools[1], *s.hand_over, *s.software, ratio, {.concurrency = c, .input = 4000, .output = 100}); };
    Steady before = at(1);
    for (double c = 1.25; c <= 64; c *= 1.0625) {
      const Steady now = at(c);
      EXPECT_GE(now.output_tokens_per_s, before.output_tokens_per_s * (1 - 1e-6)) << ratio << " " << c;
      EXPECT_LE(now.output_tokens_per_s, before.output_tokens_per_s * 1.26) << ratio << " " << c;
      EXPECT_GE(now.ttft.si(), before.ttft.si() * (1 - 1e-6)) << ratio << " " << c;
      EXPECT_LE(now.prefill_utilisation, 1 + 1e-9);
      before = now;
    }
    EXPECT_NEAR(before.prefill_utilisation, 1, ratio < 2 ? 1e-6 : 0.2);
    const Steady most = at(64);
    if (ratio < 2) { EXPECT_NEAR(most.output_tokens_per_s / 100 * (most.ttft - most.tpot).si() + most.running, 64, 1e-3); }  // the first step is decoding
  }
}

}  // namespace
}  // namespace zettatwin::inference
