// SPDX-License-Identifier: Apache-2.0
// Faults and stragglers at named places of a machine: "slow-chip@pod=3/cabinet=17/board=2/npu=5:0.8".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/diagnostic.hpp"
#include "hardware/machine.hpp"

namespace zettatwin::traffic {

enum class FaultKind { slow_chip, dead_chip, slow_link, dead_link, dead_switch, dead_plane, slow_hbm };
[[nodiscard]] std::string_view name_of(FaultKind kind);

// A chip, or a unit that holds chips, and a part of its network. coordinate[l] is the position on level l (which unit of level l-1 inside one
// unit of level l; l = 0: which chip); kEvery where the place stands for all of them.
struct Place {
  static constexpr std::int64_t kEvery = -1;
  std::vector<std::int64_t> coordinate;
  std::optional<std::size_t> port;    // level whose network is meant
  std::optional<std::int64_t> peer;   // full mesh and torus: position at the other end of the link
  std::optional<std::int64_t> plane;  // of a network of several planes; nothing: all planes
  // Names in the machine's explicit graph: both ends of a cable, or a switch and nothing.
  std::pair<std::string, std::string> ends = {};
  friend bool operator==(const Place&, const Place&) = default;
};

struct Fault {
  FaultKind kind = FaultKind::slow_chip;
  Place place;
  double remaining = 1;  // fraction of speed left; 0 for dead ones
  std::string text;      // as the user wrote it
  config::Location where;
};

// Reads "KIND@PLACE[:factor]". PLACE is a path of unit=index, outermost first, units named as the machine's levels name them (the chip is "npu", "gpu" or
// "chip"), then port=LEVEL|up, peer=, plane=; or names in the explicit graph: from=leaf0/to=spine1, switch=leaf0 (see ends). Coordinates that a chip's or link's place leaves out are 0: by symmetry any will do; those that a
// plane's or switch's place leaves out mean all. Errors name the words that would do.
[[nodiscard]] std::optional<Fault> parse_fault(std::string_view text, const hardware::Machine& machine, const config::Location& where, config::Diagnostics& diagnostics);

// "pod=3/cabinet=17/board=2/npu=5/port=pod"; what parse_fault reads back as the same place.
[[nodiscard]] std::string place_text(const Place& place, const hardware::Machine& machine);

// Planes of a level's network that one chip has ports to: all of them, or `ports_per_chip` where planes are rails. Chip i of a unit of the
// innermost level then has the planes i * ports, ... of them, in turn.
[[nodiscard]] std::int64_t planes_of_chip(const hardware::LevelNetwork& network);
[[nodiscard]] bool chip_has_plane(const hardware::LevelNetwork& network, std::int64_t chip, std::int64_t plane);

// Links of one chip to its peers in a mesh or torus; 1 for switched networks.
[[nodiscard]] std::int64_t links_of_chip(const hardware::LevelNetwork& network);

// Share of a chip's port into the place's level that a fault of a link, switch or plane leaves; 1 for other faults.
[[nodiscard]] double port_left(const Fault& fault, const hardware::Machine& machine);

// What the units on level l are called: "npu" (or "gpu") on level 0, then the names of the levels below.
[[nodiscard]] std::string unit_word(const hardware::Machine& machine, std::size_t level);

}  // namespace zettatwin::traffic
