// SPDX-License-Identifier: Apache-2.0
#include "traffic/detail/alike.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <span>
#include <string>
#include <tuple>
#include <utility>

#include "base/contract.hpp"
#include "fold/colour_refinement.hpp"
#include "traffic/detail/numbering.hpp"

namespace zettatwin::traffic::detail {
namespace {

using flow::FlowId;
using flow::ResourceId;

constexpr double kSame = 1e-12;
constexpr std::uint32_t kSmall = 4096;         // flows: so few that classes always pay
constexpr std::size_t kLoadsMax = 1 << 14;     // different ones: with more there is no symmetry
constexpr int kRounds = 8;                     // of hashing
constexpr std::uint64_t kRefinedUses = 4'000'000;  // that colour_refinement may be given
constexpr std::uint64_t kPrime = (std::uint64_t{1} << 61) - 1;

std::uint64_t multiply(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  const auto folded = static_cast<std::uint64_t>(product & kPrime) + static_cast<std::uint64_t>(product >> 61);
  return folded >= kPrime ? folded - kPrime : folded;
}

// The loads that there are, few, with those that only rounding tells apart as one.
class Loads final {
 public:
  explicit Loads(const flow::SharingProblem<double>& sharing) {
    double last = 0;
    for (FlowId f = 0; f < sharing.flows() && !too_many(); ++f)
      for (const auto& [l, load] : sharing.uses(f)) {
        if (load == last) continue;
        last = load;
        if (numbers_.number({std::bit_cast<std::uint64_t>(load), 0}) == values_.size()) values_.push_back(load);
      }
    if (!too_many()) unite();
  }

  [[nodiscard]] bool too_many() const { return values_.size() > kLoadsMax || spread_ > 0x1p60; }
  [[nodiscard]] double united(double load) const { return values_[*numbers_.find({std::bit_cast<std::uint64_t>(load), 0})]; }
  // Of the united load, which is m 2^e exactly: m 2^e modulo the prime, where 2^61 is 1.
  [[nodiscard]] std::uint64_t residue(double load) const { return residues_[*numbers_.find({std::bit_cast<std::uint64_t>(load), 0})]; }

 private:
  void unite() {
    std::vector<std::size_t> order(values_.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::sort(order.begin(), order.end(), [this](auto a, auto b) { return values_[a] < values_[b]; });
    for (std::size_t i = 1; i < order.size(); ++i)
      if (values_[order[i]] <= values_[order[i - 1]] * (1 + kSame)) values_[order[i]] = values_[order[i - 1]];
    spread_ = order.empty() ? 1 : values_[order.back()] / values_[order.front()];
    for (const double value : values_) {
      int exponent = 0;
      const auto mantissa = static_cast<std::uint64_t>(std::ldexp(std::frexp(value, &exponent), 53));
      residues_.push_back(multiply(mantissa, std::uint64_t{1} << ((exponent - 53) % 61 + 61) % 61));
    }
  }

  Numbering numbers_;
  std::vector<double> values_;
  std::vector<std::uint64_t> residues_;
  double spread_ = 1;
};

class Search final {
 public:
  explicit Search(const flow::FlowProgram& program) : program_(program), sharing_(program.sharing()), loads_(sharing_) {}

  std::optional<Alike> run() {
    if (loads_.too_many()) return std::nullopt;
    colour_flows();
    if (!pays()) return std::nullopt;
    colour_resources();
    sums_.resize(sharing_.resources());
    for (int round = 0, quiet = 0; quiet < 2; ++round) {
      if (round == kRounds) return refined();
      const auto before = std::pair(found_.flow_classes, found_.resource_classes);
      part_resources();
      part_flows();
      if (!pays()) return std::nullopt;
      quiet = before == std::pair(found_.flow_classes, found_.resource_classes) ? quiet + 1 : 0;
    }
    return std::move(found_);
  }

 private:
  // Bytes, weight, cap and latency, exactly.
  void colour_flows() {
    Numbering first, second;
    found_.flow_class.resize(sharing_.flows());
    const auto bits = [](double x) { return std::bit_cast<std::uint64_t>(x); };
    for (FlowId f = 0; f < sharing_.flows(); ++f) {
      const auto size = first.number({bits(program_.bytes(f).si()), static_cast<std::uint64_t>(program_.latency(f).count())});
      const auto share = second.number({bits(sharing_.weight(f)), bits(sharing_.rate_cap(f))});
      found_.flow_class[f] = both_.number({size, share});
      if (both_.size() > limit()) break;
    }
    found_.flow_classes = both_.size();
  }

  void colour_resources() {
    Numbering capacities;
    found_.resource_class.assign(sharing_.resources(), Alike::kUnused);
    for (FlowId f = 0; f < sharing_.flows(); ++f)
      for (const auto& use : sharing_.uses(f)) found_.resource_class[use.resource] = 0;
    for (ResourceId l = 0; l < sharing_.resources(); ++l)
      if (found_.resource_class[l] == 0) found_.resource_class[l] = capacities.number({std::bit_cast<std::uint64_t>(sharing_.capacity(l)), 0});
    found_.resource_classes = capacities.size();
  }

