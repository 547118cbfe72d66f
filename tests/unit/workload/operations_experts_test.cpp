// SPDX-License-Identifier: Apache-2.0
// A mixture-of-experts layer under expert parallelism.
#include <algorithm>

#include "operations_fixture.hpp"

namespace zettatwin::workload {
namespace {

using namespace testing;
using compute::Gemm;
using compute::GroupedGemm;
using Names = std::vector<std::string>;

TEST(ExpertOperations, OnOneRank) {
  const auto ops = layer_of(expert_model(), {});
  const auto names = names_of(ops.forward);
  EXPECT_EQ(Names(names.begin() + 6, names.end()),
            (Names{"norm", "residual", "router", "routing", "shared expert up projection", "activation", "shared expert down projection", "permutation", "expert up projection",
                   "expert activation", "expert down projection", "unpermutation"}));
  EXPECT_EQ(text(work_of<Gemm>(ops.forward, "router")), "4096 x 16 x 1024");
  EXPECT_EQ(text(work_of<Gemm>(ops.forward, "shared expert up projection")), "4096 x 2048 x 1024");
  const auto& up = work_of<GroupedGemm>(ops.forward, "expert up projection");
  EXPECT_EQ(up.experts, 16);
  EXPECT_EQ(up.rows_total, 4 * kTokens) << "four copies of each token";
  EXPECT_EQ(up.n, 1024) << "gate and up";
  EXPECT_EQ(up.k, 1024);
  const auto& down = work_of<GroupedGemm>(ops.forward, "expert down projection");
  EXPECT_EQ(down.n, 1024);
  EXPECT_EQ(down.k, 512);
  EXPECT_EQ(bytes_of(ops.forward, "permutation"), 2 * (kTokens + 4 * kTokens) * 1024) << "reads tokens, writes copies";
  EXPECT_EQ(bytes_of(ops.forward, "expert activation"), 6 * 4 * kTokens * 512);
}

// 12 bytes forward and 16 backward per feature of each copy.
TEST(ExpertOperations, BiasesOfExpertsAreKernelsOfTheirOwn) {
  auto model = expert_model();
  for (auto& kind : model.kinds)
    if (kind.experts) kind.experts->bias = true;
  const auto ops = layer_of(model, {});
  EXPECT_EQ(bytes_of(ops.forward, "expert bias"), 12 * 4 * kTokens * 1024);
  EXPECT_EQ(bytes_of(ops.backward_input, "expert bias"), 16 * 4 * kTokens * 1024);
  const auto names = names_of(ops.forward);
  EXPECT_EQ(std::find(names.begin(), names.end(), "expert bias") - std::find(names.begin(), names.end(), "expert down projection"), 1);
}

TEST(ExpertOperations, ExpertParallelDispatchesCopies) {
  const auto ops = layer_of(expert_model(), {.ep = 8});
  const auto& up = work_of<GroupedGemm>(ops.forward, "expert up projection");
  EXPECT_EQ(up.experts, 2);
  EXPECT_EQ(up.rows_total, 4 * kTokens) << "each rank gets as many copies as it sends";
  const auto& dispatch = work_of<Communication>(ops.forward, "dispatch");
  EXPECT_EQ(dispatch.op, network::Collective::all_to_all);
  EXPECT_EQ(dispatch.group, Group::expert);
  EXPECT_EQ(dispatch.bytes.si(), 4 * kTokens * 1024 * 2);
  EXPECT_EQ(dispatch.tokens_sent, kTokens);
  EXPECT_EQ(dispatch.bytes_per_token.si(), 1024 * 2);
  EXPECT_EQ(named(ops.forward, "dispatch").hiding, Hiding::none);
  EXPECT_EQ(bytes_of(ops.forward, "combine"), 4 * kTokens * 1024 * 2);
  const auto back = names_of(ops.backward_input);
  const auto at = [&](std::string_view name) { return std::find(back.begin(), back.end(), name) - back.begin(); };
  EXPECT_LT(at("combine backward"), at("expert down projection")) << "output gradients go to the experts first";
  EXPECT_LT(at("expert up projection"), at("dispatch backward"));
}

TEST(ExpertOperations, Fp8HalvesDispatchButNotCombine) {
  const auto ops = layer_of(expert_model(), {.ep = 8, .recipe = plan::Recipe::fp8_block});
  const double scaled = 1.0 + 1.0 / 32;  // with a scale per 32 values
  EXPECT_DOUBLE_EQ(bytes_of(ops.forward, "dispatch"), 4 * kTokens * 1024 * scaled);
  EXPECT_EQ(bytes_of(ops.forward, "combine"), 4 * kTokens * 1024 * 2);
  EXPECT_DOUBLE_EQ(bytes_of(ops.backward_input, "combine backward"), 4 * kTokens * 1024 * scaled) << "gradients on the way to the experts";
  EXPECT_EQ(bytes_of(ops.backward_input, "dispatch backward"), 4 * kTokens * 1024 * 2);
}

TEST(ExpertOperations, SequenceParallelRanksRouteTheirOwnTokens) {
  const auto ops = layer_of(expert_model(), {.tp = 2, .ep = 8});
  EXPECT_EQ(text(work_of<Gemm>(ops.forward, "router")), "2048 x 16 x 1024");
  EXPECT_EQ(work_of<Communication>(ops.forward, "dispatch").tokens_sent, kTokens / 2);
  EXPECT_EQ(work_of<GroupedGemm>(ops.forward, "expert up projection").rows_total, 4 * kTokens / 2);
  EXPECT_EQ(text(work_of<Gemm>(ops.forward, "shared expert up projection")), "4096 x 1024 x 1024") << "the shared expert is tensor parallel";
}

TEST(ExpertOperations, ExpertTensorParallelGathersCopies) {
  const auto ops = layer_of(expert_model(), {.tp = 2, .ep = 4, .etp = 2});
  const auto& up = work_of<GroupedGemm>(ops.forward, "expert up projection");
  EXPECT_EQ(up.experts, 4);
  EXPECT_EQ(up.rows_total, 4 * kTokens) << "copies of both ranks of the group";
  EXPECT_EQ(up.n, 512) << "half of gate and up";
  const auto& gather = work_of<Communication>(ops.forward, "all-gather of expert inputs");
  EXPECT_EQ(gather.group, Group::expert_tensor);
  EXPECT_EQ(gather.bytes.si(), 4 * kTokens * 1024 * 2);
  EXPECT_EQ(work_of<Communication>(ops.forward, "reduce-scatter of expert outputs").op, network::Collective::reduce_scatter);
}

// Schedules that pair passes play the other microbatch themselves; under others a pass stands for its neighbour, which is alike.
TEST(ExpertOperations, ExpertsWaitForTheirTokensUnlessAnotherMicrobatchRunsBeside) {
  for (const auto& [overlap, schedule, hiding] : {std::tuple(false, plan::ScheduleKind::one_f_one_b, Hiding::none), std::tuple(true, plan::ScheduleKind::dualpipe, Hiding::none),
                                                  std::tuple(true, plan::ScheduleKind::one_f_one_b, Hiding::background)}) {
    plan::Plan plan{.ep = 8, .schedule = schedule};
    plan.overlap.ep = overlap;
    const auto ops = layer_of(expert_model(), plan);
    for (const auto* name : {"dispatch", "combine"}) EXPECT_EQ(named(ops.forward, name).hiding, hiding) << name;
  }
}

TEST(ExpertOperations, ImbalanceReachesTheOperations) {
  const auto ops = layer_of(expert_model(), {.ep = 8, .expert_imbalance = 1.5});
  EXPECT_EQ(work_of<GroupedGemm>(ops.forward, "expert up projection").imbalance, 1.5);
}

TEST(ExpertOperations, TheRouterStaysInHighPrecision) {
  const auto ops = layer_of(expert_model(), {.recipe = plan::Recipe::fp8_block});
  EXPECT_EQ(work_of<Gemm>(ops.forward, "router").precision, hardware::Precision::bf16);
  EXPECT_EQ(work_of<GroupedGemm>(ops.forward, "expert up projection").precision, hardware::Precision::fp8);
}

TEST(ExpertOperations, WithoutSharedExperts) {
  const auto ops = layer_of(expert_model(0), {.tp = 2});
  for (const auto& name : names_of(ops.forward)) EXPECT_EQ(name.find("shared"), std::string::npos) << name;
}

}  // namespace
}  // namespace zettatwin::workload
