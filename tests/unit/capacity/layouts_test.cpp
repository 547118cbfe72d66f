// SPDX-License-Identifier: Apache-2.0
// The layouts that a search tries: by hand for a node, and rules that all of them keep.
#include "capacity/layouts.hpp"

#include <set>
#include <tuple>

#include "cases.hpp"

namespace zettatwin::capacity {
namespace {

using Sizes = std::tuple<std::int64_t, std::int64_t, std::int64_t>;  // tp, dp, ep

std::set<Sizes> sizes_of(const std::vector<inference::Pool>& pools) {
  std::set<Sizes> sizes;
  for (const auto& pool : pools) sizes.insert({pool.tp, pool.dp, pool.ep});
  return sizes;
}

TEST(Layouts, OfADenseModelAreTensorParallel) {
  const auto found = layouts(test::catalog_machine("dgx-h100", 64), test::catalog_model("llama-3.1-70b"), {}, 64);
  EXPECT_EQ(sizes_of(found), (std::set<Sizes>{{1, 1, 0}, {2, 1, 0}, {4, 1, 0}, {8, 1, 0}})) << "a node joins eight chips; replicas are instances of their own";
}

TEST(Layouts, OfAMixtureInANodeByHand) {
  const auto found = layouts(test::catalog_machine("dgx-h100", 8), test::catalog_model("mixtral-8x7b"), {}, 8);
  const std::set<Sizes> expected{{1, 1, 0}, {2, 1, 0}, {2, 1, 2}, {1, 2, 0}, {4, 1, 0}, {4, 1, 4}, {2, 2, 0}, {1, 4, 0}, {8, 1, 0}, {8, 1, 8}, {4, 2, 0}, {2, 4, 0}, {1, 8, 0}};
  EXPECT_EQ(sizes_of(found), expected);
}

TEST(Layouts, WholeRacksOf72GetCopiesOfExperts) {
  const auto model = test::catalog_model("deepseek-v3");
  bool rack = false;
  for (const auto& pool : layouts(test::catalog_machine("gb200-nvl72", 144), model, {}, 144)) {
    EXPECT_EQ((256 + pool.redundant_experts) % pool.expert_parallel(model), 0);
    if (pool.tp * pool.dp == 72 && pool.dp > 1) {
      rack = true;
      EXPECT_EQ(pool.redundant_experts, 32) << "288 experts on 72 chips";
    }
  }
  EXPECT_TRUE(rack);
}

TEST(Layouts, StagesAreAddedAsFarAsChipsAndLayersGo) {
  const auto model = test::catalog_model("llama-3.1-70b");
  inference::Pool pair, wide;
  pair.tp = 2;
  wide.tp = 8;
  std::set<std::pair<std::int64_t, std::int64_t>> sizes;  // tp, pp
  for (const auto& pool : with_stages({pair, wide}, model, 16)) sizes.insert({pool.tp, pool.pp});
  const std::set<std::pair<std::int64_t, std::int64_t>> expected{{2, 1}, {2, 2}, {2, 4}, {2, 8}, {8, 1}, {8, 2}};
  EXPECT_EQ(sizes, expected);
  auto shallow = model;
  shallow.runs = {{.count = 3, .kind = 0}};
  EXPECT_EQ(with_stages({pair}, shallow, 16).size(), 2u) << "three layers make no four stages";
}

TEST(Layouts, SuitModelAndChips) {
  for (const auto* name : {"llama-3.1-8b", "qwen3-235b-a22b", "deepseek-v3", "gpt-oss-120b"})
    for (const auto* machine_name : {"dgx-h200", "atlas-950-superpod", "cloudmatrix384"}) {
      const auto machine = test::catalog_machine(machine_name, 0);
      const auto model = test::catalog_model(name);
      const auto found = layouts(machine, model, {}, 96);
      EXPECT_FALSE(found.empty());
      for (const auto& pool : found) {
        EXPECT_LE(pool.chips(), 96);
        EXPECT_EQ(model.kinds.front().attention.heads % pool.tp, 0) << name;
      }
    }
}

}  // namespace
}  // namespace zettatwin::capacity
