// SPDX-License-Identifier: Apache-2.0
#include "training/breakdown.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/contract.hpp"
#include "training/explain_operation.hpp"
#include "units/text.hpp"

namespace zettatwin::training {
namespace {

using result::Input;
using result::Node;

std::string label_of(std::string_view key) {
  std::string text(key);
  std::replace(text.begin(), text.end(), '_', ' ');
  return text;
}

// The node at a dotted path below `root`, made as summing nodes where missing.
Node& at_path(Node& root, std::string_view path) {
  Node* node = &root;
  while (!path.empty()) {
    const auto dot = path.find('.');
    const auto key = path.substr(0, dot);
    path = dot == std::string_view::npos ? "" : path.substr(dot + 1);
    const auto found = std::find_if(node->children.begin(), node->children.end(), [&](const Node& child) { return child.key == key; });
    if (found != node->children.end()) node = &*found;
    else node = &node->add({.key = std::string(key), .label = label_of(key), .dimension = units::kTime, .sums = true});
  }
  return *node;
}

void add_leaf(Node& root, std::string_view group, std::string_view name, units::Picoseconds time, std::string formula = "", std::vector<Input> inputs = {}) {
  if (time.count() == 0) return;
  at_path(root, group).add(result::leaf(path_element(name), std::string(name), time, std::move(formula), std::move(inputs)));
}

}  // namespace

Node time_tree(Step& step) {
  const auto critical = static_cast<std::size_t>(step.critical);
  const auto& line = step.timeline.ranks[critical];
  const auto& tail = step.tails[critical];
  Node root{.key = "breakdown", .label = fmt::format("step time on pipeline rank {}, the last to have its gradients", step.critical), .dimension = units::kTime, .sums = true};
  const Ledger ledger = step.ledger(step.critical);
  const auto groups = {"compute.gemm", "compute.attention", "compute.experts", "compute.memory_bound", "compute.quantise", "compute.recompute", "compute",
                       "communication.tensor_parallel", "communication.context_parallel", "communication.expert_parallel", "communication.parameter_gather", "communication.gradient_reduction", "communication"};
  for (const std::string_view group : groups)
    for (LeafId id = 0; id < step.leaves.size(); ++id) {
      const auto& leaf = step.leaves.at(id);
      if (leaf.group != group || ledger.of(id).count() == 0) continue;
      auto explanation = explain_leaf(step, leaf);
      add_leaf(root, group, leaf.name, ledger.of(id), std::move(explanation.formula), std::move(explanation.inputs));
    }
  const auto lost = step.lost(step.critical);
  auto interference = line.busy - ledger.total();
  for (const auto to : lost) interference -= to;
  ZT_ENSURE(interference.count() >= 0, "the pipeline was busy for less than its instructions take");
  add_leaf(root, "communication", "interference of messages beside passes", interference,
           "time alone of sends, gathers and gradient traffic beside each pass, at most the pass, * interference of the chip");
  for (std::size_t rival = 0; rival < kRivals; ++rival)
    add_leaf(root, "communication", fmt::format("contention with {}", name_of(static_cast<Rival>(rival))), lost[rival],
             "time of the passes in the simulation of the whole step, in which messages share ports, less their time alone");
  if (const auto contention = step.contention(step.critical); contention.count() > 0)
    at_path(root, "communication").inputs.push_back({.name = "of it because activations and parameters cross the same levels", .value = units::human(contention),
                                                     .source = "network", .confidence = config::Confidence::derived, .note = ""});
  const Input send{.name = "one send", .value = units::human(step.pipeline_send()), .source = "network", .confidence = config::Confidence::derived, .note = ""};
  add_leaf(root, "communication", "pipeline sends", line.sends, "sends that occupy the computation stream", {send});
  const auto gather_wait = step.job.plan.overlap.parameters ? std::min(step.gather_exposed, line.idle) : units::Picoseconds();
  add_leaf(root, "communication.parameter_gather", "exposed after the optimizer", step.job.plan.overlap.parameters ? gather_wait : step.gather_exposed,
           "all-gather of updated parameters that the first forward passes wait for");
  add_leaf(root, "communication.gradient_reduction", "exposed after the last backward", tail.reduction_exposed,
           "reduction of gradients per layer as the last backward passes it; what is left when it ends",
           {{.name = "reduction of all gradients", .value = units::human(tail.reduction), .source = "network", .confidence = config::Confidence::derived, .note = ""}});
  add_leaf(root, "bubble", "pipeline bubble", line.idle - gather_wait,
           "idle time of this rank in the executed schedule",
           {{.name = "schedule", .value = std::string(config::word_of(plan::schedule_words(), step.job.plan.schedule)), .source = "plan", .confidence = config::Confidence::stated, .note = ""},
            {.name = "microbatches", .value = units::grouped(step.microbatches()), .source = "plan", .confidence = config::Confidence::stated, .note = ""}, send});
  add_leaf(root, "optimizer", "gradient norm", step.norm, "latency of an all-reduce over all ranks");
  add_leaf(root, "optimizer", "parameter update", step.optimizer, "bytes of states read and written / achieved memory bandwidth, slowest pipeline rank");
  result::total_up(root);
  ZT_ENSURE(std::abs(root.si - step.time().seconds().si()) <= 1e-9 * root.si, "leaves of the breakdown must sum to the step time");
  return root;
}

Node memory_tree(const workload::MemoryReport& memory) {
  Node root{.key = "memory", .label = fmt::format("memory of pipeline rank {}, the fullest", memory.peak_rank), .dimension = units::kBytes, .sums = true};
  for (const auto& part : memory.peak().parts)
    root.add(result::leaf(path_element(part.name), std::string(part.name), part.bytes, std::string(part.formula)));
  result::total_up(root);
  return root;
}

Node headline_tree(const Job& job, const TrainingResult& result) {
  Node root{.key = "throughput", .label = "throughput"};
  const auto& chip = job.machine.chip;
  const auto peak = chip.matrix_peak.find(result.peak_precision);
  std::vector<Input> peak_inputs;
  if (peak != chip.matrix_peak.end())
    peak_inputs.push_back({.name = fmt::format("matrix peak in {}", name_of(result.peak_precision)), .value = units::human(peak->second.value),
                           .source = peak->second.provenance.source, .confidence = peak->second.provenance.confidence, .note = peak->second.provenance.note});
  root.add(result::leaf("tokens_per_s", "tokens per second", units::TokensPerSecond::from_si(result.tokens_per_s), "global batch * sequence length / step time"));
  root.add(result::leaf("model_flop_per_token", "model FLOP per token", result.model_flop_per_token,
                        "3 * forward FLOP of all matrix products, attention counted causally; nothing for recomputation"));
  root.add(result::leaf("mfu", "model FLOP utilisation", units::Ratio::from_si(result.mfu),
                        "model FLOP per token * tokens per second / (chips used * dense matrix peak of the recipe's format)", peak_inputs));
  return root;
}

}  // namespace zettatwin::training
