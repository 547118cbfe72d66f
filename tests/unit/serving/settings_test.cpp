// SPDX-License-Identifier: Apache-2.0
#include "serving/engine_settings.hpp"

#include <gtest/gtest.h>

#include "config/document.hpp"

namespace {

using namespace zettatwin;
using serving::EngineSettings;

EngineSettings read(const std::string& text, config::Diagnostics& diagnostics) {
  EngineSettings settings;
  const auto node = config::parse_document(text, "engine.yaml", diagnostics);
  if (node) config::read(*node, "engine", config::FigureForm::bare_allowed, diagnostics, settings);
  return settings;
}

TEST(EngineSettings, AreRead) {
  config::Diagnostics diagnostics;
  const auto s = read("policy: prefill_first\nadmission: expected\nmax_sequences: 64\ntiers: [{name: host, blocks: 1000, latency: 20 us, tokens_per_s: 1.0e6}]\n"
                      "speculation: {draft: 2, acceptance: [0.85, 0.6], mode: drawn}\n", diagnostics);
  EXPECT_FALSE(diagnostics.has_errors());
  EXPECT_EQ(s.policy, serving::Policy::prefill_first);
  EXPECT_EQ(s.admission, serving::Admission::expected);
  EXPECT_EQ(s.max_sequences, 64);
  ASSERT_EQ(s.tiers.size(), 1U);
  EXPECT_DOUBLE_EQ(s.tiers[0].latency.si(), 20e-6);
  EXPECT_DOUBLE_EQ(s.speculation.mean_tokens_per_step(), 1 + 0.85 + 0.85 * 0.6);
}

TEST(EngineSettings, SayWhatCannotBe) {
  for (const auto* text : {"policy: fastest", "max_tokens: 10\nmax_sequences: 20", "prefix_tokens: 40", "preemption: swap", "speculation: {draft: 2}", "speculation: {draft: 1, acceptance: [1.2]}",
                           "speculation: {draft: 1, acceptance: [most]}", "watermark: 2", "block_tokens: 0", "max_sequences: 0", "poll_steps: 0", "hold: {share: 2}", "stream_tokens: 0"}) {
    config::Diagnostics diagnostics;
    (void)read(text, diagnostics);
    EXPECT_TRUE(diagnostics.has_errors()) << text;
  }
}

TEST(Speculation, YieldsOneAndTheAcceptedOnes) {
  EXPECT_DOUBLE_EQ((serving::Speculation{.draft = 0, .acceptance = {}}.mean_tokens_per_step()), 1);
  EXPECT_DOUBLE_EQ((serving::Speculation{.draft = 3, .acceptance = {0.5}}.mean_tokens_per_step()), 1.875);
}

}  // namespace
