// SPDX-License-Identifier: Apache-2.0
// A machine: a chip repeated over nested levels (package, board, cabinet, pod, cluster), each with a network between its
// units, and what surrounds them: hosts, memory tiers, switches and optics, racks, power. A chip here is the unit of a
// rank: for dual-die packages that run as two ranks, the die.
// All bandwidths are per chip and per direction; vendors' headlines often are bidirectional, or per package.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/figure.hpp"
#include "config/schema.hpp"
#include "hardware/chip.hpp"
#include "hardware/graph_network.hpp"

namespace zettatwin::hardware {

// How the units of one level are joined.
enum class NetworkKind {
  full_mesh,  // every chip has a direct link to its peer (same position) in each other unit: pair_bandwidth each
  switched,   // one switching domain: any chip to any other at `bandwidth`, one tier or several planes
  clos,       // fat tree of `tiers`, `bandwidth` per chip into the first tier, divided by `oversubscription` above it
  torus,      // ring per dimension, `pair_bandwidth` per chip to each of its two neighbours per dimension
  graph,      // switches and links as listed; a unit's chips share its links
  dragonfly,  // groups of fully joined routers, fully joined by global links; a unit's chips share its links
};
[[nodiscard]] std::span<const config::Word> network_words();
[[nodiscard]] inline std::string_view name_of(NetworkKind kind) { return config::word_of(network_words(), kind); }

// Whether links are described one by one, so that rates follow from the graph instead of being figures.
[[nodiscard]] inline bool is_graph(NetworkKind kind) { return kind == NetworkKind::graph || kind == NetworkKind::dragonfly; }

// Small messages of serving engines, whose own kernels write into their peers' memory instead of calling a collective library. Shares are of the level's
// bandwidth per chip. Absent figures: the library's own (launch, latency, efficiency, message_gap).
struct ServingTraffic {
  config::Figure<units::Seconds> reduce_launch;    // all-reduce kernels of one or two shots
  config::Figure<units::Ratio> reduce_share;
  config::Figure<units::Seconds> exchange_launch;  // one dispatch or one combine of tokens to experts, low-latency kernels
  config::Figure<units::Ratio> exchange_share;
  config::Figure<units::Seconds> exchange_gap;     // of it, per rank of the group
  config::Figure<units::Seconds> bulk_launch;      // the same with high-throughput kernels, whose copies for one unit travel once
  config::Figure<units::Ratio> bulk_share;
};

struct LevelNetwork {
  NetworkKind kind = NetworkKind::switched;
  config::Figure<units::BytesPerSecond> pair_bandwidth;  // full_mesh, torus
  config::Figure<units::BytesPerSecond> bandwidth;       // switched, clos: per chip into this level
  config::Figure<units::Ratio> oversubscription;         // clos: 1 is full bisection
  std::int64_t units_per_leaf = 0;                       // clos: units under one first-tier switch group; 0: all traffic leaves it
  std::int64_t planes = 1;
  std::int64_t ports_per_chip = 0;                       // switched, clos: 0: one into each plane; fewer: rails, each chip has its own planes
  std::int64_t tiers = 1;
  std::vector<std::int64_t> torus;                       // sizes per dimension
  GraphNetwork graph;                                    // graph, dragonfly
  std::optional<GraphRates> rates;                       // graph, dragonfly: derived by derive_rates
  config::Figure<units::Seconds> latency;                // one way, chip to chip across this level, per step of a collective
  config::Figure<units::Ratio> efficiency;               // achieved share of bandwidth for long messages
  config::Figure<units::Bytes> half_message;             // bytes through one chip's ports at which half of that is reached
  config::Figure<units::Seconds> message_gap;            // between messages of one chip to different peers (all-to-all)
  config::Figure<units::Seconds> launch;                 // start of one collective kernel on this level
  std::vector<std::string> algorithms;                   // what the vendor's library has here; empty: all that fit the network
  bool in_network_reduction = false;                     // switches reduce (SHARP, NVLS)
  config::Figure<units::Ratio> reduction_efficiency;     // of in-network reduction, relative to bandwidth
  config::Figure<units::Seconds> reduction_latency;      // of one pass through the reducing switches, instead of latency
  config::Figure<units::Bytes> reduction_half_message;   // of in-network reduction: bytes per member at which half of it is reached
  ServingTraffic serving;
};

struct Level {
  std::string name;         // "board"
  std::string counts;       // what `size` counts, plural: "nodes"; scenarios may set the size by this word
  std::int64_t size = 1;    // units of the level below in one unit of this level
  std::int64_t size_max = 0;  // the most that this network can join; 0: no limit known (mesh and torus: never above size)
  bool scale_out = false;   // reached through NICs rather than the memory fabric
  bool shares_ports = false;  // the same ports of a chip as the level below: their traffic adds up instead of overlapping
  LevelNetwork network;     // between them

