// SPDX-License-Identifier: Apache-2.0
#include "report/detail/network_facts.hpp"

#include <fmt/format.h>

#include "units/text.hpp"

namespace zettatwin::report::detail {

std::vector<Part> parts_of(const NetworkSubject& s) {
  std::vector<Part> parts;
  for (const auto& item : s.machine.inventory) {
    Part part{item.name, item.per, item.kind, s.machine.total_of(item), std::nullopt};
    if (item.power.present) part.power = part.count * item.power.value;
    parts.push_back(std::move(part));
  }
  return parts;
}

double count_of(const std::vector<Part>& parts, hardware::PartKind kind) {
  double count = 0;
  for (const auto& part : parts) count += part.kind == kind ? part.count : 0;
  return count;
}

units::Watts power_of(const std::vector<Part>& parts) {
  units::Watts power;
  for (const auto& part : parts) power += part.power.value_or(units::Watts{});
  return power;
}

units::BytesPerSecond headline(const topology::Survey& s) { return 2.0 * static_cast<double>(s.scale_up_chips) * s.scale_up_ports; }

std::vector<result::Input> figures_of(const NetworkSubject& s, config::Confidence confidence) {
  std::vector<result::Input> inputs;
  const auto add = [&](std::string name, const auto& figure) {
    const auto& p = figure.provenance;
    if (figure.present && p.confidence == confidence) inputs.push_back({std::move(name), units::human(figure.value), p.source, p.confidence, p.note});
  };
  for (const auto& used : s.survey.levels) {
    const auto& network = used.level.network;
    const auto name = [&](std::string_view what) { return fmt::format("{} {}", used.level.name, what); };
    if (network.graph.dragonfly) {
      add(name("unit bandwidth"), network.graph.dragonfly->unit_bandwidth);
      add(name("local bandwidth"), network.graph.dragonfly->local_bandwidth);
      add(name("global bandwidth"), network.graph.dragonfly->global_bandwidth);
    }
    for (const auto& rule : network.graph.links) add(name(fmt::format("{} to {}", rule.from.text, rule.to.text)), rule.bandwidth);
    if (used.direct()) add(name("pair bandwidth"), network.pair_bandwidth);
    else add(name("bandwidth"), network.bandwidth);
    if (network.kind == hardware::NetworkKind::clos) add(name("oversubscription"), network.oversubscription);
    add(name("latency"), network.latency);
    add(name("efficiency"), network.efficiency);
    add(name("half message"), network.half_message);
    add(name("message gap"), network.message_gap);
    add(name("launch"), network.launch);
  }
  for (const auto& item : s.machine.inventory) {
    add(fmt::format("number of {}", item.name), item.count);
    add(fmt::format("power of {}", item.name), item.power);
  }
  return inputs;
}

}  // namespace zettatwin::report::detail
