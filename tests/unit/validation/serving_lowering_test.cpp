// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>

#include "../../support/catalog_files.hpp"
#include "validation/serving_lowering.hpp"

namespace zettatwin::validation {
namespace {

using Cells = std::map<std::string, std::string>;

const Cells kRun{{"id", "S1"}, {"source", "a benchmark"}, {"model", "deepseek-ai/DeepSeek-V3"}, {"chip", "h200_sxm"}, {"num_chips", "8"}, {"precision", "fp8"}, {"parallelism", "agg TP8 DP1 moeTP8 EP1"},
                 {"isl", "1024"}, {"osl", "2048"}, {"batch_or_concurrency", "64"}, {"metric", "tpot_ms"}, {"value", "30"}, {"unit", "ms"}, {"notes", "TTFT 61.3 ms; derived output ~549 tok/s/GPU = x; sglang 0.5.9"}};

ServingRow lowered(Cells changes) {
  for (const auto& [column, cell] : kRun) changes.try_emplace(column, cell);
  Table table;
  Record record{.line = 2, .cells = {}};
  for (const auto& [column, cell] : changes) {
    table.columns.push_back(column);
    record.cells.push_back(cell);
  }
  table.records.push_back(record);
  const test::CatalogFiles catalog;
  config::Diagnostics diagnostics;
  static const auto vocabulary = load_serving_vocabulary(catalog, diagnostics);
  static const auto training = load_vocabulary(catalog, diagnostics);
  static const ModelNames models(catalog.list("models"), training ? training->models : std::vector<NameRule>{});
  EXPECT_TRUE(vocabulary && training) << test::text_of(diagnostics);
  return lower_serving(Row(table, table.records[0]), *vocabulary, *training, models);
}

std::string machine_of(const ServingRow& row) {
  const auto* name = row.machine.find("extends");
  return name ? name->text : "none";
}

TEST(ServingLowering, AClosedLoop) {
  const auto row = lowered({});
  EXPECT_TRUE(row.problems.empty()) << row.problems.front();
  EXPECT_EQ(row.figure.is, Asked::tpot);
  EXPECT_DOUBLE_EQ(row.figure.si, 1e-3);
  EXPECT_EQ(machine_of(row), "dgx-h200");
  EXPECT_EQ(row.chips, 8);
  EXPECT_EQ(row.model, "deepseek-v3");
  EXPECT_EQ(row.run.load, Load::concurrency);
  EXPECT_DOUBLE_EQ(row.run.amount, 64);
  EXPECT_EQ(row.run.input, 1024);
  EXPECT_EQ(row.run.output, 2048);
  ASSERT_EQ(row.stated.size(), 2u);
  EXPECT_EQ(row.stated[0].figure.is, Asked::ttft);
  EXPECT_DOUBLE_EQ(row.stated[0].measured, 61.3);
  EXPECT_EQ(row.stated[1].figure.chips, 1);
}

TEST(ServingLowering, RatesAsBenchmarksNameThem) {
  const auto figure = [](const char* metric, const char* unit) { return lowered({{"metric", metric}, {"unit", unit}}).figure; };
  EXPECT_EQ(figure("interactivity", "tok/s/user").is, Asked::token_rate);
  EXPECT_EQ(figure("interactivity", "tok/s/user").statistic, Statistic::median);
  EXPECT_EQ(figure("tokens_per_s_per_user", "tokens/s/user").is, Asked::token_rate);
  EXPECT_EQ(figure("output_tokens_per_user", "tok/s/user").is, Asked::user_rate) << "over the whole latency, as trtllm-bench has it";
  for (const auto& [metric, unit] : {std::pair{"request_throughput", "req/s"}, {"samples_per_second", "samples/s"}, {"queries_per_s", "queries/s"}}) EXPECT_EQ(figure(metric, unit).is, Asked::request_rate) << unit;
}

TEST(ServingLowering, NothingIsSkippedInSilence) {
  EXPECT_NE(lowered({{"chip", "Nonesuch 9"}}).problems.front().find("Nonesuch 9"), std::string::npos);
  EXPECT_NE(lowered({{"model", "Nonesuch-7B"}}).problems.front().find("Nonesuch-7B"), std::string::npos);
  EXPECT_NE(lowered({{"metric", "nonesuch"}}).problems.front().find("nonesuch"), std::string::npos);
  EXPECT_NE(lowered({{"unit", "furlong"}}).problems.front().find("furlong"), std::string::npos);
  EXPECT_TRUE(lowered({{"value", "fast"}}).bad);
  EXPECT_TRUE(lowered({{"value", "-3"}}).bad);
  EXPECT_FALSE(lowered({{"isl", "long"}}).problems.empty());
  EXPECT_FALSE(lowered({{"batch_or_concurrency", ""}}).problems.empty());
  EXPECT_FALSE(lowered({{"metric", "spec_decode_mean_acceptance_length"}, {"unit", "tokens/step"}}).problems.empty());
}

TEST(ServingLowering, ChipsWhoseNamesContainOthers) {
  EXPECT_EQ(machine_of(lowered({{"chip", "H20-3e"}})), "dgx-h20");
  EXPECT_EQ(machine_of(lowered({{"chip", "NVIDIA H200-SXM-141GB"}})), "dgx-h200");
  EXPECT_EQ(machine_of(lowered({{"chip", "gb200"}})), "gb200-nvl72");
  EXPECT_EQ(machine_of(lowered({{"chip", "b300_sxm"}})), "dgx-b300");
  EXPECT_EQ(machine_of(lowered({{"chip", "gb300"}})), "gb300-nvl72");
  EXPECT_EQ(machine_of(lowered({{"chip", "H800 SXM5"}})), "dgx-h800");
  EXPECT_EQ(machine_of(lowered({{"chip", "H200 (MaxQ power cap)"}})), "none");
}

TEST(ServingLowering, APackageOfTwoDiesIsTwoRanks) {
  const auto row = lowered({{"chip", "Ascend 910C"}, {"num_chips", "160 decode NPUs (320 dies)"}, {"precision", "INT8"}, {"parallelism", "decode EP320"}, {"isl", ""}, {"osl", ""}, {"batch_or_concurrency", "8/NPU [memory]"},
                            {"metric", "decode_tokens_per_s_per_npu"}, {"value", "538"}, {"unit", "tok/s/NPU"}, {"notes", "under 15 ms TPOT constraint"}});
  EXPECT_TRUE(row.problems.empty()) << row.problems.front();
  EXPECT_EQ(row.chips, 320);
  EXPECT_EQ(row.figure.chips, 2);
  EXPECT_EQ(row.run.load, Load::batch);
  EXPECT_DOUBLE_EQ(row.run.amount, 4);
}

TEST(ServingLowering, ALimitOfLatencyWhereTheBatchIsNotGiven) {
  const auto row = lowered({{"num_chips", "144"}, {"parallelism", "PD; decode EP144 DP144"}, {"isl", "avg KV len 4989"}, {"osl", "168B/24h total"}, {"batch_or_concurrency", ""}, {"metric", "decode_tokens_per_s_per_node"},
                            {"value", "14800"}, {"unit", "tok/s per 8-GPU node"}, {"notes", "20-22 tok/s per user => TPOT ~45-50 ms"}});
  EXPECT_TRUE(row.problems.empty()) << row.problems.front();
  EXPECT_EQ(row.run.load, Load::pace);
  EXPECT_DOUBLE_EQ(row.run.amount, 0.0475);
  EXPECT_EQ(row.run.input, 4989);
  EXPECT_EQ(row.figure.chips, 8);
}

TEST(ServingLowering, LoadsOfBenchmarks) {
  EXPECT_EQ(lowered({{"batch_or_concurrency", "max load, 3000 requests"}, {"metric", "output_tokens_per_s_per_gpu"}, {"unit", "tok/s/GPU"}}).run.load, Load::burst);
  const auto offline = lowered({{"source", "mlcommons/inference_results_v5.1"}, {"model", "llama2-70b-99"}, {"isl", "MLPerf dataset"}, {"osl", "~275-301"}, {"batch_or_concurrency", "Offline"}, {"metric", "tokens_per_s_system"}, {"unit", "tok/s"}});
  EXPECT_EQ(offline.run.load, Load::burst);
  EXPECT_EQ(offline.run.output, 288);
  EXPECT_GT(offline.run.cv, 0);
  EXPECT_EQ(lowered({{"batch_or_concurrency", "at 125 tok/s/user"}, {"metric", "tokens_per_s_per_gpu"}, {"unit", "tok/s/GPU"}}).run.load, Load::pace);
}

std::string set_of(const ServingRow& row, std::string_view key) {
  const auto* node = row.deployment.is_mapping() ? row.deployment.find(key) : nullptr;
  return node ? node->text : "";
}

std::string engine_set(const ServingRow& row, std::string_view key) {
  const auto* engine = row.deployment.is_mapping() ? row.deployment.find("engine") : nullptr;
  const auto* node = engine ? engine->find(key) : nullptr;
  return node ? node->text : "";
}

std::string poll_steps(const ServingRow& row) { return engine_set(row, "poll_steps"); }

TEST(ServingLowering, PlansOfConfigurationFilesWhereARowLeavesThemOut) {
  Cells cells{{"source", "mlcommons/inference_results_v5.1:summary_results.json (Cisco)"}, {"model", "llama2-70b-99"}, {"chip", "NVIDIA H100-SXM-80GB"}, {"num_chips", "16"}, {"parallelism", ""},
              {"isl", "MLPerf dataset"}, {"osl", "~275-301"}, {"batch_or_concurrency", "Offline"}, {"metric", "tokens_per_s_system"}, {"unit", "tok/s"}};
  const auto stages = lowered(cells);
  EXPECT_EQ(stages.words.whole.tp, 1);
  EXPECT_EQ(stages.words.whole.pp, 2);
  EXPECT_EQ(engine_set(stages, "max_tokens"), "2048");
  EXPECT_NE(std::find_if(stages.assumed.begin(), stages.assumed.end(), [](const auto& a) { return a.find("as configured") != std::string::npos; }), stages.assumed.end());
  cells["parallelism"] = "TP4";
  const auto own = lowered(cells);
  EXPECT_EQ(own.words.whole.tp, 4);
  EXPECT_EQ(own.words.whole.pp, 0);
  EXPECT_EQ(engine_set(own, "max_tokens"), "");
  cells["parallelism"] = "";
  cells["source"] = "mlcommons/inference_results_v4.1:closed/NVIDIA/H200x8 MaxQ mlperf_log_summary.txt";
  cells["chip"] = "H200 (MaxQ power cap)";
  const auto limited = lowered(cells);
  EXPECT_TRUE(limited.problems.empty()) << limited.problems.front();
  EXPECT_EQ(set_of(limited, "power"), "500 W");
  cells["chip"] = "H200";
  EXPECT_EQ(set_of(lowered(cells), "power"), "");
}

// What a decode instance takes up is not what comes to it on average, which such rows call its batch: recipes say it by the requests at a time, and nothing for others.
TEST(ServingLowering, DecodeInstancesTakeUpWhatTheirRecipesSay) {
  const auto of = [](const char* requests, const char* software, const char* plan, const char* chip, const char* precision = "fp8") {
    return lowered({{"source", "ai-dynamo/aiconfigurator"}, {"chip", chip}, {"precision", precision}, {"parallelism", plan}, {"batch_or_concurrency", requests}, {"isl", "1024"}, {"osl", "1024"}, {"notes", std::string("TTFT 100 ms; x; ") + software}});
  };
  const auto places = [](const ServingRow& row) {
    const auto* decode = row.deployment.find("decode");
    const auto* engine = decode ? decode->find("engine") : nullptr;
    const auto* most = engine ? engine->find("max_sequences") : nullptr;
    return most ? most->text : std::string();
  };
  constexpr auto kThree = "P: 1x(TP1 DP16 EP16) bs1; D: 3x(TP16 DP1 EP16) bs2";
  EXPECT_EQ(places(of("6", "trtllm 0.8.1.post3", kThree, "h100_sxm")), "1");
  EXPECT_EQ(places(of("60", "trtllm 0.8.1.post3", kThree, "h100_sxm")), "16");
  EXPECT_EQ(places(of("61", "trtllm 0.8.1.post3", kThree, "h100_sxm")), "");
  EXPECT_EQ(places(of("6", "sglang 0.5.8", kThree, "h100_sxm")), "");
  EXPECT_EQ(places(of("4", "sglang 0.5.8", "P: 1x(TP4 DP1 EP1) bs1; D: 2x(TP4 DP1 EP1) bs2", "gb200", "fp4")), "512");
  EXPECT_EQ(of("6", "trtllm 0.8.1.post3", kThree, "h100_sxm").routing, "round_robin");
  EXPECT_EQ(of("6", "trtllm 0.8.1.post3", "agg TP8 DP1 moeTP8 EP1", "h100_sxm").routing, "");
}

TEST(ServingLowering, WhatLaunchScriptsSetIsAssumedAndListed) {
  const Cells base{{"source", "ai-dynamo/aiconfigurator:silicon_sample.csv"}, {"chip", "b200_sxm"}};
  auto cells = base;
  const auto many = lowered(cells);
  EXPECT_EQ(poll_steps(many), "30");
  EXPECT_DOUBLE_EQ(many.run.least, 0.8);
  cells["batch_or_concurrency"] = "4";
  const auto few = lowered(cells);
  EXPECT_EQ(poll_steps(few), "10");
  EXPECT_FALSE(few.assumed.empty());
  EXPECT_EQ(poll_steps(lowered({})), "");
}

TEST(ServingLowering, ConfigurationsOfABenchmarkSayHowExpertsAreSpreadAtALoad) {
  const auto plan = [](const char* requests, const char* precision, const char* chip, const char* notes, const char* input = "1024") {
    const auto row = lowered({{"source", "ai-dynamo/aiconfigurator"}, {"batch_or_concurrency", requests}, {"precision", precision}, {"chip", chip}, {"isl", input}, {"osl", "1024"}, {"notes", notes}});
    std::string text;
    for (const char* key : {"tp", "dp", "ep"})
      if (const auto* node = row.deployment.find(key)) text += std::string(key) + node->text + " ";
    const auto* engine = row.software.find("engine");
    const auto* tokens = engine ? engine->find("max_tokens") : nullptr;
    return text + (tokens ? tokens->text : "");
  };
  EXPECT_EQ(plan("4", "fp4", "b200_sxm", "TTFT 1 ms; trtllm ; x"), "1152");
  EXPECT_EQ(plan("64", "fp4", "b200_sxm", "TTFT 1 ms; trtllm ; x"), "ep8 1152");
  EXPECT_EQ(plan("256", "fp4", "b200_sxm", "TTFT 1 ms; trtllm ; x"), "tp1 dp8 ep8 1344");
  EXPECT_EQ(plan("64", "fp4", "b200_sxm", "TTFT 1 ms; trtllm ; x", "8192"), "tp1 dp8 ep8 8320");
  EXPECT_EQ(plan("64", "fp8", "h200_sxm", "TTFT 1 ms; trtllm ; x"), "ep8 1152");
  EXPECT_EQ(plan("64", "fp8", "h200_sxm", "TTFT 1 ms; sglang 0.5.9; x"), "") << "its configuration says what the row says";
}

TEST(ServingLowering, TheFirstPromptsOfARunWaitLonger) {
  const Cells cells{{"source", "ai-dynamo/aiconfigurator"}, {"chip", "h200_sxm"}, {"parallelism", "agg TP8 DP1 moeTP8 EP1"}, {"batch_or_concurrency", "4"}, {"metric", "tpot_ms"}, {"unit", "ms"}, {"notes", "TTFT 100 ms; sglang 0.5.9"}};
  const auto row = lowered(cells);
  EXPECT_GT(row.run.start, 0);
  EXPECT_FALSE(row.assumed.empty());
  auto others = cells;
  others["notes"] = "TTFT 100 ms; vllm 0.19.0";
  EXPECT_EQ(lowered(others).run.start, 0);
}

TEST(ServingLowering, ALogSaysHowItsMachineDiffers) {
  const auto log = lowered({{"source", "casys-kaist/LLMServingSim"}, {"chip", "RTX PRO 6000"}, {"model", "Qwen3-32B"}, {"batch_or_concurrency", "300 requests"}, {"metric", "mean_tpot_ms"}});
  EXPECT_EQ(log.run.load, Load::log);
  EXPECT_EQ(machine_of(log), "rtx-pro-6000-node");
  EXPECT_NE(log.machine.find("levels"), nullptr);
}

TEST(ServingLowering, BatchesThatABenchmarkToolSets) {
  const auto row = lowered({{"source", "NVIDIA/TensorRT-LLM:docs/perf-overview.md"}, {"batch_or_concurrency", "max load, 3000 requests"}, {"metric", "output_tokens_per_s_per_gpu"}, {"unit", "tok/s/GPU"}});
  ASSERT_TRUE(row.run.harness);
  EXPECT_FALSE(row.run.harness->formats.empty());
  EXPECT_FALSE(lowered({}).run.harness);
}

TEST(ServingLowering, ARateThatTheNotesQuoteComesBeforeTheLabel) {
  const auto bandwidth = [](const ServingRow& row) {
    const auto* levels = row.machine.find("levels");
    const auto* cluster = levels ? levels->find("cluster") : nullptr;
    return cluster ? cluster->find("network")->find("bandwidth")->text : "absent";
  };
  EXPECT_EQ(bandwidth(lowered({{"parallelism", "1P1D TP8, 8x400G RoCE"}, {"notes", "95.23 GB/s achieved of ~200 GB/s quoted"}})), "200 Gbit/s");
  EXPECT_EQ(bandwidth(lowered({{"parallelism", "1P1D TP8, 4x400G RoCE/node"}, {"notes", ""}})), "200 Gbit/s");
  EXPECT_EQ(bandwidth(lowered({{"parallelism", "EP8x2 CX7"}, {"notes", ""}})), "absent");
}

TEST(ServingLowering, SingleKernelsNeedNoModel) {
  const auto product = lowered({{"model", ""}, {"metric", "gemm_best_tflops"}, {"unit", "TFLOP/s"}, {"batch_or_concurrency", "m3328 n2560 k65536"}, {"precision", "bfloat16"}, {"notes", ""}});
  EXPECT_TRUE(product.problems.empty()) << product.problems.front();
  EXPECT_TRUE(product.is_operator);
  EXPECT_EQ(product.op.product->k, 65536);
  EXPECT_EQ(product.op.precision, "bf16");
}

TEST(ServingLowering, ColumnsTellWhatAFileHolds) {
  Table serving{.name = "a", .columns = {"id", "model", "chip", "num_chips", "isl", "osl", "metric", "value"}, .units = {}, .records = {}};
  Table training{.name = "b", .columns = {"id", "model", "chip", "num_chips", "seq_len", "gbs", "metric", "value"}, .units = {}, .records = {}};
  EXPECT_TRUE(is_serving_table(serving));
  EXPECT_FALSE(is_serving_table(training));
}

}  // namespace
}  // namespace zettatwin::validation
