// SPDX-License-Identifier: Apache-2.0
#include "api/collective.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "hardware/catalog.hpp"
#include "units/text.hpp"

namespace zettatwin::api {
namespace {

using config::location_in;
using network::Algorithm;
using network::Collective;

constexpr double kUnfoldedFlows = 4e6;  // about 2 GB
constexpr double kBytesMax = 1e18;

// The value whose name is `word`, dashes and underscores alike.
template <class T>
std::optional<T> named(const std::string& option, std::string word, std::initializer_list<T> values, config::Diagnostics& diagnostics) {
  std::vector<std::string> words;
  std::replace(word.begin(), word.end(), '_', '-');
  for (const T value : values) {
    words.emplace_back(network::name_of(value));
    std::replace(words.back().begin(), words.back().end(), '_', '-');
    if (words.back() == "automatic") words.back() = "auto";
    if (words.back() == word) return value;
  }
  const auto near = config::nearest(word, words);
  diagnostics.error(location_in(option), fmt::format("unknown '{}'", word), fmt::format("it is one of {}", fmt::join(words, ", ")), near.empty() ? "" : fmt::format("did you mean '{}'?", near));
  return std::nullopt;
}

std::optional<units::Bytes> size_of(std::string_view text, config::Diagnostics& diagnostics) {
  const auto parsed = units::parse_quantity(text);
  const auto fail = [&](const std::string& problem) {
    diagnostics.error(location_in("--bytes"), problem, "", "write a size such as 64MiB, 1e9 or 4GB, or a sweep such as 1KiB:8GiB");
    return std::nullopt;
  };
  if (!parsed) return fail(parsed.error());
  if (parsed->dimension != units::kBytes && parsed->dimension != units::kDimensionless) return fail(fmt::format("'{}' is not a number of bytes", text));
  if (!(parsed->si >= 1) || parsed->si > kBytesMax) return fail(fmt::format("'{}' is not between 1 byte and 1 EB", text));
  return units::Bytes::from_si(parsed->si);
}

std::vector<units::Bytes> sizes_of(const std::string& text, config::Diagnostics& diagnostics) {
  const auto colon = text.find(':');
  const auto first = size_of(text.substr(0, colon), diagnostics);
  const auto last = colon == std::string::npos ? first : size_of(text.substr(colon + 1), diagnostics);
  if (!first || !last) return {};
  if (*last < *first) {
    diagnostics.error(location_in("--bytes"), fmt::format("'{}' ends before it begins", text), "", fmt::format("write {}:{}", text.substr(colon + 1), text.substr(0, colon)));
    return {};
  }
  std::vector<units::Bytes> sizes;
  for (auto size = *first; size <= *last; size *= 2) sizes.push_back(size);
  return sizes;
}

std::vector<std::string> estimated_figures(const hardware::Machine& machine) {
  std::vector<std::string> names;
  for (const auto& level : machine.levels) {
    const auto add = [&](const auto& figure, const char* what) {
      if (figure.present && figure.provenance.confidence == config::Confidence::estimated && level.size > 1) names.push_back(fmt::format("{} {}", level.name, what));
    };
    add(level.network.pair_bandwidth, "pair bandwidth");
    add(level.network.bandwidth, "bandwidth");
    add(level.network.oversubscription, "oversubscription");
    for (const auto& rule : level.network.graph.links) add(rule.bandwidth, fmt::format("{} to {}", rule.from.text, rule.to.text).c_str());
    if (const auto& dragonfly = level.network.graph.dragonfly) add(dragonfly->unit_bandwidth, "unit bandwidth"), add(dragonfly->local_bandwidth, "local bandwidth"), add(dragonfly->global_bandwidth, "global bandwidth");
    add(level.network.efficiency, "efficiency");
    add(level.network.latency, "latency");
    add(level.network.half_message, "half message");
    add(level.network.message_gap, "message gap");
    add(level.network.launch, "launch");
  }
  return names;
}

// The machine cut to the job's chips, and the group's view on them.
struct Scene {
  hardware::Machine machine;
  topology::Fabric fabric;
  space::View group;
  std::vector<traffic::Fault> faults;
  std::optional<traffic::RoutingChoice> routing;  // on the explicit graph; nothing: by classes
};

std::optional<traffic::RoutingChoice> routing_of(const CollectiveQuestion& q, config::Diagnostics& diagnostics) {
  using graph::Routing;
  traffic::RoutingChoice choice{.seed = static_cast<std::uint64_t>(q.seed), .seeds = q.seeds};
  std::vector<std::string> words;
  bool known = false;
  for (const auto routing : {Routing::spraying, Routing::d_mod_k, Routing::ecmp, Routing::first}) {
    words.emplace_back(graph::name_of(routing));
    if (words.back() != q.routing) continue;
    choice.routing = routing;
    known = true;
  }
  const auto near = config::nearest(q.routing, words);
  if (!known) diagnostics.error(location_in("--routing"), fmt::format("unknown '{}'", q.routing), fmt::format("it is one of {}", fmt::join(words, ", ")), near.empty() ? "" : fmt::format("did you mean '{}'?", near));
  constexpr std::int64_t kSeedsMax = 100'000;
  if (q.seeds < 1 || q.seeds > kSeedsMax) diagnostics.error(location_in("--seeds"), fmt::format("an ensemble of {} draws", q.seeds), fmt::format("it has 1 to {}", kSeedsMax), "write --seeds 32");
  if (q.seed < 0) diagnostics.error(location_in("--seed"), fmt::format("a seed of {}", q.seed), "seeds count from 0", "write --seed 1");
  if (choice.routing != Routing::ecmp) choice.seeds = 1;
  return known ? std::optional(choice) : std::nullopt;
}

// Whether flows must be put on the explicit graph: for what classes cannot express.
bool wants_graph(const Scene& scene, const traffic::RoutingChoice& choice) {
  const bool named = std::any_of(scene.faults.begin(), scene.faults.end(), [](const traffic::Fault& f) { return !f.place.ends.first.empty(); });
  return named || choice.routing != graph::Routing::spraying || traffic::needs_graph(scene.fabric);
}

bool group_fits(const CollectiveQuestion& q, std::int64_t ranks, config::Diagnostics& diagnostics) {
  constexpr std::int64_t kRanksMax = std::int64_t{1} << 40;
  const auto size = diagnostics.error_count();
  if (q.stride < 1) diagnostics.error(location_in("--stride"), fmt::format("a stride of {} ranks", q.stride), "members are at least one rank apart", "write --stride 1 for neighbours");
  if (q.ranks < 0 || ranks < 2) diagnostics.error(location_in("--ranks"), fmt::format("a group of {} ranks does not communicate", ranks), "", "write --ranks 2 or more");
  else if (q.stride >= 1 && ranks > kRanksMax / q.stride) diagnostics.error(location_in("--ranks"), fmt::format("{} ranks {} apart are more than any machine has", units::grouped(ranks), units::grouped(q.stride)), "", "ask for fewer");
  return diagnostics.error_count() == size;
}

std::unique_ptr<Scene> scene_of(const CollectiveQuestion& q, bool message, hardware::Machine machine, config::Diagnostics& diagnostics) {
  const auto ranks = q.ranks > 0 ? q.ranks : message ? 2 : machine.chips() / std::max<std::int64_t>(1, q.stride);
  auto scene = std::make_unique<Scene>();
  const bool good = group_fits(q, ranks, diagnostics);
  auto resized = !good ? std::nullopt : ranks * q.stride == machine.chips() ? std::optional(machine) : hardware::resized(machine, ranks * q.stride, location_in("--ranks"), diagnostics);
  // Places of the whole machine are known; those on a torus are positions in the box that the job uses.
  const bool torus = std::any_of(machine.levels.begin(), machine.levels.end(), [](const auto& level) { return level.network.kind == hardware::NetworkKind::torus; });
  const auto& named = resized && (torus || resized->chips() > machine.chips()) ? *resized : machine;
  for (const auto& text : q.faults)
    if (auto fault = traffic::parse_fault(text, named, location_in("--fault"), diagnostics)) scene->faults.push_back(std::move(*fault));
  if (!resized || diagnostics.has_errors()) return nullptr;
  scene->machine = std::move(*resized);
  scene->fabric = topology::whole(scene->machine);
  scene->group = {{{ranks, q.stride}}};
  if (!topology::divides_evenly(scene->fabric, scene->group) || !traffic::can_simulate(scene->fabric, scene->group)) {
    std::vector<std::string> units;
    for (std::size_t l = 0; l < scene->machine.levels.size(); ++l) units.push_back(fmt::format("{} {}", scene->machine.levels[l].name, units::grouped(scene->fabric.ranks_within(l))));
    diagnostics.error(location_in("--stride"), fmt::format("groups of {} ranks {} apart cut across the machine's units", ranks, q.stride), fmt::format("units have {} ranks", fmt::join(units, ", ")),
                      "choose a stride and a number of ranks that divide them, or are multiples");
    return nullptr;
  }
  for (const auto& fault : scene->faults) {
    bool inside = true;
    for (std::size_t l = 0; l < fault.place.coordinate.size(); ++l) inside = inside && fault.place.coordinate[l] < scene->fabric.used[l];
    if (!inside) diagnostics.warning(fault.where, fmt::format("{} has no effect", fault.text), "the job does not use that part of the machine");
    else if (fault.kind == traffic::FaultKind::slow_chip) diagnostics.warning(fault.where, fmt::format("{} has no effect", fault.text), "a collective alone does not compute", "slow-hbm and slow-link slow collectives");
  }
  return scene;
}

// By classes, or with every flow on real cables if there is a routing.
traffic::RoutedAnswer answer_of(const Scene& scene, const traffic::CollectiveQuery& query) {
  if (scene.routing) return traffic::simulate_on_graph(scene.fabric, query, *scene.routing);
  return {traffic::simulate(scene.fabric, query), std::nullopt};
}

// What the question adds to a plain collective; problems go to diagnostics.
bool complete(const CollectiveQuestion& q, const Scene& scene, ExpertDispatch& dispatch, traffic::CollectiveQuery& query, const config::DocumentSource& source, config::Diagnostics& diagnostics) {
  const auto ranks = query.group.size();
  const bool exchange = query.request.op == Collective::all_to_all;
  if (query.request.op == Collective::point_to_point && ranks != 2)
    diagnostics.error(location_in("--ranks"), fmt::format("send-recv is between two ranks, not {}", units::grouped(ranks)), "each of a pair sends to the other, all pairs at once", "leave --ranks out; --stride sets how far apart the two are");
  if (!exchange && (!q.skew.empty() || q.dispatch.top_k != 0))
    diagnostics.error(location_in("--op"), "skew and experts are of all-to-all", "", "write --op all-to-all");
  if (scene.routing && (!q.skew.empty() || q.dispatch.top_k != 0 || query.request.algorithm == Algorithm::rotated))
    diagnostics.error(location_in("--routing"), "uneven receivers, experts and rotated orders are simulated by classes only", "", "leave --routing out, on a machine of nested levels");
  if (diagnostics.has_errors() || !check(dispatch, query.request.spread, diagnostics)) return false;
  if (!q.skew.empty()) {
    const auto text = q.skew.starts_with('@') ? source.read(q.skew.substr(1)) : std::optional(q.skew);
    if (!text) diagnostics.error(location_in("--skew"), fmt::format("'{}' cannot be read", q.skew.substr(1)), "", "name a file with relative loads");
    const auto loads = text ? parse_skew(*text, ranks, diagnostics) : std::nullopt;
    if (!loads) return false;
    query.received = *loads;
    if (query.request.algorithm == Algorithm::automatic) query.request.algorithm = Algorithm::direct;  // others pass messages on, in equal parts
    if (query.request.algorithm != Algorithm::direct)
      diagnostics.error(location_in("--algorithm"), fmt::format("{} moves equal parts", network::name_of(query.request.algorithm)), "", "leave --algorithm out with --skew");
    const double classes = traffic::pair_classes_at_most(scene.fabric, query);
    if (classes > kUnfoldedFlows)
      diagnostics.error(location_in("--skew"), fmt::format("receivers differ so much that about {} classes of flows are left", units::grouped(std::llround(classes))), fmt::format("at most {} fit in memory", units::grouped(std::llround(kUnfoldedFlows))),
                        "name the few receivers that get more, or take fewer ranks");
  }
  return !diagnostics.has_errors();
}

std::vector<std::string> pattern_of(const Scene& scene, const ExpertDispatch& d, const traffic::CollectiveQuery& query, units::Bytes bytes) {
  std::vector<std::string> lines;
  if (!query.received.empty()) lines.push_back(fmt::format("the most loaded receiver gets {:.4g} times the mean", *std::max_element(query.received.begin(), query.received.end())));
  const auto across = bytes_across_level(d, bytes, query.request.spread);
  if (across.empty()) return lines;
  lines.push_back(fmt::format("{} of {} experts per token{}, one copy per unit", d.top_k, d.experts, d.group_limit > 0 ? fmt::format(", from {} of {} groups", d.group_limit, d.groups) : ""));
  for (std::size_t l = 0; l < across.size(); ++l)
    if (across[l].si() > 0) lines.push_back(fmt::format("across {}: {} of {} per rank", scene.machine.levels[l].name, units::human(across[l], 4), units::human(bytes, 4)));
  return lines;
}

// Without faults, with all of them, and if wanted with each alone.
report::CollectivePoint point_of(const Scene& scene, traffic::CollectiveQuery query, bool each_fault) {
  query.faults.clear();
  auto routed = answer_of(scene, query);
  report::CollectivePoint point{.bytes = query.request.bytes, .answer = std::move(routed.answer), .healthy = {}, .faults = {}, .ensemble = routed.ensemble};
  point.healthy = point.time();
  if (scene.faults.empty()) return point;
  query.faults = scene.faults;
  routed = answer_of(scene, query);
  point.answer = std::move(routed.answer);
  point.ensemble = routed.ensemble;
  for (std::size_t i = 0; each_fault && i < scene.faults.size(); ++i) {
    query.faults = {scene.faults[i]};
    const auto alone = answer_of(scene, query).answer;
    point.faults.push_back({scene.faults[i].text, alone.impossible.empty(), alone.impossible, alone.time.seconds(), alone.time.seconds() - point.healthy});
  }
  return point;
}

}  // namespace

std::optional<report::CollectiveSubject> collective(const CollectiveQuestion& q, const config::DocumentSource& source, config::Diagnostics& diagnostics) {
  const bool message = q.op == "send-recv" || q.op == "send_recv" || q.op == "p2p";  // nccl-tests calls it sendrecv
  const auto op = message ? std::optional(Collective::point_to_point)
                          : named("--op", q.op, {Collective::all_reduce, Collective::all_gather, Collective::reduce_scatter, Collective::all_to_all, Collective::broadcast, Collective::point_to_point}, diagnostics);
  const auto algorithm = named("--algorithm", q.algorithm, {Algorithm::automatic, Algorithm::ring, Algorithm::tree, Algorithm::halving_doubling, Algorithm::direct, Algorithm::bruck, Algorithm::hierarchical, Algorithm::in_network, Algorithm::rotated}, diagnostics);
  const auto sizes = sizes_of(q.bytes, diagnostics);
  if (q.fidelity != "folded" && q.fidelity != "unfolded") diagnostics.error(location_in("--fidelity"), fmt::format("unknown '{}'", q.fidelity), "", "write folded (classes) or unfolded (every rank)");
  auto machine = hardware::load_machine(source, q.machine, location_in("--machine"), diagnostics);
  const auto routing = routing_of(q, diagnostics);
  if (!machine) return std::nullopt;
  const std::string title = machine->title;
  const auto scene = scene_of(q, op == Collective::point_to_point, std::move(*machine), diagnostics);
  if (!scene || diagnostics.has_errors()) return std::nullopt;
  if (wants_graph(*scene, *routing)) scene->routing = *routing;
  traffic::CollectiveQuery query;
  query.request.op = *op;
  query.request.algorithm = *algorithm;
  query.request.spread = topology::spread_of(scene->fabric, scene->group);
  if (*op == Collective::point_to_point) query.request.units_apart = topology::units_apart(scene->fabric, q.stride, scene->group.size());
  query.group = scene->group;
  query.faults = scene->faults;
  auto dispatch = q.dispatch;
  if (!complete(q, *scene, dispatch, query, source, diagnostics)) return std::nullopt;
  const auto ranks = scene->group.size();
  report::CollectiveSubject subject{.machine = q.machine, .title = title, .chip = scene->machine.chip.title, .op = *op, .ranks = ranks, .stride = q.stride, .groups = scene->fabric.ranks() / ranks,
                                    .fidelity = q.fidelity == "folded" ? traffic::Fidelity::folded : traffic::Fidelity::unfolded, .pattern = {}, .estimated = estimated_figures(scene->machine), .points = {}};
  subject.routing = routing->routing;
  subject.on_graph = scene->routing.has_value();
  subject.pattern = pattern_of(*scene, dispatch, query, sizes.back());
  const double flows = static_cast<double>(scene->fabric.ranks()) * static_cast<double>(*op == Collective::all_to_all ? ranks : 64);
  if (subject.fidelity == traffic::Fidelity::unfolded && flows > kUnfoldedFlows) {
    diagnostics.error(location_in("--fidelity"), fmt::format("unfolded, this is about {} flows", units::grouped(std::llround(flows))), fmt::format("at most {} fit in memory", units::grouped(std::llround(kUnfoldedFlows))), "take fewer ranks, or --fidelity folded, which is exact");
    return std::nullopt;
  }
  query.fidelity = subject.fidelity;
  if (const auto large = scene->routing ? traffic::too_large(scene->fabric, query) : std::string{}; !large.empty()) {
    diagnostics.error(location_in("--ranks"), "too large for an explicit graph: " + large, "on real cables classes are found among listed flows", "take fewer ranks, or on nested levels --routing spraying");
    return std::nullopt;
  }
  for (const auto bytes : sizes) {
    query.request.bytes = bytes;
    query.request.bytes_across_level = bytes_across_level(dispatch, bytes, query.request.spread);
    subject.points.push_back(point_of(*scene, query, bytes == sizes.back()));
  }
  const auto& used = subject.points.back().answer;
  if (const auto asked = network::name_of(*algorithm); *algorithm != Algorithm::automatic && used.impossible.empty() && used.algorithm.find(asked) == std::string::npos)
    diagnostics.warning(location_in("--algorithm"), fmt::format("{} has no effect", q.algorithm), fmt::format("no level that the ranks cross knows it for {}", q.op), fmt::format("the answer is for {}", used.algorithm));
  return subject;
}

}  // namespace zettatwin::api
