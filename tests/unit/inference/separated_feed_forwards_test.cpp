// SPDX-License-Identifier: Apache-2.0
// Attention and feed-forwards on chips of their own, by hand on the toy machine.
#include <gtest/gtest.h>

#include <string>

#include "served.hpp"

namespace zettatwin::inference {
namespace {

using test::free_software;
using test::served;
using test::Toy;
using test::toy_machine;
using test::toy_model;

double of(const Parts& parts, Part part) { return parts[static_cast<std::size_t>(part)]; }

TEST(SeparatedFeedForwards, TheBusierSideShows) {
  Toy toy;
  toy.levels = {{"node", 8}};
  const auto s = served(toy_machine(toy), toy_model(test::kToyExperts), free_software(), "dp=2,ffn_chips=4,load.kind=balanced,microbatches=2,instances=1");
  EXPECT_EQ(s.pools[0].chips_per_instance, 6);
  const auto parts = s.pools[0].timer->parts({.sequences = 256, .cached = 25600, .chunks = {}});
  EXPECT_EQ(of(parts, Part::experts), 0);
  EXPECT_GE(of(parts, Part::idle), 0);
  EXPECT_GT(of(parts, Part::attention), 0);
}

// Attention's side need not be a divisor of the instance: its groups are its own.
TEST(SeparatedFeedForwards, OfAnySizeLeaveAttentionItsLinks) {
  Toy toy;
  const auto all_reduce = [&](std::int64_t node, const std::string& text) {
    toy.levels = {{"node", node, 1e12, 0}, {"cluster", 8, 1e9, 0}};
    const auto s = served(toy_machine(toy), toy_model(test::kToyExperts), free_software(), text + ",load.kind=balanced,instances=1");
    return of(s.pools[0].timer->parts({.sequences = 256, .cached = 25600, .chunks = {}}), Part::all_reduce);
  };
  const double inside = all_reduce(16, "tp=4,dp=2,ffn_chips=8");
  EXPECT_GT(inside, 0);
  for (const auto* ffn : {"1", "2", "4"}) EXPECT_NEAR(all_reduce(16, std::string("tp=4,dp=2,ffn_chips=") + ffn), inside, 1e-12 * inside) << ffn;
  // 4 and 2 chips are 3 on each of two nodes, whose border cuts attention into pieces of one.
  const double cut = all_reduce(4, "tp=4,dp=1,ffn_chips=2");
  EXPECT_GT(cut, 100 * all_reduce(4, "tp=4,dp=1,ffn_chips=4"));
  // Stages one after the other on one node.
  const double stages = all_reduce(16, "tp=4,pp=2,ffn_chips=2");
  EXPECT_NEAR(stages, all_reduce(16, "tp=4,pp=2,ffn_chips=4"), 1e-12 * stages);
}

}  // namespace
}  // namespace zettatwin::inference
