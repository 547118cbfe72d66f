// SPDX-License-Identifier: Apache-2.0
#include "inference/deployment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "plan/check.hpp"
#include "plan/plan.hpp"
#include "units/text.hpp"

namespace zettatwin::inference {
namespace {

using config::FieldOptions;
using config::Word;

constexpr std::array kRoles{Word{"aggregated", static_cast<int>(Role::aggregated), "prompts and output tokens on the same instance"},
                            Word{"prefill", static_cast<int>(Role::prefill), "prompts and first tokens"},
                            Word{"decode", static_cast<int>(Role::decode), "the output tokens after the first"}};
constexpr std::array kLoads{Word{"balanced", static_cast<int>(LoadKind::balanced), "all experts get as many tokens"},
                            Word{"power_law", static_cast<int>(LoadKind::power_law), "the i-th busiest expert gets i^-exponent"},
                            Word{"listed", static_cast<int>(LoadKind::listed), "shares as given"}};
constexpr std::array kKernels{Word{"engine", static_cast<int>(ExpertKernels::engine), "as the serving engine chooses"},
                              Word{"tuned", static_cast<int>(ExpertKernels::tuned), "those of a deployed engine after its own tuning"},
                              Word{"library", static_cast<int>(ExpertKernels::library), "an operator library's, where the chip's file describes them"}};
constexpr FieldOptions kSize{.range = {1, 1 << 20}};
constexpr FieldOptions kCount{.range = {0, 1 << 24}};
constexpr std::array<std::string_view, 2> kRolePools{"prefill", "decode"};

bool is_moe(const model::Architecture& model) {
  return std::any_of(model.kinds.begin(), model.kinds.end(), [](const auto& kind) { return kind.is_moe(); });
}

// Without `from`'s keys named in `leave`.
config::Node without(const config::Node& from, std::span<const std::string_view> leave) {
  config::Node rest = from;
  std::erase_if(rest.entries, [&](const config::Entry& entry) { return std::find(leave.begin(), leave.end(), entry.key) != leave.end(); });
  return rest;
}

Pool read_pool(const config::Node& node, Role role, std::string name, config::Diagnostics& diagnostics) {
  Pool pool{.name = std::move(name), .role = role};
  config::read(node, "pool", config::FigureForm::bare_allowed, diagnostics, pool);
  return pool;
}

// Keys of a pool beside `pools`, `prefill` and `decode` are what those pools have in common.
void read_pools(const config::Node& common, const config::Node& node, Deployment& deployment, config::Diagnostics& diagnostics) {
  if (const auto* list = node.find("pools")) {
    if (list->kind != config::Node::Kind::sequence) return diagnostics.error(list->where, "pools is not a list", "each item describes one pool");
    for (const auto& item : list->items)
      deployment.pools.push_back(read_pool(config::merged(common, item), Role::aggregated, fmt::format("pool {}", deployment.pools.size() + 1), diagnostics));
    return;
  }
  const auto* prefill = node.find("prefill");
  const auto* decode = node.find("decode");
  if (!prefill && !decode) return deployment.pools.push_back(read_pool(common, Role::aggregated, "instances", diagnostics));
  if (!prefill || !decode)
    return diagnostics.error((prefill ? prefill : decode)->where, fmt::format("there is a {} pool but no {} pool", prefill ? "prefill" : "decode", prefill ? "decode" : "prefill"),
                             "prompts and output tokens need both", prefill ? "add decode.tp=..." : "add prefill.tp=...");
  deployment.pools.push_back(read_pool(config::merged(common, *prefill), Role::prefill, "prefill", diagnostics));
  deployment.pools.push_back(read_pool(config::merged(common, *decode), Role::decode, "decode", diagnostics));
}

struct Checker {
  const Pool& pool;
  const model::Architecture& model;
  const config::Location& where;
  config::Diagnostics& diagnostics;