  // All ports of one chip into this level, one direction, as on the datasheet.
  [[nodiscard]] units::BytesPerSecond port_bandwidth() const;
};

// Memory beyond the chip's own: host DRAM, a shared pool.
struct MemoryTier {
  std::string name;
  config::Figure<units::Bytes> capacity_per_chip;
  config::Figure<units::BytesPerSecond> bandwidth_per_chip;
  config::Figure<units::Seconds> latency;
};

struct Host {
  std::string cpu;
  std::int64_t cpus = 0;              // in one host
  std::int64_t chips = 0;             // served by one host
  config::Figure<units::BytesPerSecond> link_bandwidth;  // per chip, one direction
  config::Figure<units::Watts> power;                    // of one host without its chips
};

enum class PartKind { network_switch, optical_module, cable };
[[nodiscard]] std::span<const config::Word> part_words();

struct InventoryItem {
  std::string name;
  PartKind kind = PartKind::network_switch;
  std::string per;               // level whose one unit holds `count` of them
  std::int64_t for_size = 0;     // size of that level that the count was given for; other sizes scale it; 0: do not scale
  config::Figure<units::Ratio> count;
  config::Figure<units::Watts> power;  // each
};

struct Racks {
  std::string per;                              // level whose one unit the counts and the area are of
  std::int64_t chips_per_rack = 0;              // in a compute rack
  config::Figure<units::Ratio> compute_racks;
  config::Figure<units::Ratio> interconnect_racks;
  config::Figure<units::Watts> compute_rack_power;
  config::Figure<units::Watts> interconnect_rack_power;
  config::Figure<units::SquareMetres> floor_area;  // aisles included
};

struct MachinePower {
  config::Figure<units::Watts> per_chip;   // IT power of everything inside the racks, per chip
  config::Figure<units::Watts> scale_out;  // switches and optics of the scale-out network, per chip
  config::Figure<units::Ratio> pue;        // facility power / IT power
};

struct Availability {
  std::string status;     // "announced", "shipping", "hypothetical"
  std::string announced;  // date
  std::string revised;    // date and what changed
  std::string shipping;   // date
};

// Headline totals as the vendor published them, in the vendor's own counting, for audits; nothing is computed from them.
struct Published {
  config::Figure<units::Ratio> chips;
  config::Figure<units::FlopPerSecond> fp8;
  config::Figure<units::FlopPerSecond> fp4;
  config::Figure<units::Bytes> memory;
  config::Figure<units::BytesPerSecond> interconnect;
  config::Figure<units::SquareMetres> floor_area;
  config::Figure<units::TokensPerSecond> training;
  config::Figure<units::TokensPerSecond> inference;
};

struct Machine {
  std::string name;
  std::string title;
  std::string notes;
  std::string chip_name;
  Chip chip;
  std::vector<Level> levels;  // innermost first
  std::vector<MemoryTier> memory_tiers;
  Host host;
  std::vector<InventoryItem> inventory;
  Racks racks;
  MachinePower power;
  Availability availability;
  Published published;

  [[nodiscard]] std::int64_t chips() const { return chips_within(levels.size()); }
  // Chips in one unit of level `end - 1`: the product of the sizes of levels 0 .. end - 1.
  [[nodiscard]] std::int64_t chips_within(std::size_t end) const;
  [[nodiscard]] std::optional<std::size_t> level_named(std::string_view level) const;
  // How many units of that level the whole machine has; 0 if there is no such level.
  [[nodiscard]] double units_of(std::string_view level) const;
  // How many of an inventory item the whole machine has.
  [[nodiscard]] double total_of(const InventoryItem& item) const;
};

// What the graphs of a machine's levels give their chips, at the machine's present size. Expects graphs without errors.
void derive_rates(Machine& machine);

// The machine with `chips` chips: whole units of some level, inside one unit of the next; the outermost level also grows.
// Levels beyond keep size 1. Nothing, and a diagnostic with the nearest possible sizes, if `chips` divides a unit.
[[nodiscard]] std::optional<Machine> resized(const Machine& machine, std::int64_t chips, const config::Location& where,
                                             config::Diagnostics& diagnostics);

void describe(config::Schema& s, ServingTraffic& traffic);
void describe(config::Schema& s, LevelNetwork& network);
void describe(config::Schema& s, Level& level);
void describe(config::Schema& s, MemoryTier& tier);
void describe(config::Schema& s, Host& host);
void describe(config::Schema& s, InventoryItem& item);
void describe(config::Schema& s, Racks& racks);
void describe(config::Schema& s, MachinePower& power);
void describe(config::Schema& s, Availability& availability);
void describe(config::Schema& s, Published& published);
void describe(config::Schema& s, Machine& machine);  // all but `chip`, which is a document of its own

}  // namespace zettatwin::hardware
