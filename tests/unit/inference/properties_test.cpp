// SPDX-License-Identifier: Apache-2.0
// Laws of step times on random instances of catalog machines.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>

#include "served.hpp"
#include "units/text.hpp"

namespace zettatwin::inference {
namespace {

using serving::Chunk;

struct Case {
  const char* machine;
  const char* model;
  const char* software;
  const char* deployment;
};
constexpr Case kCases[] = {{"dgx-h200", "llama-3.3-70b", "vllm", "tp=4,weights=fp8,instances=1"},
                           {"dgx-b200", "qwen3-30b-a3b", "tensorrt-llm", "tp=1,weights=fp4,cache=fp8,instances=1"},
                           {"dgx-h200", "deepseek-v3", "sglang", "dp=8,ep=8,weights=fp8_block,instances=1"},
                           {"dgx-h800", "deepseek-v3", "deepseek", "dp=32,ep=32,redundant_experts=32,weights=fp8_block,two_batch_overlap=true,instances=1"},
                           {"dgx-h200", "gpt-oss-120b", "vllm", "tp=2,experts=mxfp4,instances=1"},
                           {"dgx-b200", "qwen3.5-397b-a17b", "sglang", "tp=8,weights=fp8_block,instances=1"},
                           {"cloudmatrix384", "deepseek-v3", "cann", "dp=64,ep=64,weights=int8,instances=1,engine.speculation.draft=1,engine.speculation.acceptance=0.7"},
                           {"dgx-h200", "llama-3.3-70b", "vllm", "tp=2,pp=4,weights=fp8,instances=1"},
                           {"gb200-nvl72", "deepseek-v3", "tensorrt-llm", "dp=8,ffn_chips=16,weights=fp8,experts=fp4,cache=fp8,instances=1"},
                           {"dgx-h200", "deepseek-v3.2", "vllm", "tp=8,weights=fp8_block,instances=1"},
                           {"dgx-h200", "minimax-m3", "vllm", "tp=8,weights=fp8_block,instances=1"},
                           {"dgx-b200", "deepseek-v4-flash", "vllm", "tp=8,cache=fp8,instances=1,engine.speculation.draft=1,engine.speculation.acceptance=0.8"},
                           {"dgx-h200", "kimi-linear-48b-a3b", "vllm", "tp=4,instances=1"},
                           {"dgx-h200", "nemotron-3-super-120b-a12b", "vllm", "tp=8,instances=1"},
                           {"dgx-h200", "gemma-4-26b-a4b", "vllm", "tp=2,pp=2,instances=1"},
                           {"atlas-950-superpod", "kimi-k2", "cann", "dp=32,ep=32,ffn_chips=0,weights=mxfp8,instances=1"}};

const ServedPool& pool_of(std::size_t i) {
  static std::vector<Served> all = [] {
    std::vector<Served> made;
    for (const auto& c : kCases) made.push_back(test::served(test::catalog_machine(c.machine), test::catalog_model(c.model), test::catalog_serving(c.software), c.deployment));
    return made;
  }();
  return all[i].pools[0];
}

// Values are kept from step to step: as many tokens of a prompt and of decoding sequences are different steps (shared experts pass beside the routed ones only while decoding).
TEST(StepLaws, AStepDoesNotDependOnTheStepsBefore) {
  for (const auto& c : kCases) {
    const auto fresh = [&] { return test::served(test::catalog_machine(c.machine), test::catalog_model(c.model), test::catalog_serving(c.software), c.deployment); };
    for (const std::int64_t n : {1, 8, 64}) {
      const std::vector<Chunk> prompt{{static_cast<std::int32_t>(n), 0, true}};
      const auto decoding = [&](const Served& s) { return test::seconds(s.pools[0], n * s.pools[0].pool.dp, n * s.pools[0].pool.dp * 100); };
      const auto prompts = [&](const Served& s) { return test::seconds(s.pools[0], 0, 0, prompt); };
      const auto one = fresh(), other = fresh();
      const double first = prompts(one), second = decoding(one);
      EXPECT_EQ(decoding(other), second) << c.model << ", " << n << " sequences";
      EXPECT_EQ(prompts(other), first) << c.model << ", " << n << " tokens";
    }
  }
}

RC_GTEST_PROP(StepLaws, MoreWorkIsNeverFaster, ()) {
  const auto& pool = pool_of(*rc::gen::inRange<std::size_t>(0, std::size(kCases)));
  const auto n = *rc::gen::inRange<std::int64_t>(0, 300);
  const auto length = *rc::gen::inRange<std::int64_t>(1, 9000);
  const auto chunks = *rc::gen::container<std::vector<Chunk>>(rc::gen::apply([](int tokens, int context) { return Chunk{tokens, context, true}; }, rc::gen::inRange(1, 3000), rc::gen::inRange(0, 5000)));
  RC_PRE(n > 0 || !chunks.empty());
  const auto time = [&](std::int64_t sequences, std::int64_t cached, const std::vector<Chunk>& list) { return pool.timer->step({.sequences = sequences, .cached = cached, .chunks = list}).count(); };
  const auto now = time(n, n * length, chunks);
  RC_ASSERT(now > 0);
  // One sequence more of the same length, to within what chords between entries of the table are off; the same cache in more sequences may be quicker: kernels cut it into
  // shorter parts, and ranks and stages share it more evenly.
  RC_ASSERT(static_cast<double>(time(n + 1, (n + 1) * length, chunks)) >= (1 - 1e-3) * static_cast<double>(now));
  if (n > 0) RC_ASSERT(time(n, n * length + *rc::gen::inRange(1, 100000), chunks) >= now);
  auto more = chunks;
  more.push_back({*rc::gen::inRange(1, 2000), *rc::gen::inRange(0, 2000), true});
  RC_ASSERT(time(n, n * length, more) >= now);
  if (!chunks.empty()) {
    auto longer = chunks;
    longer.front().tokens += 64;
    RC_ASSERT(time(n, n * length, longer) >= now);
    auto further = chunks;
    further.front().context += 512;
    RC_ASSERT(time(n, n * length, further) >= now);
  }
}

// Which chunk is slowest on a stage is not told by its pairs: at 990 tokens of context 402,398 of the first, 402,304 of the second, whose tokens are 2.6 times as many.
TEST(StepLaws, TheSlowestChunkOfStagesIsNotTheOneOfMostPairs) {
  const auto& pool = pool_of(7);
  const auto time = [&](std::int32_t context) { return pool.timer->step({.sequences = 0, .cached = 0, .chunks = std::vector<Chunk>{{346, context, true}, {897, 0, true}}}).count(); };
  for (std::int32_t context = 478; context < 2000; context += 64) EXPECT_GE(time(context + 64), time(context)) << context;
}

RC_GTEST_PROP(StepLaws, PiecesJoinAndRise, ()) {
  const auto& pool = pool_of(*rc::gen::inRange<std::size_t>(0, std::size(kCases)));
  const auto n = *rc::gen::inRange<std::int64_t>(1, 400);
  auto piece = pool.timer->decode(n, n * *rc::gen::inRange<std::int64_t>(1, 8000));
  for (int i = 0; i < 20; ++i) {
    const auto next = pool.timer->decode(n, piece.to);
    RC_ASSERT(next.from == piece.to);
    const auto end = piece.base.count() + piece.slope * (piece.to - piece.from);
    RC_ASSERT(end <= next.base.count());
    RC_ASSERT(next.base.count() - end <= piece.to - piece.from);  // less than a picosecond per token is lost to whole slopes
    piece = next;
  }
}

// A chip with more of one thing and the same of all others.
RC_GTEST_PROP(StepLaws, ABetterChipIsNeverSlower, ()) {
  const auto& c = kCases[*rc::gen::inRange<std::size_t>(0, std::size(kCases))];
  auto machine = test::catalog_machine(c.machine);
  const auto model = test::catalog_model(c.model);
  const auto software = test::catalog_serving(c.software);
  const auto before = test::served(machine, model, software, c.deployment);
  switch (*rc::gen::inRange(0, 4)) {
    case 0: machine.chip.memory.bandwidth.value *= 1.5; break;
    case 1:
      for (auto& [precision, peak] : machine.chip.matrix_peak) peak.value *= 1.5;
      break;
    case 2:
      for (auto& level : machine.levels) level.network.bandwidth.value *= 1.5, level.network.pair_bandwidth.value *= 1.5;
      break;
    default:
      for (auto& level : machine.levels) level.network.latency.value *= 0.5, level.network.launch.value *= 0.5;
  }
  const auto after = test::served(machine, model, software, c.deployment);
  const auto n = *rc::gen::inRange<std::int64_t>(1, 300);
  const std::vector<Chunk> chunks(*rc::gen::inRange<std::size_t>(0, 3), Chunk{1000, 500, true});
  const serving::StepLoad load{.sequences = n, .cached = n * 2000, .chunks = chunks};
  RC_ASSERT(after.pools[0].timer->step(load).count() <= before.pools[0].timer->step(load).count() + 1000);
}

// What the JSON and the report show: leaves that add up to their parts, parts that add up to the step, no name twice.
TEST(Explanation, SumsAndNamesEverythingOnce) {
  for (std::size_t i = 0; i < std::size(kCases); ++i) {
    const auto& pool = pool_of(i);
    const std::vector<Chunk> chunks{{1000, 500, true}, {300, 0, false}};
    for (const std::int64_t n : {0, 1, 12, 300})
      for (const auto& list : {std::vector<Chunk>{}, chunks}) {
        if (n == 0 && list.empty()) continue;
        const auto tree = pool.timer->explain({.sequences = n, .cached = n * 2345, .chunks = list});
        double parts = 0;
        std::set<std::string> paths;
        for (const auto& part : tree.children) {
          parts += part.si;
          EXPECT_GE(part.si, 0) << part.key;
          double leaves = 0;
          for (const auto& leaf : part.children) {
            leaves += leaf.si;
            EXPECT_GE(leaf.si, 0) << part.key << " " << leaf.key;
            EXPECT_TRUE(paths.insert(part.key + "." + leaf.key).second) << kCases[i].model << ": " << part.key << "." << leaf.key << " twice";
          }
          EXPECT_NEAR(leaves / part.si, 1, 1e-9) << kCases[i].model << " " << kCases[i].deployment << ": " << part.key << " of " << n << " with " << list.size();
        }
        EXPECT_NEAR(parts / tree.si, 1, 1e-9);
      }
  }
}

TEST(StepTable, IsNearTheOperatorsThemselves) {
  for (std::size_t i = 0; i < std::size(kCases); ++i) {
    const auto& pool = pool_of(i);
    for (const std::int64_t n : {1, 12, 100})
      for (const std::int64_t length : {37, 1111, 5003}) {
        const serving::StepLoad load{.sequences = n, .cached = n * length, .chunks = {}};
        const auto tree = pool.timer->explain(load);
        double attention = 0;
        if (const auto* part = tree.find("attention")) {
          // Operators at exactly these sizes, where they differ from the table.
          const auto taken = part->formula.find("take "), until = part->formula.find(" on their own");
          attention = part->si;
          if (taken != std::string::npos) attention = units::parse_quantity(part->formula.substr(taken + 5, until - taken - 5))->si;
        }
        const double step = pool.timer->step(load).seconds().si();
        EXPECT_NEAR(pool.timer->parts(load)[static_cast<std::size_t>(Part::attention)], attention, 0.02 * step + 0.1 * attention) << kCases[i].model;
        EXPECT_NEAR(tree.si / step, 1, 1e-3) << kCases[i].model << " " << n << " " << length;
      }
  }
}

}  // namespace
}  // namespace zettatwin::inference
