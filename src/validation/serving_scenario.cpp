// SPDX-License-Identifier: Apache-2.0
#include "validation/serving_scenario.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace zettatwin::validation {
namespace {

using config::Node;

std::int64_t routed_experts(const model::Architecture& model) {
  for (const auto& kind : model.kinds)
    if (kind.experts) return kind.experts->routed_experts;
  return 0;
}

// Expert groups without sizes of attention have data-parallel attention over all of their chips, as wide expert parallelism has everywhere.
PoolSizes decided(const PoolWords& words, const PoolWords& common, std::int64_t experts, std::vector<std::string>& assumed) {
  const auto said = [](std::int64_t own, std::int64_t shared) { return own > 0 ? own : shared; };
  PoolSizes sizes;
  const auto tp = said(words.tp, common.tp), dp = said(words.dp, common.dp);
  sizes.ep = said(words.ep, common.ep);
  sizes.pp = std::max<std::int64_t>(1, said(words.pp, common.pp));
  sizes.tp = std::max<std::int64_t>(1, tp);
  sizes.dp = std::max<std::int64_t>(1, dp);
  if (dp == 0 && sizes.ep > sizes.tp) {
    sizes.dp = sizes.ep / sizes.tp;
    if (!words.data_attention && !common.data_attention) assumed.push_back(fmt::format("attention is data-parallel over {} ranks", sizes.dp));
  }
  sizes.instances = std::max<std::int64_t>(1, words.instances);
  if (experts == 0) sizes.ep = 0;
  if (sizes.ep > 0 && experts % sizes.ep != 0) {
    sizes.redundant = (experts + sizes.ep - 1) / sizes.ep * sizes.ep - experts;
    assumed.push_back(fmt::format("{} copies of experts", sizes.redundant));
  }
  return sizes;
}

Node number_node(double value, const config::Location& where) { return text_node(fmt::format("{}", value), where); }
Node count_node(std::int64_t value, const config::Location& where) { return text_node(std::to_string(value), where); }

// A batch that the row states is what its engines are set to, of each data-parallel rank.
Node pool_node(const PoolSizes& sizes, const config::Location& where) {
  Node pool = empty_mapping(where);
  if (sizes.batch > 0) {
    Node engine = empty_mapping(where);
    put(engine, "max_sequences", count_node(sizes.batch * sizes.dp, where));
    put(pool, "engine", std::move(engine));
  }
  for (const auto& [key, value] : {std::pair{"tp", sizes.tp}, {"dp", sizes.dp}, {"pp", sizes.pp}, {"ep", sizes.ep}, {"instances", sizes.instances}, {"redundant_experts", sizes.redundant}})
    if (value > 0) put(pool, key, count_node(value, where));
  return pool;
}

Node length_node(std::int64_t tokens, std::int64_t longest, const RunShape& run, const config::Location& where) {
  if (run.least >= 1 && run.cv <= 0) return count_node(tokens, where);
  Node law = empty_mapping(where);
  if (run.cv > 0) {
    put(law, "mean", count_node(tokens, where));
    put(law, "cv", number_node(run.cv, where));
    if (longest > 0) put(law, "max", count_node(longest, where));
    return law;
  }
  put(law, "law", text_node("uniform", where));
  put(law, "low", count_node(std::max<std::int64_t>(1, std::llround(run.least * static_cast<double>(tokens))), where));
  put(law, "high", count_node(tokens, where));
  return law;
}

}  // namespace

std::int64_t Sizes::chips() const {
  std::int64_t sum = 0;
  for (const auto* pool : {&whole, &prefill, &decode})
    if (*pool) sum += (*pool)->chips() * (*pool)->instances;
  return sum;
}

