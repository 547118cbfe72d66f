// SPDX-License-Identifier: Apache-2.0
#include "api/network.hpp"

#include <fmt/format.h>

#include "api/machine_of_size.hpp"
#include "units/text.hpp"

namespace zettatwin::api {
namespace {

constexpr double kPathClassesMax = 1e5;  // tens of megabytes

using units::grouped;

// The machine that is asked for, and whether its memory fabric is as large as in the catalog.
std::optional<std::pair<hardware::Machine, bool>> machine_of(const NetworkQuestion& q, const config::DocumentSource& source, const config::Location& where, config::Diagnostics& diagnostics) {
  const auto listed = load_machine(q.machine, source, diagnostics);
  auto machine = listed ? machine_of_size(*listed, q.chips, where, diagnostics) : std::nullopt;
  if (!machine) return std::nullopt;
  const auto chips = machine->chips();
  if (q.chips > 0 && chips != q.chips)
    diagnostics.warning(where, fmt::format("{} chips are no whole number of units of '{}'", grouped(q.chips), machine->name), "", fmt::format("the answer is for {}", grouped(chips)));
  const auto levels = topology::levels_in_use(*machine);
  if (chips > topology::kChipsCounted) {
    diagnostics.error(where, fmt::format("{} chips are too many", grouped(chips)), fmt::format("paths are counted exactly for up to {}", grouped(topology::kChipsCounted)), "ask for fewer with --chips");
    return std::nullopt;
  }
  if (topology::most_path_classes(levels) > kPathClassesMax) {
    diagnostics.error(where, fmt::format("the tori of '{}' are too long", machine->name), fmt::format("their paths have more than {:g} different lengths", kPathClassesMax), "");
    return std::nullopt;
  }
  const bool as_listed = topology::scale_up_chips(levels) == topology::scale_up_chips(topology::levels_in_use(*listed));
  return std::pair(std::move(*machine), as_listed);
}

network::CollectiveTime all_to_all(const hardware::Machine& machine, units::Bytes bytes) {
  const auto fabric = topology::whole(machine);
  return network::collective_time(fabric, {.op = network::Collective::all_to_all, .bytes = bytes, .spread = {fabric.used}});
}

}  // namespace

void describe(config::Schema& s, NetworkQuestion& question) {
  s.node("machine", question.machine, "catalog machine, or {extends: NAME, ...} with changes");
  s.integer("chips", question.chips, "chips of the machine; as in the catalog if absent", {.range = {1, 1e12}});
}

std::unique_ptr<NetworkAnswer> network(const config::Node& root, const config::DocumentSource& source, config::Diagnostics& diagnostics) {
  const auto errors_before = diagnostics.error_count();
  NetworkQuestion question;
  config::read(root, "network", config::FigureForm::bare_allowed, diagnostics, question);
  if (question.machine.where.line == 0 && !question.machine.where.file) question.machine.where = root.where;
  const auto* chips = root.find("chips");
  auto machine = machine_of(question, source, chips ? chips->where : root.where, diagnostics);
  if (!machine || diagnostics.error_count() != errors_before) return nullptr;
  auto survey = topology::survey(machine->first);
  auto time = all_to_all(machine->first, survey.all_to_all.bytes);
  return std::make_unique<NetworkAnswer>(NetworkAnswer{std::move(machine->first), std::move(survey), std::move(time), machine->second});
}

}  // namespace zettatwin::api
