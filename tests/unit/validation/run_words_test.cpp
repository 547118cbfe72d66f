// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "validation/run_words.hpp"

namespace zettatwin::validation {
namespace {

TEST(RunWords, OneDeployment) {
  const auto words = parallel_words("agg TP8 DP1 moeTP8 EP1");
  EXPECT_FALSE(words.apart);
  EXPECT_EQ(words.whole.tp, 8);
  EXPECT_EQ(words.whole.dp, 1);
  EXPECT_EQ(words.whole.expert_tp, 8);
  EXPECT_EQ(words.whole.ep, 1);
}

TEST(RunWords, PromptsAndOutputsApart) {
  const auto words = parallel_words("P: 10x(TP4 DP1 EP1) bs1; D: 1x(TP1 DP32 EP32) bs64");
  EXPECT_TRUE(words.apart);
  EXPECT_EQ(words.prefill.instances, 10);
  EXPECT_EQ(words.prefill.tp, 4);
  EXPECT_EQ(words.decode.instances, 1);
  EXPECT_EQ(words.decode.dp, 32);
  EXPECT_EQ(words.decode.ep, 32);
  EXPECT_EQ(words.decode.batch, 64);
  EXPECT_FALSE(words.whole.says_sizes());
}

TEST(RunWords, WordsOfOnePhase) {
  const auto words = parallel_words("PD; decode EP144 DP144 (2 routed+1 shared/GPU)");
  EXPECT_TRUE(words.apart);
  EXPECT_EQ(words.decode.ep, 144);
  EXPECT_EQ(words.decode.dp, 144);
  EXPECT_FALSE(words.prefill.says_sizes());
}

TEST(RunWords, InstancesOfBothPhasesInOneWord) {
  const auto words = parallel_words("1P1D TP8, 8x400G RoCE");
  EXPECT_TRUE(words.apart);
  EXPECT_EQ(words.prefill.instances, 1);
  EXPECT_EQ(words.decode.instances, 1);
  EXPECT_EQ(words.whole.tp, 8);
  EXPECT_EQ(words.whole.instances, 0);
}

TEST(RunWords, ShortForms) {
  EXPECT_EQ(parallel_words("DEP4").whole.dp, 4);
  EXPECT_EQ(parallel_words("DEP4").whole.ep, 4);
  EXPECT_EQ(parallel_words("TEP8 vLLM").whole.tp, 8);
  EXPECT_EQ(parallel_words("TEP8 vLLM").whole.ep, 8);
  EXPECT_TRUE(parallel_words("DP attn + EP4").whole.data_attention);
  EXPECT_EQ(parallel_words("DP attn + EP4").whole.ep, 4);
  const auto spread = parallel_words("EP8x2 CX7");
  EXPECT_EQ(spread.whole.ep, 16);
  EXPECT_EQ(spread.whole.nodes, 2);
}

TEST(RunWords, WhatStepsDo) {
  EXPECT_TRUE(parallel_words("EP128 TP1, two-microbatch overlap").two_batches);
  EXPECT_TRUE(parallel_words("decode EP320 (1 expert/die), 2-microbatch, MTP").speculates);
  EXPECT_EQ(parallel_words("TP8 EP2, MTP3").draft, 3);
  EXPECT_FALSE(parallel_words("TP8").speculates);
}

TEST(RunWords, TextWithoutWordsSaysNothing) {
  for (const char* text : {"", "vLLM 0.19.0", "NVLS", ":;()", "x", "P:", "99999999999999999999x("}) {
    const auto words = parallel_words(text);
    EXPECT_FALSE(words.whole.says_sizes()) << text;
    EXPECT_FALSE(words.prefill.says_sizes()) << text;
  }
}

TEST(RunWords, Products) {
  EXPECT_EQ(product_words("m3328 n2560 k65536")->n, 2560);
  EXPECT_EQ(product_words("m=n=k=8192")->m, 8192);
  EXPECT_EQ(product_words("m=n=k=8192")->k, 8192);
  EXPECT_FALSE(product_words("m128 n64"));
  EXPECT_FALSE(product_words(""));
}

TEST(RunWords, FiguresBehindWords) {
  const auto ttft = figure_after("TTFT 61.3 ms; derived output ~549 tok/s/GPU = conc*OSL", "TTFT");
  ASSERT_TRUE(ttft);
  EXPECT_DOUBLE_EQ(ttft->value, 61.3);
  EXPECT_EQ(ttft->unit, "ms");
  EXPECT_DOUBLE_EQ(figure_after("derived output ~549 tok/s/GPU = x", "derived output")->value, 549);
  EXPECT_EQ(figure_after("derived output ~549 tok/s/GPU = x", "derived output")->unit, "tok/s/GPU");
  EXPECT_DOUBLE_EQ(figure_after("=> TPOT ~45-50 ms", "TPOT")->value, 47.5);
  EXPECT_DOUBLE_EQ(figure_after("TPOT < 50 ms", "TPOT")->value, 50);
  EXPECT_FALSE(figure_after("TPOT of the run", "TPOT"));
  EXPECT_FALSE(figure_after("", "TPOT"));
}

TEST(RunWords, FirstNumbers) {
  EXPECT_DOUBLE_EQ(*first_number("at 125 tok/s/user"), 125);
  EXPECT_DOUBLE_EQ(*first_number("16K tokens/GPU"), 16384);
  EXPECT_DOUBLE_EQ(*first_number("723-808"), 765.5);
  EXPECT_DOUBLE_EQ(*first_number("~275-301"), 288);
  EXPECT_FALSE(first_number("see config"));
}

TEST(RunWords, SizesAsOthersWriteThem) {
  for (const auto* text : {"TP=8, EP=16", "EP16 TP8", "tp: 8 ep: 16", "tensor parallel 8, expert parallel 16", "tensor_parallel=8 expert_parallel=16", "TP-8 EP-16"}) {
    const auto words = parallel_words(text);
    EXPECT_EQ(words.whole.tp, 8) << text;
    EXPECT_EQ(words.whole.ep, 16) << text;
  }
  EXPECT_EQ(first_number("1,024"), 1024);
  EXPECT_EQ(first_number("16k"), 16384);
  EXPECT_EQ(first_number("16 kg"), 16);
  EXPECT_EQ(first_number("8,16,32"), 8) << "a list";
}

}  // namespace
}  // namespace zettatwin::validation
