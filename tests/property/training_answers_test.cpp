// SPDX-License-Identifier: Apache-2.0
// Random jobs over the whole catalog: each gives an answer that obeys the laws of an answer, or errors; never a broken contract.
#include <iostream>

#include "../support/figures.hpp"
#include "../support/random_jobs.hpp"
#include "../support/thinning.hpp"

namespace zettatwin::training {
namespace {

std::string text(const Job& job) {
  const auto& p = job.plan;
  return fmt::format("{} x{} {} seq {} batch {} tp {} cp {} ep {} etp {} pp {} vpp {} zero {}/{} mb {} recompute {}/{} schedule {} recipe {}", job.machine.name, job.machine.chips(), job.architecture.name,
                     job.sequence_length, p.global_batch, p.tp, p.cp, p.ep, p.etp, p.pp, p.vpp, p.zero, p.zero_group, p.micro_batch, static_cast<int>(p.recompute), p.recompute_layers,
                     static_cast<int>(p.schedule), static_cast<int>(p.recipe));
}

void expect_lawful(const Job& job, const TrainingResult& r) {
  const double step = r.step_time.seconds().si();
  ASSERT_GT(step, 0);
  ASSERT_NEAR(test::sum_of_leaves(*r.tree.find("breakdown")), step, 1e-9 * step);
  ASSERT_NEAR(test::sum_of_leaves(*r.tree.find("memory")), r.memory_peak.si(), 1e-9 * r.memory_peak.si());
  ASSERT_GT(r.mfu, 0);
  ASSERT_LT(r.mfu, 1);
  ASSERT_EQ(r.chips + r.idle_chips, job.machine.chips());
  ASSERT_EQ(r.chips, job.plan.tp * job.plan.cp * job.plan.pp * r.data_parallel);
  ASSERT_EQ(r.feasible, r.memory_peak <= job.machine.chip.memory.capacity.value);
  ASSERT_EQ(r.feasible, !r.infeasible.has_value());
  for (const auto& role : r.roles) ASSERT_GE(role.idle.count(), 0);
  auto bound_job = job;
  bound_job.fidelity = Fidelity::bound;
  config::Diagnostics ignored;
  const auto bound = estimate(bound_job, config::location_in("test"), ignored);
  ASSERT_TRUE(bound);
  ASSERT_LE(bound->step_time, r.step_time);
  ASSERT_GT(bound->step_time.count(), 0);
}

TEST(RandomJobs, AnswersObeyTheirLaws) {
  test::JobMaker maker;
  std::uint64_t answered = 0;
  for (std::uint64_t seed = 0; seed < 6000; seed += test::kThinning) {
    test::Random random(seed);
    const auto job = maker.make(random);
    if (!job) continue;
    config::Diagnostics diagnostics;
    std::optional<TrainingResult> r;
    ASSERT_NO_THROW(r = train(*job, config::location_in("test"), diagnostics)) << "seed " << seed << ": " << text(*job);
    ASSERT_EQ(r.has_value(), !diagnostics.has_errors()) << "seed " << seed << ": " << text(*job);
    if (!r) continue;
    ++answered;
    SCOPED_TRACE("seed " + std::to_string(seed) + ": " + text(*job));
    expect_lawful(*job, *r);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(answered, 500 / test::kThinning) << "the generator makes too few valid jobs to say anything";
}

// More bandwidth can bring two messages together that passed each other before (docs/math/contention.md). Layouts stay as they are, so that only times change.
TEST(RandomJobs, MoreBandwidthSlowsAStepByLittle) {
  constexpr double kMost = 0.005;
  test::JobMaker maker;
  int compared = 0, slower = 0;
  double most = 0;
  for (std::uint64_t seed = 20000; seed < 23000; seed += test::kThinning) {
    test::Random random(seed);
    auto job = maker.make(random);
    if (!job) continue;
    const auto chunks = plan::model_chunks(job->plan);
    if (chunks > 1 && job->architecture.layers() % chunks != 0) continue;
    if (chunks > 1) job->plan.layers_per_chunk.assign(static_cast<std::size_t>(chunks), job->architecture.layers() / chunks);
    config::Diagnostics ignored;
    const auto before = estimate(*job, config::location_in("test"), ignored);
    if (!before) continue;
    const auto level = static_cast<std::size_t>(random.between(0, static_cast<std::int64_t>(job->machine.levels.size()) - 1));
    const double factor = random.of({1.01, 1.1, 1.5, 2.0, 4.0});
    auto& network = job->machine.levels[level].network;
    network.bandwidth.value *= factor;
    network.pair_bandwidth.value *= factor;
    const auto after = estimate(*job, config::location_in("test"), ignored);
    if (!after || hardware::is_graph(network.kind)) continue;
    ++compared;
    const double longer = after->step_time.seconds().si() / before->step_time.seconds().si() - 1;
    if (longer > 0) ++slower;
    most = std::max(most, longer);
    ASSERT_LE(longer, kMost) << "seed " << seed << ": " << text(*job) << ", level " << level << " x " << factor;
  }
  RecordProperty("compared", compared);
  RecordProperty("slower", slower);
  RecordProperty("most", std::to_string(most));
  std::cout << compared << " compared, " << slower << " slower, at most by " << 100 * most << " %\n";
  EXPECT_GT(compared, 200 / static_cast<int>(test::kThinning));
}

TEST(RandomJobs, TheSameBitsTwice) {
  test::JobMaker maker;
  for (std::uint64_t seed = 10000; seed < 10300; seed += test::kThinning) {
    test::Random random(seed);
    const auto job = maker.make(random);
    if (!job) continue;
    config::Diagnostics diagnostics;
    const auto a = train(*job, config::location_in("test"), diagnostics), b = train(*job, config::location_in("test"), diagnostics);
    ASSERT_EQ(a.has_value(), b.has_value());
    if (!a) continue;
    ASSERT_EQ(test::hash_of(*a), test::hash_of(*b)) << text(*job);
  }
}

}  // namespace
}  // namespace zettatwin::training
