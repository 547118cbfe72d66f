// SPDX-License-Identifier: Apache-2.0
// Why: each event of a fluid simulation solves a max-min problem, so its cost bounds what can be simulated flow by flow. Random pairs on
// random paths of a two-level fat tree; each answer is checked against the definition of max-min fairness. And whole simulations of 16 thousand to a million
// flows, for how they grow; each must finish and carry all bytes.
#include <benchmark/benchmark.h>

#include <cmath>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include "../tests/support/fat_tree.hpp"
#include "../tests/support/max_min_laws.hpp"
#include "../tests/support/random.hpp"
#include "flow/max_min.hpp"
#include "flow/simulation.hpp"

namespace {

using namespace zettatwin;
using Problem = flow::SharingProblem<double>;

Problem random_pairs(std::uint32_t flows) {
  const test::FatTree tree{.leaves = flows / 512, .hosts_per_leaf = 32, .spines = 32, .host_capacity = 100, .spine_capacity = 100};
  test::Random random(1);
  const auto below = [&](std::uint32_t n) { return static_cast<std::uint32_t>(random.between(0, n - 1)); };
  Problem problem;
  for (flow::ResourceId l = 0; l < tree.resources(); ++l) problem.add_resource(tree.capacity(l));
  for (std::uint32_t f = 0; f < flows; ++f) {
    std::vector<flow::Use<double>> uses;
    for (const flow::ResourceId l : tree.path(below(tree.hosts()), below(tree.hosts()), below(tree.spines))) uses.push_back({l, 1});
    problem.add_flow(1, uses);
  }
  return problem;
}

void check(benchmark::State& state, const Problem& problem, const std::vector<double>& rate) {
  if (const std::string why = test::why_not_max_min(problem, rate, 1e-9); !why.empty()) state.SkipWithError(why.c_str());
}

// A problem that is solved once.
void solve_anew(benchmark::State& state) {
  const Problem problem = random_pairs(static_cast<std::uint32_t>(state.range(0)));
  flow::Shares<double> shares;
  for (auto _ : state) shares = flow::max_min(problem);
  check(state, problem, shares.rate);
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

// One flow leaves and comes back, as at an event of a simulation.
void update(benchmark::State& state) {
  const Problem problem = random_pairs(static_cast<std::uint32_t>(state.range(0)));
  flow::MaxMinSolver<double> solver(problem);
  for (flow::FlowId f = 0; f < problem.flows(); ++f) solver.start(f);
  solver.update();
  test::Random random(2);
  for (auto _ : state) {
    const auto f = static_cast<flow::FlowId>(random.between(0, problem.flows() - 1));
    solver.stop(f);
    solver.update();
    solver.start(f);
    solver.update();
  }
  check(state, problem, solver.shares().rate);
}

enum class Traffic {
  equal,     // a permutation of the hosts; a path is the destination's, so most links are of one flow
  uneven,    // the same; each message has another length, so each finishes alone
  entangled  // two flows per host to anywhere over any spine, each of another length: nearly all are connected through links that they share
};

flow::FlowProgram traffic_on_tree(std::uint32_t hosts, Traffic traffic) {
  const test::FatTree tree{.leaves = hosts / 32, .hosts_per_leaf = 32, .spines = 32, .host_capacity = 1e9, .spine_capacity = 1e9};
  test::Random random(7);
  const auto below = [&](std::uint32_t n) { return static_cast<std::uint32_t>(random.between(0, n - 1)); };
  std::vector<std::uint32_t> to(hosts);
  std::iota(to.begin(), to.end(), 0U);
  for (std::uint32_t i = hosts; i > 1; --i) std::swap(to[i - 1], to[below(i)]);
  flow::FlowProgram program;
  for (flow::ResourceId l = 0; l < tree.resources(); ++l) program.add_resource(units::BytesPerSecond::from_si(tree.capacity(l)));
  const auto add = [&](std::uint32_t a, std::uint32_t b, std::uint32_t spine) {
    const double bytes = traffic == Traffic::equal ? 1e8 : static_cast<double>(random.between(50'000'000, 150'000'000));
    flow::FlowSpec spec{.bytes = units::Bytes::from_si(bytes)};
    for (const flow::ResourceId l : tree.path(a, b, spine)) spec.uses.push_back({l, 1});
    if (a != b) program.add_flow(spec);
  };
  for (std::uint32_t i = 0; i < hosts; ++i) {
    if (traffic != Traffic::entangled) add(i, to[i], to[i] % tree.spines);
    else for (int k = 0; k < 2; ++k) add(i, below(hosts), below(tree.spines));
  }
  return program;
}

void simulate(benchmark::State& state, Traffic traffic) {
  const auto flows = static_cast<std::uint32_t>(state.range(0));
  const flow::FlowProgram program = traffic_on_tree(traffic == Traffic::entangled ? flows / 2 : flows, traffic);
  flow::SimulationResult result;
  for (auto _ : state) result = flow::simulate(program);
  double up = 0, down = 0;  // what all hosts send and what all hosts receive
  const std::size_t hosts = result.resources.size() / 4;
  for (std::size_t l = 0; l < 2 * hosts; ++l) (l < hosts ? up : down) += result.resources[l].carried.si();
  if (!result.unfinished.empty() || std::abs(up / down - 1) > 1e-9) state.SkipWithError("bytes are lost");
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(result.flows.size()));
  state.counters["solves per flow"] = static_cast<double>(result.solves) / static_cast<double>(result.flows.size());
}

// The least that any simulation of this traffic waits for memory: every use read once, flow by flow in another order than they are listed in, with the capacity and what
// becomes of its resource. How it grows is how the caches end; simulate() is to grow no faster.
void touch(benchmark::State& state) {
  const flow::FlowProgram program = traffic_on_tree(static_cast<std::uint32_t>(state.range(0)), Traffic::equal);
  const auto& sharing = program.sharing();
  std::vector<flow::FlowId> order(sharing.flows());
  std::iota(order.begin(), order.end(), 0U);
  test::Random random(11);
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[static_cast<std::size_t>(random.between(0, static_cast<std::int64_t>(i) - 1))]);
  for (auto _ : state) {
    std::vector<flow::ResourceOutcome> outcomes(sharing.resources());
    for (const flow::FlowId f : order)
      for (const auto& [l, load] : sharing.uses(f)) outcomes[l].peak_utilisation += load / sharing.capacity(l);
    benchmark::DoNotOptimize(outcomes.data());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

BENCHMARK(touch)->RangeMultiplier(4)->Range(1 << 14, 1 << 20)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(simulate, equal, Traffic::equal)->RangeMultiplier(4)->Range(1 << 14, 1 << 20)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(simulate, uneven, Traffic::uneven)->RangeMultiplier(4)->Range(1 << 14, 1 << 20)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(simulate, entangled, Traffic::entangled)->RangeMultiplier(4)->Range(1 << 14, 1 << 20)->Unit(benchmark::kMillisecond);
BENCHMARK(solve_anew)->Arg(1 << 14)->Arg(1 << 18)->Arg(1 << 20)->Unit(benchmark::kMillisecond);
BENCHMARK(update)->Arg(1 << 14)->Arg(1 << 18)->Arg(1 << 20)->Unit(benchmark::kMicrosecond);

}  // namespace
