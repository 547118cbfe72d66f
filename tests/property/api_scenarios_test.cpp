// SPDX-License-Identifier: Apache-2.0
// Scenarios as text with random fields, sensible and not, and automatic plans over the catalog: an answer or diagnostics, never an exception.
#include "../support/ask.hpp"
#include "../support/random.hpp"
#include "../support/thinning.hpp"

namespace zettatwin::api {
namespace {

using test::Random;

std::string value(Random& r) {
  static const std::vector<std::string> odd{"0",   "-1",  "1",    "2",     "3",    "4",    "7",     "8",   "16",  "64",   "1e3", "1e12", "1e19", "99999999999999999999", "4.5", "nan", "inf",
                                            "''",  "abc", "true", "false", "null", "[1]",  "{a: 1}", "8 GB", "1 s", "\"8\"", "bf16", "full", "tp+cp+dp+pp", "pp+dp+cp+tp", "1f1b",
                                            "dualpipe", "dualpipe_v", "zb_v", "interleaved", "ring", "all_to_all", "adam", "muon", "3+4+4+3"};
  return r.of(odd);
}

std::string random_plan(Random& r) {
  static const std::vector<std::string> fields{"tp", "cp", "ep", "etp", "pp", "vpp", "dp", "sequence_parallel", "cp_kind", "zero", "zero_group", "micro_batch", "global_batch", "recompute",
                                               "recompute_layers", "schedule", "recipe", "optimizer", "parameter_type", "gradient_type", "reduce_type", "master_type", "moment_type", "placement",
                                               "layers_per_chunk", "expert_imbalance", "overlap", "automatic"};
  if (r.one_in(8)) return value(r);
  std::string text = "{";
  std::vector<std::string> used;
  for (auto n = r.between(0, 5); n > 0; --n) {
    const auto& field = r.of(fields);
    if (std::find(used.begin(), used.end(), field) != used.end()) continue;
    used.push_back(field);
    text += (text.size() > 1 ? ", " : "") + field + ": " + (r.one_in(5) ? value(r) : std::to_string(std::int64_t{1} << r.between(0, 4)));
  }
  return text + "}";
}

std::string random_scenario(Random& r) {
  static const std::vector<std::string> machines{"dgx-h100", "dgx-a100", "gb200-nvl72", "atlas-950-superpod", "{extends: dgx-h100, nodes: 3}", "{extends: dgx-h100, nodes: 0}", "nothing"};
  static const std::vector<std::string> models{"llama-3.1-8b", "mixtral-8x7b", "deepseek-v2-lite", "gpt-22b", "{preset: llama-3.1-8b, overrides: {num_hidden_layers: 2}}", "missing/config.json"};
  std::string text = "machine: " + r.of(machines) + "\nmodel: " + r.of(models) + "\n";
  if (!r.one_in(4)) text += "chips: " + (r.one_in(6) ? value(r) : std::to_string(std::int64_t{1} << r.between(0, 10))) + "\n";
  if (r.one_in(3)) text += "sequence_length: " + (r.one_in(2) ? value(r) : std::to_string(std::int64_t{1} << r.between(0, 17))) + "\n";
  if (r.one_in(3)) text += "global_batch: " + (r.one_in(2) ? value(r) : std::to_string(std::int64_t{1} << r.between(0, 14))) + "\n";
  if (r.one_in(3)) text += "precision: " + r.of<std::string>({"bf16", "fp8", "mxfp8", "fp4", "fp3"}) + "\n";
  if (r.one_in(5)) text += "fidelity: " + r.of<std::string>({"bound", "folded", "exact"}) + "\n";
  if (r.one_in(5)) text += "training_tokens: " + value(r) + "\n";
  if (!r.one_in(6)) text += "plan: " + random_plan(r) + "\n";
  return text;
}

TEST(RandomScenarios, AnswerOrDiagnostics) {
  int answered = 0;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    Random random(seed);
    const auto text = random_scenario(random);
    test::Asked asked;
    ASSERT_NO_THROW(asked = test::ask(text, {}, "scenario.yaml", {.published_practice = false})) << "seed " << seed << "\n" << text;
    ASSERT_EQ(asked.answer != nullptr, !asked.diagnostics.has_errors()) << "seed " << seed << "\n" << text << asked.problems();
    if (!asked.answer) continue;
    ++answered;
    std::string shown;
    ASSERT_NO_THROW(shown = report::text(asked.answer->subject()) + report::json(asked.answer->subject())) << "seed " << seed << "\n" << text;
    ASSERT_EQ(shown.find("nan"), std::string::npos) << "seed " << seed << "\n" << text << shown;
  }
  EXPECT_GT(answered, 100);
}

TEST(Catalog, EveryMachineTrainsAModelOnAReducedSize) {
  const test::CatalogFiles catalog;
  for (const auto& machine : catalog.list("machines")) {
    for (const char* model : {"llama-3.1-8b", "mixtral-8x7b"}) {
      const auto text = "machine: " + machine + "\nmodel: " + model + "\nchips: 64\nglobal_batch: 256\n";
      test::Asked asked;
      ASSERT_NO_THROW(asked = test::ask(text)) << text;
      ASSERT_TRUE(asked.answer) << text << asked.problems();
      EXPECT_TRUE(asked.answer->result.feasible) << text;
      EXPECT_GT(asked.answer->result.mfu, 0.02) << text;
      EXPECT_LT(asked.answer->result.mfu_bf16, 2) << text;
    }
  }
}

TEST(Catalog, EveryModelTrainsOnEnoughChips) {
  const test::CatalogFiles catalog;
  for (const auto& model : catalog.list("models")) {
    const auto text = "machine: atlas-950-superpod\nmodel: " + model + "\nprecision: bf16\n";
    test::Asked asked;
    ASSERT_NO_THROW(asked = test::ask(text)) << text;
    if (!asked.answer && asked.says("can be served, not trained")) continue;  // linear attention: its backward kernels are not modelled
    ASSERT_TRUE(asked.answer) << text << asked.problems();
    EXPECT_TRUE(asked.answer->result.feasible || model.find("100t") != std::string::npos) << text << report::text(asked.answer->subject());
  }
}

// Whatever machine, model, size, context, batch and precision: the report of an automatic plan holds all its promises (sums, critical path), or says what is wrong.
TEST(Catalog, AnyModelOnAnyMachineIsAnswered) {
  const test::CatalogFiles catalog;
  const auto machines = catalog.list("machines"), models = catalog.list("models");
  int answered = 0;
  for (std::uint64_t seed = 0; seed < 80; seed += test::kThinning) {
    Random r(seed);
    std::string text = "machine: " + r.of(machines) + "\nmodel: " + r.of(models) + "\n";
    if (r.one_in(2)) text += "chips: " + std::to_string(r.of<int>({8, 32, 96, 256, 1000, 4096})) + "\n";
    if (r.one_in(2)) text += "sequence_length: " + std::to_string(r.of<int>({2048, 8192, 32768})) + "\n";
    if (r.one_in(2)) text += "global_batch: " + std::to_string(r.of<int>({64, 512, 10000})) + "\n";
    test::Asked asked;
    ASSERT_NO_THROW(asked = test::ask(text)) << "seed " << seed << "\n" << text;
    ASSERT_EQ(asked.answer != nullptr, !asked.diagnostics.has_errors()) << text << asked.problems();
    if (!asked.answer) continue;
    ++answered;
    EXPECT_GT(asked.answer->result.step_time.count(), 0) << text;
    EXPECT_LT(asked.answer->result.mfu_bf16, 2) << text;
  }
  EXPECT_GT(answered, 60 / static_cast<int>(test::kThinning));
}

// Its iterations do not repeat to the picosecond, and reductions of gradients outlast the last pass.
TEST(Catalog, AnAssumedPeriodWithExposedReductionsHasACriticalPath) {
  const auto asked = test::ask("machine: gb200-nvl72\nmodel: llama-3.1-405b\nglobal_batch: 16380\nplan: {tp: 2, pp: 32, dp: 9, zero: 1, recompute: none, schedule: zb_v, recipe: fp8_block}\n");
  ASSERT_TRUE(asked.answer) << asked.problems();
  EXPECT_TRUE(asked.says("is an estimate")) << asked.problems();
  double reduction = 0;
  for (const auto& part : asked.answer->result.critical_path) reduction += std::string_view(part.phase) == "reduction" ? part.time.seconds().si() : 0;
  EXPECT_NEAR(reduction, 0.0169, 0.002);
}

}  // namespace
}  // namespace zettatwin::api
