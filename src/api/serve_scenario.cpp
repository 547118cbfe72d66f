// SPDX-License-Identifier: Apache-2.0
#include "api/serve_scenario.hpp"

#include "fleet/times.hpp"

namespace zettatwin::api {
namespace {

constexpr config::Range kCount{1, 1e12};

// What a model is served with; of the scenario itself or of one in its list.
void describe_served(config::Schema& s, ServeModel& m) {
  s.node("model", m.model, "model preset, path of a config.json, {preset: NAME, overrides: {...}} or {config: {...}} written in place");
  s.node("deployment", m.deployment, "auto, or a mapping: sizes of one pool ({tp: 8, instances: 4}), of prefill and decode pools, or a list of pools");
  s.node("traffic", m.traffic, "laws ({rate: 10 requests/s, input: 1024, output: 256}), a closed loop ({concurrency: 64, ...}) or {trace: {file: F, format: mooncake}}");
  s.node("software", m.software, "serving engine of the catalog, or {extends: NAME, ...} with changes; vllm if absent");
}

}  // namespace

void describe(config::Schema& s, ServeModel& m) {
  s.text("name", m.name, "how reports call it; the model's name if absent");
  describe_served(s, m);
  s.integer("chips", m.chips, "chips for it; what its instances need if absent", {.range = kCount});
}

void describe(config::Schema& s, ServeFailure& f) {
  s.text("pool", f.pool, "where; the first pool if absent");
  s.text("instances", f.instances, "which of the pool's instances: 0, 0-3 or 1,5; or give share");
  s.text("chips", f.chips, "instead of instances: those that have these chips of the machine, in all pools unless one is named; pools lie one after the other, in the deployment's order");
  s.text("unit", f.unit, "with units: a level of the machine, such as node");
  s.text("units", f.units, "instead of chips: whole units of that level, 0, 0-3 or 1,5");
  describe(s, f.spec);
}

void describe(config::Schema& s, ServeTransfer& t) {
  s.choice("hand_off", t.hand_off, fleet::hand_off_words(), "when the decode instance is chosen");
  s.boolean("layer_wise", t.layer_wise, "caches are sent layer by layer while the prompt is computed");
  s.integer("min_tokens", t.min_tokens, "shorter prompts are computed by the decode instance itself");
  s.optional_object("link", t.link, "between machines, where prefill and decode pools are on different ones");
}

void describe(config::Schema& s, ServeScaling& scaling) {
  s.text("pool", scaling.pool, "which; the first pool if absent");
  describe(s, scaling.autoscaling);
}

void describe(config::Schema& s, ServeScenario& x) {
  s.text("title", x.title, "what this is, for the report");
  s.node("machine", x.machine, "catalog machine, or {extends: NAME, ...} with changes");
  describe_served(s, x.one);
  s.list("models", x.models, "several models on one machine, instead of model, deployment, traffic and software");
  s.integer("chips", x.chips, "chips to serve on; all of the machine if absent", {.range = kCount});
  s.object("slo", x.slo, "objectives of every request: {ttft: 2 s, tpot: 50 ms, e2e: 30 s}");
  s.object("router", x.router, "who gets a request");
  s.object("decode_router", x.decode_router, "which decode instance takes a computed prompt");
  s.object("transfer", x.transfer, "how caches travel from prefill to decode instances");
  s.optional_object("cache_pool", x.cache_pool, "memory beside the chips for caches of all instances: {capacity: 20 TB, bandwidth: 400 GB/s, latency: 100 us}");
  s.object("retry", x.retry, "what happens to requests of failed instances");
  s.list("failures", x.failures, "what fails when");
  s.list("autoscaling", x.autoscaling, "how the number of instances follows the load");
  s.quantity("duration", x.duration, "of arrivals; until the traffic ends if absent, one hour if it does not", {.range = fleet::kPositiveRunTime});
  s.integer("requests", x.requests, "end after so many", {.range = kCount});
  s.quantity("warm_up", x.warm_up, "requests that arrive before are not measured", {.range = fleet::kRunTime});
  s.integer("warm_up_requests", x.warm_up_requests, "the first so many are not measured");
  s.choice("end", x.end, fleet::end_words(), "what happens when arrivals end");
  s.integer("seed", x.seed, "of all random numbers");
}

}  // namespace zettatwin::api
