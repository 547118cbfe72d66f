// SPDX-License-Identifier: Apache-2.0
// Serving results as JSON: SI base units in the names, stable fields (docs/json.md).
#include <nlohmann/json.hpp>

#include "report/detail/json_tree.hpp"
#include "report/serving.hpp"

namespace zettatwin::report {
namespace {

using Json = nlohmann::ordered_json;

std::string verdict_name(const ServingSubject& s) {
  if (!s.feasible()) return "infeasible";
  return s.result.judgement.verdict == fleet::Verdict::saturated ? "saturated" : "stable";
}

Json counts_json(const fleet::RequestCounts& r) {
  return {{"arrived", r.arrived}, {"finished", r.finished}, {"rejected", r.rejected}, {"lost", r.lost}, {"in_flight", r.in_flight}};
}

void add(Json& out, const std::string& name, const fleet::Estimate& e) {
  out[name] = e.value;
  if (e.half_width) out[name + "_confidence_95"] = *e.half_width;
}

Json latency_json(const fleet::LatencySummary& l) {
  Json out = Json::object();
  add(out, "mean", l.mean);
  add(out, "p50", l.p50);
  add(out, "p90", l.p90);
  add(out, "p95", l.p95);
  add(out, "p99", l.p99);
  out["min"] = l.least;
  out["max"] = l.greatest;
  out["count"] = l.count;
  return out;
}

void add_metrics(Json& out, const fleet::Metrics& m) {
  const std::pair<const char*, const fleet::LatencySummary*> latencies[] = {{"ttft_s", &m.ttft}, {"tpot_s", &m.tpot}, {"itl_s", &m.itl}, {"e2e_s", &m.e2e}, {"queueing_s", &m.queueing}};
  for (const auto& [name, summary] : latencies) out[name] = latency_json(*summary);
  if (m.transfer.count > 0) out["transfer_s"] = latency_json(m.transfer);
  add(out, "requests_per_s", m.requests_per_s);
  add(out, "input_tokens_per_s", m.input_tokens_per_s);
  add(out, "output_tokens_per_s", m.output_tokens_per_s);
  add(out, "total_tokens_per_s", m.total_tokens_per_s);
  add(out, "output_tokens_per_s_per_chip", m.output_tokens_per_s_per_chip);
  add(out, "total_tokens_per_s_per_chip", m.total_tokens_per_s_per_chip);
  add(out, "goodput_requests_per_s", m.goodput_per_s);
  add(out, "slo_attainment", m.slo_attainment);
  out["slo"] = {{"ttft_attainment", m.ttft_attainment}, {"tpot_attainment", m.tpot_attainment}, {"e2e_attainment", m.e2e_attainment}};
  out["input_tokens_mean"] = m.input_tokens_mean;
  out["output_tokens_mean"] = m.output_tokens_mean;
  add(out, "cached_share", m.cached_share);
}

Json pool_json(const ServedPool& p, const fleet::PoolResult* r) {
  Json out{{"name", p.name}, {"role", p.role}, {"model", p.model}, {"machine", p.machine}, {"chip", p.chip}, {"layout", p.layout}, {"instances", p.instances}, {"chips_per_instance", p.chips},
           {"memory", {{"capacity_bytes", p.capacity.si()}, {"weights_bytes", p.weights.si()}, {"other_bytes", p.other.si()}, {"cache_bytes", p.cache.si()}}},
           {"cache_tokens", p.cache_tokens}, {"cache_bytes_per_token", p.cache_per_token.si()}};
  if (!r) return out;
  out["instances_peak"] = r->instances_peak;
  out["instances_mean"] = r->instances_mean;
  out["chip_hours"] = r->chip_hours;
  out["utilisation"] = r->utilisation;
  out["running"] = r->running;
  out["waiting"] = r->waiting;
  out["batch"] = r->batch;
  out["cache_used"] = r->cache_used;
  out["cache_used_peak"] = r->cache_used_peak;
  out["steps"] = r->steps;
  out["preemptions"] = r->preemptions;
  out["prompt_tokens"] = r->prompt_tokens;
  out["recomputed_tokens"] = r->recomputed_tokens;
  out["hit_tokens"] = r->hit_tokens;
  out["looked_up_tokens"] = r->looked_up_tokens;
  out["imbalance"] = r->imbalance;
  return out;
}

Json transfers_json(const fleet::FleetResult& r) {
  Json out = Json::array();
  for (const auto& t : r.transfers)
    out.push_back({{"transfers", t.transfers}, {"bytes", t.bytes}, {"duration_s", latency_json(t.duration)}, {"blocked_s", latency_json(t.blocked)}, {"egress_used", t.egress_used},
                   {"ingress_used", t.ingress_used}, {"network_used", t.network_used}, {"at_once", t.transfers_at_once}});
  return out;
}

Json failures_json(const fleet::FleetResult& r) {
  Json out = Json::array();
  for (const auto& f : r.failures) {
    Json one{{"failure", f.failure}, {"at_s", f.at_s}, {"instances", f.instances}, {"requests_hit", f.requests_hit}, {"requests_lost", f.requests_lost}, {"recomputed_tokens", f.recomputed_tokens},
             {"attainment_before", f.attainment_before}, {"attainment_during", f.attainment_during}};
    if (f.until_s >= 0) one["until_s"] = f.until_s;
    if (f.attainment_after_s >= 0) one["recovery_time_s"] = f.attainment_after_s;
    out.push_back(std::move(one));
  }
  return out;
}

Json series_json(const ServingSubject& s) {
  const auto& series = s.result.series;
  Json pools = Json::array();
  for (std::size_t i = 0; i < series.pools.size(); ++i) {
    const auto& p = series.pools[i];
    pools.push_back({{"name", s.pools[i].name}, {"instances", p.on}, {"waiting", p.waiting}, {"running", p.running}, {"cache_used", p.cache_used}, {"busy", p.busy}});
  }
  return {{"interval_s", series.interval_s}, {"arrived", series.arrived}, {"finished", series.finished}, {"within_slo", series.within_slo}, {"failed", series.failed},
          {"input_tokens", series.input_tokens}, {"output_tokens", series.output_tokens}, {"ttft_mean_s", series.ttft_mean_s}, {"pools", std::move(pools)}};
}

Json infeasible_json(const ServingSubject& s) {
  if (!s.infeasible) return {{"limit", "request"}, {"reason", s.result.judgement.reason}};
  const auto& i = *s.infeasible;
  return {{"limit", i.limit}, {"role", i.role}, {"part", i.part}, {"needed", i.needed.si()}, {"available", i.available.si()}, {"reason", i.reason}, {"suggestions", i.suggestions}};
}

void add_run(Json& out, const ServingSubject& s) {
  const auto& r = s.result;
  out["requests"] = counts_json(r.requests);
  out["simulated_s"] = r.simulated_s;
  out["measured_s"] = {{"from", r.measured_from_s}, {"to", r.measured_to_s}};
  add_metrics(out, r.all);
  if (!s.intervals.empty()) {
    Json intervals{{"share", s.interval_share}};
    for (const auto& i : s.intervals) intervals[i.of == "TTFT" ? "ttft_mean_s" : "tpot_mean_s"] = {{"low", i.low_s}, {"high", i.high_s}};
    out["intervals"] = std::move(intervals);
  }
  if (const auto& steady = r.all.steady) {
    Json one{{"from_s", steady->from_s}, {"to_s", steady->to_s}};
    add(one, "requests_per_s", steady->requests_per_s);
    add(one, "input_tokens_per_s", steady->input_tokens_per_s);
    add(one, "output_tokens_per_s", steady->output_tokens_per_s);
    add(one, "total_tokens_per_s", steady->total_tokens_per_s);
    add(one, "output_tokens_per_s_per_chip", steady->output_tokens_per_s_per_chip);
    add(one, "goodput_requests_per_s", steady->goodput_per_s);
    out["steady"] = std::move(one);
  }
  if (const double hours = s.chip_hours_per_million_output_tokens(); hours > 0) out["chip_hours_per_million_output_tokens"] = hours;
  out["frontend_s"] = s.frontend.si();
  if (s.first_token) out["first_token"] = config::word_of(serving::first_token_words(), *s.first_token);
  out["offered_requests_per_s"] = r.judgement.offered_per_s;
  out["backlog_growth_requests_per_s"] = r.judgement.backlog_growth_per_s;
  const bool measured = r.judgement.sustainable_per_s > 0;
  if (measured || s.sustainable_per_s > 0) {
    out["sustainable_requests_per_s"] = measured ? r.judgement.sustainable_per_s : s.sustainable_per_s;
    out["sustainable_how"] = measured ? "simulated: answered per second while the backlog grew" : "estimated: full batches of requests like these, in closed form";
  }
  if (r.sampling.sampled) out["sampling"] = {{"instances", r.sampling.instances}, {"of", r.sampling.of}, {"how", r.sampling.how}};
  if (!r.models.empty()) {
    Json models = Json::array();
    for (const auto& m : r.models) {
      Json one = Json::object();
      if (models.size() < s.model_names.size()) one["name"] = s.model_names[models.size()];
      one["requests"] = counts_json(m.requests);
      add_metrics(one, m);
      models.push_back(std::move(one));
    }
    out["models"] = std::move(models);
  }
  if (!r.transfers.empty()) out["transfers"] = transfers_json(r);
  if (const auto& c = r.cache_pool; c.present)
    out["cache_pool"] = {{"capacity_bytes", c.capacity}, {"used_peak_bytes", c.used_peak}, {"reads", c.reads}, {"read_bytes", c.bytes_read}, {"written_bytes", c.bytes_written},
                         {"evicted_bytes", c.bytes_evicted}, {"wait_mean_s", c.wait_mean_s}, {"busy", c.busy}, {"write_busy", c.write_busy}, {"write_lag_max_s", c.write_lag_max_s}};
  if (!r.failures.empty()) out["failures"] = failures_json(r);
  if (!r.scaling.empty()) {
    Json scaling = Json::array();
    for (const auto& e : r.scaling) scaling.push_back({{"at_s", e.at_s}, {"pool", s.pools[static_cast<std::size_t>(e.pool)].name}, {"from", e.from}, {"to", e.to}});
    out["scaling"] = std::move(scaling);
  }
  if (r.series.interval_s > 0) out["series"] = series_json(s);
}

Json results_json(const ServingSubject& s) {
  Json out{{"verdict", verdict_name(s)}, {"feasible", s.feasible()}, {"chips", s.chips}, {"idle_chips", s.idle_chips}};
  if (s.feasible()) {
    add_run(out, s);
  } else {
    out["infeasible"] = infeasible_json(s);
    if (!s.infeasible) out["requests"] = counts_json(s.result.requests);
  }
  out["deployment"] = {{"text", s.deployment}, {"automatic", s.automatic}, {"candidates", s.candidates}, {"weights_as_published", s.weights_as_published}};
  if (!s.chosen.empty()) out["deployment"]["chosen"] = s.chosen;
  Json pools = Json::array();
  for (std::size_t i = 0; i < s.pools.size(); ++i) pools.push_back(pool_json(s.pools[i], i < s.result.pools.size() ? &s.result.pools[i] : nullptr));
  out["pools"] = std::move(pools);
  if (const auto* steps = s.tree.find("pools")) {
    Json trees = Json::object();
    for (const auto& pool : steps->children) {
      Json one = Json::object();
      for (const auto& part : pool.children) one[part.key] = detail::tree_json(part, part.key == "memory" ? "_bytes" : "_s");
      trees[pool.key] = std::move(one);
    }
    out["breakdown"] = std::move(trees);
  }
  const auto names = [&](config::Confidence c) {
    Json list = Json::array();
    for (const auto& input : result::inputs_below(s.tree, c)) list.push_back({{"name", input.name}, {"value", input.value}, {"source", input.source}});
    return list;
  };
  out["rests_on"] = {{"chip_efficiencies", s.chip_efficiencies}, {"estimated", names(config::Confidence::estimated)}, {"unverified", names(config::Confidence::unverified)}};
  return out;
}

}  // namespace

std::string json(const ServingSubject& s) {
  return Json{{"schema", "zettatwin/serve/1"},
              {"title", s.title},
              {"machine", {{"name", s.machine}, {"chip", s.chip}, {"chips", s.machine_chips}}},
              {"models", s.models},
              {"software", s.software},
              {"traffic", s.traffic},
              {"slo", {{"ttft_s", s.slo.ttft.si()}, {"tpot_s", s.slo.tpot.si()}, {"e2e_s", s.slo.e2e.si()}}},
              {"results", results_json(s)}}
             .dump(2) +
         "\n";
}

}  // namespace zettatwin::report
