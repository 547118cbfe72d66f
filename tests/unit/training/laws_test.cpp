// SPDX-License-Identifier: Apache-2.0
// Laws of the whole step on fixed plans: scaling, relabelling, better machines, memory.
#include <algorithm>

#include "../../support/toy.hpp"

namespace zettatwin::training {
namespace {

// Plans of the expert model (4 layers) on 16 chips, with explicit layouts so that a better machine changes times alone.
std::vector<plan::Plan> plans() {
  std::vector<plan::Plan> all{{.tp = 2}, {.tp = 2, .ep = 4}, {.ep = 8, .zero = 3}, {.cp = 2, .ep = 2}, {.tp = 4, .sequence_parallel = true, .zero = 2}};
  for (const auto schedule : {plan::ScheduleKind::one_f_one_b, plan::ScheduleKind::zb_h1}) {
    all.push_back({.tp = 2, .ep = 4, .pp = 2, .schedule = schedule});
    all.push_back({.ep = 4, .pp = 4, .schedule = schedule});
  }
  all.push_back({.ep = 2, .pp = 2, .vpp = 2, .schedule = plan::ScheduleKind::interleaved});
  all.push_back({.ep = 2, .pp = 2, .schedule = plan::ScheduleKind::zb_v});
  for (auto& p : all) {
    p.global_batch = 64;
    const auto chunks = plan::model_chunks(p);
    if (chunks > 1) p.layers_per_chunk.assign(static_cast<std::size_t>(chunks), 4 / chunks);
  }
  auto overlapped = all;
  for (auto& p : overlapped) {
    p.overlap.tp = p.tp > 1;
    p.overlap.ep = p.ep > 1;
    p.recompute = plan::Recompute::selective;
  }
  all.insert(all.end(), overlapped.begin(), overlapped.end());
  return all;
}

const test::Toy kToy{.bytes_per_s = 1e12, .interference = 0.3, .host_s = 1e-4, .kernel_s = 1e-6, .levels = {{"board", 4, 1e11, 1e-6}, {"cluster", 4, 2e10, 5e-6}}};

units::Picoseconds step(const test::Toy& toy, const plan::Plan& plan) {
  auto job = test::toy_job(toy, test::kToyExperts);
  job.plan = plan;
  return test::answer(job).step_time;
}

std::string text(const plan::Plan& p) {
  return fmt::format("tp {} cp {} ep {} pp {} zero {} schedule {} overlap {}", p.tp, p.cp, p.ep, p.pp, p.zero, static_cast<int>(p.schedule), p.overlap.ep);
}

TEST(StepLaws, ABetterMachineIsNeverSlower) {
  struct Change { const char* name; void (*apply)(test::Toy&); };
  const std::vector<Change> changes{
      {"FLOP/s", [](test::Toy& t) { t.flop_per_s *= 1.7; }},          {"memory bandwidth", [](test::Toy& t) { t.bytes_per_s *= 1.7; }},
      {"inner bandwidth", [](test::Toy& t) { t.levels[0].bytes_per_s *= 1.7; }}, {"outer bandwidth", [](test::Toy& t) { t.levels[1].bytes_per_s *= 1.7; }},
      {"inner latency", [](test::Toy& t) { t.levels[0].latency_s /= 3; }},       {"outer latency", [](test::Toy& t) { t.levels[1].latency_s /= 3; }},
      {"launches", [](test::Toy& t) { t.kernel_s /= 3; }},            {"host", [](test::Toy& t) { t.host_s /= 3; }},
      {"interference", [](test::Toy& t) { t.interference /= 3; }}};
  for (const auto& plan : plans()) {
    const auto before = step(kToy, plan);
    for (const auto& change : changes) {
      auto toy = kToy;
      change.apply(toy);
      // Rounding of some thousand operations to picoseconds.
      EXPECT_LE(step(toy, plan).count(), before.count() + 10000) << change.name << ": " << text(plan);
    }
  }
}

TEST(StepLaws, TwiceAllTimesIsTwiceTheStep) {
  auto slow = kToy;
  slow.flop_per_s /= 2;
  slow.bytes_per_s /= 2;
  slow.host_s *= 2;
  slow.kernel_s *= 2;
  for (auto& level : slow.levels) {
    level.bytes_per_s /= 2;
    level.latency_s *= 2;
  }
  for (const auto& plan : plans()) EXPECT_NEAR(static_cast<double>(step(slow, plan).count()) / static_cast<double>(step(kToy, plan).count()), 2, 1e-6) << text(plan);
}

TEST(StepLaws, PlacementDoesNotMatterOnOneLevel) {
  auto toy = kToy;
  toy.levels = {{"pod", 16, 1e11, 1e-6}};
  for (auto plan : plans()) {
    if (plan.ep > 1) continue;  // expert groups follow the order of the axes: other ranks, but the same sizes only without pp inside
    const auto usual = step(toy, plan);
    do EXPECT_EQ(step(toy, plan), usual) << text(plan);
    while (std::next_permutation(plan.placement.begin(), plan.placement.end()));
  }
}

TEST(StepLaws, MoreMicrobatchesNeverCostLessNorMoreThanTheirShare) {
  for (auto plan : plans()) {
    const auto one = step(kToy, plan);
    plan.global_batch *= 2;
    const auto two = step(kToy, plan);
    EXPECT_GT(two, one) << text(plan);
    EXPECT_LE(two, 2 * one) << text(plan);
  }
}

units::Bytes memory(plan::Plan plan, const std::string& model = test::kToyExperts) {
  auto job = test::toy_job(kToy, model);
  job.plan = std::move(plan);
  if (job.plan.global_batch == 0) job.plan.global_batch = 64;
  return test::answer(job).memory_peak;
}

TEST(MemoryLaws, GrowsWithTheMicrobatch) {
  for (auto plan : plans()) {
    const auto before = memory(plan);
    plan.micro_batch = 2;
    EXPECT_GT(memory(plan), before) << text(plan);
  }
}

// Zero-bubble schedules keep recomputed tensors until the weight gradients: chunks of one or two layers, as here, have nothing to gain.
TEST(MemoryLaws, FallsWithRecomputation) {
  for (auto plan : plans()) {
    if (plan.schedule == plan::ScheduleKind::zb_h1 || plan.schedule == plan::ScheduleKind::zb_v) continue;
    const auto with = [&plan](plan::Recompute recompute) {
      plan.recompute = recompute;
      return memory(plan);
    };
    const auto none = with(plan::Recompute::none), selective = with(plan::Recompute::selective), full = with(plan::Recompute::full);
    EXPECT_LE(selective, none) << text(plan);
    EXPECT_LE(full, selective) << text(plan);
  }
}

TEST(MemoryLaws, FallsWithEachZeroStage) {
  Job job{.machine = test::catalog_machine("dgx-h100", 64), .architecture = test::catalog_model("llama-3.1-70b"), .software = test::catalog_software()};
  for (const auto& sizes : {plan::Plan{.tp = 1}, plan::Plan{.tp = 8}, plan::Plan{.tp = 4, .pp = 2}, plan::Plan{.tp = 2, .pp = 4, .recipe = plan::Recipe::fp8_block}}) {
    units::Bytes last = units::Bytes::from_si(1e18);
    for (const std::int64_t zero : {0, 1, 2, 3}) {
      job.plan = sizes;
      job.plan.zero = zero;
      job.plan.global_batch = 128;
      const auto now = test::answer(job).memory_peak;
      EXPECT_LT(now, last) << "zero " << zero << ", " << text(sizes);
      last = now;
    }
  }
}

}  // namespace
}  // namespace zettatwin::training
