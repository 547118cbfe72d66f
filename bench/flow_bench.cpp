// SPDX-License-Identifier: Apache-2.0
// Why: each event of a fluid simulation solves a max-min problem, so its cost bounds what can be simulated flow by flow. Random pairs on
// random paths of a two-level fat tree; each answer is checked against the definition of max-min fairness.
#include <benchmark/benchmark.h>

#include <cstdint>

#include "../tests/support/fat_tree.hpp"
#include "../tests/support/max_min_laws.hpp"
#include "../tests/support/random.hpp"
#include "flow/max_min.hpp"

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

// All of it shared again, as at an event of a simulation that affects all.
void solve_again(benchmark::State& state) {
  const Problem problem = random_pairs(static_cast<std::uint32_t>(state.range(0)));
  flow::MaxMinSolver<double> solver(problem);
  for (flow::FlowId f = 0; f < problem.flows(); ++f) solver.start(f);
  for (auto _ : state) {
    solver.set_capacity(0, problem.capacity(0));
    solver.update();
  }
  check(state, problem, solver.shares().rate);
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

BENCHMARK(solve_anew)->Arg(1 << 14)->Arg(1 << 18)->Arg(1 << 20)->Unit(benchmark::kMillisecond);
BENCHMARK(solve_again)->Arg(1 << 14)->Arg(1 << 18)->Arg(1 << 20)->Unit(benchmark::kMillisecond);

}  // namespace
