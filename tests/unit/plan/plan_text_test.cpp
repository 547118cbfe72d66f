// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "plan/plan.hpp"

namespace zettatwin::plan {
namespace {

Plan read_plan(const config::Node& node, config::Diagnostics& diagnostics) {
  Plan plan;
  config::read(node, "plan", config::FigureForm::bare_allowed, diagnostics, plan);
  return plan;
}

Plan parse(const std::string& text, config::Diagnostics& diagnostics) { return read_plan(parse_plan_text(text, "--plan", diagnostics), diagnostics); }

TEST(PlanText, FillsEveryKindOfField) {
  config::Diagnostics d;
  const auto plan = parse("tp=8, pp=16,overlap.ep=true,overlap.cp=false,placement=tp+pp+cp+dp,layers_per_chunk=4+4+3,schedule=zb_v,expert_imbalance=1.25", d);
  EXPECT_FALSE(d.has_errors()) << d.all().front().text();
  EXPECT_EQ(plan.tp, 8);
  EXPECT_EQ(plan.pp, 16);
  EXPECT_TRUE(plan.overlap.ep);
  EXPECT_FALSE(plan.overlap.cp);
  EXPECT_EQ(plan.placement, (std::vector{Axis::tp, Axis::pp, Axis::cp, Axis::dp}));
  EXPECT_EQ(plan.layers_per_chunk, (std::vector<std::int64_t>{4, 4, 3}));
  EXPECT_EQ(plan.schedule, ScheduleKind::zb_v);
  EXPECT_DOUBLE_EQ(plan.expert_imbalance, 1.25);
}

TEST(PlanText, SaysTheSameAsYaml) {
  config::Diagnostics d;
  const auto yaml = config::parse_document("tp: 8\noverlap: {ep: true}\nplacement: [tp, pp, cp, dp]\nlayers_per_chunk: [4, 3]\n", "plan.yaml", d);
  ASSERT_TRUE(yaml);
  const auto a = read_plan(*yaml, d);
  const auto b = parse("tp=8,overlap.ep=true,placement=tp+pp+cp+dp,layers_per_chunk=4+3", d);
  EXPECT_FALSE(d.has_errors());
  EXPECT_EQ(a.tp, b.tp);
  EXPECT_EQ(a.overlap.ep, b.overlap.ep);
  EXPECT_EQ(a.placement, b.placement);
  EXPECT_EQ(a.layers_per_chunk, b.layers_per_chunk);
}

TEST(PlanText, PointsAtTheColumn) {
  config::Diagnostics d;
  (void)parse("tp=8,pq=16", d);
  ASSERT_EQ(d.error_count(), 1u);
  EXPECT_EQ(d.all()[0].where.text(), "--plan:1:6");
  EXPECT_NE(d.all()[0].text().find("pq"), std::string::npos);
}

TEST(PlanText, ReportsAllProblemsAtOnce) {
  config::Diagnostics d;
  (void)parse("tp,=3,pp=,tp=2,tp=4,,zero=7,overlap=true,schedule=1f2b,recompute_layers=x", d);
  EXPECT_GE(d.error_count(), 8u);
}

TEST(PlanText, RefusesGroupsThatAreValues) {
  config::Diagnostics d;
  (void)parse("tp=2,tp.x=3,overlap.=true", d);
  EXPECT_EQ(d.error_count(), 2u);
}

TEST(PlanText, EmptyTextIsTheDefaultPlan) {
  config::Diagnostics d;
  EXPECT_EQ(parse("  ", d).tp, 1);
  EXPECT_FALSE(d.has_errors());
}

TEST(PlanSchema, RefusesBadLists) {
  for (const auto* text : {"placement=tp+cp+dp", "placement=tp+tp+dp+pp", "placement=tp+cp+dp+ep", "layers_per_chunk=4+x", "layers_per_chunk=4+-1", "layers_per_chunk=4++3"}) {
    config::Diagnostics d;
    const auto plan = parse(text, d);
    EXPECT_TRUE(d.has_errors()) << text;
    EXPECT_EQ(plan.placement, Plan{}.placement) << text;
    EXPECT_TRUE(plan.layers_per_chunk.empty()) << text;
  }
}

TEST(PlanSchema, ListsAndDocumentsEveryField) {
  Plan plan;
  plan.layers_per_chunk = {2, 3};
  const auto rows = config::values_of(plan);
  const auto reference = config::reference_of<Plan>();
  EXPECT_GT(reference.size(), 30u);
  for (const auto& row : reference) EXPECT_FALSE(row.doc.empty()) << row.path;
  bool found = false;
  for (const auto& row : rows) found = found || (row.path == "layers_per_chunk" && row.value == "2, 3");
  EXPECT_TRUE(found);
}

TEST(Plan, BytesAndChunks) {
  EXPECT_EQ(bytes_of(NumberType::fp32), 4);
  EXPECT_EQ(bytes_of(NumberType::bf16), 2);
  EXPECT_EQ(bytes_of(NumberType::fp8), 1);
  EXPECT_EQ(bytes_of(NumberType::none), 0);
  Plan plan{.pp = 8, .vpp = 3};
  EXPECT_EQ(model_chunks(plan), 8);
  plan.schedule = ScheduleKind::interleaved;
  EXPECT_EQ(model_chunks(plan), 24);
  plan.schedule = ScheduleKind::dualpipe;
  EXPECT_EQ(chunks_per_rank(plan), 2);
  EXPECT_EQ(model_chunks(plan), 8);
  plan.schedule = ScheduleKind::dualpipe_v;
  EXPECT_EQ(model_chunks(plan), 16);
}

}  // namespace
}  // namespace zettatwin::plan
