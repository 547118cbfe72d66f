// SPDX-License-Identifier: Apache-2.0
#include "../../support/catalog_files.hpp"
#include "validation/lowering.hpp"

namespace zettatwin::validation {
namespace {

// A row from column=value pairs.
struct OneRow {
  Table table;
  explicit OneRow(const std::map<std::string, std::string>& cells) {
    Record record{.line = 2, .cells = {}};
    for (const auto& [column, cell] : cells) {
      table.columns.push_back(column);
      record.cells.push_back(cell);
    }
    table.records.push_back(record);
  }
  [[nodiscard]] Row row() const { return {table, table.records[0]}; }
};

const std::map<std::string, std::string> kLlama{{"id", "X-1"}, {"model", "LLAMA3-70B"}, {"layers", "80"}, {"hidden", "8192"}, {"ffn", "28672"}, {"heads", "64"}, {"kv_heads", "8"}, {"vocab", "128256"}, {"chip", "H100-SXM-80GB"},
                                                {"num_chips", "64"}, {"seq_len", "8192"}, {"gbs", "128"}, {"mbs", "1"}, {"tp", "4"}, {"pp", "4"}, {"vpp", "5"}, {"metric", "step_time"}, {"value", "10"}, {"unit", "s"}};

Lowered lowered(std::map<std::string, std::string> changes) {
  for (const auto& [column, cell] : kLlama) changes.try_emplace(column, cell);
  const test::CatalogFiles catalog;
  config::Diagnostics diagnostics;
  static const ModelIndex models(catalog, diagnostics);
  static const auto vocabulary = load_vocabulary(catalog, diagnostics);
  EXPECT_TRUE(vocabulary) << test::text_of(diagnostics);
  static const ModelNames names(models.names(), vocabulary->models);
  return lower(OneRow(changes).row(), *vocabulary, models, names);
}

std::string at(const config::Node& node, const std::vector<std::string>& path) {
  const config::Node* here = &node;
  for (const auto& key : path)
    if (!(here = here->find(key))) return "absent";
  return here->text;
}

TEST(Lowering, StagesHaveAsManyLayers) {
  const auto l = lowered({});
  const auto* even = l.scenario.find("plan")->find("layers_per_chunk");
  ASSERT_TRUE(even);
  EXPECT_EQ(even->items.size(), 20u) << "4 stages of 5 chunks";
  EXPECT_EQ(even->items[0].text, "4");
  EXPECT_EQ(at(lowered({{"vpp", "7"}}).scenario, {"plan", "layers_per_chunk"}), "absent") << "80 layers are not 28 equal chunks";
}

TEST(Lowering, TiesWithoutAParameterCountFollowTheFeedForward) {
  const std::map<std::string, std::string> shape{{"hidden", "7680"}, {"heads", "60"}, {"kv_heads", "60"}, {"vocab", "51200"}};
  auto gated = shape, ungated = shape;
  gated["ffn"] = "20480";
  ungated["ffn"] = "30720";
  EXPECT_EQ(at(lowered(gated).scenario, {"model", "config", "tie_word_embeddings"}), "false");
  EXPECT_EQ(at(lowered(ungated).scenario, {"model", "config", "tie_word_embeddings"}), "true");
}

TEST(Lowering, SaysWhatAUserWouldHaveWritten) {
  const auto l = lowered({{"precision", "FP8-MX"}, {"zero_or_fsdp", "ZeRO-1 distributed optimizer"}, {"recompute", "none set in preset"}, {"source", "NVIDIA-NeMo/Megatron-Bridge"}, {"sp", "1"}, {"cp", "1"}, {"ep", "1"}});
  EXPECT_TRUE(l.problems.empty()) << l.problems[0];
  EXPECT_TRUE(l.assumed.empty()) << l.assumed[0];
  EXPECT_EQ(at(l.scenario, {"machine", "extends"}), "dgx-h100");
  EXPECT_EQ(at(l.scenario, {"model", "preset"}), "llama-3.1-70b");
  EXPECT_EQ(at(l.scenario, {"plan", "schedule"}), "interleaved");
  EXPECT_EQ(at(l.scenario, {"plan", "vpp"}), "5");
  EXPECT_EQ(at(l.scenario, {"plan", "recipe"}), "mxfp8");
  EXPECT_EQ(at(l.scenario, {"plan", "zero"}), "1");
  EXPECT_EQ(at(l.scenario, {"plan", "overlap", "tp"}), "true") << "what the framework does";
  EXPECT_EQ(at(l.scenario, {"software", "extends"}), "megatron-core");
}

// The source of Megatron-Bridge names NeMo as well: the rule of the more special framework decides.
TEST(Lowering, RecipesOfMegatronBridgeByFormat) {
  const auto bridge = [](const std::string& precision) { return lowered({{"source", "NVIDIA-NeMo/Megatron-Bridge docs/performance-summary.md"}, {"precision", precision}}).scenario; };
  const auto fp8 = bridge("FP8"), mxfp8 = bridge("MXFP8"), fp4 = bridge("NVFP4"), bf16 = bridge("BF16");
  EXPECT_EQ(at(fp4, {"plan", "overlap", "tp"}), "false") << "no user buffers in this format";
  EXPECT_EQ(at(fp8, {"plan", "overlap", "tp"}), "true");
  EXPECT_EQ(at(fp8, {"plan", "parameter_type"}), "fp8");
  EXPECT_EQ(at(mxfp8, {"plan", "parameter_type"}), "fp8");
  EXPECT_EQ(at(bf16, {"plan", "parameter_type"}), "absent");
  EXPECT_EQ(at(fp8, {"software", "scale_search"}), "2 B") << "current scaling";
  EXPECT_EQ(at(mxfp8, {"software", "scale_search"}), "absent") << "scales of blocks are found on the way";
  const auto nemo = lowered({{"source", "NVIDIA/NeMo docs/source/performance"}, {"precision", "FP8"}}).scenario;
  EXPECT_EQ(at(nemo, {"software", "scale_search"}), "absent") << "delayed scaling";
  EXPECT_EQ(at(nemo, {"plan", "parameter_type"}), "absent");
}

// Primus' trainer_base.yaml and Megatron-LM's arguments leave graphs off.
TEST(Lowering, RunsOnRocmLaunchKernelByKernel) {
  for (const std::string source : {"AMD-AGI/Primus docs", "ROCm documentation, Megatron-LM training"}) {
    EXPECT_EQ(at(lowered({{"source", source}}).scenario, {"software", "extends"}), "megatron-core-eager") << source;
  }
}

TEST(Lowering, DefaultsOfAnotherFrameworkYield) {
  const auto s = lowered({{"source", "NVIDIA/dgxc-benchmarking v25.02.02 maxtext/README_70b.md"}, {"pp", "1"}, {"vpp", "1"}, {"zero_or_fsdp", "ZeRO-1 distributed optimizer (NeMo default)"}, {"recompute", "not stated"}}).scenario;
  EXPECT_EQ(at(s, {"software", "extends"}), "maxtext");
  EXPECT_EQ(at(s, {"plan", "zero"}), "3");
  EXPECT_EQ(at(s, {"plan", "recompute"}), "full") << "maxtext/configure.sh: remat_policy save_qkv_proj, all but projections into attention";
}

// scripts/performance/configs/qwen3 and gpt_oss of 2025: cuda_graphs: false of Qwen3 on H100, true on GB200.
TEST(Lowering, ConfigurationsOf2025HaveGraphsOffOnH100) {
  const auto engine = [](const std::string& model, const std::string& chip) {
    return at(lowered({{"source", "NVIDIA-NeMo/Megatron-Bridge docs"}, {"model", model}, {"chip", chip}, {"notes", "cuda-graph/recompute/overlap knobs in repo perf recipes"}}).scenario, {"software", "extends"});
  };
  EXPECT_EQ(engine("Qwen3-30B-A3B", "H100"), "megatron-core-eager");
  EXPECT_EQ(engine("Qwen3-30B-A3B", "GB200"), "megatron-core");
  EXPECT_EQ(engine("LLAMA3-70B", "H100"), "megatron-core");
}

TEST(Lowering, WhoCountsAttentionOverTheFullSquare) {
  const auto square = [](const std::string& source) { return lowered({{"source", source}, {"metric", "model_tflops_per_chip"}, {"unit", "TFLOP/s/GPU"}}).metric.square_attention; };
  EXPECT_TRUE(square("NVIDIA/NeMo docs/source/performance/performance_long_sequence.md"));
  EXPECT_TRUE(square("pytorch/torchtitan benchmarks"));
  EXPECT_FALSE(square("NVIDIA-NeMo/Megatron-Bridge docs/performance-summary.md"));
  EXPECT_FALSE(square(""));
}

TEST(Lowering, ListsWhatItAssumes) {
  const auto l = lowered({});
  EXPECT_TRUE(l.problems.empty());
  EXPECT_GE(l.assumed.size(), 4u) << "cp, ep, sharding, precision, recompute, software";
}

TEST(Lowering, ShorterStacksAndShapesWithoutPreset) {
  EXPECT_EQ(at(lowered({{"layers", "12"}, {"model", "Llama3-70B (12 layers)"}}).scenario, {"model", "overrides", "num_hidden_layers"}), "12");
  const auto built = lowered({{"hidden", "7680"}, {"ffn", "30720"}, {"heads", "60"}, {"kv_heads", "60"}, {"params_total_b", "57.6"}, {"vocab", "51200"}});
  EXPECT_EQ(at(built.scenario, {"model", "config", "gated"}), "false") << "80 (4 + 8) h^2 + v h = 57.0 G; gated 94.7 G";
  EXPECT_EQ(at(built.scenario, {"model", "config", "intermediate_size"}), "30720");
}

TEST(Lowering, NetworkCardsOfTheNode) {
  EXPECT_EQ(at(lowered({{"chip", "A100-SXM-80GB (4x100Gb RoCE per node)"}}).scenario, {"machine", "levels", "cluster", "network", "bandwidth"}), "50 Gbit/s");
  EXPECT_EQ(at(lowered({{"chip", "A100 (8/node, 4xHDR200=800Gb/s per node)"}}).scenario, {"machine", "levels", "cluster", "network", "bandwidth"}), "100 Gbit/s");
  EXPECT_EQ(at(lowered({{"chip", "A100-SXM-40GB"}}).scenario, {"machine", "chip"}), "a100-40");
}

TEST(Lowering, NotesSayWhichFlagsARunHad) {
  const auto gradients = [](const std::string& notes, const std::string& year = "2021") { return at(lowered({{"attn_impl", "unfused"}, {"year", year}, {"notes", notes}}).scenario, {"plan", "overlap", "gradients"}); };
  EXPECT_EQ(gradients(""), "false") << "Megatron-LM of 2021 unless it says otherwise";
  EXPECT_EQ(gradients("TFLOPs include recompute; DDP impl torch (overlapped)"), "true");
  EXPECT_EQ(gradients("", "2025"), "absent") << "the plan's default";
  const auto off = lowered({{"source", "NVIDIA-NeMo/Megatron-Bridge"}, {"notes", "all overlap OFF (no tp-comm-overlap)"}});
  EXPECT_EQ(at(off.scenario, {"plan", "overlap", "tp"}), "false");
  EXPECT_EQ(at(lowered({{"chip", "CloudMatrix384 (4x400Gb)"}}).scenario, {"machine", "levels"}), "absent") << "how many chips share the cards is not known";
}

TEST(Lowering, RecomputedModulesAndShardingGroups) {
  const auto l = lowered({{"recompute", "modules layernorm+moe_act"}, {"zero_or_fsdp", "ZeRO-1 group=8"}});
  EXPECT_EQ(at(l.scenario, {"plan", "recompute"}), "selective");
  EXPECT_EQ(l.scenario.find("software")->find("selective")->items.size(), 2u);
  EXPECT_EQ(at(l.scenario, {"plan", "zero_group"}), "8");
  EXPECT_EQ(at(lowered({{"zero_or_fsdp", "FSDP2 shard=2"}, {"cp", "4"}}).scenario, {"plan", "zero_group"}), "8") << "a degree of data parallelism; states are cut over the context's ranks too";
}

TEST(Lowering, NotesAndYearsChangeTheProfile) {
  const auto dispatcher = [](const std::string& notes) { return at(lowered({{"source", "NVIDIA-NeMo/Megatron-Bridge"}, {"notes", notes}}).scenario, {"software", "dispatcher"}); };
  EXPECT_EQ(dispatcher(""), "all_to_all");
  EXPECT_EQ(dispatcher("moe_flex_dispatcher_backend: deepep"), "deduplicated");
  const auto adapters = lowered({{"notes", "LoRA: frozen base weights"}});
  EXPECT_EQ(at(adapters.scenario, {"plan", "frozen_weights"}), "true");
}

TEST(Lowering, AModelByItsNameAlone) {
  const std::map<std::string, std::string> blank{{"layers", ""}, {"hidden", ""}, {"ffn", ""}, {"heads", ""}, {"kv_heads", ""}, {"vocab", ""}};
  auto named = blank;
  named["model"] = "meta-llama/Meta-Llama-3-70B-Instruct";
  EXPECT_EQ(at(lowered(named).scenario, {"model", "preset"}), "llama-3.1-70b");
  named["layers"] = "12";
  EXPECT_EQ(at(lowered(named).scenario, {"model", "overrides", "num_hidden_layers"}), "12");
  named = blank;
  named["model"] = "Mixtral-8x7B";
  EXPECT_EQ(at(lowered(named).scenario, {"model", "preset"}), "mixtral-8x7b") << "not the dense model of the same width";
  named["model"] = "none such";
  EXPECT_NE(lowered(named).problems.at(0).find("none such"), std::string::npos);
  named["model"] = "Jamba-1.5-Large";
  EXPECT_NE(lowered(named).problems.at(0).find("not modelled"), std::string::npos) << "why there is none";
}

TEST(Lowering, AShapeContradictsAName) {
  const auto l = lowered({{"hidden", "4096"}, {"heads", "32"}, {"ffn", "16384"}, {"kv_heads", "32"}, {"layers", "40"}, {"vocab", "100000"}});
  EXPECT_EQ(at(l.scenario, {"model", "config", "hidden_size"}), "4096") << "LLAMA3-70B has 8192";
}

TEST(Lowering, ExpertsOfAnUnknownModel) {
  const auto l = lowered({{"model", "none such"}, {"hidden", "5000"}, {"heads", "40"}, {"kv_heads", "8"}, {"ffn", "1500"}, {"vocab", ""}, {"experts", "64"}, {"topk", "6"}});
  EXPECT_TRUE(l.problems.empty()) << l.problems[0];
  EXPECT_EQ(at(l.scenario, {"model", "config", "num_experts"}), "64");
  EXPECT_EQ(at(l.scenario, {"model", "config", "moe_intermediate_size"}), "1500");
  EXPECT_NE(std::find(l.assumed.begin(), l.assumed.end(), "vocab=65536"), l.assumed.end());
}

TEST(Lowering, MetricsAsOthersWriteThem) {
  const auto metric = [](const std::string& name, const std::string& unit) { return lowered({{"metric", name}, {"unit", unit}}).metric; };
  EXPECT_EQ(metric("Tokens/sec/GPU", "").metric, Metric::tokens_per_s_per_chip);
  EXPECT_EQ(metric("throughput", "tok/s/GPU").metric, Metric::tokens_per_s_per_chip);
  EXPECT_EQ(metric("throughput", "tokens/s").metric, Metric::tokens_per_s);
  EXPECT_EQ(metric("iteration time", "ms").si, 1e-3);
  EXPECT_EQ(metric("model_tflops_per_chip", "PFLOP/s/GPU").si, 1e15);
  EXPECT_EQ(metric("mfu", "%").si, 1e-2);
  EXPECT_EQ(metric("samples_per_s", "").metric, Metric::sequences_per_s);
  EXPECT_FALSE(lowered({{"metric", "time_to_train"}, {"unit", "min"}}).problems.empty());
  EXPECT_FALSE(lowered({{"metric", "step_time"}, {"unit", "furlong"}}).problems.empty());
  EXPECT_FALSE(lowered({{"metric", "loss"}, {"unit", ""}}).problems.empty());
}

TEST(Lowering, WhatAFrameworkDoesWhereColumnsAreBlank) {
  const auto l = lowered({{"source", "AI-Hypercomputer/tpu-recipes"}, {"chip", "TPU v6e (Trillium)"}, {"tp", ""}, {"pp", ""}, {"vpp", ""}, {"seq_len", ""}, {"gbs", ""}, {"mbs", ""}, {"notes", "total_weights(tokens/step) 4194304"}});
  EXPECT_TRUE(l.problems.empty()) << l.problems[0];
  EXPECT_EQ(at(l.scenario, {"machine", "extends"}), "tpu-v6e-pod");
  EXPECT_EQ(at(l.scenario, {"sequence_length"}), "8192");
  EXPECT_EQ(at(l.scenario, {"global_batch"}), "512");
  EXPECT_EQ(at(l.scenario, {"plan", "micro_batch"}), "8") << "512 sequences at once on 64 chips";
  EXPECT_EQ(at(l.scenario, {"plan", "zero"}), "3");
  EXPECT_EQ(at(l.scenario, {"plan", "recompute"}), "selective");
  EXPECT_GE(l.assumed.size(), 6u) << "all of it is listed";
}

TEST(Lowering, BatchesThatARowLeavesOpen) {
  const std::map<std::string, std::string> open{{"gbs", ""}, {"metric", "tokens_per_s_per_chip"}, {"unit", "tok/s/GPU"}};
  EXPECT_EQ(at(lowered(open).scenario, {"global_batch"}), "128") << "8 microbatches for each of 4 stages, 4 replicas";
  EXPECT_FALSE(lowered({{"gbs", ""}}).problems.empty()) << "a step's time hangs on it";
}

TEST(Lowering, StagesThatARowLeavesOpen) {
  EXPECT_EQ(at(lowered({{"pp", ""}, {"vpp", ""}, {"dp", "4"}}).scenario, {"plan", "pp"}), "4") << "64 chips of tp 4 and dp 4";
  EXPECT_EQ(at(lowered({{"num_chips", ""}, {"dp", "4"}}).scenario, {"chips"}), "64");
  EXPECT_EQ(at(lowered({{"num_chips", "8 nodes"}}).scenario, {"chips"}), "64");
  EXPECT_TRUE(lowered({{"num_chips", ""}}).bad);
}

TEST(Lowering, KnobsLeftOpenAreReadOtherwiseIfNothingFits) {
  EXPECT_EQ(lowered({}).others.size(), 2u) << "recomputation, of the attention core or of what costs little";
  EXPECT_TRUE(lowered({{"recompute", "none"}}).others.empty());
  const auto tuned = lowered({{"model", "LLAMA3-70B finetune"}, {"recompute", "none"}});
  ASSERT_EQ(tuned.others.size(), 1u);
  EXPECT_EQ(at(tuned.others[0].changes, {"plan", "frozen_weights"}), "true");
}

// Where each microbatch would gather all parameters, a rank's sequences are one, or as few as fit.
TEST(Lowering, FullShardingHasFewMicrobatches) {
  const auto l = lowered({{"zero_or_fsdp", "FSDP"}, {"pp", "1"}, {"vpp", "1"}, {"mbs", ""}, {"recompute", "none"}});
  EXPECT_EQ(at(l.scenario, {"plan", "micro_batch"}), "8") << "128 sequences on 16 replicas";
  ASSERT_EQ(l.others.size(), 3u);
  EXPECT_EQ(at(l.others[0].changes, {"plan", "micro_batch"}), "4");
  EXPECT_EQ(at(l.others[2].changes, {"plan", "micro_batch"}), "1");
  EXPECT_EQ(at(lowered({{"zero_or_fsdp", "ZeRO-1"}, {"mbs", ""}}).scenario, {"plan", "micro_batch"}), "1");
}

TEST(Lowering, AsManyMicrobatchesAsStagesWhereThatIsTheDefault) {
  const auto l = lowered({{"source", "pytorch/torchtitan"}, {"mbs", "local 32"}, {"gbs", "512"}, {"vpp", "2"}});
  EXPECT_EQ(at(l.scenario, {"plan", "micro_batch"}), "16") << "512 sequences on 4 replicas, 8 chunks";
}

TEST(Lowering, PipelinesKeepParametersAndGradientsWhole) {
  for (const auto* sharding : {"FSDP2", "ZeRO-2", "FSDP (ZeRO-2)"}) {
    const auto l = lowered({{"zero_or_fsdp", sharding}});
    EXPECT_EQ(at(l.scenario, {"plan", "zero"}), "1") << sharding;
    EXPECT_EQ(at(l.scenario, {"plan", "parameter_type"}), "bf16") << sharding;
    EXPECT_EQ(at(l.scenario, {"plan", "master_type"}), "fp32") << sharding;
  }
  EXPECT_EQ(at(lowered({{"zero_or_fsdp", "FSDP (ZeRO-2)"}, {"pp", "1"}, {"vpp", "1"}}).scenario, {"plan", "zero"}), "2");
}

TEST(Lowering, AFrameworkThatIsNotNamedIsOneOfItsTime) {
  const auto software = [](std::map<std::string, std::string> changes) { return at(lowered(std::move(changes)).scenario, {"software", "extends"}); };
  EXPECT_EQ(software({}), "megatron-core");
  EXPECT_EQ(software({{"year", "2021"}}), "megatron-core@2021-12") << "the newest of its year";
  EXPECT_EQ(software({{"source", "DeepSpeed and Megatron"}}), "megatron-deepspeed");
  const std::map<std::string, std::string> sharded{{"zero_or_fsdp", "FSDP"}, {"pp", "1"}, {"vpp", "1"}};
  for (const auto& [year, name] : {std::pair{"2023", "llm-foundry"}, {"2025", "torchtitan-eager"}}) {
    auto row = sharded;
    row["year"] = year;
    EXPECT_EQ(software(row), name);
  }
  EXPECT_EQ(software({{"zero_or_fsdp", "FSDP"}, {"year", "2025"}}), "megatron-core@2025-12") << "a pipeline, which PyTorch seldom has";
  EXPECT_EQ(software({{"zero_or_fsdp", "ZeRO-1 (NeMo default)"}}), "megatron-core") << "a framework is named by the source";
  EXPECT_EQ(software({{"chip", "TPU v4"}}), "maxtext");
  const auto guessed = lowered({{"chip", "TPU v4"}}).assumed;
  EXPECT_TRUE(std::any_of(guessed.begin(), guessed.end(), [](const std::string& what) { return what.starts_with("software maxtext"); }));
}

TEST(Lowering, SequencesThatTheRanksCannotShare) {
  EXPECT_EQ(at(lowered({{"tp", "12"}}).scenario, {"plan", "sequence_parallel"}), "false");
  EXPECT_EQ(at(lowered({}).scenario, {"plan", "sequence_parallel"}), "absent");
}

TEST(Lowering, PrecisionsAsOthersWriteThem) {
  const auto recipe = [](const std::string& precision, const std::string& chip = "H100") { return at(lowered({{"precision", precision}, {"chip", chip}}).scenario, {"plan", "recipe"}); };
  EXPECT_EQ(recipe("fp8-e4m3"), "fp8_block");
  EXPECT_EQ(recipe("BF16 mixed"), "bf16");
  EXPECT_EQ(recipe("bfloat16"), "bf16");
  EXPECT_EQ(recipe("MXFP4"), "fp4");
  EXPECT_FALSE(lowered({{"precision", "fp32"}}).problems.empty()) << "eight times as slow, not bf16";
  const auto l = lowered({{"precision", "int8 AQT+bf16"}, {"chip", "TPU v5p"}});
  EXPECT_EQ(at(l.scenario, {"machine", "chip", "extends"}), "tpu-v5p") << "with a rate for eight bits";
}

TEST(Lowering, ChipsAsOthersWriteThem) {
  const auto machine = [](const std::string& chip) { return at(lowered({{"chip", chip}}).scenario, {"machine", "extends"}); };
  const std::map<std::string, std::string> names{{"NVIDIA H100 80GB HBM3", "dgx-h100"}, {"H100 SXM5", "dgx-h100"}, {"NVIDIA H100 NVL", "h100-nvl-node"}, {"H100 SXM (NVLink)", "dgx-h100"}, {"H100-PCIe-80GB", "h100-pcie-node"},
                                                 {"NVIDIA B300", "dgx-b300"}, {"GB300 NVL72", "gb300-nvl72"}, {"NVIDIA GH200", "gh200-node"}, {"AMD Instinct MI250X", "mi250x-node"}, {"AMD Instinct MI300X 192GB HBM3", "mi300x-node"}, {"MI350X", "mi350x-node"},
                                                 {"Habana Gaudi2", "gaudi2-node"}, {"Intel(R) Gaudi(R) 2 AI Accelerator", "gaudi2-node"}, {"Intel Gaudi 3", "gaudi3-node"}, {"TPU v5e", "tpu-v5e-pod"}, {"TPU v6e (Trillium)", "tpu-v6e-pod"},
                                                 {"TPU v5p", "tpu-v5p-pod"}, {"Ascend 910B3", "atlas-900-a2"}, {"Ascend 910C", "cloudmatrix384-package"}, {"A800-SXM-80GB", "dgx-a800"}, {"H20", "dgx-h20"}, {"H200 SXM", "dgx-h200"}};
  for (const auto& [chip, is] : names) EXPECT_EQ(machine(chip), is) << chip;
}

TEST(Lowering, MicrobatchPerDevice) {
  const auto micro = [](const std::string& mbs, const std::string& batch) { return at(lowered({{"mbs", mbs}, {"gbs", batch}, {"tp", ""}, {"pp", ""}, {"vpp", ""}}).scenario, {"plan", "micro_batch"}); };
  EXPECT_EQ(micro("per_device=8.0", "1024"), "16") << "1024 sequences on 64 chips of two devices";
  EXPECT_EQ(micro("per_device=2", "128"), "2");
  EXPECT_EQ(micro("", "128"), "1");
}

TEST(Lowering, ChunksOfThePipelineAreEven) {
  const auto l = lowered({{"model", "Llama3.1 405B"}, {"hidden", "16384"}, {"ffn", "53248"}, {"heads", "128"}, {"layers", "126"}, {"pp", "16"}, {"vpp", "8"}});
  const auto* counts = l.scenario.find("plan")->find("layers_per_chunk");
  ASSERT_NE(counts, nullptr);
  ASSERT_EQ(counts->items.size(), 128u);
  EXPECT_EQ(counts->items.front().text, "0");
  EXPECT_EQ(counts->items[1].text, "1");
  EXPECT_EQ(counts->items.back().text, "0");
  const auto even = lowered({});
  EXPECT_EQ(even.scenario.find("plan")->find("layers_per_chunk")->items.size(), 20u);
  EXPECT_EQ(even.scenario.find("plan")->find("layers_per_chunk")->items.back().text, "4") << "80 layers in 20 chunks, the head on top";
  EXPECT_EQ(lowered({{"layers", "84"}, {"vpp", "4"}}).scenario.find("plan")->find("layers_per_chunk"), nullptr) << "12 layers too few for 6 each";
}

// Of runs whose framework is not named, since 2023: chunks of two layers where the pipeline would be idle for long.
TEST(Lowering, LongPipelinesOfUnnamedFrameworksAreInterleaved) {
  const std::map<std::string, std::string> unnamed{{"source", "a paper"}, {"year", "2024"}, {"num_chips", "512"}, {"tp", "8"}, {"pp", "8"}, {"vpp", ""}, {"gbs", "128"}};  // 8 replicas, 16 microbatches
  const auto vpp = [&](std::map<std::string, std::string> changes) {
    for (const auto& [column, cell] : unnamed) changes.try_emplace(column, cell);
    return at(lowered(changes).scenario, {"plan", "vpp"});
  };
  EXPECT_EQ(vpp({}), "5") << "80 layers on 8 stages are 5 chunks of two";
  EXPECT_EQ(vpp({{"layers", "70"}}), "9") << "with embedding and loss 72, 9 chunks of one";
  EXPECT_EQ(vpp({{"layers", "74"}}), "absent") << "76 are not a multiple of 8";
  EXPECT_EQ(vpp({{"vpp", "1"}}), "absent") << "the row says so";
  EXPECT_EQ(vpp({{"notes", "VPP 2"}}), "2") << "the notes say so";
  EXPECT_EQ(vpp({{"gbs", "96"}}), "absent") << "12 microbatches are no multiple of 8 stages";
  EXPECT_EQ(vpp({{"gbs", "640"}}), "absent") << "80 microbatches fill 8 stages well";
  EXPECT_EQ(vpp({{"year", "2022"}}), "absent");
  EXPECT_EQ(vpp({{"source", "NVIDIA-NeMo/Megatron-Bridge"}}), "absent") << "a named framework has its default";
}

TEST(Lowering, SequencesAreCutSinceMegatronDoes) {
  const auto cut = [](const std::string& source, const std::string& year) { return at(lowered({{"source", source}, {"year", year}, {"sp", ""}}).scenario, {"plan", "sequence_parallel"}); };
  EXPECT_EQ(cut("a paper", "2021"), "false");
  EXPECT_EQ(cut("a paper", "2024"), "absent");
  EXPECT_EQ(cut("Megatron-DeepSpeed", "2022"), "false");
}

TEST(Lowering, NodesOfAnotherSize) {
  const auto l = lowered({{"chip", "A100-SXM-80GB (4 per node, 4xHDR200)"}});
  EXPECT_EQ(at(l.scenario, {"machine", "levels", "node", "size"}), "4");
  EXPECT_EQ(at(l.scenario, {"machine", "levels", "cluster", "network", "bandwidth"}), "200 Gbit/s") << "four cards of a node of four";
  EXPECT_EQ(at(lowered({{"chip", "A100 (8/node)"}}).scenario, {"machine", "levels"}), "absent") << "as the catalog has it";
}

TEST(Lowering, WhatNotesSayOfRecomputationHolds) {
  const auto l = lowered({{"notes", "DualPipe"}, {"precision", "fp8"}, {"recompute", ""}});
  EXPECT_EQ(at(l.scenario, {"plan", "recompute"}), "selective");
  EXPECT_EQ(at(l.scenario, {"plan", "compress_activations"}), "true");
  EXPECT_EQ(at(lowered({{"notes", "DualPipe"}, {"precision", "fp8"}, {"recompute", "full"}}).scenario, {"plan", "recompute"}), "full");
}

// Megatron-Core cuts experts as other layers unless told otherwise; the notes of a row may tell.
TEST(Lowering, ExpertsAreCutAsTheFrameworkDoes) {
  const std::map<std::string, std::string> mixtral{{"model", "mixtral-8x7b"}, {"layers", "32"}, {"hidden", "4096"}, {"ffn", "14336"}, {"heads", "32"}, {"kv_heads", "8"}, {"vocab", "32000"}, {"experts", "8"},
                                                   {"tp", "4"}, {"ep", "2"}, {"source", "NVIDIA/dgxc-benchmarking v25.05"}};
  const auto by_default = lowered(mixtral);
  EXPECT_EQ(at(by_default.scenario, {"plan", "etp"}), "4");
  EXPECT_NE(std::find(by_default.assumed.begin(), by_default.assumed.end(), "etp=4"), by_default.assumed.end());
  auto told = mixtral, other = mixtral;
  told["notes"] = "{\"expert_tensor_parallel_size\": 1}";
  other["source"] = "somebody";
  EXPECT_EQ(at(lowered(told).scenario, {"plan", "etp"}), "1");
  EXPECT_EQ(at(lowered(other).scenario, {"plan", "etp"}), "absent");
  EXPECT_EQ(at(lowered({{"source", "NVIDIA/dgxc-benchmarking v25.05"}}).scenario, {"plan", "etp"}), "1") << "a model without experts";
}

TEST(Lowering, OnlyInterleavedSchedulesSendInTheBackground) {
  EXPECT_EQ(at(lowered({{"vpp", "1"}}).scenario, {"plan", "overlap", "pp"}), "false");
  EXPECT_EQ(at(lowered({}).scenario, {"plan", "overlap", "pp"}), "absent");
  EXPECT_EQ(at(lowered({{"attn_impl", "unfused"}, {"year", "2021"}}).scenario, {"plan", "overlap", "pp"}), "false") << "before the flag existed";
}

TEST(Lowering, NamesWhatIsMissingOrUnknown) {
  const auto unknown = lowered({{"chip", "Gaudi 4"}, {"gbs", ""}});
  ASSERT_EQ(unknown.problems.size(), 2u);
  EXPECT_FALSE(unknown.bad);
  EXPECT_NE(unknown.problems[0].find("Gaudi 4"), std::string::npos);
  const auto bad = lowered({{"value", "nan"}, {"num_chips", "-3"}});
  EXPECT_TRUE(bad.bad);
  EXPECT_EQ(bad.problems.size(), 2u);
  EXPECT_FALSE(lowered({{"metric", "hfu"}, {"unit", "%"}}).problems.empty());
}

}  // namespace
}  // namespace zettatwin::validation