  [[nodiscard]] std::uint32_t limit() const { return std::max(kSmall, sharing_.flows() / 2); }
  [[nodiscard]] bool pays() const { return found_.flow_classes <= limit(); }

  // A number for each colour, another one in each round.
  [[nodiscard]] std::uint64_t drawn(std::uint64_t colour) const { return mixed(colour + (seed_ << 40)) & kPrime; }

  // By their totals from every class of flows: a linear form of them, modulo a prime. The forms of different totals are equal with probability 2^-61.
  void part_resources() {
    ++seed_;
    std::fill(sums_.begin(), sums_.end(), 0);
    double last = 0;
    std::uint64_t residue = 0;
    for (FlowId f = 0; f < sharing_.flows(); ++f) {
      const std::uint64_t mine = drawn(found_.flow_class[f]);
      std::uint64_t term = multiply(residue, mine);
      for (const auto& [l, load] : sharing_.uses(f)) {
        if (load != last) term = multiply(residue = loads_.residue(last = load), mine);
        const std::uint64_t sum = sums_[l] + term;
        sums_[l] = sum >= kPrime ? sum - kPrime : sum;
      }
    }
    both_.clear();
    for (ResourceId l = 0; l < sharing_.resources(); ++l)
      if (auto& mine = found_.resource_class[l]; mine != Alike::kUnused) mine = both_.number({mine, sums_[l]});
    found_.resource_classes = both_.size();
  }

  // By the sets of classes of their resources and of the flows that they wait for.
  void part_flows() {
    ++seed_;
    both_.clear();
    seen_resource_.assign(found_.resource_classes, Alike::kUnused);
    seen_flow_.assign(found_.flow_classes, Alike::kUnused);
    next_.resize(sharing_.flows());
    for (FlowId f = 0; f < sharing_.flows(); ++f) {
      std::uint64_t sum = 0;
      for (const auto& use : sharing_.uses(f)) {
        const auto c = found_.resource_class[use.resource];
        if (std::exchange(seen_resource_[c], f) != f) sum += mixed(2 * std::uint64_t{c} + (seed_ << 40));
      }
      for (const FlowId before : program_.after(f)) {
        const auto c = found_.flow_class[before];
        if (std::exchange(seen_flow_[c], f) != f) sum += mixed(2 * std::uint64_t{c} + 1 + (seed_ << 40));
      }
      next_[f] = both_.number({found_.flow_class[f], sum});
    }
    found_.flow_class.swap(next_);
    found_.flow_classes = both_.size();
  }

  // Long ways for news to travel, such as rings, take too many rounds: there splitters are cheaper.
  std::optional<Alike> refined() {
    std::uint64_t uses = 0;
    for (FlowId f = 0; f < sharing_.flows(); ++f) uses += sharing_.uses(f).size() + program_.after(f).size();
    if (uses > kRefinedUses || (sharing_.flows() > kSmall && found_.flow_classes > sharing_.flows() / 8)) return std::nullopt;
    const std::uint32_t flows = sharing_.flows();
    fold::Graph graph{flows + sharing_.resources(), {}};
    fold::RefinementOptions options{.colours = std::vector<std::int64_t>(graph.nodes), .readings = std::vector<fold::Reading>(graph.nodes, fold::Reading::total), .rounding = kSame};
    for (FlowId f = 0; f < flows; ++f) {
      options.colours[f] = found_.flow_class[f];
      for (const auto& [l, load] : sharing_.uses(f)) {
        graph.arcs.push_back({flows + l, f, loads_.united(load)});
        graph.arcs.push_back({f, flows + l, 1});
      }
      for (const FlowId before : program_.after(f)) graph.arcs.push_back({f, before, 1});
    }
    for (ResourceId l = 0; l < sharing_.resources(); ++l) {
      options.colours[flows + l] = std::int64_t{flows} + (found_.resource_class[l] == Alike::kUnused ? found_.resource_classes : found_.resource_class[l]);
      options.readings[flows + l] = fold::Reading::presence;
    }
    const auto classes = fold::colour_refinement(graph, options);
    Numbering of_flows, of_resources;
    for (FlowId f = 0; f < flows; ++f) found_.flow_class[f] = of_flows.number({classes[f], 0});
    for (ResourceId l = 0; l < sharing_.resources(); ++l)
      if (auto& mine = found_.resource_class[l]; mine != Alike::kUnused) mine = of_resources.number({classes[flows + l], 0});
    found_.flow_classes = of_flows.size();
    found_.resource_classes = of_resources.size();
    if (!pays()) return std::nullopt;
    return std::move(found_);
  }

