// SPDX-License-Identifier: Apache-2.0
#include "api/machine_of_size.hpp"

#include "hardware/catalog.hpp"

namespace zettatwin::api {

std::optional<hardware::Machine> load_machine(const config::Node& node, const config::DocumentSource& source, config::Diagnostics& diagnostics) {
  std::optional<hardware::Machine> machine;
  if (node.kind == config::Node::Kind::scalar) machine = hardware::load_machine(source, node.text, node.where, diagnostics);
  else if (node.is_mapping()) machine = hardware::machine_from(source, node, diagnostics);
  else diagnostics.error(node.where, node.kind == config::Node::Kind::null ? "the scenario lacks 'machine'" : "'machine' must be a name or a mapping", "", "name one (zettatwin catalog list machines)");
  return machine;
}

std::optional<hardware::Machine> machine_of_size(const hardware::Machine& machine, std::int64_t chips, const config::Location& where, config::Diagnostics& diagnostics) {
  if (chips == 0 || chips == machine.chips()) return machine;
  config::Diagnostics exact, limit;
  if (auto resized = hardware::resized(machine, chips, where, exact)) return resized;
  for (std::size_t end = machine.levels.size(); end-- > 0;) {
    const auto unit = machine.chips_within(end);
    if (chips <= unit) continue;
    config::Diagnostics too_many;
    if (auto rounded = hardware::resized(machine, (chips + unit - 1) / unit * unit, where, too_many)) return rounded;
    if (!limit.has_errors()) limit = std::move(too_many);  // of the largest units: says how far the machine can grow
  }
  diagnostics.append(limit.has_errors() ? limit : exact);
  return std::nullopt;
}

}  // namespace zettatwin::api
