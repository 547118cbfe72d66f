// SPDX-License-Identifier: Apache-2.0
#include "hardware/machine.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

namespace zettatwin::hardware {

std::span<const config::Word> network_words() {
  static constexpr std::array words{
      config::Word{"full_mesh", static_cast<int>(NetworkKind::full_mesh), "a direct link between each two peers"},
      config::Word{"switched", static_cast<int>(NetworkKind::switched), "one switching domain"},
      config::Word{"clos", static_cast<int>(NetworkKind::clos), "a fat tree of several tiers"},
      config::Word{"torus", static_cast<int>(NetworkKind::torus), "a ring per dimension"},
      config::Word{"graph", static_cast<int>(NetworkKind::graph), "switches and links as listed"},
      config::Word{"dragonfly", static_cast<int>(NetworkKind::dragonfly), "groups of routers, each joined with each"}};
  return words;
}

std::span<const config::Word> part_words() {
  static constexpr std::array words{
      config::Word{"switch", static_cast<int>(PartKind::network_switch), "a switch"},
      config::Word{"optical_module", static_cast<int>(PartKind::optical_module), "a pluggable or near-packaged optical module"},
      config::Word{"cable", static_cast<int>(PartKind::cable), "an electrical or optical cable"}};
  return words;
}

units::BytesPerSecond Level::port_bandwidth() const {
  switch (network.kind) {
    case NetworkKind::full_mesh: return static_cast<double>(size - 1) * network.pair_bandwidth.value;
    case NetworkKind::torus: return 2.0 * static_cast<double>(network.torus.size()) * network.pair_bandwidth.value;
    case NetworkKind::switched:
    case NetworkKind::clos: return network.bandwidth.value;
    case NetworkKind::graph:
    case NetworkKind::dragonfly: return network.rates ? network.rates->ports : units::BytesPerSecond{};
  }
  return {};
}

std::int64_t Machine::chips_within(std::size_t end) const {
  std::int64_t product = 1;
  for (std::size_t l = 0; l < end; ++l) product *= levels[l].size;
  return product;
}

std::optional<std::size_t> Machine::level_named(std::string_view level) const {
  for (std::size_t l = 0; l < levels.size(); ++l)
    if (levels[l].name == level) return l;
  return std::nullopt;
}

void derive_rates(Machine& machine) {
  for (std::size_t l = 0; l < machine.levels.size(); ++l) {
    auto& level = machine.levels[l];
    if (is_graph(level.network.kind)) level.network.rates = graph_rates(level.network.graph, level.size, machine.chips_within(l));
  }
}

double Machine::units_of(std::string_view level) const {
  const auto l = level_named(level);
  return l ? static_cast<double>(chips()) / static_cast<double>(chips_within(*l + 1)) : 0;
}

double Machine::total_of(const InventoryItem& item) const {
  const auto l = level_named(item.per);
  if (!l) return 0;
  const double share = item.for_size > 0 ? static_cast<double>(levels[*l].size) / static_cast<double>(item.for_size) : 1.0;
  return item.count.si() * share * units_of(item.per);
}

namespace {

constexpr double kChipsMax = 1e12;  // so that counts of ranks and of pairs of levels stay exact in 64 bits
constexpr config::FieldOptions kCount{.range = {1, 1e9}};
constexpr config::FieldOptions kRequiredText{.presence = config::Presence::required};
constexpr config::FieldOptions kShare{.range = config::kFraction};
constexpr config::FieldOptions kAny{.range = config::kNonNegative};

std::vector<std::string> texts_of(const std::vector<std::int64_t>& sizes) {
  std::vector<std::string> texts;
  for (const auto size : sizes) texts.push_back(std::to_string(size));
  return texts;
}

// The schema has lists of texts only; sizes are digits.
void torus_sizes(config::Schema& s, std::vector<std::int64_t>& sizes) {
  auto texts = texts_of(sizes);
  s.texts("torus", texts, "torus: units per dimension, such as [16, 20, 28]");
  sizes.clear();
  for (const auto& text : texts) {
    const bool digits = !text.empty() && text.size() <= 9 && text.find_first_not_of("0123456789") == std::string::npos;
    const std::int64_t size = digits ? std::stoll(text) : 0;
    s.check(size >= 1, fmt::format("'{}' is not a size of a torus dimension", text), "sizes are whole numbers from 1");
    if (size >= 1) sizes.push_back(size);
  }
}

void check_network(config::Schema& s, const LevelNetwork& n) {
  const bool pairs = n.kind == NetworkKind::full_mesh || n.kind == NetworkKind::torus;
  const auto need = [&](bool present, std::string_view key) {
    s.check(present, fmt::format("a {} network lacks '{}'", name_of(n.kind), key));
  };
  need(!pairs || n.pair_bandwidth.present, "pair_bandwidth");
  need(pairs || is_graph(n.kind) || n.bandwidth.present, "bandwidth");
  need(n.kind != NetworkKind::dragonfly || n.graph.dragonfly.has_value(), "dragonfly");
  s.check(!is_graph(n.kind) || !n.in_network_reduction, fmt::format("a {} network cannot add up in its switches", name_of(n.kind)), "which switches would is not known");
  need(n.kind != NetworkKind::torus || !n.torus.empty(), "torus");
  static const std::vector<std::string> known{"ring", "tree", "halving_doubling", "direct", "bruck", "rotated"};
  for (const auto& algorithm : n.algorithms)
    s.check(std::find(known.begin(), known.end(), algorithm) != known.end(), fmt::format("'{}' is not a known algorithm", algorithm),
            fmt::format("known: {}", fmt::join(known, ", ")));
  need(!n.in_network_reduction || n.reduction_efficiency.present, "reduction_efficiency");
}

}  // namespace

void describe(config::Schema& s, ServingTraffic& t) {
  s.figure("reduce_launch", t.reduce_launch, "start and end of an all-reduce kernel of one or two shots", kAny);
  s.figure("reduce_share", t.reduce_share, "share of the bandwidth that it reaches", kShare);
  s.figure("exchange_launch", t.exchange_launch, "start and end of one dispatch or one combine of tokens to experts, low-latency kernels", kAny);
  s.figure("exchange_share", t.exchange_share, "share of the bandwidth that they reach", kShare);
  s.figure("exchange_gap", t.exchange_gap, "time that they take per rank of the group", kAny);
  s.figure("bulk_launch", t.bulk_launch, "start and end of one dispatch or one combine, high-throughput kernels", kAny);
  s.figure("bulk_share", t.bulk_share, "share of the bandwidth that they reach", kShare);
}

void describe(config::Schema& s, LevelNetwork& n) {
  s.choice("kind", n.kind, network_words(), "how the units of this level are joined", kRequiredText);
  s.figure("pair_bandwidth", n.pair_bandwidth, "full_mesh, torus: bandwidth of one chip's link to one peer, per direction");
  s.figure("bandwidth", n.bandwidth, "switched, clos: bandwidth of one chip into this level, per direction");
  s.figure("oversubscription", n.oversubscription, "clos: bandwidth into the first tier over bandwidth above it; 1 is full bisection");
  s.integer("units_per_leaf", n.units_per_leaf, "clos: units under one first-tier switch group; 0 if all traffic leaves it");
  s.integer("planes", n.planes, "parallel planes that a chip's bandwidth is striped over", kCount);
  s.integer("ports_per_chip", n.ports_per_chip, "ports of one chip into this level: one per plane if not given; fewer if planes are rails", {.range = {0, 1e9}});
  s.integer("tiers", n.tiers, "tiers of switches", kCount);
  torus_sizes(s, n.torus);
  s.table("switches", n.graph.switches, "graph: names of switches and how many there are of each");
  s.list("links", n.graph.links, "graph: what is joined with what");
  s.optional_object("dragonfly", n.graph.dragonfly, "dragonfly: its shape and links");
  s.figure("latency", n.latency, "one way from chip to chip across this level, per step of a collective", {config::Presence::required, config::kNonNegative});
  s.figure("efficiency", n.efficiency, "share of the bandwidth that long messages reach", {config::Presence::required, config::kFraction});
  s.figure("half_message", n.half_message, "bytes through one chip's ports at which half of the long-message bandwidth is reached", kAny);
  s.figure("message_gap", n.message_gap, "time between messages of one chip to different peers", kAny);
  s.figure("launch", n.launch, "time to start one collective on this level", kAny);
  s.texts("algorithms", n.algorithms, "what the vendor's library has here, of ring, tree, halving_doubling, direct, bruck; all if not given. rotated (over several meshes and tori) only if named");
  s.boolean("in_network_reduction", n.in_network_reduction, "whether the switches add up (SHARP, NVLS)");
  s.figure("reduction_efficiency", n.reduction_efficiency, "share of the bandwidth that in-network reduction reaches", kShare);
  s.figure("reduction_latency", n.reduction_latency, "one pass through the reducing switches, instead of latency", kAny);
  s.figure("reduction_half_message", n.reduction_half_message, "bytes per member at which in-network reduction reaches half of its long-message bandwidth", kAny);
  s.object("serving", n.serving, "small messages of serving engines");
  check_network(s, n);
}

void describe(config::Schema& s, Level& level) {
  s.text("name", level.name, "name of the level, such as board", kRequiredText);
  s.text("counts", level.counts, "what its size counts, plural, such as nodes; scenarios may set the size by this word");
  s.integer("size", level.size, "units of the level below in one unit of this level", {config::Presence::required, {1, 1e9}});
  s.integer("size_max", level.size_max, "the most units that this network can join; 0 if no limit is known");
  s.boolean("scale_out", level.scale_out, "reached through NICs rather than the memory fabric");
  s.boolean("shares_ports", level.shares_ports, "the same ports of a chip as the level below: their traffic adds up");
  s.object("network", level.network, "the network between those units", kRequiredText);
  level.network.graph.units = std::max(level.network.graph.units, level.size);
  double product = 1;
  for (const auto size : level.network.torus) product *= static_cast<double>(size);
  s.check(level.network.kind != NetworkKind::torus || product == static_cast<double>(level.size),
          fmt::format("the torus of level '{}' has {:g} units, its size is {}", level.name, product, level.size));
  s.check(level.size_max == 0 || level.size <= level.size_max,
          fmt::format("level '{}' has {} units, more than its size_max of {}", level.name, level.size, level.size_max));
}

void describe(config::Schema& s, MemoryTier& tier) {
  s.text("name", tier.name, "name of the tier, such as host", kRequiredText);
  s.figure("capacity_per_chip", tier.capacity_per_chip, "capacity, per chip");
  s.figure("bandwidth_per_chip", tier.bandwidth_per_chip, "bandwidth between chip and tier, per direction");
  s.figure("latency", tier.latency, "time of one access", kAny);
}

void describe(config::Schema& s, Host& host) {
  s.text("cpu", host.cpu, "CPU of the host");
  s.integer("cpus", host.cpus, "CPUs in one host");
  s.integer("chips", host.chips, "chips that one host serves");
  s.figure("link_bandwidth", host.link_bandwidth, "host to chip, per chip and direction");
  s.figure("power", host.power, "power of one host without its chips");
}

void describe(config::Schema& s, InventoryItem& item) {
  s.text("name", item.name, "what it is", kRequiredText);
  s.choice("kind", item.kind, part_words(), "kind of part", kRequiredText);
  s.text("per", item.per, "level whose one unit holds `count` of them", kRequiredText);
  s.integer("for_size", item.for_size, "size of that level that the count was given for; other sizes scale it");
  s.figure("count", item.count, "how many", config::kRequired);
  s.figure("power", item.power, "power of each");
}

void describe(config::Schema& s, Racks& racks) {
  s.text("per", racks.per, "level whose one unit the counts and the area are of", kRequiredText);
  s.integer("chips_per_rack", racks.chips_per_rack, "chips in one compute rack");
  s.figure("compute_racks", racks.compute_racks, "racks with chips");
  s.figure("interconnect_racks", racks.interconnect_racks, "racks with switches", kAny);
  s.figure("compute_rack_power", racks.compute_rack_power, "power rating of a compute rack");
  s.figure("interconnect_rack_power", racks.interconnect_rack_power, "power rating of an interconnect rack");
  s.figure("floor_area", racks.floor_area, "floor area, aisles included");
}

void describe(config::Schema& s, MachinePower& power) {
  s.figure("per_chip", power.per_chip, "IT power of everything inside the racks, per chip");
  s.figure("scale_out", power.scale_out, "power of the scale-out network's switches and optics, per chip");
  s.figure("pue", power.pue, "facility power over IT power", {.range = {1, 10}});
}

void describe(config::Schema& s, Availability& a) {
  s.text("status", a.status, "announced, shipping or hypothetical");
  s.text("announced", a.announced, "when it was announced");
  s.text("revised", a.revised, "when its figures were revised, and how");
  s.text("shipping", a.shipping, "when it ships or shipped");
}

void describe(config::Schema& s, Published& p) {
  s.figure("chips", p.chips, "number of chips, as the vendor counts them");
  s.figure("fp8", p.fp8, "FP8 rate");
  s.figure("fp4", p.fp4, "FP4 rate");
  s.figure("memory", p.memory, "memory capacity");
  s.figure("interconnect", p.interconnect, "interconnect bandwidth");
  s.figure("floor_area", p.floor_area, "floor area");
  s.figure("training", p.training, "training throughput");
  s.figure("inference", p.inference, "inference throughput");
}

void describe(config::Schema& s, Machine& m) {
  s.text("name", m.name, "preset name; a catalog file's own name if not given");
  s.text("title", m.title, "full name");
  s.text("notes", m.notes, "which readings of conflicting sources it takes, and what is not known");
  s.text("chip", m.chip_name, "name of the chip, or a mapping that extends one", kRequiredText);
  s.list("levels", m.levels, "nested levels, innermost first; also as a mapping from names, so that variants can change one", kRequiredText);
  s.list("memory_tiers", m.memory_tiers, "memory beyond the chip's own");
  s.object("host", m.host, "the hosts");
  s.list("inventory", m.inventory, "switches, optical modules and cables");
  s.object("housing", m.racks, "racks and floor");
  s.object("power", m.power, "power of the whole");
  s.object("availability", m.availability, "when and whether it can be had");
  s.object("published", m.published, "headline totals as published, for audits; nothing is computed from them");
  s.check(!m.levels.empty(), "a machine has at least one level");
  for (const auto& item : m.inventory)
    s.check(m.level_named(item.per).has_value(), fmt::format("inventory '{}' is per '{}', which is no level", item.name, item.per));
  s.check(m.racks.per.empty() || m.level_named(m.racks.per).has_value(), fmt::format("racks are per '{}', which is no level", m.racks.per));
  double chips = 1;  // the product of sizes could overflow an integer
  for (const auto& level : m.levels) chips *= static_cast<double>(level.size);
  s.check(chips <= kChipsMax, "the machine has too many chips", fmt::format("{:g}; the limit is {:g}", chips, kChipsMax));
}

}  // namespace zettatwin::hardware
