// SPDX-License-Identifier: Apache-2.0
#include "api/detail/serve_subject.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "model/parameters.hpp"
#include "result/path.hpp"
#include "uncertainty/interval.hpp"
#include "units/text.hpp"

namespace zettatwin::api::detail {
namespace {

using units::grouped;

std::string count_text(std::int64_t parameters) {
  const auto count = static_cast<double>(parameters);
  return count >= 1e12 ? fmt::format("{:.3g} T", count / 1e12) : fmt::format("{:.4g} B", count / 1e9);
}

std::string layout_of(const inference::Pool& pool, const model::Architecture& model) {
  std::string out = fmt::format("tp={}", pool.tp);
  if (pool.dp > 1) out += fmt::format(" dp={}", pool.dp);
  if (const auto ep = pool.expert_parallel(model); ep > 1) out += fmt::format(" ep={}", ep);
  if (pool.pp > 1) out += fmt::format(" pp={}", pool.pp);
  if (pool.ffn_chips > 0) out += fmt::format(" ffn_chips={}", pool.ffn_chips);
  return out;
}

// Engine settings of a deployment as --deployment takes them.
void append_settings(const config::Node& node, const std::string& prefix, std::string& text) {
  if (node.kind == config::Node::Kind::scalar) text += fmt::format(",{}={}", prefix, node.text);
  for (const auto& entry : node.entries) append_settings(entry.value, fmt::format("{}.{}", prefix, entry.key), text);
  std::string items;
  for (const auto& item : node.items) items += (items.empty() ? "" : "+") + item.text;
  if (!items.empty()) text += fmt::format(",{}={}", prefix, items);
}

report::ServedPool shown(const inference::ServedPool& pool, const fleet::PoolSpec& spec, const std::string& model, const model::Architecture& architecture, const hardware::Machine& machine) {
  report::ServedPool out;
  out.machine = machine.name;
  out.chip = machine.chip.name;
  const auto capacity = machine.chip.memory.capacity.value;
  out.name = spec.name;
  out.role = std::string(config::word_of(inference::role_words(), pool.pool.role));
  out.model = model;
  out.layout = layout_of(pool.pool, architecture);
  out.instances = pool.instances;
  out.chips = pool.chips_per_instance;
  out.capacity = capacity;
  out.weights = pool.memory.weights;
  out.cache = std::max(units::Bytes{}, pool.memory.available - pool.memory.used);
  out.other = std::max(pool.memory.used - out.weights, capacity - out.weights - out.cache);  // more than there is, where weights alone do not fit
  out.cache_tokens = pool.memory.tokens;
  out.cache_per_token = pool.memory.cache.in_instance.per_token;
  out.longest_prompt = pool.engine.chunked_prefill ? 0 : pool.engine.longest_chunk();
  return out;
}

// Prompts of mean length: as many as a step of a pool that computes nothing else has on average, one elsewhere.
std::vector<serving::Chunk> typical_chunks(const inference::ServedPool& pool, const Traffic& traffic, double batch) {
  const auto means = traffic.stream->means();
  const double prompt = std::isfinite(means.input) ? std::max(1.0, means.input) : 1024;
  const auto tokens = std::max<std::int64_t>(1, std::min<std::int64_t>(pool.engine.longest_chunk(), static_cast<std::int64_t>(std::lround(prompt))));
  const auto prompts = pool.pool.role == inference::Role::prefill ? std::max<std::int64_t>(1, std::min<std::int64_t>(std::llround(batch), pool.engine.max_tokens / tokens)) : 1;
  return std::vector<serving::Chunk>(static_cast<std::size_t>(prompts), {.tokens = static_cast<std::int32_t>(tokens), .context = 0, .last = true});
}

result::Node memory_tree(const inference::ServedPool& pool) {
  result::Node tree{.key = "memory", .label = "memory of its fullest chip", .si = 0, .dimension = units::kBytes, .formula = "", .inputs = {}, .children = {}, .sums = true};
  for (const auto& part : pool.memory.parts)
    if (part.bytes.si() > 0) tree.add(result::leaf(result::path_element(part.name), part.name, part.bytes, part.formula));
  tree.add(result::leaf("cache", "cache of keys and values", std::max(units::Bytes{}, pool.memory.available - pool.memory.used), "what the engine may use of the chip less all other parts"));
  result::total_up(tree);
  return tree;
}

}  // namespace

void describe_answer(const hardware::Machine& machine, const std::vector<const model::Architecture*>& architectures, const std::vector<std::string>& names, const std::vector<Traffic>& traffic,
                     const fleet::FleetSpec& spec, ServeAnswer& answer) {
  auto& s = answer.subject;
  s.title = answer.scenario.title;
  s.machine = machine.name;
  s.machine_title = machine.title;
  s.machine_chips = machine.chips();
  s.chip = machine.chip.name;
  s.chip_efficiencies = machine.chip.efficiency.status;
  s.slo = answer.scenario.slo;
  s.failures = spec.failures;
  s.frontend = spec.frontend_delay;
  bool alike = true;
  for (const auto& pool : spec.pools) {
    if (pool.role != fleet::Role::decode) continue;
    alike = alike && s.first_token.value_or(pool.engine.first_token) == pool.engine.first_token;
    s.first_token = pool.engine.first_token;
  }
  if (!alike) s.first_token.reset();
  s.model_names = names;
  const auto asked = answer.scenario.chips > 0 ? answer.scenario.chips : machine.chips();
  std::vector<std::string> software, deployments, words;
  std::size_t at = 0;
  std::int64_t own = 0;  // chips of the scenario's machine
  for (std::size_t m = 0; m < answer.served.size(); ++m) {
    const auto& served = answer.served[m];
    const auto parameters = model::parameters_of(*architectures[m]);
    s.models.push_back(fmt::format("{}: {} parameters, {} active per token", names[m], count_text(parameters.total), count_text(parameters.active)));
    if (std::find(software.begin(), software.end(), served.software->title) == software.end()) software.push_back(served.software->title);
    s.chips += served.chips;
    own += served.own_chips;
    if (served.infeasible && !s.infeasible) {
      const auto& i = *served.infeasible;
      s.infeasible = report::ServingShortfall{.limit = "memory", .role = i.role, .part = i.part, .needed = i.needed, .available = i.available, .reason = i.reason, .suggestions = i.suggestions};
    }
    inference::Deployment shown_deployment;
    for (const auto& pool : served.pools) {
      shown_deployment.pools.push_back(pool.pool);
      shown_deployment.pools.back().instances = pool.instances;
      const auto& on = pool.timer ? pool.timer->about().machine : machine;
      s.pools.push_back(shown(pool, spec.pools[at++], names[m], *architectures[m], on));
      if (on.name != machine.name && s.chip_efficiencies.find(on.chip.name) == std::string::npos) s.chip_efficiencies += fmt::format("; {}'s are {}", on.chip.name, on.chip.efficiency.status);
    }
    auto text = inference::text_of(shown_deployment, *architectures[m]);
    s.weights_as_published = (m == 0 || s.weights_as_published) && inference::weights_as_published(shown_deployment, *architectures[m]);
    for (const auto& pool : shown_deployment.pools)
      append_settings(pool.engine, pool.role == inference::Role::aggregated ? "engine" : fmt::format("{}.engine", config::word_of(inference::role_words(), pool.role)), text);
    deployments.push_back(answer.served.size() > 1 ? fmt::format("{}: {}", names[m], text) : text);
  }
  s.idle_chips = asked - own;
  s.software = fmt::format("{}", fmt::join(software, "; "));
  s.deployment = fmt::format("{}", fmt::join(deployments, "; "));
  for (const auto& t : traffic) words.push_back(t.words);
  s.traffic = fmt::format("{}", fmt::join(words, "; "));
}

void explain_steps(const std::vector<Traffic>& traffic, ServeAnswer& answer) {
  auto& s = answer.subject;
  result::Node pools{.key = "pools", .label = "pools", .si = 0, .dimension = units::kDimensionless, .formula = "", .inputs = {}, .children = {}, .sums = false};
  std::size_t at = 0;
  for (std::size_t m = 0; m < answer.served.size(); ++m)
    for (const auto& pool : answer.served[m].pools) {
      const auto& r = s.result.pools[at];
      result::Node one{.key = s.pools[at].name, .label = fmt::format("pool {}", s.pools[at].name), .si = 0, .dimension = units::kDimensionless, .formula = "", .inputs = {}, .children = {}, .sums = false};
      const auto sequences = static_cast<std::int64_t>(std::lround(r.batch));
      if (sequences > 0 && pool.pool.role != inference::Role::prefill) {
        const double tokens = r.cache_used * static_cast<double>(pool.engine.blocks) * static_cast<double>(pool.engine.block_tokens);
        // Means over all time, also without sequences: what one has is their ratio.
        const auto cached = std::max<std::int64_t>(sequences, std::llround(std::min(static_cast<double>(pool.memory.tokens), r.running > 0 ? tokens * static_cast<double>(sequences) / r.running : 0.0)));
        auto step = pool.timer->explain({.sequences = sequences, .cached = cached, .chunks = {}});
        s.pools[at].decode_kernels = pool.timer->kernel_width({.sequences = sequences, .cached = cached, .chunks = {}});
        step.key = "decode_step";
        step.label = fmt::format("a step that decodes {} sequences with {} cached tokens", grouped(sequences), grouped(cached));
        one.add(std::move(step));
      }
      if (pool.pool.role != inference::Role::decode) {
        const auto chunks = typical_chunks(pool, traffic[std::min(m, traffic.size() - 1)], r.batch);
        auto step = pool.timer->explain({.sequences = 0, .cached = 0, .chunks = chunks});
        s.pools[at].prompt_kernels = pool.timer->kernel_width({.sequences = 0, .cached = 0, .chunks = chunks});
        step.key = "prompt_step";
        step.label = chunks.size() > 1 ? fmt::format("a step that computes {} prompts of {} tokens", grouped(static_cast<std::int64_t>(chunks.size())), grouped(chunks.front().tokens))
                                       : fmt::format("a step that computes {} tokens of a prompt", grouped(chunks.front().tokens));
        one.add(std::move(step));
      }
      one.add(memory_tree(pool));
      pools.add(std::move(one));
      ++at;
    }
  s.tree = {.key = "", .label = "", .si = 0, .dimension = units::kDimensionless, .formula = "", .inputs = {}, .children = {}, .sums = false};
  s.tree.add(std::move(pools));
  const auto longest = std::max_element(answer.served.begin(), answer.served.end(), [](const auto& a, const auto& b) { return a.frontend < b.frontend; });
  const auto& frontend = longest->software->frontend;
  const auto& from = frontend.provenance;
  const std::string range = from.low_si < from.high_si ? fmt::format("{} to {}; ", units::human(units::Seconds::from_si(from.low_si)), units::human(units::Seconds::from_si(from.high_si))) : "";
  s.tree.add(result::leaf("frontend", "a request before it is queued", frontend.value, "figure of the software", {{"frontend", units::human(frontend.value, 4), from.source, from.confidence, range + from.note}}));
}

void add_intervals(const config::DocumentSource& source, config::Diagnostics& diagnostics, ServeAnswer& answer) {
  auto& s = answer.subject;
  const auto intervals = s.feasible() && s.result.judgement.verdict == fleet::Verdict::stable ? uncertainty::load_intervals(source, diagnostics) : std::nullopt;
  if (!intervals) return;
  double decode = 0, prompt = 0;
  for (const auto& pool : s.pools) {
    decode = std::max(decode, pool.decode_kernels);
    prompt = std::max(prompt, pool.prompt_kernels);
  }
  s.interval_share = intervals->share;
  const auto add = [&](const char* of, const fleet::LatencySummary& mean, const char* name, double kernels) {
    const auto width = uncertainty::served_half_width(*intervals, name, kernels, 0);
    if (width && mean.count > 0) s.intervals.push_back({of, mean.mean.value * std::exp(-*width), mean.mean.value * std::exp(*width)});
  };
  add("TTFT", s.result.all.ttft, uncertainty::kTimeToFirstToken, prompt);
  add("TPOT", s.result.all.tpot, uncertainty::kTimePerToken, decode);
}

}  // namespace zettatwin::api::detail
