// SPDX-License-Identifier: Apache-2.0
#include "plan/check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

namespace zettatwin::plan {
namespace {

struct Checker {
  const Plan& plan;
  const model::Architecture& architecture;
  const config::Location& where;
  config::Diagnostics& diagnostics;

  void error(std::string problem, std::string why, std::string suggestion = "") const {
    diagnostics.error(where, std::move(problem), std::move(why), std::move(suggestion));
  }
  void without_effect(std::string_view setting, std::string why) const {
    diagnostics.warning(where, fmt::format("{} has no effect", setting), std::move(why));
  }
  // `size` of `key` must divide `whole`.
  void divides(std::string_view key, std::int64_t size, std::int64_t whole, std::string_view whole_name) const {
    if (whole % size == 0) return;
    error(fmt::format("{} {} does not divide the {} {}", key, size, whole, whole_name), "", fmt::format("try {}={}", key, nearest_divisor(whole, size, whole)));
  }
  // All layers and the multi-token-prediction layer.
  template <class F>
  void each_layer(F&& visit) const {
    for (const auto& kind : architecture.kinds) visit(kind);
    if (architecture.mtp_layer) visit(*architecture.mtp_layer);
  }
};

bool is_moe(const model::Architecture& architecture) {
  return std::any_of(architecture.kinds.begin(), architecture.kinds.end(), [](const auto& kind) { return kind.is_moe(); });
}

// Distinct values of `f` over the layers, so that a rule broken by two kinds alike is reported once.
template <class F>
std::vector<std::int64_t> distinct(const Checker& c, F&& f) {
  std::vector<std::int64_t> values;
  c.each_layer([&](const model::Layer& layer) {
    const std::int64_t value = f(layer);
    if (value > 0 && std::find(values.begin(), values.end(), value) == values.end()) values.push_back(value);
  });
  return values;
}

void tensor_rules(const Checker& c) {
  const auto tp = c.plan.tp;
  for (const auto heads : distinct(c, [](const model::Layer& l) { return l.attention.heads; })) {
    c.divides("tp", tp, heads, "attention heads");
    if (heads % tp == 0 && c.plan.cp_kind == ContextParallelKind::all_to_all && (heads / tp) % c.plan.cp != 0)
      c.error(fmt::format("cp {} with all_to_all does not divide the {} heads per tensor-parallel rank", c.plan.cp, heads / tp),
              "all-to-all gives each context-parallel rank whole heads", fmt::format("try cp={} or cp_kind=ring", nearest_divisor(heads / tp, c.plan.cp, heads / tp)));
  }
  // Fewer key/value heads than tp are replicated, which takes a whole number of ranks per head.
  for (const auto kv : distinct(c, [](const model::Layer& l) { return l.attention.kv_heads; }))
    if (kv % tp != 0 && tp % kv != 0)
      c.error(fmt::format("tp {} and the {} key/value heads do not divide each other", tp, kv), "heads are split over ranks or replicated on them",
              fmt::format("try tp={}", nearest_divisor(kv, tp, kv)));
  for (const auto width : distinct(c, [](const model::Layer& l) { return l.dense ? l.dense->intermediate : 0; }))
    c.divides("tp", tp, width, "features of the feed-forward layer");
  for (const auto width : distinct(c, [](const model::Layer& l) { return l.experts ? l.experts->shared_intermediate : 0; }))
    c.divides("tp", tp, width, "features of the shared experts");
  if (tp == 1 && c.plan.overlap.tp) c.without_effect("overlap.tp", "tp is 1");
}

void expert_rules(const Checker& c) {
  const auto& p = c.plan;
  if (!is_moe(c.architecture)) {
    if (p.ep > 1) c.error(fmt::format("ep is {} but {} has no experts", p.ep, c.architecture.name), "expert parallelism spreads experts", "write ep=1");
    if (p.etp > 1) c.error(fmt::format("etp is {} but {} has no experts", p.etp, c.architecture.name), "etp shards experts", "write etp=1");
    if (p.expert_imbalance != 1) c.without_effect("expert_imbalance", fmt::format("{} has no experts", c.architecture.name));
    if (p.overlap.ep) c.without_effect("overlap.ep", fmt::format("{} has no experts", c.architecture.name));
    return;
  }
  for (const auto experts : distinct(c, [](const model::Layer& l) { return l.experts ? l.experts->routed_experts : 0; })) c.divides("ep", p.ep, experts, "experts");
  for (const auto width : distinct(c, [](const model::Layer& l) { return l.experts ? l.experts->intermediate : 0; }))
    c.divides("etp", p.etp, width, "features of an expert");
  if (p.ep == 1 && p.overlap.ep) c.without_effect("overlap.ep", "ep is 1: nothing is dispatched");
  if (p.ep == 1 && p.expert_imbalance != 1) c.without_effect("expert_imbalance", "ep is 1: every rank has all experts");
  if (p.tp > 1 && !p.sequence_parallel)
    c.error("experts with tp above 1 need sequence_parallel", "without it every tensor-parallel rank would route the same tokens", "write sequence_parallel=true");
}

void sequence_rules(const Checker& c, std::int64_t length) {
  const auto& p = c.plan;
  if (p.cp == 1 && p.cp_kind == ContextParallelKind::all_to_all) c.without_effect("cp_kind", "cp is 1");
  if (length == 0) return;
  // Causal ring attention cuts the sequence into 2*cp pieces, so that each rank gets an early and a late one.
  const std::int64_t pieces = p.cp == 1 ? 1 : (p.cp_kind == ContextParallelKind::ring ? 2 : 1) * p.cp;
  if (length % pieces != 0)
    return c.error(fmt::format("cp {} does not divide the sequence of {} tokens into {} equal pieces", p.cp, length, pieces), "",
                   fmt::format("try cp={}", nearest_divisor(length / (pieces / p.cp), p.cp, length)));
  if (p.sequence_parallel && (p.micro_batch * length / p.cp) % p.tp != 0)
    c.error(fmt::format("tp {} does not divide the {} tokens of a microbatch", p.tp, p.micro_batch * length / p.cp), "sequence_parallel shards them",
            fmt::format("try tp={}", nearest_divisor(p.micro_batch * length / p.cp, p.tp, p.tp * 2)));
}

void pipeline_rules(const Checker& c) {
  const auto& p = c.plan;
  const auto layers = c.architecture.layers();
  const bool v_shaped = p.schedule == ScheduleKind::zb_v || pairs_passes(p.schedule);
  const auto name = config::word_of(schedule_words(), p.schedule);
  if (p.vpp > 1 && p.schedule != ScheduleKind::interleaved && !(v_shaped && p.vpp == 2))
    c.error(fmt::format("vpp is {} but the schedule is {}", p.vpp, name), v_shaped ? "it has two chunks per rank by construction" : "it has one chunk per rank",
            v_shaped ? "leave vpp out" : "write schedule=interleaved or vpp=1");
  if (p.schedule == ScheduleKind::interleaved && p.vpp == 1) c.without_effect("schedule=interleaved", "vpp is 1: it is 1f1b");
  if (p.schedule == ScheduleKind::dualpipe && p.pp % 2 != 0)
    c.error(fmt::format("dualpipe needs an even pp, not {}", p.pp), "its two directions meet between two ranks", fmt::format("try pp={}", p.pp + 1));
  if (p.pp == 1 && p.schedule != ScheduleKind::one_f_one_b) c.without_effect(fmt::format("schedule={}", name), "pp is 1");
  const auto chunks = model_chunks(p);
  if (p.layers_per_chunk.empty() && layers < chunks)
    c.error(fmt::format("{} layers cannot fill {} pipeline chunks", layers, chunks), fmt::format("pp {} with {} per rank", p.pp, chunks_per_rank(p)),
            fmt::format("try pp={}", std::max<std::int64_t>(1, layers / std::max<std::int64_t>(1, chunks / p.pp))));
}

void recompute_rules(const Checker& c) {
  const auto& p = c.plan;
  const auto layers = c.architecture.layers();
  if (p.compress_activations && p.recompute == Recompute::full && p.recompute_layers < 0) c.without_effect("compress_activations", "recompute is full: only layer inputs are kept");
  if (p.recompute_layers < 0) return;
  if (p.recompute != Recompute::full) return c.without_effect("recompute_layers", "it counts layers under recompute=full");
  const auto chunk = (layers + model_chunks(p) - 1) / model_chunks(p);
  if (p.recompute_layers > chunk && p.layers_per_chunk.empty())
    c.error(fmt::format("recompute_layers is {} but a chunk has at most about {} layers", p.recompute_layers, chunk), "it counts layers of one model chunk",
            fmt::format("write recompute_layers={} or -1 for all", chunk));
}

void state_rules(const Checker& c) {
  const auto& p = c.plan;
  if (p.zero_group > 0 && p.zero == 0) c.without_effect("zero_group", "zero is 0: nothing is sharded");
  if (p.optimizer == OptimizerKind::adam && p.moment_type == NumberType::none)
    c.error("moment_type is none but adam has moments", "", "write moment_type=fp32 or bf16");
  if (p.master_type == NumberType::none && bytes_of(p.parameter_type) < 2)
    c.error("fp8 parameters need a master copy", "updates are smaller than their spacing", "write master_type=fp32");
}

}  // namespace

std::int64_t nearest_divisor(std::int64_t whole, std::int64_t wanted, std::int64_t limit) {
  std::int64_t best = 1;
  const auto consider = [&](std::int64_t d) {
    if (d <= limit && (std::abs(d - wanted) < std::abs(best - wanted) || (std::abs(d - wanted) == std::abs(best - wanted) && d < best))) best = d;
  };
  for (std::int64_t d = 1; d * d <= whole; ++d)
    if (whole % d == 0) {
      consider(d);
      consider(whole / d);
    }
  return best;
}

namespace {

void kind_rules(const Checker& c) {
  const auto refuse = [&](bool has, std::string_view what) {
    if (has) c.error(fmt::format("the model has {}, whose training is not modelled", what), "backward passes of its kernels and what they store are not known here", "such models can be served, not trained");
  };
  bool attention = false, compressed = false, shared = false, latent = false, alone = false, narrow = false, beside = false, zero = false;
  c.each_layer([&](const model::Layer& layer) {
    attention |= layer.attention.kind == model::AttentionKind::linear || layer.attention.output_gate || layer.attention.head_gate;
    narrow |= layer.attention.kind == model::AttentionKind::grouped_query && layer.attention.q_lora_rank > 0;
    beside |= layer.dense && layer.experts;
    zero |= layer.experts && layer.experts->zero_experts > 0;
    compressed |= layer.attention.kind == model::AttentionKind::compressed;
    shared |= layer.attention.shared_keys || layer.attention.keys_are_values;
    latent |= layer.experts && layer.experts->latent > 0;
    alone |= !layer.has_feed_forward();
  });
  refuse(attention, "linear or gated attention");
  refuse(compressed, "compressed attention");
  refuse(shared, "attention that shares keys or values");
  refuse(latent, "experts on a latent");
  refuse(alone, "layers without a feed-forward");
  refuse(narrow, "queries through a latent beside whole keys");
  refuse(beside, "experts beside a dense feed-forward");
  refuse(zero, "experts that compute nothing");
  refuse(c.architecture.residual_block > 0, "attention residuals");
  refuse(c.architecture.residual_streams > 1, "hyper-connections");
  refuse(c.architecture.per_layer_width > 0, "per-layer embeddings");
}

}  // namespace

bool check(const Plan& plan, const model::Architecture& architecture, std::int64_t sequence_length, const config::Location& where,
           config::Diagnostics& diagnostics) {
  const auto before = diagnostics.error_count();
  const Checker c{plan, architecture, where, diagnostics};
  kind_rules(c);
  tensor_rules(c);
  expert_rules(c);
  sequence_rules(c, sequence_length);
  pipeline_rules(c);
  recompute_rules(c);
  state_rules(c);
  return diagnostics.error_count() == before;
}

bool check_replicas(const Plan& plan, std::int64_t dp, const config::Location& where, config::Diagnostics& diagnostics) {
  const auto before = diagnostics.error_count();
  const auto share = plan.micro_batch * dp;
  if (plan.global_batch > 0 && plan.global_batch % share != 0)
    diagnostics.error(where, fmt::format("global_batch {} does not divide by micro_batch {} x dp {}", plan.global_batch, plan.micro_batch, dp),
                      "every replica runs the same number of microbatches",
                      fmt::format("try global_batch={}", std::max<std::int64_t>(1, (plan.global_batch + share / 2) / share) * share));
  const auto replicas = dp * plan.cp;
  if (plan.zero_group > 0 && replicas % plan.zero_group != 0)
    diagnostics.error(where, fmt::format("zero_group {} does not divide dp x cp = {}", plan.zero_group, replicas), "shards repeat over groups of equal size",
                      fmt::format("try zero_group={}", nearest_divisor(replicas, plan.zero_group, replicas)));
  else if (plan.zero > 1 && replicas == 1)  // 1 is what plans have that say nothing
    diagnostics.warning(where, fmt::format("zero={} has no effect", plan.zero), "there is one replica: nothing to shard over");
  return diagnostics.error_count() == before;
}

}  // namespace zettatwin::plan
