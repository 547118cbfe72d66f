// SPDX-License-Identifier: Apache-2.0
// The automatic plan against every plan of a small space.
#include "../../support/thinning.hpp"
#include "../../support/toy.hpp"
#include "search/auto_plan.hpp"

namespace zettatwin::search {
namespace {

using plan::Plan;
using plan::ScheduleKind;

// All plans of the sizes and policies that the search may choose, on powers of two.
std::vector<Plan> all_plans(const training::Job& job, const Plan& base) {
  std::vector<Plan> plans;
  const bool experts = job.architecture.kinds.back().experts.has_value();
  for (const std::int64_t tp : {1, 2, 4, 8})
    for (const std::int64_t pp : {1, 2, 4, 8, 16})
      for (const std::int64_t cp : {1, 2})
        for (const std::int64_t ep : experts ? std::vector<std::int64_t>{1, 2, 4, 8} : std::vector<std::int64_t>{1})
          for (const std::int64_t micro_batch : {1, 2, 4, 8})
            for (const auto recompute : {plan::Recompute::none, plan::Recompute::selective, plan::Recompute::full})
              for (const std::int64_t zero : {1, 3})
                for (const auto& [schedule, vpp] : {std::pair<ScheduleKind, std::int64_t>{ScheduleKind::one_f_one_b, 1}, {ScheduleKind::interleaved, 2}, {ScheduleKind::interleaved, 4},
                                                    {ScheduleKind::zb_v, 1}, {ScheduleKind::dualpipe_v, 1}}) {
                  if (pp == 1 && schedule != ScheduleKind::one_f_one_b) continue;
                  if (schedule == ScheduleKind::dualpipe_v && !experts) continue;
                  if (tp * pp * cp > job.machine.chips()) continue;
                  Plan p = base;
                  p.tp = tp;
                  p.pp = pp;
                  p.cp = cp;
                  p.ep = ep;
                  p.micro_batch = micro_batch;
                  p.recompute = recompute;
                  p.zero = zero;
                  p.schedule = schedule;
                  p.vpp = vpp;
                  p.overlap.ep = schedule == ScheduleKind::dualpipe_v;
                  plans.push_back(p);
                }
  return plans;
}

struct Best {
  double seconds = 1e300;
  Plan plan;
};

Best brute_force(const training::Job& job, const Plan& base) {
  Best best;
  const auto plans = all_plans(job, base);
  for (std::size_t i = 0; i < plans.size(); i += test::kThinning) {
    training::Job candidate = job;
    candidate.plan = plans[i];
    candidate.whole_step = false;  // thousands of plans: each pass alone
    config::Diagnostics ignored;
    const auto r = training::estimate(candidate, config::location_in("test"), ignored);
    if (!r || !r->feasible) continue;
    const double seconds = r->step_time.seconds().si();
    if (seconds < best.seconds) best = {seconds, plans[i]};
  }
  return best;
}

struct Case {
  const char* machine;
  const char* model;
  std::int64_t chips;
  std::int64_t batch;
};

class BruteForce : public ::testing::TestWithParam<Case> {};

TEST_P(BruteForce, TheAutomaticPlanIsNearTheBest) {
  const auto& [machine, model, chips, batch] = GetParam();
  training::Job job{.machine = test::catalog_machine(machine, chips), .architecture = test::catalog_model(model), .chips = chips, .software = test::catalog_software()};
  job.plan.global_batch = batch;
  config::Diagnostics diagnostics;
  const auto choice = choose_plan(job, {.sizes = true}, config::location_in("test"), diagnostics);
  ASSERT_TRUE(choice) << test::text_of(diagnostics);
  Plan base;
  base.global_batch = batch;
  base.recipe = choice->plan.recipe;
  const auto best = brute_force(job, base);
  ASSERT_EQ(choice->feasible, best.seconds < 1e300) << "feasible exactly if some plan is";
  if (!choice->feasible) return;
  training::Job chosen = job;
  chosen.plan = choice->plan;
  chosen.whole_step = false;
  const auto step = test::answer(chosen).step_time.seconds().si();
  const auto& b = best.plan;
  EXPECT_LE(step, 1.05 * best.seconds) << fmt::format("best: tp {} pp {} cp {} ep {} micro_batch {} recompute {} zero {} schedule {} vpp {}; chosen: tp {} pp {} cp {} ep {} micro_batch {} recompute {} zero {} "
                                                      "schedule {} vpp {}", b.tp, b.pp, b.cp, b.ep, b.micro_batch, static_cast<int>(b.recompute), b.zero, static_cast<int>(b.schedule), b.vpp,
                                                      choice->plan.tp, choice->plan.pp, choice->plan.cp, choice->plan.ep, choice->plan.micro_batch, static_cast<int>(choice->plan.recompute),
                                                      choice->plan.zero, static_cast<int>(choice->plan.schedule), choice->plan.vpp);
}

INSTANTIATE_TEST_SUITE_P(Small, BruteForce,
                         ::testing::Values(Case{"dgx-h100", "llama-3.1-8b", 8, 64}, Case{"dgx-h100", "llama-3.1-8b", 16, 64}, Case{"dgx-h100", "llama-3.1-70b", 64, 256}, Case{"dgx-h100", "mixtral-8x7b", 32, 256},
                                           Case{"dgx-a100", "gpt3-20b", 32, 128}, Case{"dgx-a100", "llama-13b", 16, 128}, Case{"dgx-h100", "qwen3-30b-a3b", 32, 512}, Case{"gb200-nvl72", "mixtral-8x22b", 72, 144}));

}  // namespace
}  // namespace zettatwin::search
