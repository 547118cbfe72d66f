// SPDX-License-Identifier: Apache-2.0
// The serving report for a terminal.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "report/detail/number.hpp"
#include "report/detail/table.hpp"
#include "report/serving.hpp"
#include "units/text.hpp"

namespace zettatwin::report {
namespace {

using units::grouped;
using units::human;

std::string seconds(double s) { return human(units::Seconds::from_si(s), 4); }
std::string whole(double value) { return grouped(std::llround(value)); }
// Rates of a few per second keep their decimals.
std::string rate(double value) { return value >= 100 ? whole(value) : fmt::format("{:.4g}", value); }
std::string percent(double share) { return fmt::format("{:.2f} %", 100 * share); }
std::string margin(const fleet::Estimate& e) { return e.half_width && e.value > 0 ? fmt::format("   +- {:.2g} %", 100 * *e.half_width / e.value) : ""; }

// Where the deployment comes from, in brackets behind it.
std::string remark(const ServingSubject& s) {
  std::vector<std::string> parts;
  if (s.automatic) parts.push_back(fmt::format("best of {} tried", grouped(s.candidates)));
  if (!s.chosen.empty()) parts.push_back(s.chosen);
  if (s.weights_as_published) parts.emplace_back("weights as published");
  return parts.empty() ? "" : fmt::format("   ({})", fmt::join(parts, "; "));
}

void heading(std::string& out, const ServingSubject& s) {
  if (!s.title.empty()) out += s.title + "\n";
  out += fmt::format("machine     {} ({} chips of {})\n", s.machine_title.empty() ? s.machine : s.machine_title, grouped(s.machine_chips), s.chip);
  for (const auto& model : s.models) out += fmt::format("model       {}\n", model);
  out += fmt::format("software    {}\n", s.software);
  out += fmt::format("deployment  {}{}\n", s.deployment, remark(s));
  if (s.idle_chips > 0) out += fmt::format("idle        {} of {} chips\n", grouped(s.idle_chips), grouped(s.idle_chips + s.chips));
  if (!s.traffic.empty()) out += fmt::format("traffic     {}\n", s.traffic);
}

void cannot_start(std::string& out, const ServingSubject& s) {
  if (!s.infeasible) {
    out += fmt::format("\nCANNOT SERVE: {}\n", s.result.judgement.reason);
    return;
  }
  const auto& i = *s.infeasible;
  out += fmt::format("\nCANNOT START: {}\n", i.reason);
  if (i.needed.si() > 0)
    out += fmt::format("  {} needs {}, {} are there: {} too much; most of it {}\n", i.role, human(i.needed, 4), human(i.available, 4), human(i.needed - i.available, 4), i.part);
  if (!i.suggestions.empty()) out += "  what would help:\n";
  for (const auto& suggestion : i.suggestions) out += fmt::format("    {}\n", suggestion);
}

// Why requests were rejected, as far as the pools tell.
void rejections(std::string& out, const ServingSubject& s) {
  if (s.result.requests.rejected == 0) return;
  std::vector<std::string> reasons;
  for (const auto& pool : s.pools) {
    const auto model = static_cast<std::size_t>(std::find(s.model_names.begin(), s.model_names.end(), pool.model) - s.model_names.begin());
    const auto longest = model < s.result.longest.size() ? s.result.longest[model] : 0;
    if (longest > pool.cache_tokens) reasons.push_back(fmt::format("{} holds {} tokens per instance, the longest request has {}", pool.name, grouped(pool.cache_tokens), grouped(longest)));
    if (pool.longest_prompt > 0 && longest > pool.longest_prompt) reasons.push_back(fmt::format("{} computes prompts of {} tokens at most (chunked_prefill is false)", pool.name, grouped(pool.longest_prompt)));
  }
  if (reasons.empty()) reasons.emplace_back("queues were full (max_queue), or no pool serves the model");
  out += fmt::format("             rejected: {}\n", fmt::join(reasons, "; "));
}

void verdict(std::string& out, const ServingSubject& s) {
  const auto& j = s.result.judgement;
  out += fmt::format("\n  verdict    {}", j.verdict == fleet::Verdict::stable ? "stable" : "SATURATED");
  if (j.verdict == fleet::Verdict::saturated)
    out += fmt::format(": {}{}", j.backlog_growth_per_s >= 0.001 * j.offered_per_s ? fmt::format("the backlog grows by {} requests/s; ", rate(j.backlog_growth_per_s)) : "",
                       j.sustainable_per_s > 0 ? fmt::format("{} of {} offered requests/s can be kept up", rate(j.sustainable_per_s), rate(j.offered_per_s)) : fmt::format("{} requests/s are offered", rate(j.offered_per_s)));
  else if (j.offered_per_s > 0) out += fmt::format(" at {} requests/s", rate(j.offered_per_s));
  out += "\n";
  if (!j.reason.empty()) out += fmt::format("             {}\n", j.reason);
  constexpr double kClearly = 1.02;  // more than the estimate is off where it is compared with itself
  if (s.sustainable_per_s > 0)
    out += fmt::format("             about {} requests/s can be kept up, estimated from full batches of requests like these{}\n", rate(s.sustainable_per_s),
                       j.verdict == fleet::Verdict::stable && j.offered_per_s > kClearly * s.sustainable_per_s ? ": less than came, so that a longer run would fall behind" : "");
  const auto& r = s.result.requests;
  out += fmt::format("  requests   {} arrived = {} finished + {} rejected + {} lost + {} in flight, in {}\n", grouped(r.arrived), grouped(r.finished), grouped(r.rejected), grouped(r.lost),
                     grouped(r.in_flight), seconds(s.result.simulated_s));
  rejections(out, s);
  if (s.result.sampling.sampled) out += fmt::format("  sample     {}\n", s.result.sampling.how);
}

void latencies(std::string& out, const fleet::Metrics& m) {
  detail::Table table("lrrrrrr", {"", "mean", "p50", "p90", "p95", "p99", "max"});
  const auto row = [&](const char* name, const fleet::LatencySummary& l) {
    if (l.count > 0) table.row({name, seconds(l.mean.value), seconds(l.p50.value), seconds(l.p90.value), seconds(l.p95.value), seconds(l.p99.value), seconds(l.greatest)});
  };
  row("TTFT", m.ttft);
  row("TPOT", m.tpot);
  row("ITL", m.itl);
  row("end to end", m.e2e);
  row("queueing", m.queueing);
  row("transfer", m.transfer);
  if (m.ttft.count == 0) out += fmt::format("\n  no request that {} was answered: there are no latencies\n", m.requests.arrived == 0 ? "came after the warm-up" : "was measured");
  else out += "\n" + table.text();
}

std::string_view first_token_text(serving::FirstToken first) {
  switch (first) {
    case serving::FirstToken::prompt: return "prefill instances, as soon as the prompt is done; the hand-over is in TPOT";
    case serving::FirstToken::joined: return "decode instances, when they take the sequence up: the hand-over is in TTFT";
    case serving::FirstToken::decoded: return "decode instances, after their first step: the hand-over is in TTFT";
  }
  return "";
}

void intervals(std::string& out, const ServingSubject& s) {
  std::vector<std::string> parts;
  for (const auto& i : s.intervals) parts.push_back(fmt::format("{} {} to {}", i.of, human(units::Seconds::from_si(i.low_s), 3), human(units::Seconds::from_si(i.high_s), 3)));
  if (s.frontend.si() > 0 && s.result.all.ttft.count > 0) out += fmt::format("  TTFT and end to end include {} in front of the queue (HTTP, tokenising)\n", human(s.frontend, 3));
  if (s.first_token && s.result.all.ttft.count > 0) out += fmt::format("  first tokens come from {}\n", first_token_text(*s.first_token));
  if (!parts.empty()) out += fmt::format("  {:.0f} % of measured means: {}\n", 100 * s.interval_share, fmt::join(parts, ", "));
}

void throughput(std::string& out, const ServingSubject& s, const fleet::Metrics& m) {
  const auto line = [&](const char* name, const std::string& value, const std::string& note) { out += fmt::format("  {:<26}{:>14}{}\n", name, value, note); };
  out += "\n";
  line("output tokens/s", rate(m.output_tokens_per_s.value), fmt::format("   {} per chip{}", detail::number(m.output_tokens_per_s_per_chip.value), margin(m.output_tokens_per_s)));
  line("input tokens/s", rate(m.input_tokens_per_s.value), m.cached_share.value > 0 ? fmt::format("   {} of them found in a cache", percent(m.cached_share.value)) : "");
  line("requests/s", rate(m.requests_per_s.value), margin(m.requests_per_s));
  constexpr double kSame = 0.01;
  if (const auto& steady = m.steady; steady && steady->output_tokens_per_s.value > 0 && std::abs(steady->output_tokens_per_s.value - m.output_tokens_per_s.value) > kSame * m.output_tokens_per_s.value)
    line("while it runs full", rate(steady->output_tokens_per_s.value),
         fmt::format("   output tokens/s, {} per chip, from {} to {}: neither filling nor emptying", detail::number(steady->output_tokens_per_s_per_chip.value), seconds(steady->from_s), seconds(steady->to_s)));
  // Arrivals that ended in time, of a fleet that keeps up: what is missing was still inside at the end.
  const double window = s.result.measured_to_s - s.result.measured_from_s, offered = s.result.judgement.offered_per_s;
  if (s.result.judgement.verdict == fleet::Verdict::stable && m.requests_per_s.value < 0.95 * offered && m.e2e.mean.value > 0.05 * window && m.requests.in_flight == 0)
    line("", "", fmt::format("   too low: a request takes {}, {} were measured, in which the fleet fills; run for many times that, with a warm-up", seconds(m.e2e.mean.value), seconds(window)));
  const double hours = s.chip_hours_per_million_output_tokens();
  line("chip-hours per M output", hours > 0 ? detail::number(hours) : "-", "");
  const auto& slo = s.slo;
  if (slo.ttft.si() <= 0 && slo.tpot.si() <= 0 && slo.e2e.si() <= 0) return;
  std::vector<std::string> parts;
  if (slo.ttft.si() > 0) parts.push_back(fmt::format("TTFT <= {}: {}", human(slo.ttft), percent(m.ttft_attainment)));
  if (slo.tpot.si() > 0) parts.push_back(fmt::format("TPOT <= {}: {}", human(slo.tpot), percent(m.tpot_attainment)));
  if (slo.e2e.si() > 0) parts.push_back(fmt::format("end to end <= {}: {}", human(slo.e2e), percent(m.e2e_attainment)));
  line("SLO attainment", percent(m.slo_attainment.value), fmt::format("   {}", fmt::join(parts, ", ")));
  line("goodput", rate(m.goodput_per_s.value), " requests/s that meet all of them");
}

void by_model(std::string& out, const ServingSubject& s) {
  const auto& models = s.result.models;
  if (models.size() < 2) return;
  detail::Table table("lrrrrrrrr", {"model", "requests", "TTFT", "p99", "TPOT", "p99", "end to end", "output tokens/s", "SLO attainment"});
  for (std::size_t i = 0; i < models.size(); ++i) {
    const auto& m = models[i];
    const auto of = [](const fleet::LatencySummary& l, double value) { return l.count > 0 ? seconds(value) : std::string("-"); };
    table.row({i < s.model_names.size() ? s.model_names[i] : "", grouped(m.requests.arrived), of(m.ttft, m.ttft.mean.value), of(m.ttft, m.ttft.p99.value), of(m.tpot, m.tpot.mean.value), of(m.tpot, m.tpot.p99.value),
               of(m.e2e, m.e2e.mean.value), rate(m.output_tokens_per_s.value), percent(m.slo_attainment.value)});
  }
  out += "\nby model\n" + table.text();
}

void pools(std::string& out, const ServingSubject& s) {
  detail::Table table("lrrlrrrrrrr", {"pool", "instances", "chips each", "layout", "busy", "running", "batch", "waiting", "cache used", "at most", "preempted"});
  for (std::size_t i = 0; i < s.pools.size() && i < s.result.pools.size(); ++i) {
    const auto& p = s.pools[i];
    const auto& r = s.result.pools[i];
    table.row({p.name, grouped(p.instances), grouped(p.chips), p.layout, percent(r.utilisation), fmt::format("{:.4g}", r.running), fmt::format("{:.4g}", r.batch), fmt::format("{:.4g}", r.waiting),
               percent(r.cache_used), percent(r.cache_used_peak), grouped(r.preemptions)});
  }
  out += "\npools (means per instance)\n" + table.text();
  for (const auto& p : s.pools)
    if (p.machine != s.machine) out += fmt::format("  {} on {} ({})\n", p.name, p.machine, p.chip);
  detail::Table memory("lrrrrrr", {"memory of a chip", "weights", "other", "cache", "of", "tokens cached", "per token"});
  for (const auto& p : s.pools)
    memory.row({p.name, human(p.weights, 4), human(p.other, 4), human(p.cache, 4), human(p.capacity, 4), grouped(p.cache_tokens), human(p.cache_per_token, 4)});
  out += "\n" + memory.text();
}

void scaling(std::string& out, const ServingSubject& s) {
  if (s.result.scaling.empty()) return;
  out += fmt::format("\nautoscaling  {} decisions\n", grouped(static_cast<std::int64_t>(s.result.scaling.size())));
  for (const auto& r : s.result.pools)
    if (r.instances_peak > r.instances || std::abs(r.instances_mean - static_cast<double>(r.instances)) > 0.01)
      out += fmt::format("  {}: {} instances at the start, {:.4g} on or starting on average, {} at most, {:.4g} chip-hours\n", r.name, grouped(r.instances), r.instances_mean, grouped(r.instances_peak), r.chip_hours);
}

void transfers(std::string& out, const ServingSubject& s) {
  for (const auto& t : s.result.transfers) {
    if (t.transfers == 0) continue;
    out += fmt::format("\ncaches moved  {} of {} each: mean {}, p99 {}, of it waiting for blocks {}; ports of prefill {} and decode {} busy, network {}\n", grouped(t.transfers),
                       human(units::Bytes::from_si(t.bytes / static_cast<double>(t.transfers)), 3), seconds(t.duration.mean.value), seconds(t.duration.p99.value), seconds(t.blocked.mean.value),
                       percent(t.egress_used), percent(t.ingress_used), percent(t.network_used));
  }
}

void cache_pool(std::string& out, const ServingSubject& s) {
  const auto& c = s.result.cache_pool;
  if (!c.present) return;
  out += fmt::format("\ncache pool  {} of {} used at most, {} written, {} dropped; {} reads of {} in all, its bandwidth busy {}, mean wait {}; writes busy {}, found after {} at most\n", human(units::Bytes::from_si(c.used_peak), 3),
                     human(units::Bytes::from_si(c.capacity), 3), human(units::Bytes::from_si(c.bytes_written), 3), human(units::Bytes::from_si(c.bytes_evicted), 3), grouped(c.reads),
                     human(units::Bytes::from_si(c.bytes_read), 3), percent(c.busy), seconds(c.wait_mean_s), percent(c.write_busy), seconds(c.write_lag_max_s));
}

void failures(std::string& out, const ServingSubject& s) {
  if (s.result.failures.empty()) return;
  out += "\nfailures\n";
  const bool objectives = s.slo.ttft.si() > 0 || s.slo.tpot.si() > 0 || s.slo.e2e.si() > 0;
  for (const auto& f : s.result.failures) {
    const auto& spec = s.failures[f.failure];
    const auto& pool = s.pools[static_cast<std::size_t>(spec.pool)].name;
    const std::string what = spec.kind == fleet::FailureKind::instances ? fmt::format("{} instances of {}", grouped(f.instances), pool)
                             : spec.kind == fleet::FailureKind::ports   ? fmt::format("ports of {} at {:.3g} % of their rate", pool, 100 * spec.factor)
                                                                        : fmt::format("the network between pools at {:.3g} % of its rate", 100 * spec.factor);
    out += fmt::format("  at {}: {}, {}\n    {} requests hit, {} of them lost, {} tokens computed again", seconds(f.at_s), what, f.until_s < 0 ? "not back before the end" : fmt::format("back at {}", seconds(f.until_s)), grouped(f.requests_hit),
                       grouped(f.requests_lost), grouped(f.recomputed_tokens));
    if (objectives)
      out += fmt::format("; SLO attainment {} before, {} during{}", percent(f.attainment_before), percent(f.attainment_during),
                         f.attainment_after_s < 0 ? "" : fmt::format(", as before {} after the failure", seconds(f.attainment_after_s)));
    out += "\n";
  }
}

void tree(std::string& out, const result::Node& node, double total, int depth) {
  for (const auto& child : node.children) {
    if (child.si < 0.005 * total) continue;
    out += fmt::format("  {:<44}{:>10}{:>8.2f} %\n", std::string(static_cast<std::size_t>(2 * depth), ' ') + child.label, human(child.si, child.dimension), 100 * child.si / total);
    if (child.children.size() > 1) tree(out, child, total, depth + 1);
  }
}

void steps(std::string& out, const ServingSubject& s) {
  const auto* all = s.tree.find("pools");
  if (!all) return;
  for (const auto& pool : all->children)
    for (const auto& part : pool.children) {
      if (part.key == "memory" || part.si <= 0) continue;
      out += fmt::format("\n{}: {}, {}\n", pool.label, part.label, human(part.si, part.dimension, 4));
      tree(out, part, part.si, 0);
    }
}

void rests_on(std::string& out, const ServingSubject& s) {
  out += fmt::format("\nrests on {} estimated and {} unverified figures", result::inputs_below(s.tree, config::Confidence::estimated).size(), result::inputs_below(s.tree, config::Confidence::unverified).size());
  if (!s.chip_efficiencies.empty()) out += fmt::format("; {} efficiencies are {}", s.chip, s.chip_efficiencies);
  out += "\n         --explain prints formulas, inputs and sources of every figure\n";
}

}  // namespace

double ServingSubject::chip_hours_per_million_output_tokens() const {
  const double per_chip = result.all.output_tokens_per_s_per_chip.value;
  return per_chip > 0 ? 1e6 / per_chip / 3600 : 0;
}

std::string text(const ServingSubject& s) {
  std::string out;
  heading(out, s);
  if (!s.feasible()) {
    cannot_start(out, s);
    return out;
  }
  verdict(out, s);
  latencies(out, s.result.all);
  intervals(out, s);
  throughput(out, s, s.result.all);
  by_model(out, s);
  pools(out, s);
  scaling(out, s);
  transfers(out, s);
  cache_pool(out, s);
  failures(out, s);
  steps(out, s);
  rests_on(out, s);
  return out;
}

}  // namespace zettatwin::report
