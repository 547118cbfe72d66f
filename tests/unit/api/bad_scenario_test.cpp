// SPDX-License-Identifier: Apache-2.0
// Bad scenarios: every problem at once, each with its place and a way out, and never an exception.
#include "../../support/ask.hpp"

namespace zettatwin::api {
namespace {

using test::ask;

void expect_says(const test::Asked& asked, std::initializer_list<const char*> texts) {
  EXPECT_EQ(asked.answer, nullptr);
  EXPECT_TRUE(asked.diagnostics.has_errors());
  for (const auto* text : texts) EXPECT_TRUE(asked.says(text)) << "lacks \"" << text << "\":\n" << asked.problems();
}

TEST(BadScenario, UnknownKeysNameTheNearest) {
  expect_says(ask("machine: dgx-h100\nmodel: llama-3.1-8b\nsequnce_length: 4096\nplan: {microbatch: 8}\n"),
              {"scenario.yaml:3:1", "sequnce_length", "did you mean 'sequence_length'", "scenario.yaml:4:8", "did you mean 'micro_batch'"});
}

TEST(BadScenario, AllProblemsAtOnceWithPlaces) {
  const auto asked = ask("machine: dgx-h101\nmodel: lama-3.1-8b\nchips: -3\nsequence_length: many\nprecision: fp7\nplan: {tp: x, zero: 5, schedule: 1f2b}\n");
  expect_says(asked, {"scenario.yaml:1:10", "dgx-h100", "scenario.yaml:2:8", "llama-3.1-8b", "scenario.yaml:3:8", "scenario.yaml:4:18", "scenario.yaml:5:12", "fp7", "scenario.yaml:6:12",
                      "scenario.yaml:6:21", "scenario.yaml:6:34"});
  EXPECT_GE(asked.diagnostics.error_count(), 8u) << asked.problems();
}

TEST(BadScenario, WrongUnits) {
  expect_says(ask("machine: {extends: dgx-h100, chip: {extends: h100, memory: {capacity: 80 TFLOP/s}}}\nmodel: llama-3.1-8b\n"), {"scenario.yaml:1:", "capacity", "TFLOP/s"});
  expect_says(ask("machine: dgx-h100\nmodel: llama-3.1-8b\nchips: 64 GB\n"), {"scenario.yaml:3:8"});
}

TEST(BadScenario, MissingMachineAndModel) {
  expect_says(ask("sequence_length: 4096\n"), {"lacks 'machine'", "lacks 'model'", "scenario.yaml:1:1"});
  expect_says(ask("machine: [a]\nmodel: [b]\n"), {"scenario.yaml:1:10: error: 'machine' must be", "scenario.yaml:2:8: error: 'model' must be"});
}

TEST(BadScenario, PlansOfTheWrongKind) {
  expect_says(ask("machine: dgx-h100\nmodel: llama-3.1-8b\nchips: 64\nplan: [tp, 8]\n"), {"scenario.yaml:4:7", "plan is a list"});
  expect_says(ask("machine: dgx-h100\nmodel: llama-3.1-8b\nchips: 64\nplan: automatic\n"), {"scenario.yaml:4:7", "plan is 'automatic'", "write plan: auto"});
}

TEST(BadScenario, ModelMappings) {
  expect_says(ask("machine: dgx-h100\nmodel: {preset: [a]}\n"), {"scenario.yaml:2:17", "'preset' must be"});
  expect_says(ask("machine: dgx-h100\nmodel: {overrides: {num_hidden_layers: 4}}\n"), {"lacks 'preset'"});
  expect_says(ask("machine: dgx-h100\nmodel: {preset: llama-3.1-8b, override: {}}\n"), {"unknown key 'override'"});
  expect_says(ask("machine: dgx-h100\nmodel: {preset: llama-3.1-8b, overrides: {hidden_sise: 4096}}\n"), {"hidden_sise"});
}

TEST(BadScenario, MoreChipsThanTheMachineCanHave) {
  expect_says(ask("machine: atlas-950-superpod\nmodel: llama-3.1-8b\nchips: 9000\n"), {"scenario.yaml:1:10", "at most 8,192 chips"});
}

TEST(BadScenario, APlanLargerThanTheMachine) {
  expect_says(ask("machine: dgx-h100\nmodel: llama-3.1-8b\nchips: 64\nplan: {tp: 8, pp: 16}\n"), {"tp 8 x cp 1 x pp 16 needs 128 chips, 64 are there"});
}

TEST(BadScenario, ABatchThatDoesNotDivide) {
  expect_says(ask("machine: dgx-h100\nmodel: llama-3.1-8b\nchips: 64\nglobal_batch: 100\nplan: {tp: 8, dp: 8}\n"), {"global_batch 100 does not divide"});
}

TEST(BadScenario, AMissingConfig) {
  expect_says(ask("machine: dgx-h100\nmodel: models/absent/config.json\n"), {"scenario.yaml:2:8", "models/absent/config.json"});
}

TEST(BadScenario, AConfigThatIsNoModel) {
  const test::Documents::Texts files{{"mine/config.json", R"({"model_type": "mamba", "hidden_size": 4096})"}};
  expect_says(ask("machine: dgx-h100\nmodel: mine/config.json\n", files), {"mine/config.json:1:", "mamba"});
  expect_says(ask("machine: dgx-h100\nmodel: mine/config.json\n", {{"mine/config.json", "{\"hidden_size\": "}}), {"mine/config.json"});
}

TEST(BadScenario, FormatsThatTheChipLacks) {
  expect_says(ask("machine: dgx-a100\nmodel: llama-3.1-8b\nchips: 64\nprecision: fp8\n"), {"no matrix unit for fp8", "bf16"});
}

TEST(BadScenario, StepsOfYears) {
  expect_says(ask("machine: dgx-h100\nmodel: llama-3.1-8b\nchips: 64\nglobal_batch: 1e11\n"), {"would take at least"});
  expect_says(ask("machine: dgx-h100\nmodel: llama-3.1-8b\nchips: 64\nsequence_length: 1e12\nglobal_batch: 1e12\n"), {"would take at least"});
}

TEST(BadScenario, NoAutomaticPlanSaysWhy) {
  // Three sequences cannot be split over microbatches of two.
  expect_says(ask("machine: dgx-h100\nmodel: llama-3.1-8b\nchips: 64\nglobal_batch: 3\nplan: {automatic: true, micro_batch: 2}\n"),
              {"no automatic plan", "global_batch 3 does not divide by micro_batch 2"});
}

TEST(BadScenario, HostileDocumentsAreRefused) {
  for (const std::string text : {"", "[]", "machine", "{", "machine: &a {b: *a}", "machine: !!python/object x\nmodel: y", "machine: dgx-h100\nmachine: dgx-a100\nmodel: llama-3.1-8b"}) {
    const auto asked = ask(text);
    EXPECT_EQ(asked.answer, nullptr) << text;
    EXPECT_TRUE(asked.diagnostics.has_errors()) << text;
  }
}

}  // namespace
}  // namespace zettatwin::api