  void error(std::string problem, std::string why, std::string suggestion) const {
    diagnostics.error(where, fmt::format("pool '{}': {}", pool.name, problem), std::move(why), std::move(suggestion));
  }
  void divides(std::string_view key, std::int64_t size, std::int64_t whole, std::string_view of) const {
    if (whole % size != 0) error(fmt::format("{} {} does not divide the {} {}", key, size, whole, of), "", fmt::format("try {}={}", key, plan::nearest_divisor(whole, size, whole)));
  }
};

void check_attention(const Checker& c) {
  std::vector<std::pair<std::int64_t, std::int64_t>> seen;
  for (const auto& kind : c.model.kinds) {
    const auto heads = kind.attention.heads, kv = kind.attention.kv_heads;
    if (std::find(seen.begin(), seen.end(), std::pair(heads, kv)) != seen.end()) continue;
    const bool known = std::any_of(seen.begin(), seen.end(), [&](const auto& pair) { return pair.first == heads; });
    seen.emplace_back(heads, kv);
    if (!known) c.divides("tp", c.pool.tp, heads, "attention heads");
    if (!known && kind.attention.kind == model::AttentionKind::compressed && heads % c.pool.tp == 0) c.divides("tp", c.pool.tp, kind.attention.output_groups, "groups of attention's outputs");
    if (kind.attention.kind == model::AttentionKind::multi_latent || kind.attention.kind == model::AttentionKind::compressed || heads % c.pool.tp != 0) continue;
    if (kv % c.pool.tp != 0 && c.pool.tp % kv != 0)
      c.error(fmt::format("tp {} neither divides nor is a multiple of the {} key/value heads", c.pool.tp, kv), "each chip holds whole key/value heads, or copies of one",
              fmt::format("try tp={}", plan::nearest_divisor(kv, c.pool.tp, kv)));
  }
  if (c.pool.head_tp > 0 && (c.pool.head_tp % c.pool.tp != 0 || c.pool.attention_chips() % c.pool.head_tp != 0))
    c.error(fmt::format("head_tp {} is not between tp {} and tp x dp {} in step with both", c.pool.head_tp, c.pool.tp, c.pool.attention_chips()), "whole data-parallel ranks share the output projection",
            fmt::format("try head_tp={}", c.pool.attention_chips()));
  if (c.pool.pp > c.model.layers()) c.error(fmt::format("pp {} is more than the {} layers", c.pool.pp, c.model.layers()), "", fmt::format("try pp={}", c.model.layers()));
}

void check_experts(const Checker& c) {
  const auto& pool = c.pool;
  const auto moe = std::find_if(c.model.kinds.begin(), c.model.kinds.end(), [](const auto& kind) { return kind.is_moe(); });
  if (moe == c.model.kinds.end()) {
    if (pool.ep > 1) c.error(fmt::format("ep is {} but the model has no routed experts", pool.ep), "", "remove ep");
    return;
  }
  const auto ep = pool.expert_parallel(c.model);
  const auto& e = *moe->experts;
  if (pool.expert_chips() % ep != 0)
    return c.error(fmt::format("ep {} does not divide the {} chips of a stage that hold experts", ep, pool.expert_chips()), "experts are cut over ep x expert-tp = tp x dp chips",
                   fmt::format("try ep={}", plan::nearest_divisor(pool.expert_chips(), ep, pool.expert_chips())));
  if (pool.shared_copies > 0 && (e.shared_intermediate == 0 || pool.expert_tp(c.model) > 1 || pool.shared_copies >= ep))
    return c.error(fmt::format("shared_copies {} of the shared experts cannot have chips of their own", pool.shared_copies),
                   e.shared_intermediate == 0 ? "the model has no shared experts" : "whole experts lie on each of ep chips, some of which are left for routed ones", "remove shared_copies");
  const auto slots = e.routed_experts + pool.redundant_experts, chips = ep - pool.shared_copies;
  if (slots % chips != 0)
    c.error(fmt::format("{} experts and {} copies do not divide among {}", e.routed_experts, pool.redundant_experts, pool.shared_copies > 0 ? fmt::format("the {} chips that shared experts leave", chips) : fmt::format("ep {}", ep)),
            "each chip holds as many", fmt::format("try redundant_experts={}", (e.routed_experts + chips - 1) / chips * chips - e.routed_experts));
  c.divides("expert tp (tp x dp / ep)", pool.expert_tp(c.model), e.intermediate, "columns of an expert");
  if (pool.load.kind == LoadKind::listed && static_cast<std::int64_t>(pool.load.shares.size()) % e.routed_experts != 0)
    c.error(fmt::format("the expert load lists {} shares, the model has {} experts", pool.load.shares.size(), e.routed_experts), "", "list one share per expert, of all layers alike or of each layer");
}

}  // namespace

std::span<const Word> role_words() { return kRoles; }
std::span<const Word> load_words() { return kLoads; }
std::span<const Word> expert_kernels_words() { return kKernels; }

std::int64_t Pool::expert_parallel(const model::Architecture& model) const {
  if (!is_moe(model)) return 1;
  if (ep > 0) return ep;
  return dp > 1 || ffn_chips > 0 ? expert_chips() : 1;
}

Pool with_published_formats(Pool pool, const model::Architecture& model) {
  const auto& published = model.published;
  const bool all = pool.weights == Format::published;
  if (all) pool.weights = format_of(published.weights);
  const auto resolve = [&](Format& part, model::WeightFormat as) {
    if (part != Format::published && !(part == Format::as_weights && all)) return;
    part = format_of(as == model::WeightFormat::unstated ? published.weights : as);
    if (part == pool.weights) part = Format::as_weights;
  };
  resolve(pool.attention, published.attention);
  resolve(pool.experts, published.experts);
  if (pool.int4_group == 0) pool.int4_group = published.groups.size;
  pool.int4_zeros = published.groups.zeros && pool.int4_group == published.groups.size;
  if (pool.attention_output == Format::published) pool.attention_output = format_of(published.attention == model::WeightFormat::unstated ? published.weights : published.attention);
  return pool;
}

bool Deployment::disaggregated() const {
  return std::any_of(pools.begin(), pools.end(), [](const Pool& pool) { return pool.role != Role::aggregated; });
}

void describe(config::Schema& s, ExpertLoad& load) {
  s.choice("kind", load.kind, load_words(), "how tokens spread over routed experts");
  s.number("exponent", load.exponent, "power_law: of the rank", {.range = {0, 4}});
  std::vector<std::string> texts;
  for (const double share : load.shares) texts.push_back(fmt::format("{}", share));
  s.texts("shares", texts, "listed: tokens or shares of tokens, one per expert, or those of each layer one after the other; file: F reads them from a file");
  load.shares.clear();
  for (const auto& text : texts) {
    const auto number = units::parse_number(text);
    s.check(number && *number >= 0, fmt::format("'{}' is not a share", text), "shares are numbers from 0");
    load.shares.push_back(number && *number >= 0 ? *number : 0);
  }
  double sum = 0;
  for (const double share : load.shares) sum += share;
  s.check(load.kind != LoadKind::listed || sum > 0, "the listed expert load has no tokens");
}

void describe(config::Schema& s, Pool& pool) {
  s.text("name", pool.name, "name in answers");
  s.choice("role", pool.role, role_words(), "what the instances compute");
  s.node("machine", pool.machine, "a machine of its own: a name of the catalog, or {extends: NAME, ...} with changes; the deployment's if absent");
  s.integer("instances", pool.instances, "number of instances; 0: as many as the chips allow", kCount);
  s.integer("tp", pool.tp, "chips that a layer's attention is cut over", kSize);
  s.integer("pp", pool.pp, "pipeline stages", kSize);
  s.integer("dp", pool.dp, "ranks in an instance with sequences of their own (data-parallel attention)", kSize);
  s.integer("ep", pool.ep, "chips that routed experts are spread over; 0: all of a stage if dp is above 1, else none", kCount);
  s.integer("ffn_chips", pool.ffn_chips, "chips of a stage for feed-forwards alone (attention-FFN disaggregation); 0: attention's chips compute them", kCount);
  s.choice("weights", pool.weights, weight_words(), "format of the weights; published if absent");
  s.choice("attention", pool.attention, format_words(), "format of attention's projections");
  s.choice("attention_output", pool.attention_output, format_words(), "format of attention's output projection, if other than `attention`");
  s.choice("experts", pool.experts, format_words(), "format of routed experts");
  s.integer("int4_group", pool.int4_group, "weights in int4: weights per scale, -1: a channel; 0: as the model is published, 32 where that is in another format", {.range = {-1, 1 << 20}});
  s.choice("expert_kernels", pool.expert_kernels, expert_kernels_words(), "kernels of routed experts");
  s.choice("cache", pool.cache, cache_words(), "format of the cache of keys and values");
  s.integer("head_tp", pool.head_tp, "chips of a stage that the output projection is cut over, tokens of data-parallel ranks together; 0: tp", kCount);
  s.integer("shared_copies", pool.shared_copies, "copies of the shared experts on chips of their own among ep, to which tokens travel as to a routed expert; 0: every chip has the shared experts", kCount);
  s.integer("redundant_experts", pool.redundant_experts, "copies of busy experts in the instance, which balance their chips", kCount);
  s.boolean("two_batch_overlap", pool.two_batch_overlap, "a batch runs in two halves, one communicates with experts while the other computes");
  s.integer("microbatches", pool.microbatches, "attention-FFN disaggregation: parts of a batch in flight between the two sides", {.range = {1, 64}});
  s.object("load", pool.load, "how tokens spread over routed experts");
  s.number("memory_share", pool.memory_share, "share of a chip's memory that the engine uses; 0: as the software", {.range = config::kUnitInterval});
  s.quantity("power", pool.power, "power that a chip is limited to; products slow down in proportion, memory does not; 0: the chip's design power");
  s.node("engine", pool.engine, "changes of the software's engine settings");
}

void describe(config::Schema& s, Deployment& deployment) {
  s.node("software", deployment.software, "serving software: a name of the catalog, or a mapping that may extend one");
  s.list("pools", deployment.pools, "pools of instances; or the keys of one pool; or prefill and decode");
}

std::optional<Deployment> read_deployment(const config::Node& node, config::Diagnostics& diagnostics) {
  const auto errors = diagnostics.error_count();
  Deployment deployment;
  if (node.kind != config::Node::Kind::mapping && node.kind != config::Node::Kind::null) {
    diagnostics.error(node.where, "a deployment is a mapping", "such as {tp: 8, instances: 4}");
    return std::nullopt;
  }
  config::Node whole = node;
  whole.kind = config::Node::Kind::mapping;
  if (const auto* software = whole.find("software")) deployment.software = *software;
  constexpr std::array<std::string_view, 4> kOuter{"software", "pools", "prefill", "decode"};
  read_pools(without(whole, kOuter), whole, deployment, diagnostics);
  if (diagnostics.error_count() != errors) return std::nullopt;
  return deployment;
}

std::optional<Deployment> parse_deployment(const std::string& text, const std::string& name, config::Diagnostics& diagnostics) {
  const auto errors = diagnostics.error_count();
  const auto node = plan::parse_plan_text(text, name, diagnostics);
  if (diagnostics.error_count() != errors) return std::nullopt;
  return read_deployment(node, diagnostics);
}

namespace {

bool holds_integers(const Pool& pool) { return pool.weights == Format::int4 || pool.attention == Format::int4 || pool.attention_output == Format::int4 || pool.experts == Format::int4; }

std::string text_of(const Pool& stated, const std::string& prefix, const model::Architecture& model) {
  const Pool usual;
  const auto pool = with_published_formats(stated, model);
  std::string text;
  const auto add = [&](std::string_view key, const std::string& value) { text += fmt::format("{}{}{}={}", text.empty() ? "" : ",", prefix, key, value); };
  add("tp", std::to_string(pool.tp));
  if (pool.pp > 1) add("pp", std::to_string(pool.pp));
  if (pool.dp > 1) add("dp", std::to_string(pool.dp));
  if (is_moe(model)) add("ep", std::to_string(pool.expert_parallel(model)));
  if (pool.ffn_chips > 0) add("ffn_chips", std::to_string(pool.ffn_chips));
  if (pool.machine.kind == config::Node::Kind::scalar) add("machine", pool.machine.text);
  if (pool.instances > 0) add("instances", std::to_string(pool.instances));
  add("weights", std::string(config::word_of(format_words(), pool.weights)));
  if (pool.attention != usual.attention) add("attention", std::string(config::word_of(format_words(), pool.attention)));
  if (pool.attention_output != usual.attention_output) add("attention_output", std::string(config::word_of(format_words(), pool.attention_output)));
  if (pool.experts != usual.experts) add("experts", std::string(config::word_of(format_words(), pool.experts)));
  if (holds_integers(pool) && pool.int4_group != model::IntegerGroups{}.size) add("int4_group", std::to_string(pool.int4_group));
  if (pool.expert_kernels != usual.expert_kernels) add("expert_kernels", std::string(config::word_of(expert_kernels_words(), pool.expert_kernels)));
  if (pool.cache != usual.cache) add("cache", std::string(config::word_of(cache_words(), pool.cache)));
  if (pool.head_tp > 0) add("head_tp", std::to_string(pool.head_tp));
  if (pool.redundant_experts > 0) add("redundant_experts", std::to_string(pool.redundant_experts));
  if (pool.shared_copies > 0) add("shared_copies", std::to_string(pool.shared_copies));
  if (pool.two_batch_overlap) add("two_batch_overlap", "true");
  return text;
}

}  // namespace

std::string text_of(const Deployment& deployment, const model::Architecture& model) {
  std::string text;
  for (const auto& pool : deployment.pools) {
    const auto role = pool.role == Role::aggregated ? std::string() : std::string(config::word_of(role_words(), pool.role)) + ".";
    text += (text.empty() ? "" : ",") + text_of(pool, role, model);
  }
  return text;
}

bool weights_as_published(const Deployment& deployment, const model::Architecture& model) {
  if (model.published.weights == model::WeightFormat::unstated) return false;
  const auto as = with_published_formats({}, model);
  return std::all_of(deployment.pools.begin(), deployment.pools.end(), [&](const Pool& stated) {
    const auto pool = with_published_formats(stated, model);
    return (pool.int4_group == as.int4_group || !holds_integers(pool)) && pool.weights == as.weights && pool.attention_format() == as.attention_format() && pool.attention_output_format() == as.attention_output_format() &&
           (!is_moe(model) || pool.expert_format() == as.expert_format());
  });
}

bool check(const Pool& pool, const model::Architecture& model, const config::Location& where, config::Diagnostics& diagnostics) {
  const auto before = diagnostics.error_count();
  const Checker c{pool, model, where, diagnostics};
  check_attention(c);
  check_experts(c);
  if (pool.ffn_chips > 0 && !is_moe(model)) {
    for (const auto& kind : model.kinds)
      if (kind.dense) c.divides("ffn_chips", pool.ffn_chips, kind.dense->intermediate, "columns of the feed-forward");
  }
  if (pool.two_batch_overlap && (pool.dp == 1 || !is_moe(model)))
    diagnostics.warning(where, fmt::format("pool '{}': two_batch_overlap has no effect", pool.name), "there is no exchange with experts to hide");
  return diagnostics.error_count() == before;
}

}  // namespace zettatwin::inference
