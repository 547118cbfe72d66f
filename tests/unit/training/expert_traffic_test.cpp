// SPDX-License-Identifier: Apache-2.0
// How many units a token's copies reach, against exact enumeration, and the bytes that follow from it.
#include <bit>

#include "../../support/toy.hpp"
#include "training/operation_timer.hpp"

namespace zettatwin::training {
namespace {

// Mean over all choices of k of E experts, in all choices of groups, of the units that hold one of them, the token's own unit 0 always counted.
double enumerated(std::int64_t units, const Routing& r) {
  const auto per_unit = r.experts / units, per_group = r.experts / r.groups;
  const auto limit = r.group_limit > 0 ? r.group_limit : r.groups;
  double sum = 0, choices = 0;
  for (std::uint32_t open = 0; open < (1u << r.groups); ++open) {
    if (std::popcount(open) != limit) continue;
    for (std::uint32_t chosen = 0; chosen < (1u << r.experts); ++chosen) {
      if (std::popcount(chosen) != r.top_k) continue;
      std::uint32_t reached = 1;
      bool allowed = true;
      for (std::int64_t e = 0; e < r.experts; ++e)
        if (chosen >> e & 1) {
          reached |= 1u << (e / per_unit);
          allowed = allowed && (open >> (e / per_group) & 1);
        }
      if (!allowed) continue;
      sum += std::popcount(reached);
      choices += 1;
    }
  }
  return sum / choices;
}

TEST(ExpectedUnits, EqualEnumeration) {
  for (const std::int64_t experts : {4, 8, 12})
    for (std::int64_t units = 1; units <= experts; ++units) {
      if (experts % units != 0) continue;
      for (std::int64_t k = 1; k <= std::min<std::int64_t>(experts, 8); ++k) {
        const Routing routing{.experts = experts, .top_k = k};
        EXPECT_NEAR(expected_units_reached(units, routing), enumerated(units, routing), 1e-12) << units << " of " << experts << " choose " << k;
      }
    }
}

TEST(ExpectedUnits, EqualEnumerationWithLimitedGroups) {
  for (const std::int64_t units : {2, 4, 8})
    for (const std::int64_t limit : {1, 2, 3, 4})
      for (std::int64_t k = 1; k <= 2 * limit; ++k) {
        const Routing routing{.experts = 8, .top_k = k, .groups = 4, .group_limit = limit};
        EXPECT_NEAR(expected_units_reached(units, routing), enumerated(units, routing), 1e-12) << units << " units, " << k << " experts from " << limit << " groups";
      }
}

TEST(ExpectedUnits, Limits) {
  EXPECT_EQ(expected_units_reached(1, {.experts = 256, .top_k = 8}), 1);
  EXPECT_EQ(expected_units_reached(8, {.experts = 8, .top_k = 8}), 8) << "all experts are chosen";
  EXPECT_LE(expected_units_reached(256, {.experts = 256, .top_k = 8}), 9) << "at most one unit per copy besides the own";
  EXPECT_LT(expected_units_reached(8, {.experts = 256, .top_k = 8}), expected_units_reached(32, {.experts = 256, .top_k = 8}));
  // DeepSeek-V3 on eight nodes: four of the eight are picked, the own one as likely as any, so that at most 4 x 7/8 others are reached; 8 of 128
  // experts miss one of the four with C(96, 8) / C(128, 8) = 0.0926.
  const double others = expected_units_reached(8, {.experts = 256, .top_k = 8, .groups = 8, .group_limit = 4}) - 1;
  EXPECT_LT(others, 3.5);
  EXPECT_NEAR(others, 3.5 * (1 - 0.0926), 1e-3);
}

struct Placed {
  Job job;
  plan::Placement placement;
};

Placed placed(Job job) {
  config::Diagnostics diagnostics;
  auto placement = plan::place(job.plan, job.machine, job.chips, config::location_in("test"), diagnostics);
  EXPECT_TRUE(placement) << test::text_of(diagnostics);
  return {std::move(job), placement.value_or(plan::Placement{})};
}

workload::Communication dispatch(double tokens, double top_k) {
  return {.op = network::Collective::all_to_all, .group = workload::Group::expert, .bytes = units::Bytes::from_si(tokens * top_k * 1024),
          .tokens_sent = tokens, .bytes_per_token = units::Bytes::from_si(1024)};
}

TEST(Dispatch, SendsACopyToEachUnitOnce) {
  // Two nodes of two chips, eight experts, two per token.
  auto job = test::toy_job({.levels = {{"node", 2}, {"cluster", 2}}}, test::kToyExperts);
  job.plan.ep = 4;
  job.plan.global_batch = 4;
  const auto [j, placement] = placed(job);
  const OperationTimer timer(j.machine.chip, j.plan, placement, j.architecture);
  const auto request = timer.request(dispatch(1000, 2));
  ASSERT_EQ(request.bytes_across_level.size(), 2u);
  // Reached of four chips: 1 + 3 (1 - C(6,2)/C(8,2)); of two nodes: 1 + (1 - C(4,2)/C(8,2)).
  const double chips = 1 + 3 * (1 - 15.0 / 28), nodes = 1 + (1 - 6.0 / 28);
  EXPECT_NEAR(request.bytes_across_level[1].si(), 1000 * (nodes - 1) * 1024, 1e-6) << "to the other node";
  EXPECT_NEAR(request.bytes_across_level[0].si(), 1000 * (chips - nodes) * 1024, 1e-6) << "inside the nodes";
}

TEST(Dispatch, NeverSendsMoreThanTheCopies) {
  for (const std::int64_t ep : {2, 4, 8}) {
    auto job = test::toy_job({.levels = {{"node", 2}, {"cluster", 4}}}, test::kToyExperts);
    job.plan.ep = ep;
    job.plan.global_batch = 8;
    const auto [j, placement] = placed(job);
    const OperationTimer timer(j.machine.chip, j.plan, placement, j.architecture);
    double sent = 0;
    for (const auto bytes : timer.request(dispatch(1000, 2)).bytes_across_level) {
      EXPECT_GE(bytes.si(), 0);
      sent += bytes.si();
    }
    EXPECT_LE(sent, 1000 * 2 * 1024);
  }
}

TEST(OperationTimer, GroupsHaveTheSizesOfThePlan) {
  auto job = test::toy_job({.levels = {{"node", 8}, {"cluster", 8}}}, test::kToyExperts);
  job.plan = {.tp = 2, .cp = 2, .ep = 4, .pp = 2, .zero = 1, .zero_group = 4, .global_batch = 8};
  const auto [j, placement] = placed(job);
  ASSERT_EQ(placement.dp, 8);
  const OperationTimer timer(j.machine.chip, j.plan, placement, j.architecture);
  using workload::Group;
  EXPECT_EQ(timer.group_size(Group::tensor), 2);
  EXPECT_EQ(timer.group_size(Group::context), 2);
  EXPECT_EQ(timer.group_size(Group::expert), 4);
  EXPECT_EQ(timer.group_size(Group::pipeline), 2);
  EXPECT_EQ(timer.group_size(Group::shard), 4) << "of the 16 replicas";
  EXPECT_EQ(timer.group_size(Group::replica), 4);
  EXPECT_EQ(timer.group_size(Group::expert_shard) * timer.group_size(Group::expert_replica), 8) << "2 x 2 x 8 ranks hold 8 copies of each expert";
  EXPECT_EQ(timer.group_size(Group::expert_shard), 2) << "shrunk in proportion";
}

}  // namespace
}  // namespace zettatwin::training
