// SPDX-License-Identifier: Apache-2.0
#include "training/explain_operation.hpp"

#include <fmt/format.h>

#include "compute/explain.hpp"
#include "units/text.hpp"

namespace zettatwin::training {
namespace {

using result::Input;

Input derived(std::string name, std::string value, std::string source) {
  return {.name = std::move(name), .value = std::move(value), .source = std::move(source), .confidence = config::Confidence::derived, .note = ""};
}

std::string classes(std::int64_t count) { return fmt::format("{} class{}", count, count == 1 ? "" : "es"); }

// What a group is priced as where borders of units cut it; "" if none does.
std::string pieces_text(const Step& step, workload::Group group) {
  const auto& fabric = step.placement.fabric;
  const auto& view = step.timer.view(group);
  if (topology::divides_evenly(fabric, view)) return "";
  const auto spread = topology::spread_of(fabric, view);
  std::string text = "borders of units cut groups, which count as";
  for (std::size_t l = 0; l + 1 < spread.fanout.size(); ++l)
    text += fmt::format("{} pieces of {} inside one {}", l == 0 ? "" : ",", spread.members_below(l + 1), fabric.machine->levels[l].name);
  return text + ": an upper bound";
}

// How faults that the critical rank feels slow its collective: classes, and the slowest link of each stage.
void explain_flows(const Step& step, const workload::Communication& c, std::vector<Input>& inputs) {
  if (!step.has_own(step.critical)) return;
  const auto flows = step.own[static_cast<std::size_t>(step.critical)]->timer.flows(c);
  if (!flows || !flows->impossible.empty()) return;
  inputs.push_back(derived("with faults", fmt::format("{}; {} of ranks, {} of links, {} of flows", units::human(flows->time), classes(flows->classes.ranks), classes(flows->classes.links), classes(flows->classes.flows)), "traffic"));
  for (const auto& stage : flows->stages) {
    inputs.push_back(derived(fmt::format("{}, slowest flow", stage.level), stage.slowest.empty() ? "latency alone" : "limited by " + stage.slowest, "traffic"));
    for (const auto& use : stage.links)
      if (use.remaining < 1)
        inputs.push_back(derived(fmt::format("{} {}", use.level, use.kind), fmt::format("{:.4g} % left of {}, busy {:.2f} % of the stage", 100 * use.remaining, use.place, 100 * use.busy), "traffic"));
  }
}

OperationExplanation explain(const Step& step, const workload::Communication& c) {
  const auto answer = network::collective_time(step.placement.fabric, step.timer.request(c));
  OperationExplanation e{.formula = answer.formula, .inputs = {}};
  e.inputs.push_back(derived("collective", fmt::format("{} of {} over {} {} ranks: {}", name_of(c.op), units::human(c.bytes), step.timer.group_size(c.group),
                                                       name_of(c.group), answer.algorithm), "plan"));
  e.inputs.push_back(derived("one takes", fmt::format("{}, of it latency {}", units::human(answer.time), units::human(answer.latency)), "network"));
  if (const auto pieces = pieces_text(step, c.group); !pieces.empty()) e.inputs.push_back(derived("worst-placed member", pieces, "placement"));
  explain_flows(step, c, e.inputs);
  for (const auto& term : answer.levels) {
    e.inputs.push_back(derived(fmt::format("{} level", term.level), fmt::format("{} through each chip at {} ({}), {}", units::human(term.bytes), units::human(term.bandwidth),
                                                                                term.algorithm, units::human(term.time)), "network"));
    const auto index = step.job.machine.level_named(term.level);
    if (!index) continue;
    const auto& network = step.job.machine.levels[*index].network;
    if (const auto& rates = network.rates)
      e.inputs.push_back(derived(fmt::format("{} rates per chip, derived from its graph with all units sending", term.level),
                                 fmt::format("{} to all alike, {} along a ring, {} to one; cables of up to {}", units::human(rates->uniform), units::human(rates->neighbours), units::human(rates->stream),
                                             units::human(rates->latency)), fmt::format("links of {}", step.job.machine.name)));
    const auto& figure = network.bandwidth.present ? network.bandwidth : network.pair_bandwidth;
    if (figure.present)
      e.inputs.push_back({.name = fmt::format("{} bandwidth per chip, one direction", term.level), .value = units::human(figure.value), .source = figure.provenance.source,
                          .confidence = figure.provenance.confidence, .note = figure.provenance.note});
    if (network.efficiency.present)
      e.inputs.push_back({.name = fmt::format("{} efficiency", term.level), .value = units::human(network.efficiency.value), .source = network.efficiency.provenance.source,
                          .confidence = network.efficiency.provenance.confidence, .note = network.efficiency.provenance.note});
  }
  return e;
}

template <class Work>
OperationExplanation explain(const Step& step, const Work& work) {
  const auto& chip = step.job.machine.chip;
  const auto answer = compute::explain(chip, work);
  OperationExplanation e{.formula = std::string(answer.formula), .inputs = {}};
  e.inputs.push_back(derived("one operation", answer.work, "model and plan"));
  e.inputs.push_back(derived("one takes", fmt::format("{}, bound by {}", units::human(answer.result.time), answer.result.bound), chip.name));
  if (const double pace = step.timer.pace(); pace > 1 && answer.result.flop.si() > 0)
    e.inputs.push_back(derived("matrix work waits for the slowest chip", fmt::format("{:.2f} % longer than on the slowest of eight", 100 * (pace - 1)), chip.efficiency.spread.provenance.source));
  for (const auto& input : answer.inputs)
    e.inputs.push_back({.name = input.name, .value = input.value + (input.range.empty() ? "" : fmt::format(" ({})", input.range)), .source = input.provenance.source,
                        .confidence = input.provenance.confidence, .note = input.provenance.note});
  return e;
}

template <class Q>
Input of_chip(const Step& step, const std::string& name, const config::Figure<Q>& figure) {
  return {.name = step.job.machine.chip.name + " " + name, .value = units::human(figure.value), .source = figure.provenance.source, .confidence = figure.provenance.confidence,
          .note = figure.provenance.note};
}

// Leaves that are no operation.
OperationExplanation explain_loss(const Step& step, const Leaf& leaf) {
  const auto& efficiency = step.job.machine.chip.efficiency;
  if (leaf.name == kHostLeaf) return {"max(0, host time per layer * share of the pass - time on the chip)", {of_chip(step, "host.eager", efficiency.host.eager)}};
  return {"time in which communication runs beside computation * interference", {of_chip(step, "interference", efficiency.interference)}};
}

}  // namespace

OperationExplanation explain_leaf(const Step& step, const Leaf& leaf) {
  if (!leaf.example) return explain_loss(step, leaf);
  return std::visit([&](const auto& work) { return explain(step, work); }, leaf.example->work);
}

}  // namespace zettatwin::training