Sizes sizes_of(const ServingRow& row, const model::Architecture& model) {
  const auto& words = row.words;
  const auto experts = routed_experts(model);
  Sizes sizes;
  const auto phase = [&](const PoolWords& own) { return own.says_sizes() || own.instances > 0; };
  if (words.apart && phase(words.prefill) && phase(words.decode)) {
    sizes.prefill = decided(words.prefill, words.whole, experts, sizes.assumed);
    sizes.decode = decided(words.decode, words.whole, experts, sizes.assumed);
    sizes.decode->batch = words.decode.batch;
    return sizes;
  }
  // One phase alone is asked.
  if (row.figure.is == Asked::prefill_rate && words.prefill.says_sizes()) sizes.prefill = decided(words.prefill, words.whole, experts, sizes.assumed);
  else if (row.figure.is == Asked::decode_rate && words.decode.says_sizes()) sizes.decode = decided(words.decode, words.whole, experts, sizes.assumed);
  else if (words.whole.says_sizes() && !words.apart) {
    sizes.whole = decided(words.whole, {}, experts, sizes.assumed);
    const auto each = sizes.whole->chips();
    if (row.chips > each && row.chips % each == 0) sizes.whole->instances = row.chips / each;
  }
  return sizes;
}

Node deployment_node(const ServingRow& row, const Sizes& sizes) {
  const auto& where = row.machine.where;
  Node deployment = sizes.whole ? pool_node(*sizes.whole, where) : empty_mapping(where);
  if (sizes.prefill && sizes.decode) {
    put(deployment, "prefill", pool_node(*sizes.prefill, where));
    put(deployment, "decode", pool_node(*sizes.decode, where));
  } else if (sizes.prefill || sizes.decode) {
    deployment = pool_node(sizes.prefill ? *sizes.prefill : *sizes.decode, where);
  }
  if (row.words.two_batches) put(deployment, "two_batch_overlap", text_node("true", where));
  return row.deployment.is_mapping() ? config::merged(deployment, row.deployment) : deployment;
}

Node speculation_node(std::int64_t draft, double acceptance, const config::Location& where) {
  Node speculation = empty_mapping(where), engine = empty_mapping(where), changes = empty_mapping(where), list;
  list.kind = Node::Kind::sequence;
  list.where = where;
  list.items.push_back(number_node(acceptance, where));
  put(speculation, "draft", count_node(draft, where));
  put(speculation, "acceptance", std::move(list));
  put(engine, "speculation", std::move(speculation));
  put(changes, "engine", std::move(engine));
  return changes;
}

Node log_node(const std::string& file, const config::Location& where) {
  Node trace = empty_mapping(where);
  put(trace, "file", text_node(file, where));
  put(trace, "format", text_node("llmservingsim", where));
  return trace;
}

Node traffic_node(const ServingRow& row, const TrafficSize& size) {
  const auto& where = row.machine.where;
  Node traffic = empty_mapping(where);
  if (row.run.load == Load::log) {
    put(traffic, "trace", log_node(row.run.log, where));
    return traffic;
  }
  if (size.rate > 0) {
    put(traffic, "arrivals", text_node("poisson", where));
    put(traffic, "rate", text_node(fmt::format("{} requests/s", size.rate), where));
  } else {
    put(traffic, "concurrency", count_node(std::llround(size.concurrency), where));
  }
  put(traffic, "requests", count_node(size.requests, where));
  put(traffic, "input", length_node(row.run.input, row.run.longest_input, row.run, where));
  put(traffic, "output", length_node(row.run.output, row.run.longest_output, row.run, where));
  return traffic;
}

Node scenario_node(const ServingRow& row, const Sizes& sizes, const TrafficSize& size) {
  const auto& where = row.machine.where;
  Node scenario = empty_mapping(where);
  put(scenario, "machine", row.machine);
  if (sizes.chips() > 0) put(scenario, "chips", count_node(sizes.chips(), where));
  put(scenario, "model", text_node(row.model, where));
  if (row.software.kind != Node::Kind::null) put(scenario, "software", row.software);
  put(scenario, "deployment", deployment_node(row, sizes));
  put(scenario, "traffic", traffic_node(row, size));
  for (const auto key : {"router", "decode_router"}) {
    if (row.routing.empty() || !sizes.decode) continue;
    Node router = empty_mapping(where);
    put(router, "routing", text_node(row.routing, where));
    put(scenario, key, std::move(router));
  }
  return scenario;
}

}  // namespace zettatwin::validation
