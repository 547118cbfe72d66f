// SPDX-License-Identifier: Apache-2.0
// The report for people says what the JSON says; explanations reach every figure; plans as text can be given back.
#include <algorithm>

#include "../../support/random.hpp"
#include "answered.hpp"
#include "units/text.hpp"

namespace zettatwin::report {
namespace {

using namespace testing;

::testing::AssertionResult has(const std::string& text, const std::string& part) {
  if (text.find(part) != std::string::npos) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "\"" << part << "\" is not in\n" << text;
}

TEST(ReportText, MentionsTheFiguresOfTheJson) {
  const auto& a = usual();
  const auto shown = text(a.subject());
  const auto& r = a.result;
  EXPECT_TRUE(has(shown, "a title"));
  EXPECT_TRUE(has(shown, units::human(r.step_time, 4)));
  EXPECT_TRUE(has(shown, units::grouped(static_cast<long long>(r.tokens_per_s))));
  EXPECT_TRUE(has(shown, fmt::format("{:.2f} %", 100 * r.mfu)));
  EXPECT_TRUE(has(shown, units::human(r.memory_peak, 4)));
  EXPECT_TRUE(has(shown, units::grouped(r.tokens_per_step)));
  EXPECT_TRUE(has(shown, "bf16 matrix peak")) << "which peak";
  EXPECT_TRUE(has(shown, "expert up projection"));
  EXPECT_TRUE(has(shown, "1.00 T tokens")) << "of the whole run";
  EXPECT_TRUE(has(shown, plan_text(a.job.plan, r.data_parallel)));
}

TEST(ReportText, SharesOfTheTopLevelsSumToTheStep) {
  const auto& tree = *usual().result.tree.find("breakdown");
  double sum = 0;
  for (const auto& child : tree.children) sum += child.si;
  EXPECT_NEAR(sum, usual().result.step_time.seconds().si(), 1e-9);
}

TEST(ReportText, AnInfeasiblePlanSaysHowMuchAndWhatHelps) {
  const auto shown = text(infeasible().subject());
  const auto& i = *infeasible().result.infeasible;
  EXPECT_TRUE(has(shown, "DOES NOT FIT"));
  EXPECT_TRUE(has(shown, units::human(i.needed - i.available, 4) + " too much"));
  EXPECT_TRUE(has(shown, i.suggestions.front()));
  EXPECT_EQ(shown.find("step time"), std::string::npos) << "no time of a step that cannot run";
}

TEST(ReportText, SaysThatTheBatchIsBeyondPractice) {
  auto subject = usual().subject();
  subject.practice = PublishedPractice{.tokens_per_step = 67'000'000, .times_larger = 16, .feasible = true, .tokens_per_s = 1e6, .mfu = 0.25, .plan = "tp=1 pp=2"};
  EXPECT_TRUE(has(text(subject), "16.0 times the largest published batches"));
  EXPECT_TRUE(has(text(subject), "MFU 25.00 %"));
  subject.practice->feasible = false;
  EXPECT_TRUE(has(text(subject), "No plan that was tried fits"));
}

TEST(ReportText, ABoundIsCalledOne) {
  auto a = usual();
  a.job.fidelity = training::Fidelity::bound;
  a.result = test::answer(a.job);
  EXPECT_TRUE(has(text(a.subject()), "a lower bound"));
}

TEST(Explanation, ReachesEveryPath) {
  const auto subject = usual().subject();
  const auto paths = result::paths(usual().result.tree);
  EXPECT_GT(paths.size(), 40u);
  for (const auto& path : paths) {
    const auto found = explanation(subject, path);
    ASSERT_TRUE(found) << path;
    EXPECT_TRUE(found->starts_with(path + " = ") || found->starts_with(path + "\n  ")) << path;
  }
  EXPECT_FALSE(explanation(subject, "breakdown.nothing"));
}

TEST(Explanation, PathsAreUnique) {
  auto paths = result::paths(usual().result.tree);
  std::sort(paths.begin(), paths.end());
  EXPECT_EQ(std::adjacent_find(paths.begin(), paths.end()), paths.end());
}

// Every figure that is not a sum says where it comes from.
void expect_explained(const result::Node& node, const std::string& path) {
  EXPECT_TRUE(!node.children.empty() || !node.formula.empty() || !node.inputs.empty()) << path << " has neither formula nor inputs";
  for (const auto& child : node.children) expect_explained(child, path + "." + child.key);
}

TEST(Explanation, EveryLeafHasAFormula) {
  expect_explained(usual().result.tree, "results");
  const auto busy = answered({.tp = 2, .cp = 2, .ep = 4, .zero = 3, .recompute = plan::Recompute::full, .recipe = plan::Recipe::fp8_block});
  expect_explained(busy.result.tree, "results");
}

TEST(Explanation, GoesDownToTheChipsFigures) {
  const auto found = explanation(usual().subject(), "breakdown.compute.experts.expert_up_projection");
  ASSERT_TRUE(found);
  EXPECT_TRUE(has(*found, "formula:"));
  EXPECT_TRUE(has(*found, "989.4 TFLOP/s"));
  EXPECT_TRUE(has(*found, "[unverified: NVDS]"));
}

TEST(Comparison, ShowsBothAndTheirRatio) {
  const auto other = answered({.tp = 1, .ep = 8, .pp = 4});
  const auto shown = comparison(usual().subject(), other.subject());
  EXPECT_TRUE(has(shown, units::human(usual().result.step_time, 4)));
  EXPECT_TRUE(has(shown, units::human(other.result.step_time, 4)));
  EXPECT_TRUE(has(shown, fmt::format("{:.3f}", other.result.tokens_per_s / usual().result.tokens_per_s)));
}

template <class E>
E any(test::Random& random, std::span<const config::Word> words) { return static_cast<E>(words[static_cast<std::size_t>(random.between(0, static_cast<std::int64_t>(words.size()) - 1))].value); }

plan::Plan random_plan(test::Random& r) {
  plan::Plan p;
  for (auto* size : {&p.tp, &p.cp, &p.ep, &p.etp, &p.pp, &p.vpp, &p.dp, &p.micro_batch}) *size = r.one_in(2) ? 1 : r.between(1, 64);
  p.sequence_parallel = r.one_in(2);
  p.cp_kind = any<plan::ContextParallelKind>(r, plan::context_parallel_words());
  p.zero = r.between(0, 3);
  p.zero_group = r.one_in(2) ? 0 : r.between(1, 64);
  p.recompute = any<plan::Recompute>(r, plan::recompute_words());
  p.recompute_layers = r.one_in(2) ? -1 : r.between(0, 9);
  p.schedule = any<plan::ScheduleKind>(r, plan::schedule_words());
  p.recipe = any<plan::Recipe>(r, plan::recipe_words());
  p.optimizer = any<plan::OptimizerKind>(r, plan::optimizer_words());
  for (auto* type : {&p.parameter_type, &p.gradient_type, &p.reduce_type}) *type = r.of({plan::NumberType::fp32, plan::NumberType::bf16, plan::NumberType::fp8});
  for (auto* type : {&p.master_type, &p.moment_type}) *type = any<plan::NumberType>(r, plan::number_words());
  for (auto* on : {&p.overlap.tp, &p.overlap.cp, &p.overlap.ep, &p.overlap.pp, &p.overlap.gradients, &p.overlap.parameters}) *on = r.one_in(2);
  if (r.one_in(2)) std::reverse(p.placement.begin(), p.placement.end());
  if (r.one_in(3)) p.layers_per_chunk = {3, 0, 5};
  if (r.one_in(3)) p.expert_imbalance = 1.25;
  return p;
}

TEST(PlanText, MakesTheSamePlanAgain) {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    test::Random random(seed);
    const auto plan = random_plan(random);
    const auto shown = plan_text(plan, plan.dp, ',');
    config::Diagnostics diagnostics;
    plan::Plan again;
    config::read(plan::parse_plan_text(shown, "plan", diagnostics), "plan", config::FigureForm::bare_allowed, diagnostics, again);
    ASSERT_TRUE(diagnostics.all().empty()) << shown << "\n" << test::text_of(diagnostics);
    ASSERT_EQ(plan_text(again, again.dp, ','), shown);
    ASSERT_EQ(again.recompute_layers, plan.recompute_layers) << shown;
    ASSERT_EQ(again.overlap.gradients, plan.overlap.gradients) << shown;
    ASSERT_EQ(again.moment_type, plan.moment_type) << shown;
    ASSERT_EQ(again.sequence_parallel, plan.sequence_parallel) << shown;
    ASSERT_EQ(again.layers_per_chunk, plan.layers_per_chunk) << shown;
    ASSERT_EQ(again.placement, plan.placement) << shown;
  }
}

TEST(PlanText, IsShortForUsualPlans) {
  EXPECT_EQ(plan_text({.tp = 8, .pp = 2}, 4), "tp=8 pp=2 dp=4 zero=1 micro_batch=1 recompute=none schedule=1f1b recipe=bf16 placement=tp+cp+dp+pp");
}

}  // namespace
}  // namespace zettatwin::report
