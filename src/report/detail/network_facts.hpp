// SPDX-License-Identifier: Apache-2.0
// What the text and the JSON of a network share: its parts with totals, and the figures of the catalog that it rests on.
#pragma once

#include <optional>
#include <vector>

#include "report/network.hpp"
#include "result/tree.hpp"

namespace zettatwin::report::detail {

struct Part {
  std::string name, per;
  hardware::PartKind kind = hardware::PartKind::network_switch;
  double count = 0;                   // in the machine
  std::optional<units::Watts> power;  // of all; nothing if the catalog has none
};
[[nodiscard]] std::vector<Part> parts_of(const NetworkSubject& subject);

[[nodiscard]] double count_of(const std::vector<Part>& parts, hardware::PartKind kind);
// Of those whose power is known.
[[nodiscard]] units::Watts power_of(const std::vector<Part>& parts);

// All ports of the memory fabric's chips in both directions, which is how vendors count.
[[nodiscard]] units::BytesPerSecond headline(const topology::Survey& survey);

// Bandwidths, latencies and counts of that confidence that the answer uses.
[[nodiscard]] std::vector<result::Input> figures_of(const NetworkSubject& subject, config::Confidence confidence);

}  // namespace zettatwin::report::detail
