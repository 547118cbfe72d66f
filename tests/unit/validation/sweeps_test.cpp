// SPDX-License-Identifier: Apache-2.0
#include "validation/sweeps.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "validation/exclusions.hpp"
#include "validation/memory.hpp"

namespace zettatwin::validation {
namespace {

Judgement run(const std::string& sweep, double measured, double predicted, std::int64_t chips = 8) {
  Judgement j;
  j.metric = "step_time";
  j.sweep = j.series = sweep;
  j.chips = chips;
  j.sequences = 16 * static_cast<double>(chips);
  j.measured = measured;
  j.predicted = predicted;
  return j;
}

std::vector<const Judgement*> pointers(const std::vector<Judgement>& judgements) {
  std::vector<const Judgement*> result;
  for (const auto& j : judgements) result.push_back(&j);
  return result;
}

RankAgreement ranked(const std::vector<Judgement>& judgements) { return rank_agreement(pointers(judgements)); }

TEST(RankAgreement, CountsPairsInOrder) {
  // Measured 1 2 3 4, predicted 1 3 2 4: one of six pairs is out of order.
  EXPECT_NEAR(*ranked({run("a", 1, 1), run("a", 2, 3), run("a", 3, 2), run("a", 4, 4)}).tau, 4.0 / 6, 1e-12);
  EXPECT_NEAR(*ranked({run("a", 1, 2), run("a", 2, 1)}).tau, -1, 1e-12);
  // A tie on one side: tau-b = 2 / sqrt(3 * 2).
  EXPECT_NEAR(*ranked({run("a", 1, 1), run("a", 2, 2), run("a", 3, 2)}).tau, 2 / std::sqrt(6.0), 1e-12);
  EXPECT_FALSE(ranked({run("a", 1, 1)}).tau);
  EXPECT_FALSE(ranked({run("a", 1, 1), run("a", 1, 1)}).tau) << "tied in both";
}

TEST(RankAgreement, ComparesWithinSweepsAlone) {
  const auto r = ranked({run("a", 1, 20), run("a", 2, 10), run("b", 100, 1), run("b", 200, 2), run("c", 5, 5)});
  EXPECT_EQ(r.sweeps, 2);
  EXPECT_EQ(r.pairs, 2);
  EXPECT_NEAR(*r.tau, 0, 1e-12) << "one pair in order, one not";
}

// 1 and 1.05 are within a tenth; 1 and 2, 1.05 and 2 are not, and one of these is predicted the other way round.
TEST(RankAgreement, KnowsPairsThatAreApart) {
  const auto r = ranked({run("a", 1, 3), run("a", 1.05, 1), run("a", 2, 2)});
  EXPECT_EQ(r.pairs, 3);
  EXPECT_EQ(r.apart, 2);
  EXPECT_EQ(r.apart_in_order, 1);
}

TEST(ScalingLoss, ByHand) {
  // Sequences grow with chips; 8 chips take 1 s, 32 take 1.25 s: a fifth of the throughput per chip is lost. Predicted 1 s to 1.1 s.
  const auto losses = scaling_losses(pointers({run("a", 1, 1), run("a", 1.25, 1.1, 32), run("b", 1, 1)}));
  ASSERT_EQ(losses.size(), 1u);
  EXPECT_NEAR(losses[0].measured, 0.2, 1e-12);
  EXPECT_NEAR(losses[0].predicted, 1 - 1 / 1.1, 1e-12);
  EXPECT_EQ(losses[0].fewest, 8);
  EXPECT_EQ(losses[0].most, 32);
  EXPECT_NEAR(losses[0].measured_slope, 1 - std::log(1.25) / std::log(4.0), 1e-12);
}

TEST(Exclusions, ByIdAndByBeginning) {
  const std::vector<Exclusion> exclusions{{.ids = {"A-1", "B-2*"}, .reason = "r", .source = "s"}};
  EXPECT_TRUE(find_exclusion(exclusions, "A-1"));
  EXPECT_FALSE(find_exclusion(exclusions, "A-12"));
  EXPECT_TRUE(find_exclusion(exclusions, "B-23"));
  EXPECT_FALSE(find_exclusion(exclusions, "B-3"));
}

TEST(Memory, PeaksInNotes) {
  const Table table{.name = "", .columns = {"id", "notes", "metric"}, .records = {}};
  MemoryVocabulary vocabulary;
  vocabulary.notes = {{.word = "peak alloc", .is = MemoryKind::allocated, .set = {}}, {.word = "mem", .is = MemoryKind::reserved, .set = {}}};
  const auto stated = [&](const std::string& notes) {
    const Record record{.line = 1, .cells = {"A-1", notes, "step_time"}};
    return memory_in_notes(vocabulary, Row(table, record));
  };
  EXPECT_EQ(stated("measured peak alloc 66.55 GiB; mem err -0.17%")->gib, 66.55);
  EXPECT_EQ(stated("Table 1 eager mem82.4GiB")->rule->is, MemoryKind::reserved);
  EXPECT_EQ(stated("mem 83.9 GiB")->gib, 83.9);
  EXPECT_FALSE(stated("memory is not stated"));
}

TEST(Memory, PartsOfAKind) {
  constexpr double kGib = 1024.0 * 1024 * 1024;
  const auto part = [](const char* name, double gib) { return workload::MemoryPart{name, units::Bytes::from_si(gib * kGib), ""}; };
  training::TrainingResult result;
  result.memory.resize(2);
  result.memory[0].parts = {part("weights", 4), part("optimizer moments", 6), part("activations", 10), part("fragmentation", 1), part("workspace", 2)};
  result.memory[1].parts = {part("weights", 4), part("activations", 30), part("fragmentation", 3), part("workspace", 2)};
  result.memory[0].layer_states = units::Bytes::from_si(9 * kGib);
  result.memory[0].layer_activations = units::Bytes::from_si(8 * kGib);
  EXPECT_DOUBLE_EQ(predicted_gib(MemoryKind::states, result), 10);
  EXPECT_DOUBLE_EQ(predicted_gib(MemoryKind::layer_states, result), 9);
  EXPECT_DOUBLE_EQ(predicted_gib(MemoryKind::layer_activations, result), 8);
  EXPECT_DOUBLE_EQ(predicted_gib(MemoryKind::activations, result), 10);
  EXPECT_DOUBLE_EQ(predicted_gib(MemoryKind::allocated, result), 34);
  EXPECT_DOUBLE_EQ(predicted_gib(MemoryKind::reserved, result), 37);
}

}  // namespace
}  // namespace zettatwin::validation
