// SPDX-License-Identifier: Apache-2.0
#include "plan/plan.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>

namespace zettatwin::plan {
namespace {

using config::Word;

template <class E>
constexpr Word word(std::string_view name, E value, std::string_view doc) {
  return {name, static_cast<int>(value), doc};
}

constexpr std::array kSchedules{
    word("1f1b", ScheduleKind::one_f_one_b, "one forward, one backward (PipeDream-Flush)"),
    word("interleaved", ScheduleKind::interleaved, "1F1B over vpp model chunks per rank (Megatron-LM)"),
    word("zb_h1", ScheduleKind::zb_h1, "zero bubble H1: weight gradients fill the drain, memory of 1F1B"),
    word("zb_v", ScheduleKind::zb_v, "zero bubble V: two chunks per rank, down and up again"),
    word("dualpipe", ScheduleKind::dualpipe, "bidirectional, parameters held twice (DeepSeek-V3)"),
    word("dualpipe_v", ScheduleKind::dualpipe_v, "DualPipe folded into a V: parameters held once")};
constexpr std::array kRecipes{word("bf16", Recipe::bf16, "BF16 GEMMs"),
                              word("fp8_block", Recipe::fp8_block, "FP8 GEMMs, scales per 1x128 tile and 128x128 block (DeepSeek-V3)"),
                              word("mxfp8", Recipe::mxfp8, "FP8 GEMMs, one scale per 32 values (OCP MX)"),
                              word("fp4", Recipe::fp4, "FP4 GEMMs (NVFP4, MXFP4)")};
constexpr std::array kRecomputes{word("none", Recompute::none, "every activation is kept"),
                                 word("selective", Recompute::selective, "norms, activation functions, latent up projections and unfused attention run again"),
                                 word("full", Recompute::full, "layers keep their input only")};
constexpr std::array kAxes{word("tp", Axis::tp, "tensor parallel"), word("cp", Axis::cp, "context parallel"),
                           word("dp", Axis::dp, "data parallel"), word("pp", Axis::pp, "pipeline parallel")};
constexpr std::array kContextKinds{word("ring", ContextParallelKind::ring, "keys and values travel round a ring"),
                                   word("all_to_all", ContextParallelKind::all_to_all, "sequence swapped for heads (Ulysses)")};
constexpr std::array kNumbers{word("fp32", NumberType::fp32, "4 bytes"), word("bf16", NumberType::bf16, "2 bytes"),
                              word("fp16", NumberType::fp16, "2 bytes"), word("fp8", NumberType::fp8, "1 byte"),
                              word("none", NumberType::none, "not kept")};
constexpr std::array kOptimizers{word("adam", OptimizerKind::adam, "two moments per parameter"),
                                 word("sgd_momentum", OptimizerKind::sgd_momentum, "one moment per parameter"),
                                 word("muon", OptimizerKind::muon, "one moment per parameter of hidden matrices, Adam for embedding and head")};

constexpr config::FieldOptions kSize{.range = {1, 16'777'216}};
constexpr config::FieldOptions kCount{.range = {0, 1e9}};

// Items of a list field: a YAML list of them, or one text with '+' between them.
std::vector<std::string> split_items(const std::vector<std::string>& texts) {
  std::vector<std::string> items;
  for (const auto& text : texts) {
    std::size_t begin = 0;
    for (std::size_t plus = text.find('+'); plus != std::string::npos; plus = text.find('+', begin)) {
      items.push_back(text.substr(begin, plus - begin));
      begin = plus + 1;
    }
    items.push_back(text.substr(begin));
  }
  return items;
}

void describe_placement(config::Schema& s, std::vector<Axis>& placement) {
  std::vector<std::string> texts;
  for (const auto axis : placement) texts.emplace_back(config::word_of(axis_words(), axis));
  s.texts("placement", texts, "order of tp, cp, dp, pp on the machine, innermost first");
  std::vector<Axis> order;
  for (const auto& item : split_items(texts)) {
    bool known = false;
    for (const auto& axis : kAxes)
      if (axis.name == item) {
        known = true;
        order.push_back(static_cast<Axis>(axis.value));
      }
    s.check(known, fmt::format("'{}' in placement is not a dimension", item), "known: tp, cp, dp, pp");
  }
  std::array<int, 4> seen{};
  for (const auto axis : order) ++seen[static_cast<std::size_t>(axis)];
  const bool permutation = seen == std::array{1, 1, 1, 1};
  s.check(permutation, "placement must name tp, cp, dp and pp once each", "expert dimensions lie inside tp, cp and dp",
          "write for example tp+cp+dp+pp");
  if (permutation) placement = order;
}

void describe_layers(config::Schema& s, std::vector<std::int64_t>& layers) {
  std::vector<std::string> texts;
  for (const auto count : layers) texts.push_back(std::to_string(count));
  s.texts("layers_per_chunk", texts, "layers of each model chunk in model order, e.g. 3+4+4+3; empty: balanced by work");
  std::vector<std::int64_t> counts;
  bool good = true;
  for (const auto& item : split_items(texts)) {
    std::int64_t count = 0;
    const auto [end, error] = std::from_chars(item.data(), item.data() + item.size(), count);
    const bool whole = error == std::errc{} && end == item.data() + item.size() && count >= 0 && count <= 1'000'000;
    s.check(whole, fmt::format("'{}' in layers_per_chunk is not a number of layers", item), "whole numbers from 0");
    good = good && whole;
    counts.push_back(count);
  }
  if (good) layers = counts;
}

}  // namespace

std::span<const Word> schedule_words() { return kSchedules; }
std::span<const Word> recipe_words() { return kRecipes; }
std::span<const Word> recompute_words() { return kRecomputes; }
std::span<const Word> axis_words() { return kAxes; }
std::span<const Word> context_parallel_words() { return kContextKinds; }
std::span<const Word> number_words() { return kNumbers; }
std::span<const Word> optimizer_words() { return kOptimizers; }

double bytes_of(NumberType type) {
  switch (type) {
    case NumberType::fp32: return 4;
    case NumberType::bf16:
    case NumberType::fp16: return 2;
    case NumberType::fp8: return 1;
    case NumberType::none: return 0;
  }
  return 0;
}

std::int64_t chunks_per_rank(const Plan& plan) {
  switch (plan.schedule) {
    case ScheduleKind::interleaved: return plan.vpp;
    case ScheduleKind::zb_v:
    case ScheduleKind::dualpipe:
    case ScheduleKind::dualpipe_v: return 2;
    case ScheduleKind::one_f_one_b:
    case ScheduleKind::zb_h1: return 1;
  }
  return 1;
}

std::int64_t model_chunks(const Plan& plan) {
  return plan.schedule == ScheduleKind::dualpipe ? plan.pp : plan.pp * chunks_per_rank(plan);
}

void describe(config::Schema& s, Overlap& o) {
  s.boolean("tp", o.tp, "tensor-parallel collectives are pipelined with their GEMMs");
  s.boolean("cp", o.cp, "the ring exchange of context parallelism runs behind attention");
  s.boolean("ep", o.ep, "expert dispatch and combine run behind another microbatch's computation");
  s.boolean("pp", o.pp, "pipeline sends run in the background");
  s.boolean("gradients", o.gradients, "gradient reduction runs behind the last backward passes");
  s.boolean("parameters", o.parameters, "parameter gathers run behind the first forward passes (ZeRO 1-2) or the layers before (ZeRO 3)");
}

void describe(config::Schema& s, Plan& p) {
  s.integer("tp", p.tp, "tensor-parallel size", kSize);
  s.integer("cp", p.cp, "context-parallel size: ranks that share one sequence", kSize);
  s.integer("ep", p.ep, "expert-parallel size, inside tp x cp x dp", kSize);
  s.integer("etp", p.etp, "tensor-parallel size inside one expert", kSize);
  s.integer("pp", p.pp, "pipeline-parallel size", kSize);
  s.integer("vpp", p.vpp, "model chunks per pipeline rank of the interleaved schedule", kSize);
  s.integer("dp", p.dp, "data-parallel replicas; 0: as many as fit on the chips", {.range = {0, 16'777'216}});
  s.boolean("sequence_parallel", p.sequence_parallel, "norms and residuals are sharded over tp");
  s.choice("cp_kind", p.cp_kind, context_parallel_words(), "how context parallelism exchanges");
  s.integer("zero", p.zero, "ZeRO stage: 0 nothing, 1 optimizer, 2 and gradients, 3 and parameters (FSDP) sharded over replicas", {.range = {0, 3}});
  s.boolean("frozen_weights", p.frozen_weights, "only adapters are trained (LoRA): no weight gradients, no optimizer states of the model; the adapters themselves are not counted");
  s.integer("zero_group", p.zero_group, "ranks of one sharding group (hybrid sharding), replicated above it; 0: all of dp x cp", kCount);
  s.integer("micro_batch", p.micro_batch, "sequences per microbatch", kSize);
  s.integer("global_batch", p.global_batch, "sequences per step; 0: from the scenario", kCount);
  s.choice("recompute", p.recompute, recompute_words(), "which activations run again in the backward pass");
  s.boolean("compress_activations", p.compress_activations, "attention outputs are kept in 12 bits (E5M6) and inputs of the experts' activation functions in FP8, with scales per 1x128 tile, as DeepSeek-V3 does");
  s.integer("recompute_layers", p.recompute_layers, "with full: layers per model chunk that recompute; -1: all", {.range = {-1, 1e6}});
  s.choice("schedule", p.schedule, schedule_words(), "pipeline schedule");
  s.choice("recipe", p.recipe, recipe_words(), "number formats of the GEMMs");
  s.choice("optimizer", p.optimizer, optimizer_words(), "optimizer");
  s.choice("parameter_type", p.parameter_type, number_words(), "parameters in device memory");
  s.choice("gradient_type", p.gradient_type, number_words(), "accumulated gradients");
  s.choice("reduce_type", p.reduce_type, number_words(), "gradients on the wire");
  s.choice("master_type", p.master_type, number_words(), "master copy of the parameters in the optimizer");
  s.choice("moment_type", p.moment_type, number_words(), "moments of the optimizer");
  s.object("overlap", p.overlap, "which traffic may run beside computation");
  describe_placement(s, p.placement);
  s.boolean("straddle", p.straddle, "groups other than tensor-parallel ones may be cut by the borders of cabinets, pods and the like where keeping them whole would idle more than 5 % of the chips");
  describe_layers(s, p.layers_per_chunk);
  s.number("expert_imbalance", p.expert_imbalance, "tokens of the busiest expert-parallel rank over the mean", {.range = {1, 1e6}});
  const bool types = p.parameter_type != NumberType::none && p.gradient_type != NumberType::none && p.reduce_type != NumberType::none;
  s.check(types, "parameter_type, gradient_type and reduce_type cannot be none", "training keeps parameters and gradients", "write bf16 or fp32");
}

}  // namespace zettatwin::plan
