// SPDX-License-Identifier: Apache-2.0
// Folded equals unfolded: classes of clusters, stages, ranks, flows and iterations against every one of them for itself, on random small machines with
// random plans and 0 to 3 faults.
#include "../../support/random.hpp"
#include "../../support/thinning.hpp"
#include "../../support/toy.hpp"
#include "training/clusters.hpp"

namespace zettatwin::training {
namespace {

using test::Random;

// Links so slow that picoseconds do not count.
test::Toy random_machine(Random& r) {
  const bool mesh = r.one_in(3);
  test::Toy toy{.bytes_per_s = 1e12, .interference = 0.1, .levels = {{"board", r.of<std::int64_t>({2, 4}), 1e9, 1e-5, mesh ? "full_mesh" : "switched"}, {"cluster", r.of<std::int64_t>({2, 3, 4}), 5e8, 2e-5}}};
  if (r.one_in(3)) toy.levels.push_back({"site", 2, 2e8, 5e-5});
  return toy;
}

plan::Plan random_plan(Random& r) {
  plan::Plan p{.tp = r.of<std::int64_t>({1, 1, 2}), .cp = r.of<std::int64_t>({1, 1, 2}), .ep = r.of<std::int64_t>({1, 2, 4}), .pp = r.of<std::int64_t>({1, 1, 2}), .zero = r.between(0, 3), .global_batch = 24};
  p.straddle = false;
  if (r.one_in(3)) p.placement = {plan::Axis::tp, plan::Axis::pp, plan::Axis::cp, plan::Axis::dp};
  for (auto* on : {&p.overlap.tp, &p.overlap.ep, &p.overlap.pp, &p.overlap.gradients, &p.overlap.parameters}) *on = r.one_in(2);
  if (p.pp > 1 && r.one_in(3)) p.schedule = plan::ScheduleKind::zb_h1;
  return p;
}

std::string random_fault(Random& r, const hardware::Machine& machine) {
  std::string place;
  for (std::size_t l = machine.levels.size(); l-- > 0;)
    place += fmt::format("{}{}={}", place.empty() ? "" : "/", traffic::unit_word(machine, l), r.between(0, machine.levels[l].size - 1));
  const auto level = static_cast<std::size_t>(r.between(0, static_cast<std::int64_t>(machine.levels.size()) - 1));
  const auto left = r.of<double>({0.2, 0.5, 0.9});
  const auto& network = machine.levels[level].network;
  if (network.kind != hardware::NetworkKind::full_mesh && r.one_in(3)) {  // of a switch's unit, or everywhere
    std::string unit;
    for (std::size_t l = machine.levels.size(); l-- > level + 1;) unit += fmt::format("{}={}/", traffic::unit_word(machine, l), r.between(0, machine.levels[l].size - 1));
    if (r.one_in(3)) return fmt::format("dead-plane@port={}/plane={}", machine.levels[level].name, r.between(0, 3));
    return fmt::format("dead-switch@{}port={}/plane={}", unit, machine.levels[level].name, r.between(0, 3));
  }
  switch (r.between(0, 4)) {
    case 0: return fmt::format("slow-chip@{}:{}", place, left);
    case 1: return fmt::format("slow-hbm@{}:{}", place, left / 100);
    case 2: return fmt::format("slow-link@{}/port={}:{}", place, machine.levels[level].name, left);
    case 3: return fmt::format("dead-link@{}/port=board", place);
    default: return fmt::format("slow-link@{}/port=up:{}", place, left);
  }
}

std::optional<Job> random_job(Random& r, std::int64_t faults) {
  Job job = test::toy_job(random_machine(r), test::kToyExperts);
  for (auto& level : job.machine.levels)
    if (level.network.kind != hardware::NetworkKind::full_mesh) level.network.planes = 4;
  job.plan = random_plan(r);
  config::Diagnostics diagnostics;
  for (std::int64_t i = 0; i < faults; ++i)
    if (auto fault = traffic::parse_fault(random_fault(r, job.machine), job.machine, config::location_in("--fault"), diagnostics)) job.faults.push_back(std::move(*fault));
  return diagnostics.has_errors() ? std::nullopt : std::optional(job);
}

TEST(Unfolded, EqualsFolded) {
  std::array<int, 4> compared{};
  for (std::uint64_t seed = 0; seed < 180; seed += test::kThinning) {
    Random r(seed);
    const auto faults = static_cast<std::int64_t>(seed % 4);
    auto job = random_job(r, faults);
    if (!job) continue;
    config::Diagnostics diagnostics;
    const auto folded = estimate(*job, config::location_in("test"), diagnostics);
    job->fidelity = Fidelity::unfolded;
    const auto unfolded = estimate(*job, config::location_in("test"), diagnostics);
    ASSERT_EQ(folded.has_value(), unfolded.has_value()) << seed << test::text_of(diagnostics);
    if (!folded) continue;
    const auto expected = static_cast<double>(unfolded->step_time.count());
    std::string what;
    for (const auto& f : job->faults) what += " " + f.text;
    ASSERT_EQ(folded->feasible, unfolded->feasible) << seed << what;
    ASSERT_NEAR(static_cast<double>(folded->step_time.count()), expected, 1e-9 * expected) << seed << what;
    ++compared[static_cast<std::size_t>(faults)];
  }
  for (const auto count : compared) EXPECT_GT(count, 10 / static_cast<int>(test::kThinning));
}

}  // namespace
}  // namespace zettatwin::training
