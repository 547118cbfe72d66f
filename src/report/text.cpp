// SPDX-License-Identifier: Apache-2.0
// The report for a terminal.
#include <fmt/format.h>

#include <algorithm>

#include "model/parameters.hpp"
#include "report/detail/number.hpp"
#include "report/detail/step_text.hpp"
#include "report/detail/jitter_facts.hpp"
#include "report/report.hpp"
#include "units/text.hpp"
#include "workload/operations.hpp"

namespace zettatwin::report {
namespace {

using units::grouped;
using units::human;

std::string parameters_text(double count) {
  return count >= 1e12 ? fmt::format("{:.3g} T", count / 1e12) : fmt::format("{:.4g} B", count / 1e9);
}

void line(std::string& out, std::string_view name, const std::string& value, const std::string& note = "") {
  out += fmt::format("  {:<18}{:>16}{}{}\n", name, value, note.empty() ? "" : "   ", note);
}

void heading(std::string& out, const Subject& s) {
  const auto& job = s.job;
  const auto parameters = model::parameters_of(job.architecture);
  if (!s.title.empty()) out += s.title + "\n";
  out += fmt::format("machine  {} ({} chips of {})\n", job.machine.title.empty() ? job.machine.name : job.machine.title, grouped(job.machine.chips()), job.machine.chip.title);
  out += fmt::format("model    {}: {} parameters, {} active per token, {} layers\n", job.architecture.name, parameters_text(static_cast<double>(parameters.total)),
                     parameters_text(static_cast<double>(parameters.active)), job.architecture.layers());
  out += fmt::format("plan     {}{}\n", plan_text(job.plan, s.result.data_parallel),
                     s.automatic_plan ? fmt::format("   (best of {} tried)", s.candidates) : "");
  if (job.software.name != software::kDefault) out += fmt::format("software {}\n", job.software.title);
  out += fmt::format("batch    {} sequences of {} tokens = {} tokens per step, {} microbatches per pipeline\n", grouped(job.plan.global_batch), grouped(job.sequence_length),
                     grouped(s.result.tokens_per_step), grouped(s.result.microbatches));
  if (s.result.idle_chips > 0)
    out += fmt::format("idle     {} chips of the request cannot be used by this plan ({:.2f} %)\n", grouped(s.result.idle_chips),
                       100.0 * static_cast<double>(s.result.idle_chips) / static_cast<double>(s.result.idle_chips + s.result.chips));
}

void infeasible(std::string& out, const Subject& s) {
  const auto& i = *s.result.infeasible;
  if (i.limit == "faults") {
    out += fmt::format("\nJOB CANNOT RUN: {}\n", i.reason);
    for (const auto& suggestion : i.suggestions) out += fmt::format("    {}\n", suggestion);
    return;
  }
  out += fmt::format("\nDOES NOT FIT: {}\n  {} of {} needs {}, the chip has {}: {} too much\n", i.reason, i.limit, i.role, human(i.needed, 4), human(i.available, 4),
                     human(i.needed - i.available, 4));
  if (!i.suggestions.empty()) out += "  what would help:\n";
  for (const auto& suggestion : i.suggestions) out += fmt::format("    {}\n", suggestion);
}

void headline(std::string& out, const Subject& s) {
  const auto& r = s.result;
  out += "\n";
  const auto range = s.interval ? fmt::format("{:.0f} %: {} to {}", 100 * s.interval->share, human(s.interval->low, 3), human(s.interval->high, 3)) : "";
  line(out, "step time", human(r.step_time, 4), s.job.fidelity == training::Fidelity::bound ? "a lower bound" : range);
  line(out, "tokens/s", grouped(static_cast<long long>(r.tokens_per_s)), fmt::format("{} per chip", detail::number(r.tokens_per_s / static_cast<double>(r.chips))));
  line(out, "model FLOP/s", human(r.model_rate_per_chip * static_cast<double>(r.chips), 4), fmt::format("{} per chip", human(r.model_rate_per_chip, 4)));
  line(out, "MFU", fmt::format("{:.2f} %", 100 * r.mfu),
       fmt::format("of the dense {} matrix peak, {} per chip; {:.1f} % of bf16", name_of(r.peak_precision), human(r.peak_per_chip, 4), 100 * r.mfu_bf16));
  line(out, "memory peak", human(r.memory_peak, 4),
       fmt::format("of {} on pipeline rank {}", human(s.job.machine.chip.memory.capacity.value, 4), r.memory_peak_role));
  if (s.training_tokens > 0) {
    const double seconds = s.training_tokens / r.tokens_per_s;
    line(out, "training run", human(units::Seconds::from_si(seconds)),
         fmt::format("for {} tokens: {} chip-hours, without failures", units::human(s.training_tokens, units::kDimensionless, 3),
                     grouped(static_cast<long long>(seconds / 3600 * static_cast<double>(r.chips)))));
  }
}

void tree(std::string& out, const result::Node& node, double total, int depth) {
  for (const auto& child : node.children) {
    if (depth > 0 && child.si < 0.002 * total) continue;
    out += fmt::format("  {:<44}{:>10}{:>8.2f} %\n", std::string(static_cast<std::size_t>(2 * depth), ' ') + child.label, units::human(child.si, child.dimension),
                       100 * child.si / total);
    if (child.children.size() > 1 || depth == 0) tree(out, child, total, depth + 1);
  }
}

void practice(std::string& out, const Subject& s) {
  if (!s.practice) return;
  const auto& p = *s.practice;
  out += fmt::format("\nscale    {} tokens per step are {:.1f} times the largest published batches (about 67 M tokens). Whether a model trains as well on them is not\n"
                     "         known; at half a million chips the batch, not the network, is often the true limit of scale.\n",
                     grouped(s.result.tokens_per_step), p.times_larger);
  if (p.feasible)
    out += fmt::format("         With {} tokens per step this machine reaches {} tokens/s, {:.1f} % of the above (MFU {:.2f} %): {}\n", grouped(p.tokens_per_step),
                       grouped(static_cast<long long>(p.tokens_per_s)), 100 * p.tokens_per_s / s.result.tokens_per_s, 100 * p.mfu, p.plan);
  else
    out += "         No plan that was tried fits with a batch of that size on so many chips.\n";
}

void rests_on(std::string& out, const Subject& s) {
  const auto estimated = result::inputs_below(s.result.tree, config::Confidence::estimated);
  const auto unverified = result::inputs_below(s.result.tree, config::Confidence::unverified);
  const auto& status = s.job.machine.chip.efficiency.status;
  out += fmt::format("\nrests on {} estimated and {} unverified figures", estimated.size(), unverified.size());
  if (!status.empty()) out += fmt::format("; {} efficiencies are {}", s.job.machine.chip.name, status);
  const auto chooses = [&](const model::Layer& kind) { return workload::chooses_keys(kind.attention, static_cast<double>(s.job.sequence_length)); };
  if (std::any_of(s.job.architecture.kinds.begin(), s.job.architecture.kinds.end(), chooses))
    out += "\n         attention on chosen keys runs at the rates of full attention: no timing of its training kernels is published";
  out += "\n         --explain prints formulas, inputs and sources of every figure\n";
}

void faults(std::string& out, const Subject& s) {
  if (s.result.faults.empty()) return;
  const double healthy = s.result.healthy_step_time.seconds().si();
  const auto share = [healthy](units::Picoseconds cost) { return 100 * cost.seconds().si() / healthy; };
  out += fmt::format("\nfaults, each alone (the step takes {} without any)\n", human(s.result.healthy_step_time, 4));
  for (const auto& f : s.result.faults) {
    if (!f.impossible.empty()) out += fmt::format("  {}\n    the job cannot run: {}\n", f.fault, f.impossible);
    else out += fmt::format("  {}\n    {:+.2f} %, {} per step; {}: {}{}; {}\n", f.fault, share(f.cost), human(f.cost, 3), f.mechanism, f.part,
                            f.slowed.empty() ? "" : fmt::format(", most in {}", f.slowed.front().leaf), f.waits);
  }
  const auto all = s.result.step_time - s.result.healthy_step_time;
  if (s.result.faults.size() > 1) out += fmt::format("  all together\n    {:+.2f} %, {} per step\n", share(all), human(all, 3));
}

}  // namespace

std::string text(const Subject& s) {
  std::string out;
  heading(out, s);
  if (!s.result.feasible) {
    infeasible(out, s);
    return out;
  }
  headline(out, s);
  faults(out, s);
  out += detail::jitter_text(s.job, s.result);
  if (const auto* breakdown = s.result.tree.find("breakdown")) {
    out += fmt::format("\nwhere the time goes ({})\n", breakdown->label);
    tree(out, *breakdown, breakdown->si, 0);
  }
  if (!s.result.links.empty()) out += detail::links_text(s.result);
  if (!s.result.critical_path.empty()) out += detail::path_text(s.result);
  if (const auto* memory = s.result.tree.find("memory")) {
    out += fmt::format("\n{}\n", memory->label);
    tree(out, *memory, memory->si, 1);
  }
  if (s.result.unfolded) out += detail::chip_text(s.result);
  practice(out, s);
  rests_on(out, s);
  return out;
}

}  // namespace zettatwin::report
