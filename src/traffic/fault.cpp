// SPDX-License-Identifier: Apache-2.0
#include "traffic/fault.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/contract.hpp"
#include "topology/level_in_use.hpp"
#include "topology/machine_graph.hpp"
#include "units/text.hpp"

namespace zettatwin::traffic {
namespace {

struct KindWord {
  std::string_view word;
  FaultKind kind;
  bool dead;     // takes no factor
  bool network;  // is about a link, a switch or a plane
};
constexpr std::array<KindWord, 7> kKinds{{{"slow-chip", FaultKind::slow_chip, false, false},
                                          {"dead-chip", FaultKind::dead_chip, true, false},
                                          {"slow-link", FaultKind::slow_link, false, true},
                                          {"dead-link", FaultKind::dead_link, true, true},
                                          {"dead-switch", FaultKind::dead_switch, true, true},
                                          {"dead-plane", FaultKind::dead_plane, true, true},
                                          {"slow-hbm", FaultKind::slow_hbm, false, false}}};

const KindWord& word_of(FaultKind kind) {
  return *std::find_if(kKinds.begin(), kKinds.end(), [kind](const KindWord& w) { return w.kind == kind; });
}

std::optional<std::int64_t> index_of(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

bool is_chip_word(std::string_view word) { return word == "chip" || word == "npu" || word == "gpu" || word == "tpu"; }

bool point_to_point(hardware::NetworkKind kind) { return kind == hardware::NetworkKind::full_mesh || kind == hardware::NetworkKind::torus; }

// Reads one place; every problem becomes a diagnostic.
class PlaceReader final {
 public:
  PlaceReader(const hardware::Machine& machine, const config::Location& where, config::Diagnostics& diagnostics)
      : machine_(machine), where_(where), diagnostics_(diagnostics) {
    place_.coordinate.assign(machine.levels.size(), Place::kEvery);
  }

  Place read(std::string_view text) {
    while (!text.empty()) {
      const auto slash = text.find('/');
      step(text.substr(0, slash));
      text = slash == std::string_view::npos ? std::string_view{} : text.substr(slash + 1);
    }
    return std::move(place_);
  }

 private:
  void step(std::string_view item) {
    const auto equals = item.find('=');
    if (equals == std::string_view::npos) return error(fmt::format("'{}' is not of the form unit=index", item), suggestion());
    const auto key = item.substr(0, equals), value = item.substr(equals + 1);
    if (key == "port") return port(value);
    if (key == "peer") return set(place_.peer, key, value);
    if (key == "plane") return set(place_.plane, key, value);
    if (key == "from" || key == "switch") return name(place_.ends.first, key, value);
    if (key == "to") return name(place_.ends.second, key, value);
    for (std::size_t l = 0; l < machine_.levels.size(); ++l)
      if (l == 0 ? is_chip_word(key) : key == machine_.levels[l - 1].name) return coordinate(l, key, value);
    const auto near = config::nearest(std::string(key), words());
    error(fmt::format("{} has no unit '{}'", machine_.name, key), near.empty() ? suggestion() : fmt::format("did you mean '{}'?", near));
  }

  void coordinate(std::size_t level, std::string_view key, std::string_view value) {
    const auto index = index_of(value);
    const auto size = machine_.levels[level].size;
    if (!index) return error(fmt::format("'{}' is not an index", value), fmt::format("write {}=0 to {}={}", key, key, size - 1));
    if (*index >= size)
      return error(fmt::format("there is no {}={}", key, *index), fmt::format("one {} has {} of them: 0 to {}", machine_.levels[level].name, units::grouped(size), size - 1));
    if (place_.coordinate[level] != Place::kEvery) return error(fmt::format("{} is given twice", key), "");
    place_.coordinate[level] = *index;
  }

  void port(std::string_view value) {
    const auto outwards = [&] {
      for (std::size_t l = 0; l < machine_.levels.size(); ++l)
        if (!point_to_point(machine_.levels[l].network.kind)) return l;
      return machine_.levels.size() - 1;
    };
    if (value == "up") place_.port = outwards();
    else place_.port = machine_.level_named(value);
    if (!place_.port) error(fmt::format("{} has no level '{}'", machine_.name, value), fmt::format("ports lead to the levels {}, or up (the first that has switches)", fmt::join(level_names(), ", ")));
  }

  void name(std::string& field, std::string_view key, std::string_view value) {
    if (!field.empty()) return error(fmt::format("{} is given twice", key), "");
    field = value;
    if (value.empty()) error(fmt::format("{} of what?", key), "write from=leaf0/to=spine1, or switch=leaf0");
  }

  void set(std::optional<std::int64_t>& field, std::string_view key, std::string_view value) {
    field = index_of(value);
    if (!field) error(fmt::format("'{}' is not an index", value), fmt::format("write {}=0", key));
  }

  [[nodiscard]] std::vector<std::string> level_names() const {
    std::vector<std::string> names;
    for (const auto& level : machine_.levels) names.push_back(level.name);
    return names;
  }
  [[nodiscard]] std::vector<std::string> words() const {
    std::vector<std::string> words;
    for (std::size_t l = machine_.levels.size(); l-- > 0;) words.push_back(unit_word(machine_, l));
    for (const auto* word : {"port", "peer", "plane", "from", "to", "switch"}) words.emplace_back(word);
    return words;
  }
  [[nodiscard]] std::string suggestion() const { return fmt::format("a place is a path of {}", fmt::join(words(), "=, ")) + "="; }
  void error(const std::string& problem, const std::string& suggestion) { diagnostics_.error(where_, problem, "", suggestion); }

  const hardware::Machine& machine_;
  const config::Location& where_;
  config::Diagnostics& diagnostics_;
  Place place_;
};

// The names of a cable or switch must be those of the explicit graph.
void complete_ends(const Fault& fault, const hardware::Machine& machine, config::Diagnostics& diagnostics) {
  const auto& [from, to] = fault.place.ends;
  const bool link = fault.kind == FaultKind::slow_link || fault.kind == FaultKind::dead_link;
  const bool alone = !fault.place.port && !fault.place.peer && !fault.place.plane &&
                     std::all_of(fault.place.coordinate.begin(), fault.place.coordinate.end(), [](std::int64_t c) { return c == Place::kEvery; });
  if (!alone || from.empty() || link == to.empty() || (!link && fault.kind != FaultKind::dead_switch)) {
    diagnostics.error(fault.where, fmt::format("{} is not about that place", fault.text), "a cable has two ends and no other place, a switch a name", "write dead-link@from=leaf0/to=spine1 or dead-switch@switch=leaf0");
    return;
  }
  const auto fabric = topology::whole(machine);
  constexpr double kCablesMax = 2e6;
  if (topology::estimated_cables(fabric) > kCablesMax) {
    diagnostics.error(fault.where, fmt::format("the cables of {} are too many to be named", machine.name), "", "name a place such as port=up");
    return;
  }
  const topology::MachineGraph known(fabric);
  std::vector<std::string> names;
  for (graph::Vertex v = 0; v < known.graph().vertices(); ++v)
    if (link || known.graph().role(v) == graph::Role::switching) names.push_back(known.graph().name(v));
  for (const auto& name : {from, to}) {
    if (name.empty() || std::find(names.begin(), names.end(), name) != names.end()) continue;
    const auto near = config::nearest(name, names);
    diagnostics.error(fault.where, fmt::format("{} has no '{}'", machine.name, name), "", near.empty() ? "" : fmt::format("did you mean '{}'?", near));
    return;
  }
  for (graph::LinkId l = 0; l < known.graph().links(); ++l)
    if (known.graph().name(known.graph().link(l).from) == from && (!link || known.graph().name(known.graph().link(l).to) == to)) return;
  diagnostics.error(fault.where, fmt::format("no link joins {} and {}", from, to), "", "zettatwin network shows what is joined");
}

// Whether two positions are one step apart in one dimension, the long way round counted.
bool adjacent(const std::vector<std::int64_t>& torus, std::int64_t a, std::int64_t b) {
  std::int64_t differing = 0, apart = 0;
  for (const auto extent : torus) {
    const auto up = (b % extent - a % extent + extent) % extent;
    if (up != 0) apart = std::min(up, extent - up);
    differing += up != 0 ? 1 : 0;
    a /= extent;
    b /= extent;
  }
  return differing == 1 && apart == 1;
}

// Of a mesh any other unit; of a torus the next one in the first dimension that has one.
std::int64_t neighbour_of(const hardware::Level& level, std::int64_t position) {
  if (level.network.kind != hardware::NetworkKind::torus) return position == 0 ? 1 : 0;
  std::int64_t stride = 1;
  for (const auto extent : level.network.torus) {
    const auto value = position / stride % extent;
    if (extent > 1) return position + ((value + 1) % extent - value) * stride;
    stride *= extent;
  }
  return position;
}

// Fills in what the kind of fault implies, and checks that such a part exists.
void complete(Fault& fault, const hardware::Machine& machine, config::Diagnostics& diagnostics) {
  Place& place = fault.place;
  const bool network = word_of(fault.kind).network;
  if (!place.ends.first.empty() || !place.ends.second.empty()) return complete_ends(fault, machine, diagnostics);
  if (!network) {
    if (place.port || place.peer || place.plane) diagnostics.error(fault.where, fmt::format("{} is about a chip, not about a port", name_of(fault.kind)), "", "leave port, peer and plane out");
    for (auto& c : place.coordinate) c = std::max<std::int64_t>(c, 0);
    return;
  }
  if (!place.port) {
    place.port = machine.levels.size() - 1;
    for (std::size_t l = machine.levels.size(); l-- > 0;)
      if (!point_to_point(machine.levels[l].network.kind)) place.port = l;
    if (place.peer) place.port = 0;
  }
  const std::size_t port = *place.port;
  const auto& level = machine.levels[port];
  const bool mesh = point_to_point(level.network.kind);
  const bool link = fault.kind == FaultKind::slow_link || fault.kind == FaultKind::dead_link;
  if (!link && hardware::is_graph(level.network.kind))
    diagnostics.error(fault.where, fmt::format("the {} level is a {}: its switches have names", level.name, hardware::name_of(level.network.kind)), "", "write dead-switch@switch=NAME");
  if (!link && mesh)
    diagnostics.error(fault.where, fmt::format("the {} level is a {}: it has neither switches nor planes", level.name, hardware::name_of(level.network.kind)), "", "name a link: dead-link@.../port=" + level.name + "/peer=1");
  if (place.plane && mesh)
    diagnostics.error(fault.where, fmt::format("the {} level is a {}: its links lead to peers, not to planes", level.name, hardware::name_of(level.network.kind)), "", "leave plane out, and name the link by peer");
  else if (place.plane && *place.plane >= level.network.planes)
    diagnostics.error(fault.where, fmt::format("there is no plane {} on the {} level", *place.plane, level.name), "", fmt::format("it has {}: 0 to {}", level.network.planes, level.network.planes - 1));
  if (place.peer && !mesh) diagnostics.error(fault.where, fmt::format("the {} level is switched: its links lead to switches, not to peers", level.name), "", "leave peer out");
  if (!link) {
    if (!place.plane) place.plane = 0;
    // A switch or a plane is of a unit of its level: positions inside are not part of its place.
    for (std::size_t l = 0; l <= port; ++l)
      if (place.coordinate[l] != Place::kEvery)
        diagnostics.error(fault.where, fmt::format("{} on the {} level is not inside one {}", name_of(fault.kind), level.name, unit_word(machine, l)), "", fmt::format("name at most one {}", level.name));
    if (fault.kind == FaultKind::dead_switch)
      for (std::size_t l = port + 1; l < place.coordinate.size(); ++l) place.coordinate[l] = std::max<std::int64_t>(place.coordinate[l], 0);
    return;
  }
  for (auto& c : place.coordinate) c = std::max<std::int64_t>(c, 0);
  if (place.plane && !mesh && !chip_has_plane(level.network, place.coordinate[0], *place.plane))
    diagnostics.error(fault.where, fmt::format("{}={} has no port to plane {} of the {} level", unit_word(machine, 0), place.coordinate[0], *place.plane, level.name),
                      fmt::format("planes are rails: each chip has {} of {}", planes_of_chip(level.network), level.network.planes), "leave plane out, or name a chip on that rail");
  if (!mesh) return;
  if (!place.peer) place.peer = neighbour_of(level, place.coordinate[port]);
  if (*place.peer >= level.size) diagnostics.error(fault.where, fmt::format("there is no peer {} on the {} level", *place.peer, level.name), "", fmt::format("it has {}: 0 to {}", level.size, level.size - 1));
  else if (*place.peer == place.coordinate[port]) diagnostics.error(fault.where, fmt::format("peer {} is the place itself", *place.peer), "", "name the other end of the link");
  else if (level.network.kind == hardware::NetworkKind::torus && !adjacent(level.network.torus, place.coordinate[port], *place.peer))
    diagnostics.error(fault.where, fmt::format("positions {} and {} of the {} level are not neighbours on its torus", place.coordinate[port], *place.peer, level.name),
                      fmt::format("positions are counted along the dimensions {}, the first one fastest", fmt::join(level.network.torus, " x ")),
                      fmt::format("write peer={}", neighbour_of(level, place.coordinate[port])));
}

}  // namespace

std::string_view name_of(FaultKind kind) { return word_of(kind).word; }

std::int64_t planes_of_chip(const hardware::LevelNetwork& network) {
  return network.ports_per_chip > 0 ? std::min(network.ports_per_chip, network.planes) : network.planes;
}

bool chip_has_plane(const hardware::LevelNetwork& network, std::int64_t chip, std::int64_t plane) {
  const auto ports = planes_of_chip(network);
  return (plane - chip * ports % network.planes + network.planes) % network.planes < ports;
}

std::int64_t links_of_chip(const hardware::LevelNetwork& network) {
  std::int64_t links = 0;
  for (const auto extent : network.torus) links += topology::ring_ports(extent);
  return std::max<std::int64_t>(1, links);
}

double port_left(const Fault& fault, const hardware::Machine& machine) {
  if (!word_of(fault.kind).network || !fault.place.port || fault.place.peer) return 1;
  const double planes = static_cast<double>(planes_of_chip(machine.levels[*fault.place.port].network));
  return fault.place.plane ? 1 - (1 - fault.remaining) / planes : fault.remaining;
}

std::string unit_word(const hardware::Machine& machine, std::size_t level) {
  if (level > 0) return machine.levels[level - 1].name;
  return machine.chip_name.starts_with("ascend") ? "npu" : machine.chip_name.starts_with("tpu") || machine.chip_name == "ironwood" ? "tpu" : "gpu";
}

std::string place_text(const Place& place, const hardware::Machine& machine) {
  std::vector<std::string> steps;
  if (!place.ends.first.empty()) return place.ends.second.empty() ? "switch=" + place.ends.first : fmt::format("from={}/to={}", place.ends.first, place.ends.second);
  for (std::size_t l = place.coordinate.size(); l-- > 0;)
    if (place.coordinate[l] != Place::kEvery) steps.push_back(fmt::format("{}={}", unit_word(machine, l), place.coordinate[l]));
  if (place.port) steps.push_back("port=" + machine.levels[*place.port].name);
  if (place.peer) steps.push_back(fmt::format("peer={}", *place.peer));
  if (place.plane) steps.push_back(fmt::format("plane={}", *place.plane));
  return fmt::format("{}", fmt::join(steps, "/"));
}

std::optional<Fault> parse_fault(std::string_view text, const hardware::Machine& machine, const config::Location& where, config::Diagnostics& diagnostics) {
  ZT_EXPECT(!machine.levels.empty(), machine.name);
  const auto errors = diagnostics.error_count();
  Fault fault{.text = std::string(text), .where = where};
  const auto at = text.find('@');
  const auto word = text.substr(0, at);
  const auto kind = std::find_if(kKinds.begin(), kKinds.end(), [&](const KindWord& w) { return w.word == word; });
  if (kind == kKinds.end()) {
    std::vector<std::string> words;
    for (const auto& k : kKinds) words.emplace_back(k.word);
    const auto near = config::nearest(std::string(word), words);
    diagnostics.error(where, fmt::format("unknown fault '{}'", word), "a fault is KIND@PLACE[:factor]", near.empty() ? fmt::format("kinds are {}", fmt::join(words, ", ")) : fmt::format("did you mean '{}'?", near));
    return std::nullopt;
  }
  fault.kind = kind->kind;
  auto rest = at == std::string_view::npos ? std::string_view{} : text.substr(at + 1);
  const auto colon = rest.find(':');
  if (kind->dead) {
    fault.remaining = 0;
    if (colon != std::string_view::npos) diagnostics.error(where, fmt::format("{} takes no factor", word), "nothing is left of it", "leave ':' and what follows out");
  } else if (colon == std::string_view::npos) {
    diagnostics.error(where, fmt::format("{} needs the fraction of speed that is left", word), "", fmt::format("write {}:0.5 for half", text));
  } else {
    const auto number = rest.substr(colon + 1);
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), fault.remaining);
    if (error != std::errc{} || end != number.data() + number.size() || !(fault.remaining > 0 && fault.remaining <= 1))
      diagnostics.error(where, fmt::format("'{}' is not a fraction of speed", number), "it is above 0 and at most 1", "write 0.5 for half the speed; what is dead has a kind of its own");
  }
  fault.place = PlaceReader(machine, where, diagnostics).read(rest.substr(0, colon));
  if (diagnostics.error_count() == errors) complete(fault, machine, diagnostics);
  if (diagnostics.error_count() != errors) return std::nullopt;
  return fault;
}

}  // namespace zettatwin::traffic
