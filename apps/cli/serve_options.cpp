// SPDX-License-Identifier: Apache-2.0
#include "cli/serve_options.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <array>

#include "cli/completion.hpp"
#include "cli/option_nodes.hpp"
#include "plan/plan.hpp"
#include "units/text.hpp"

namespace zettatwin::cli {
namespace {

// A bare number gets the unit that the option is in.
std::string with_unit(const std::string& text, const char* unit) { return units::parse_number(text) ? fmt::format("{} {}", text, unit) : text; }

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts(1);
  for (const char c : text)
    if (c == separator) parts.emplace_back();
    else parts.back() += c;
  return parts;
}

// "1024", "1024:0.5" (mean and cv), "lognormal:1024:0.5", "uniform:512:2048", "geometric:200".
config::Node length_of(const std::string& option, const std::string& text, config::Diagnostics& diagnostics) {
  struct Law {
    const char* name;
    std::array<const char*, 2> keys;
    std::size_t least;
  };
  static constexpr Law kLaws[] = {{"lognormal", {"mean", "cv"}, 1}, {"uniform", {"low", "high"}, 2}, {"geometric", {"mean", ""}, 1}};
  auto parts = split(text, ':');
  if (units::parse_number(parts.front())) parts.insert(parts.begin(), "lognormal");
  for (const auto& law : kLaws) {
    if (parts.front() != law.name) continue;
    const auto values = parts.size() - 1;
    if (values < law.least || values > (law.keys[1][0] != '\0' ? 2u : 1u)) break;
    auto node = mapping(option);
    set(node, "law", option, law.name);
    for (std::size_t i = 0; i < values; ++i) set(node, law.keys[i], option, parts[i + 1]);
    return node;
  }
  diagnostics.error(config::location_in(option), fmt::format("'{}' is no length", text), "", "write 1024, lognormal:1024:0.5 (mean, cv), uniform:512:2048 or geometric:200");
  return mapping(option);
}

config::Node traffic_of(const ServeOptionTexts& o, config::Diagnostics& diagnostics) {
  auto traffic = mapping("command line");
  if (!o.trace.empty() || !o.speed.empty() || !o.trace_format.empty()) {  // or of a trace that the scenario names
    auto trace = mapping("--trace");
    set(trace, "file", "--trace", o.trace);
    set(trace, "format", "--trace-format", o.trace_format);
    set(trace, "rate_scale", "--speed", o.speed);
    traffic.entries.push_back({"trace", trace.where, std::move(trace)});
  }
  set(traffic, "arrivals", "--arrivals", o.arrivals);
  set(traffic, "cv", "--cv", o.cv);
  if (!o.rate.empty()) set(traffic, "rate", "--rate", with_unit(o.rate, "requests/s"));
  set(traffic, "concurrency", "--concurrency", o.concurrency);
  if (!o.concurrency.empty() && o.trace.empty()) set(traffic, "requests", "--requests", o.requests);
  if (!o.input.empty()) traffic.entries.push_back({"input", config::location_in("--input-len"), length_of("--input-len", o.input, diagnostics)});
  if (!o.output.empty()) traffic.entries.push_back({"output", config::location_in("--output-len"), length_of("--output-len", o.output, diagnostics)});
  return traffic;
}

}  // namespace

void add_serve_options(CLI::App& command, ServeOptionTexts& o) {
  command.add_option("--machine", o.machine, "catalog machine (zettatwin catalog list machines)")->type_name("MACHINE|FILE");
  command.add_option("--model", o.model, "model preset or path of a Hugging Face config.json")->type_name("MODEL|FILE");
  command.add_option("--chips", o.chips, "chips to serve on; default: the whole machine")->type_name("N");
  offers(command.add_option("--deployment,--plan", o.deployment, "auto, tp=8,ep=8,instances=4, prefill.tp=8,decode.tp=8,decode.dp=4,..., or a YAML file; weights are as the model is published unless it says weights=fp8")->type_name("D|FILE"), "auto");
  command.add_option("--software,--engine", o.software, "serving engine (zettatwin catalog list serving); default vllm")->type_name("ENGINE|FILE");
  command.add_option("--trace", o.trace, "recorded requests: a file (may be gzipped) or, for servegen, a folder")->type_name("FILE");
  offers(command.add_option("--trace-format", o.trace_format, "mooncake, azure, servegen, llmservingsim or requests (JSON lines or CSV with arrival, input, output)")->type_name("F"), "mooncake azure servegen llmservingsim requests");
  command.add_option("--speed", o.speed, "of a trace: 2 plays it twice as fast")->type_name("X");
  command.add_option("--rate", o.rate, "requests per second; of a trace, to which it is stretched or compressed")->type_name("R");
  offers(command.add_option("--arrivals", o.arrivals, "poisson (default), gamma or deterministic")->type_name("LAW"), "poisson gamma deterministic");
  command.add_option("--cv", o.cv, "gamma: standard deviation of the gaps over their mean")->type_name("X");
  command.add_option("--concurrency", o.concurrency, "closed loop as benchmark harnesses run it: so many requests at a time")->type_name("N");
  command.add_option("--input-len", o.input, "tokens of prompts: 1024, lognormal:1024:0.5 (mean, cv), uniform:512:2048, geometric:200")->type_name("L");
  command.add_option("--output-len", o.output, "tokens of answers, likewise")->type_name("L");
  command.add_option("--requests", o.requests, "end after so many; default with --concurrency: ten per place")->type_name("N");
  command.add_option("--duration", o.duration, "seconds of arrivals, or 10min, 1h; default: the trace, or one hour")->type_name("T");
  command.add_option("--warm-up", o.warm_up, "requests that arrive before are not measured")->type_name("T");
  command.add_option("--slo", o.slo, "objectives, such as ttft=2s,tpot=50ms,e2e=30s")->type_name("SLO");
  offers(command.add_option("--routing", o.routing, "round_robin (default), random, least_requests, least_tokens, power_of_two, prefix_aware")->type_name("R"), "round_robin random least_requests least_tokens power_of_two prefix_aware");
  command.add_option("--cache-pool", o.cache_pool, "memory beside the chips for caches of all instances: capacity=20TB,bandwidth=400GB/s,latency=100us")->type_name("P");
  command.add_option("--link", o.link, "between the machines of prefill and decode pools (prefill.machine=NAME): bandwidth=400GB/s,latency=20us")->type_name("L");
  command.add_option("--failure", o.failures, "kind=instances,pool=decode,instances=0-3,at=600s,duration=300s; may be repeated")->type_name("F")->allow_extra_args(false);
  command.add_option("--seed", o.seed, "of all random numbers; default 1")->type_name("N");
}

