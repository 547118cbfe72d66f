// SPDX-License-Identifier: Apache-2.0
#include "training/explain_operation.hpp"

#include <fmt/format.h>

#include "compute/operator_time.hpp"
#include "units/text.hpp"

namespace zettatwin::training {
namespace {

using result::Input;

Input derived(std::string name, std::string value, std::string source) {
  return {.name = std::move(name), .value = std::move(value), .source = std::move(source), .confidence = config::Confidence::derived, .note = ""};
}

std::string shape_text(const compute::Gemm& g) {
  return fmt::format("m={} n={} k={}{} {}", g.m, g.n, g.k, g.batch > 1 ? fmt::format(" x{}", g.batch) : "", name_of(g.precision));
}
std::string shape_text(const compute::GroupedGemm& g) {
  return fmt::format("{} experts, {:.0f} rows in all, n={} k={} {}", g.experts, g.rows_total, g.n, g.k, name_of(g.precision));
}
std::string shape_text(const compute::AttentionOp& a) {
  return fmt::format("{} sequences, {} heads ({} kv), {} queries x {} keys, head {}+{}{}", a.batch, a.heads, a.kv_heads, a.q_length, a.kv_length, a.head_dim,
                     a.v_head_dim, a.window ? fmt::format(", window {}", a.window) : "");
}
std::string shape_text(const compute::MemoryOp& m) { return fmt::format("{} in {} kernels", units::human(m.bytes), m.kernels); }
std::string shape_text(const compute::Quantise& q) { return fmt::format("{:.0f} elements to {}", q.elements, name_of(q.precision)); }

OperationExplanation explain(const Step& step, const workload::Communication& c) {
  const auto answer = network::collective_time(step.placement.fabric, step.timer.request(c));
  OperationExplanation e{.formula = answer.formula, .inputs = {}};
  e.inputs.push_back(derived("collective", fmt::format("{} of {} over {} {} ranks: {}", name_of(c.op), units::human(c.bytes), step.timer.group_size(c.group),
                                                       name_of(c.group), answer.algorithm), "plan"));
  e.inputs.push_back(derived("one takes", fmt::format("{}, of it latency {}", units::human(answer.time), units::human(answer.latency)), "network"));
  for (const auto& term : answer.levels) {
    e.inputs.push_back(derived(fmt::format("{} level", term.level), fmt::format("{} through each chip at {} ({}), {}", units::human(term.bytes), units::human(term.bandwidth),
                                                                                term.algorithm, units::human(term.time)), "network"));
    const auto index = step.job.machine.level_named(term.level);
    if (!index) continue;
    const auto& network = step.job.machine.levels[*index].network;
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
  const auto cost = compute::time_of(chip, work);
  OperationExplanation e{.formula = "", .inputs = {}};
  e.inputs.push_back(derived("shape", shape_text(work), "model and plan"));
  e.inputs.push_back(derived("one takes", fmt::format("{}, bound by {}{}{}", units::human(cost.time), cost.bound, cost.detail.empty() ? "" : ": ", cost.detail), chip.name));
  return e;
}

}  // namespace

OperationExplanation explain_leaf(const Step& step, const Leaf& leaf) {
  if (!leaf.example) return {};
  return std::visit([&](const auto& work) { return explain(step, work); }, leaf.example->work);
}

}  // namespace zettatwin::training
