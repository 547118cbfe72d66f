// SPDX-License-Identifier: Apache-2.0
#include "inference/software.hpp"

#include <gtest/gtest.h>

#include "served.hpp"

namespace zettatwin::inference {
namespace {

TEST(Software, EveryProfileOfTheCatalogReads) {
  const auto names = test::CatalogFiles{}.list("serving");
  EXPECT_GE(names.size(), 8u);
  for (const auto& name : names) EXPECT_FALSE(test::catalog_serving(name).title.empty()) << name;
}

TEST(Software, BatchesArePaddedToCapturedSizes) {
  Software s;
  s.graph_max = 512;
  EXPECT_EQ(s.padded(1), 1);
  EXPECT_EQ(s.padded(3), 4);
  EXPECT_EQ(s.padded(9), 16);
  EXPECT_EQ(s.padded(512), 512);
  EXPECT_EQ(s.padded(513), 513);  // without a graph
  EXPECT_FALSE(s.captured(513));
  s.graph_sizes = {1, 5, 50};
  EXPECT_EQ(s.padded(2), 5);
  EXPECT_EQ(s.padded(51), 51);
  s.graphs = false;
  EXPECT_EQ(s.padded(2), 2);
}

TEST(Software, ChangesInPlaceExtendAProfile) {
  config::Diagnostics diagnostics;
  const auto node = config::parse_document("{extends: sglang, host_step: 3 ms, engine: {max_tokens: 4096}}", "s.yaml", diagnostics);
  const auto s = software_from(test::CatalogFiles{}, *node, diagnostics);
  ASSERT_TRUE(s) << test::text_of(diagnostics);
  EXPECT_DOUBLE_EQ(s->host_step.si(), 3e-3);
  EXPECT_EQ(s->engine.max_tokens, 4096);
  EXPECT_EQ(s->engine.policy, serving::Policy::prefill_first);
  EXPECT_FALSE(software_from(test::CatalogFiles{}, *config::parse_document("sglangg", "s.yaml", diagnostics), diagnostics));
}

}  // namespace
}  // namespace zettatwin::inference
