// SPDX-License-Identifier: Apache-2.0
// In exact rational arithmetic: every single flow and link of the unfolded stage does what its class does, and the classes found symbolically merge
// into the same coarsest partition as the single flows and links do.
#include <map>
#include <set>

#include "../../support/rational.hpp"
#include "fold/refine.hpp"
#include "random_cases.hpp"
#include "traffic/detail/steps.hpp"

namespace zettatwin::traffic {

using zettatwin::test::Rational;

// Figures of these machines are fractions with small denominators: the nearest one is meant.
template <>
struct detail::Numbers<Rational> {
  static Rational of(double value) {
    std::int64_t n0 = 0, n1 = 1, d0 = 1, d1 = 0;
    for (double rest = value; std::abs(static_cast<double>(n1) - value * static_cast<double>(d1)) > 1e-9 * value * static_cast<double>(d1) || d1 == 0; rest = 1 / (rest - std::floor(rest))) {
      const auto whole = static_cast<std::int64_t>(std::floor(rest + 1e-9));
      n0 = std::exchange(n1, whole * n1 + n0);
      d0 = std::exchange(d1, whole * d1 + d0);
      EXPECT_LT(d1, 100000) << value;
    }
    return {n1, d1};
  }
};

namespace {

using namespace test;
using detail::Lattice;
using Flows = detail::StageFlows<Rational>;

// Bandwidths of 1/k bytes per second, latencies of whole seconds.
RandomCase exact_case(Random& r) {
  auto result = random_case(r, 3, 16);
  for (auto& level : result.machine.levels) {
    level.network.pair_bandwidth.value = level.network.bandwidth.value = units::BytesPerSecond::from_si(1.0 / static_cast<double>(r.between(1, 4)));
    level.network.latency.value = units::Seconds::from_si(static_cast<double>(r.between(0, 2)));
  }
  result.machine.chip.memory.bandwidth.value = units::BytesPerSecond::from_si(static_cast<double>(r.between(1, 4)));
  result.ask.bytes = static_cast<double>(24 * r.between(1, 4));
  return result;
}

// Progressive filling, round by round, among the flows that run.
std::vector<Rational> max_min_rates(const Flows& flows, std::vector<bool> live) {
  const auto& all = flows.flows();
  std::vector<Rational> rate(all.size(), Rational(0)), carried(flows.links().size(), Rational(0));
  while (std::find(live.begin(), live.end(), true) != live.end()) {
    std::vector<Rational> demand(carried.size(), Rational(0));
    std::optional<Rational> lowest;
    const auto note = [&](const Rational& level) { lowest = lowest ? std::min(*lowest, level) : level; };
    for (std::size_t f = 0; f < all.size(); ++f) {
      if (!live[f]) continue;
      for (const auto& use : all[f].uses) demand[use.resource] += use.load;
      if (all[f].rate_cap) note(*all[f].rate_cap);
    }
    const auto full_at = [&](std::size_t l) { return (flows.links()[l].remaining - carried[l]) / demand[l]; };
    for (std::size_t l = 0; l < demand.size(); ++l)
      if (demand[l] > Rational(0)) note(full_at(l));
    std::vector<bool> full(demand.size());
    for (std::size_t l = 0; l < demand.size(); ++l) full[l] = demand[l] > Rational(0) && full_at(l) == *lowest;
    for (std::size_t f = 0; f < all.size(); ++f) {
      const auto& uses = all[f].uses;
      const bool capped = all[f].rate_cap && *all[f].rate_cap == *lowest;
      if (!live[f] || (!capped && std::none_of(uses.begin(), uses.end(), [&](const auto& use) { return full[use.resource]; }))) continue;
      live[f] = false;
      rate[f] = *lowest;
      for (const auto& use : uses) carried[use.resource] += use.load * *lowest;
    }
  }
  return rate;
}

struct Outcome {
  std::vector<Rational> first_rate;  // with all flows started
  std::vector<Rational> finish;      // -1: never
};

// Event by event: rates are shared anew whenever flows start or finish.
Outcome simulate_exactly(const Flows& flows) {
  const std::size_t n = flows.flows().size();
  Outcome outcome{max_min_rates(flows, std::vector<bool>(n, true)), std::vector<Rational>(n, Rational(-1))};
  std::vector<Rational> left, start;
  for (const auto& flow : flows.flows()) {
    left.push_back(flow.bytes);
    start.push_back(detail::Numbers<Rational>::of(flow.latency.si()));
  }
  std::vector<bool> started(n), running(n);
  for (Rational now(0);;) {
    for (std::size_t f = 0; f < n; ++f)
      if (!started[f] && start[f] <= now) started[f] = running[f] = true;
    const auto rate = max_min_rates(flows, running);
    std::optional<Rational> step;
    const auto note = [&](const Rational& duration) { step = step ? std::min(*step, duration) : duration; };
    for (std::size_t f = 0; f < n; ++f) {
      if (!started[f]) note(start[f] - now);
      if (running[f] && rate[f] > Rational(0)) note(left[f] / rate[f]);
    }
    if (!step) return outcome;
    now += *step;
    for (std::size_t f = 0; f < n; ++f) {
      if (!running[f]) continue;
      left[f] -= rate[f] * *step;
      if (left[f] != Rational(0)) continue;
      outcome.finish[f] = now;
      running[f] = false;
    }
  }
}

// Flows are written as links to have one way of finding classes.
std::vector<detail::LinkId> names_of(const std::vector<detail::FlowClass<Rational>>& flows) {
  std::vector<detail::LinkId> names;
  for (const auto& flow : flows) names.push_back({detail::LinkKind::memory, 0, flow.representative});
  return names;
}
std::vector<detail::LinkId> names_of(const std::vector<detail::LinkClass<Rational>>& links) {
  std::vector<detail::LinkId> names;
  for (const auto& link : links) names.push_back(link.representative);
  return names;
}

// Where the class of each single one stands among the folded ones.
std::vector<std::size_t> classes_of(const Lattice& lattice, const std::vector<detail::LinkId>& folded, const std::vector<detail::LinkId>& single) {
  std::map<detail::LinkId, std::size_t> index;
  for (std::size_t i = 0; i < folded.size(); ++i) index[folded[i]] = i;
  std::vector<std::size_t> classes;
  for (const auto& name : single) {
    const auto at = index.find(detail::orbit_of(lattice, name).representative);
    EXPECT_NE(at, index.end()) << "no class";
    classes.push_back(at == index.end() ? 0 : at->second);
  }
  return classes;
}

std::map<Rational, std::int64_t> colour_codes;
std::int64_t colour(const Rational& value) { return colour_codes.try_emplace(value, static_cast<std::int64_t>(colour_codes.size())).first->second; }

fold::Quotient coarsest_of(const Flows& flows) {
  fold::Bipartite graph;
  for (const auto& link : flows.links()) {
    graph.links.colours.push_back(colour(link.remaining));
    graph.links.members.push_back(link.members);
  }
  for (std::uint32_t f = 0; f < flows.flows().size(); ++f) {
    const auto& flow = flows.flows()[f];
    const auto latency = detail::Numbers<Rational>::of(flow.latency.si());
    graph.flows.colours.push_back((colour(flow.bytes) * 10000 + colour(latency)) * 10000 + colour(flow.rate_cap.value_or(Rational(-1))));
    graph.flows.members.push_back(flow.members);
    for (const auto& use : flow.uses) graph.entries.push_back({use.resource, f, use.load.as_double()});
  }
  return fold::coarsest(graph);
}

// Whether two labellings make the same partition.
bool same_partition(const std::vector<std::uint32_t>& a, const std::vector<std::uint32_t>& b) {
  std::set<std::pair<std::uint32_t, std::uint32_t>> both;
  for (std::size_t i = 0; i < a.size(); ++i) both.emplace(a[i], b[i]);
  return both.size() == std::set(a.begin(), a.end()).size() && both.size() == std::set(b.begin(), b.end()).size();
}

std::vector<std::uint32_t> through(const std::vector<std::size_t>& first, const std::vector<std::uint32_t>& second) {
  std::vector<std::uint32_t> result;
  for (const auto i : first) result.push_back(second[i]);
  return result;
}

void expect_alike(const Flows& folded, const Flows& single, const Lattice& lattice, std::uint64_t seed) {
  const auto flow_class = classes_of(lattice, names_of(folded.flows()), names_of(single.flows()));
  const auto link_class = classes_of(lattice, names_of(folded.links()), names_of(single.links()));
  std::vector<std::int64_t> members(folded.flows().size(), 0);
  for (const auto c : flow_class) ++members[c];
  for (std::size_t c = 0; c < members.size(); ++c) ASSERT_EQ(members[c], folded.flows()[c].members) << "seed " << seed;
  for (std::size_t l = 0; l < link_class.size(); ++l) ASSERT_EQ(single.links()[l].remaining, folded.links()[link_class[l]].remaining) << "seed " << seed;
  const auto by_class = simulate_exactly(folded), one_by_one = simulate_exactly(single);
  for (std::size_t f = 0; f < flow_class.size(); ++f) {
    ASSERT_EQ(one_by_one.first_rate[f], by_class.first_rate[flow_class[f]]) << "seed " << seed;
    ASSERT_EQ(one_by_one.finish[f], by_class.finish[flow_class[f]]) << "seed " << seed;
  }
  const auto symbolic = coarsest_of(folded), explicit_ = coarsest_of(single);
  ASSERT_TRUE(same_partition(through(flow_class, symbolic.flow_class), explicit_.flow_class)) << "seed " << seed;
  ASSERT_TRUE(same_partition(through(link_class, symbolic.link_class), explicit_.link_class)) << "seed " << seed;
}

TEST(Exact, EverySingleFlowDoesWhatItsClassDoes) {
  std::int64_t stages = 0, single_flows = 0, classes = 0, faulty = 0;
  for (std::uint64_t seed = 0; seed < 3000; seed += kThinning) {
    Random r(seed);
    const auto [machine, ask] = exact_case(r);
    const auto fabric = topology::whole(machine);
    const auto query = query_of(fabric, ask);
    const auto plan = network::collective_stages(fabric, query.request);
    const auto lattice = detail::lattice_of(fabric, query, plan, Fidelity::folded), points = detail::lattice_of(fabric, query, plan, Fidelity::unfolded);
    for (std::size_t step = 0; step < detail::steps_of(plan); ++step) {
      Flows folded(lattice, ask.faults, detail::stages_of(plan, step)), single(points, ask.faults, detail::stages_of(plan, step));
      const bool way = detail::add_flows(folded, lattice, query, plan, step);
      ASSERT_EQ(way, detail::add_flows(single, points, query, plan, step)) << "seed " << seed;
      if (!way) continue;
      expect_alike(folded, single, lattice, seed);
      if (HasFatalFailure()) return;
      ++stages;
      faulty += ask.faults.empty() ? 0 : 1;
      single_flows += static_cast<std::int64_t>(single.flows().size());
      classes += static_cast<std::int64_t>(folded.flows().size());
    }
  }
  RecordProperty("stages", static_cast<int>(stages));
  EXPECT_GT(stages, 2500 / static_cast<std::int64_t>(kThinning));
  EXPECT_GT(faulty, 1500 / static_cast<std::int64_t>(kThinning));
  EXPECT_LT(kThinning > 1 ? classes : 2 * classes, single_flows) << "folding folds";
}

}  // namespace
}  // namespace zettatwin::traffic