std::optional<config::Node> scenario_of(const ServeOptionTexts& o, const FileSource& source, config::Diagnostics& diagnostics) {
  const auto root = read_scenario(o.scenario, source, diagnostics);
  if (!root) return std::nullopt;
  auto over = mapping(o.scenario.empty() ? "command line" : o.scenario);
  over.where = root->where;
  set(over, "machine", "--machine", o.machine);
  set(over, "model", "--model", o.model);
  set(over, "chips", "--chips", o.chips);
  set(over, "software", "--software", o.software);
  if (!o.duration.empty()) set(over, "duration", "--duration", with_unit(o.duration, "s"));
  if (!o.warm_up.empty()) set(over, "warm_up", "--warm-up", with_unit(o.warm_up, "s"));
  if (o.concurrency.empty()) set(over, "requests", "--requests", o.requests);
  set(over, "seed", "--seed", o.seed);
  if (!o.slo.empty()) over.entries.push_back({"slo", config::location_in("--slo"), plan::parse_plan_text(o.slo, "--slo", diagnostics)});
  if (!o.cache_pool.empty()) over.entries.push_back({"cache_pool", config::location_in("--cache-pool"), plan::parse_plan_text(o.cache_pool, "--cache-pool", diagnostics)});
  if (!o.link.empty()) {
    auto transfer = mapping("--link");
    transfer.entries.push_back({"link", transfer.where, plan::parse_plan_text(o.link, "--link", diagnostics)});
    over.entries.push_back({"transfer", transfer.where, std::move(transfer)});
  }
  if (!o.routing.empty()) {
    auto router = mapping("--routing");
    set(router, "routing", "--routing", o.routing);
    over.entries.push_back({"router", router.where, std::move(router)});
  }
  if (!o.failures.empty()) {
    config::Node list;
    list.kind = config::Node::Kind::sequence;
    list.where = config::location_in("--failure");
    for (const auto& failure : o.failures) list.items.push_back(plan::parse_plan_text(failure, "--failure", diagnostics));
    over.entries.push_back({"failures", list.where, std::move(list)});
  }
  if (!o.deployment.empty()) over.entries.push_back({"deployment", config::location_in("--deployment"), choice_of("--deployment", o.deployment, source, diagnostics)});
  auto base = *root;
  auto traffic = traffic_of(o, diagnostics);
  const auto* of_file = base.find("traffic");
  const bool has_trace = !o.trace.empty() || (o.rate.empty() && o.concurrency.empty() && of_file && of_file->is_mapping() && of_file->find("trace"));
  if (!has_trace)
    for (const auto& [option, text] : {std::pair{"--speed", &o.speed}, {"--trace-format", &o.trace_format}})
      if (!text->empty()) diagnostics.error(config::location_in(option), "there is no trace", "it says how a trace is read or played", "name one with --trace, or leave it out");
  // A trace, a rate and a closed loop exclude each other: what the command line says replaces the file's; lengths alone are laid over it.
  const bool replaces = !o.trace.empty() || !o.rate.empty() || !o.concurrency.empty();
  if (auto* old = base.find("traffic"); old && replaces) {
    for (const char* key : {"input", "output"})
      if (const auto* length = old->find(key); length && !traffic.find(key) && o.trace.empty()) traffic.entries.push_back({key, length->where, *length});
    *old = std::move(traffic);
  } else if (!traffic.entries.empty()) {
    over.entries.push_back({"traffic", traffic.where, std::move(traffic)});
  }
  if (diagnostics.has_errors()) return std::nullopt;
  return config::merged(base, over);
}

}  // namespace zettatwin::cli