  const flow::FlowProgram& program_;
  const flow::SharingProblem<double>& sharing_;
  Loads loads_;
  Alike found_;
  Numbering both_;
  std::uint64_t seed_ = 0;
  std::vector<std::uint64_t> sums_;                     // per resource
  std::vector<std::uint32_t> seen_resource_, seen_flow_;  // per class: by the last flow
  std::vector<std::uint32_t> next_;
};

struct Entry {
  std::uint32_t flow_class;
  std::uint32_t resource_class;
  double load;
};

// First members, by class.
std::vector<std::uint32_t> firsts(std::span<const std::uint32_t> classes, std::uint32_t count) {
  std::vector<std::uint32_t> first;
  first.reserve(count);
  for (std::uint32_t i = 0; i < classes.size(); ++i)
    if (classes[i] == first.size()) first.push_back(i);
  ZT_ASSERT(first.size() == count, "classes are numbered by their first members");
  return first;
}

// What all flows of each class put on the first resource of each class; by flow class.
std::vector<Entry> loads_of(const flow::FlowProgram& program, const Alike& alike, std::span<const std::uint32_t> first_resource) {
  const auto& sharing = program.sharing();
  const Loads loads(sharing);
  std::vector<Entry> entries;
  for (FlowId f = 0; f < sharing.flows(); ++f)
    for (const auto& [l, load] : sharing.uses(f))
      if (const auto c = alike.resource_class[l]; first_resource[c] == l) entries.push_back({alike.flow_class[f], c, loads.united(load)});
  const auto key = [](const Entry& e) { return std::tuple(e.flow_class, e.resource_class, e.load); };
  std::sort(entries.begin(), entries.end(), [&](const Entry& a, const Entry& b) { return key(a) < key(b); });
  std::vector<Entry> sums;
  for (const auto& entry : entries) {
    if (sums.empty() || sums.back().flow_class != entry.flow_class || sums.back().resource_class != entry.resource_class) sums.push_back(entry);
    else sums.back().load += entry.load;
  }
  return sums;
}

flow::FlowProgram program_of(const flow::FlowProgram& program, const Alike& alike, std::span<const std::uint32_t> first_flow, std::span<const std::uint32_t> first_resource) {
  const auto& sharing = program.sharing();
  flow::FlowProgram classes;
  for (const ResourceId l : first_resource) (void)classes.add_resource(units::BytesPerSecond::from_si(sharing.capacity(l)));
  const auto entries = loads_of(program, alike, first_resource);
  const auto load_on = [&](std::uint32_t f, std::uint32_t l) {
    const auto at = std::lower_bound(entries.begin(), entries.end(), std::pair(f, l), [](const Entry& e, const auto& p) { return std::pair(e.flow_class, e.resource_class) < p; });
    ZT_ASSERT(at != entries.end() && at->flow_class == f && at->resource_class == l, "members of a flow class use the same classes");
    return at->load;
  };
  std::vector<std::uint32_t> seen(alike.resource_classes, Alike::kUnused);
  for (std::uint32_t c = 0; c < first_flow.size(); ++c) {
    const FlowId f = first_flow[c];
    flow::FlowSpec spec{.bytes = program.bytes(f), .uses = {}, .weight = sharing.weight(f), .rate_cap = {}, .latency = program.latency(f), .after = {}};
    if (sharing.has_cap(f)) spec.rate_cap = units::BytesPerSecond::from_si(sharing.rate_cap(f));
    for (const auto& use : sharing.uses(f)) {
      const auto l = alike.resource_class[use.resource];
      if (std::exchange(seen[l], c) != c) spec.uses.push_back({l, load_on(c, l)});
    }
    for (const FlowId before : program.after(f)) spec.after.push_back(alike.flow_class[before]);
    (void)classes.add_flow(spec);
  }
  return classes;
}

}  // namespace

std::optional<Alike> find_alike(const flow::FlowProgram& program) {
  ZT_EXPECT(!program.has_changes(), "capacities change");
  return Search(program).run();
}

flow::SimulationResult simulate_alike(const flow::FlowProgram& program, const Alike& alike) {
  const auto& sharing = program.sharing();
  ZT_EXPECT(alike.flow_class.size() == sharing.flows() && alike.resource_class.size() == sharing.resources(), "classes of this program");
  const auto first_resource = firsts(alike.resource_class, alike.resource_classes);
  const auto of_classes = flow::simulate(program_of(program, alike, firsts(alike.flow_class, alike.flow_classes), first_resource));
  flow::SimulationResult result{.flows = {}, .resources = std::vector<flow::ResourceOutcome>(sharing.resources()), .rates = {}, .end = of_classes.end, .unfinished = {}, .solves = of_classes.solves};
  result.flows.reserve(sharing.flows());
  for (FlowId f = 0; f < sharing.flows(); ++f) {
    auto outcome = of_classes.flows[alike.flow_class[f]];
    if (outcome.limited_by < alike.resource_classes) {
      const auto uses = sharing.uses(f);
      outcome.limited_by = std::find_if(uses.begin(), uses.end(), [&](const auto& use) { return alike.resource_class[use.resource] == outcome.limited_by; })->resource;
    }
    if (outcome.state != flow::FlowState::finished) result.unfinished.push_back(f);
    result.flows.push_back(outcome);
  }
  for (ResourceId l = 0; l < sharing.resources(); ++l)
    if (alike.resource_class[l] != Alike::kUnused) result.resources[l] = of_classes.resources[alike.resource_class[l]];
  return result;
}

}  // namespace zettatwin::traffic::detail
