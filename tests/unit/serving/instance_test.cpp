// SPDX-License-Identifier: Apache-2.0
// An instance against steps added up by hand, with a timer of 1000 + 10 per decoding sequence + 1 per cached token + 5 per prompt token + 1 per token
// of context, in picoseconds.
#include "serving/instance.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "../../support/linear_timer.hpp"
#include "../../support/serving_log.hpp"

namespace {

using namespace zettatwin;
using serving::EngineSettings;
using serving::Job;
using serving::Work;
using units::Picoseconds;

constexpr Picoseconds kEnd{std::numeric_limits<std::int64_t>::max()};

EngineSettings small() { return {.max_sequences = 4, .max_tokens = 64, .block_tokens = 4, .blocks = 100, .watermark = 0, .prefix_caching = false, .tiers = {}, .speculation = {}}; }
Job job(serving::JobId id, std::int32_t input, std::int32_t output) { return {.id = id, .input = input, .output = output, .blocks = {}}; }

struct Played {
  test::LinearTimer timer;
  test::ServingLog log;
  std::unique_ptr<serving::Instance> instance;
  explicit Played(const EngineSettings& settings) : instance(serving::make_instance(settings, timer, log, {.seed = 1, .tell_runs = true})) {}
  void to_the_end() { instance->advance(kEnd); }
  [[nodiscard]] std::int64_t finish(serving::JobId id) const { return log.time_of('f', id); }
};

TEST(Instance, OneRequestIsTheSumOfItsSteps) {
  Played run(small());
  run.instance->submit(job(7, 20, 5), Picoseconds(100));
  run.to_the_end();
  const std::vector<test::ServingEvent> expected{{'s', 7, 100, 0}, {'t', 7, 1200, 0}, {'f', 7, 1200 + 1030 + 1031 + 1032 + 1033, 0}};
  EXPECT_EQ(run.log.events, expected);
  EXPECT_EQ(run.instance->statistics().output_tokens, 5);
  EXPECT_EQ(run.instance->statistics().prompt_tokens, 20);
  EXPECT_EQ(run.instance->statistics().blocks_max, 6);  // 20 + 5 - 1 tokens
}

TEST(Instance, PromptsAreCutIntoChunksBesideDecodingSequences) {
  auto settings = small();
  settings.max_tokens = 8;
  Played run(settings);
  run.instance->submit(job(1, 4, 3), Picoseconds(0));
  run.instance->submit(job(2, 11, 1), Picoseconds(0));
  run.to_the_end();
  // 4 + 4; then one decodes beside 7 behind 4; then it decodes alone.
  EXPECT_EQ(run.log.time_of('t', 1), 1040);
  EXPECT_EQ(run.finish(2), 1040 + 1000 + 10 + 4 + 35 + 4);
  EXPECT_EQ(run.finish(1), 2093 + 1015);
}

// Two prompts of 10 tokens, at most 4 of each in a step of 8: 4 + 4, 4 + 4, 2 + 2.
TEST(Instance, OnePromptDoesNotTakeAWholeStepWhereChunksAreLimited) {
  auto settings = small();
  settings.max_tokens = 8;
  settings.max_chunk = 4;
  Played run(settings);
  run.instance->submit(job(1, 10, 1), Picoseconds(0));
  run.instance->submit(job(2, 10, 1), Picoseconds(0));
  run.to_the_end();
  const std::int64_t together = (1000 + 8 * 5) + (1000 + 8 * 5 + 2 * 4) + (1000 + 4 * 5 + 2 * 8);
  EXPECT_EQ(run.finish(1), together);
  EXPECT_EQ(run.finish(2), together);
  // Prompts that are not cut must fit into one.
  settings.chunked_prefill = false;
  Played whole(settings);
  whole.instance->submit(job(1, 5, 1), Picoseconds(0));
  whole.instance->submit(job(2, 4, 1), Picoseconds(0));
  whole.to_the_end();
  EXPECT_EQ(whole.instance->statistics().rejected, 1);
  EXPECT_EQ(whole.finish(2), 1020);
}

TEST(Instance, PromptsFirstLetsDecodingWait) {
  auto settings = small();
  settings.policy = serving::Policy::prefill_first;
  settings.max_tokens = 8;
  Played run(settings);
  run.instance->submit(job(1, 4, 3), Picoseconds(0));
  run.instance->submit(job(2, 11, 2), Picoseconds(0));
  run.to_the_end();
  EXPECT_EQ(run.log.time_of('t', 1), 1040);
  EXPECT_EQ(run.log.time_of('t', 2), 1040 + 1000 + 35 + 4);
  EXPECT_EQ(run.finish(2), 2079 + 1000 + 20 + 15);
  EXPECT_EQ(run.finish(1), 3114 + 1015);
}

TEST(Instance, AStaticBatchEndsBeforeTheNextBegins) {
  auto settings = small();
  settings.policy = serving::Policy::static_batch;
  settings.max_sequences = 2;
  Played run(settings);
  for (serving::JobId id = 1; id <= 3; ++id) run.instance->submit(job(id, 4, id == 1 ? 3 : 2), Picoseconds(0));
  run.to_the_end();
  EXPECT_EQ(run.log.time_of('t', 2), 1040);
  EXPECT_EQ(run.finish(2), 1040 + 1028);
  EXPECT_EQ(run.finish(1), 2068 + 1015);
  EXPECT_EQ(run.log.time_of('s', 3), 3083);
}

TEST(Instance, TheLatestIsPreemptedAndComputedAgain) {
  auto settings = small();
  settings.blocks = 4;
  Played run(settings);
  run.instance->submit(job(1, 4, 9), Picoseconds(0));
  run.instance->submit(job(2, 4, 9), Picoseconds(0));
  run.to_the_end();
  const auto shortage = 1040 + 1028 + 1030 + 1032 + 1034;  // both want a third block
  EXPECT_EQ(run.log.time_of('p', 2), shortage);
  EXPECT_EQ(run.finish(1), shortage + 1018 + 1019 + 1020 + 1021);
  EXPECT_EQ(run.finish(2), run.finish(1) + 1000 + 9 * 5 + 1019 + 1020 + 1021);
  EXPECT_EQ(run.instance->statistics().recomputed_tokens, 8);
  EXPECT_EQ(run.instance->statistics().blocks_max, 4);
}

TEST(Instance, FullReservationNeverPreempts) {
  auto settings = small();
  settings.blocks = 4;
  settings.admission = serving::Admission::full;
  Played run(settings);
  run.instance->submit(job(1, 4, 9), Picoseconds(0));
  run.instance->submit(job(2, 4, 9), Picoseconds(0));
  run.to_the_end();
  EXPECT_EQ(run.log.time_of('s', 2), run.finish(1));
  EXPECT_EQ(run.instance->statistics().preemptions, 0);
}

TEST(Instance, SharedPrefixesAreComputedOnceAndComeBackFromTiers) {
  auto settings = small();
  settings.prefix_caching = true;
  settings.blocks = 6;
  settings.tiers = {{.name = "host", .blocks = 10, .latency = 1e-9 * units::second, .tokens_per_s = 4e9}};
  settings.fetch = serving::Fetch::exposed;
  Played run(settings);
  auto with = [](Job j, std::vector<std::uint64_t> blocks) { j.blocks = std::move(blocks); return j; };
  run.instance->submit(with(job(1, 10, 2), {11, 12}), Picoseconds(0));
  run.instance->advance(Picoseconds(100000));
  EXPECT_EQ(run.instance->cached_prefix({11, 12, 13}), 8);
  run.instance->submit(with(job(2, 10, 2), {11, 12}), Picoseconds(100000));
  run.instance->advance(Picoseconds(200000));
  EXPECT_EQ(run.log.time_of('t', 2), 100000 + 1000 + 2 * 5 + 8);
  run.instance->submit(job(3, 23, 1), Picoseconds(200000));  // takes all six blocks
  run.instance->advance(Picoseconds(300000));
  run.instance->submit(with(job(4, 10, 1), {11, 12}), Picoseconds(300000));
  run.to_the_end();
  EXPECT_EQ(run.log.time_of('t', 4), 300000 + 1000 + 2 * 5 + 8 + 1000 + 2000);
  EXPECT_EQ(run.instance->statistics().hit_tokens, (std::vector<std::int64_t>{8, 8}));
  EXPECT_EQ(run.instance->statistics().evicted_blocks, 2);
}

TEST(Instance, WhatCanNeverFitIsRejectedAndOthersGoOn) {
  auto settings = small();
  settings.blocks = 4;
  Played run(settings);
  run.instance->submit(job(1, 16, 2), Picoseconds(5));
  run.instance->submit(job(2, 15, 2), Picoseconds(6));
  run.to_the_end();
  EXPECT_EQ(run.log.time_of('r', 1), 5);
  EXPECT_GT(run.finish(2), 0);
}

TEST(Instance, PrefillLeavesWithItsCacheAndDecodeArrivesWithIt) {
  Played first(small());
  auto prefill = job(1, 20, 5);
  prefill.work = Work::prefill;
  prefill.hold = true;
  first.instance->submit(prefill, Picoseconds(0));
  first.to_the_end();
  EXPECT_EQ(first.finish(1), 1100);
  EXPECT_EQ(first.instance->blocks_used(), 5);
  first.instance->release(1, Picoseconds(2000));
  EXPECT_EQ(first.instance->blocks_used(), 0);

  Played second(small());
  EXPECT_TRUE(second.instance->reserve(1, 20, Picoseconds(1100)));
  EXPECT_EQ(second.instance->blocks_used(), 6);
  auto decode = job(1, 20, 5);
  decode.work = Work::decode;
  decode.generated = 1;
  second.instance->submit(decode, Picoseconds(2000));
  second.to_the_end();
  EXPECT_EQ(second.finish(1), 2000 + 1030 + 1031 + 1032 + 1033);
  EXPECT_EQ(second.instance->blocks_used(), 0);
}

// Who computes the first token once more where it decodes has it after a step of its own, though nothing else changes until the end: 20 cached tokens but the last of the prompt.
TEST(Instance, AFirstTokenIsToldWhereItIsDecoded) {
  Played run(small());
  auto decode = job(1, 20, 4);
  decode.work = Work::decode;
  run.instance->submit(decode, Picoseconds(2000));
  run.to_the_end();
  EXPECT_EQ(run.log.time_of('t', 1), 2000 + 1029);
  EXPECT_EQ(run.finish(1), 2000 + 1029 + 1030 + 1031 + 1032);
}

// Six blocks of four tokens. The first request grows past its three blocks while the others are set aside for a second one: it is preempted and waits at
// the head of the queue. The second arrives behind it, with all blocks that it needs: it goes first, or nobody ever would.
TEST(Instance, WhoseBlocksAreSetAsideDoesNotWaitForWhoHasNone) {
  auto settings = small();
  settings.blocks = 6;
  Played run(settings);
  auto first = job(1, 8, 9), second = job(2, 8, 3);
  first.work = second.work = Work::decode;
  first.generated = second.generated = 1;
  ASSERT_TRUE(run.instance->reserve(1, 8, Picoseconds(0)));
  ASSERT_TRUE(run.instance->reserve(2, 8, Picoseconds(0)));
  run.instance->submit(first, Picoseconds(0));
  run.instance->advance(Picoseconds(50000));
  EXPECT_EQ(run.instance->running(), 0);
  EXPECT_EQ(run.instance->next_event(), kEnd);
  run.instance->submit(second, Picoseconds(60000));
  run.to_the_end();
  EXPECT_EQ(run.finish(2), 60000 + 1018 + 1019);
  EXPECT_GT(run.finish(1), run.finish(2));
  EXPECT_EQ(run.instance->statistics().preemptions, 1);
}

// A preempted sequence waits for blocks that are set aside for those behind it.
TEST(Instance, ReservedBlocksPassAHeadThatWaitsForThem) {
  auto settings = small();
  settings.blocks = 6;
  Played run(settings);
  run.instance->submit(job(1, 4, 9), Picoseconds(0));
  EXPECT_TRUE(run.instance->reserve(2, 12, Picoseconds(1100)));  // four blocks of six; the first has two and will want a third
  auto decode = job(2, 12, 4);
  decode.work = Work::decode;
  decode.generated = 1;
  run.instance->advance(Picoseconds(20'000));
  EXPECT_EQ(run.log.time_of('p', 1), 1020 + 4 * 1010 + 4 + 5 + 6 + 7);
  EXPECT_FALSE(run.instance->reserve(3, 3, Picoseconds(20'000)));  // not before the head of the queue
  run.instance->submit(decode, Picoseconds(20'000));
  run.to_the_end();
  EXPECT_EQ(run.finish(2), 20'000 + 3 * 1010 + 12 + 13 + 14);
  EXPECT_GT(run.finish(1), run.finish(2));
}

TEST(Instance, AFailureHandsBackWhatItHeld) {
  Played run(small());
  run.instance->submit(job(1, 4, 9), Picoseconds(0));
  run.instance->submit(job(2, 8, 2), Picoseconds(50000));
  const auto lost = run.instance->fail(Picoseconds(1020 + 1014 + 500));
  ASSERT_EQ(lost.size(), 2U);
  EXPECT_EQ(lost[0].generated, 2);
  EXPECT_EQ(lost[1].generated, 0);
  EXPECT_EQ(run.instance->blocks_used(), 0);
  run.instance->submit(lost[0], Picoseconds(3000));
  run.to_the_end();
  EXPECT_EQ(run.finish(1), 3000 + 1000 + 6 * 5 + 6 * 1010 + (6 + 7 + 8 + 9 + 10 + 11));
}

TEST(Instance, ACancelledRequestLeavesAtTheEndOfTheStep) {
  Played run(small());
  run.instance->submit(job(1, 4, 9), Picoseconds(0));
  run.instance->submit(job(2, 4, 3), Picoseconds(0));
  run.instance->cancel(1, Picoseconds(1100));
  run.to_the_end();
  EXPECT_EQ(run.log.time_of('c', 1), 1040 + 1028);
  EXPECT_EQ(run.finish(2), 1040 + 1028 + 1015);
}

// The runs of steps that an instance tells add up to what it did; a log of them is bounded.
TEST(Instance, TellsItsRunsOfSteps) {
  Played run(small());
  run.instance->submit(job(1, 4, 9), Picoseconds(0));
  run.instance->submit(job(2, 4, 3), Picoseconds(0));
  run.to_the_end();
  ASSERT_EQ(run.log.runs.size(), 3U);
  serving::StepLog log(2);
  std::int64_t steps = 0, decoded = 0;
  for (const auto& r : run.log.runs) {
    log.add(r);
    steps += r.steps;
    decoded += r.decode_tokens;
  }
  EXPECT_EQ(log.runs().size(), 2U);
  EXPECT_EQ(log.dropped(), 1);
  EXPECT_EQ(log.runs()[0].prompt_tokens, 8);
  EXPECT_EQ(log.runs()[1].steps, 2);
  EXPECT_EQ(log.runs()[1].cached, 8);
  EXPECT_EQ(steps, 9);
  EXPECT_EQ(decoded + 2, run.instance->statistics().output_tokens);
}

TEST(Instance, DraftsYieldTheirMean) {
  auto settings = small();
  settings.speculation = {.draft = 1, .acceptance = {0.5}};
  Played run(settings);
  run.instance->submit(job(1, 4, 7), Picoseconds(0));
  run.to_the_end();
  // 1 after the prompt, then 1, 2, 1, 2 in steps that begin with 4, 5, 7 and 8 cached.
  EXPECT_EQ(run.finish(1), 1020 + 4 * 1010 + 4 + 5 + 7 + 8);
}

TEST(Instance, SchedulingAheadSeesArrivalsOneStepLater) {
  auto settings = small();
  settings.schedule_ahead = true;
  Played run(settings);
  run.instance->submit(job(1, 4, 9), Picoseconds(0));
  run.instance->submit(job(2, 4, 2), Picoseconds(500));
  run.to_the_end();
  EXPECT_EQ(run.log.time_of('s', 2), 1020 + 1014);  // while the first step ran, the second had been composed
}

TEST(Instance, LooksForRequestsEverySoManySteps) {
  auto settings = small();
  settings.poll_steps = 3;
  Played run(settings);
  run.instance->submit(job(1, 4, 20), Picoseconds(0));
  run.instance->submit(job(2, 4, 2), Picoseconds(1500));
  run.instance->submit(job(3, 4, 2), Picoseconds(4100));
  run.to_the_end();
  const std::int64_t second = 1020 + 1014 + 1015 + 1016;  // it looked after the prompt, and does again three steps later
  EXPECT_EQ(run.log.time_of('s', 2), second);
  EXPECT_EQ(run.log.time_of('s', 3), second + 1000 + 10 + 7 + 20);  // a step with a prompt is followed by a look
}

TEST(Instance, HoldsPromptsBackUntilAnotherWaitsOrStepsHavePassed) {
  auto settings = small();
  settings.hold = {.steps = 5, .prompts = 2};
  const std::int64_t seen = 1020 + 1014;
  Played alone(settings);
  alone.instance->submit(job(1, 4, 20), Picoseconds(0));
  alone.instance->submit(job(2, 4, 2), Picoseconds(1500));
  alone.to_the_end();
  EXPECT_EQ(alone.log.time_of('s', 1), 0);  // nothing decodes
  EXPECT_EQ(alone.log.time_of('s', 2), seen + 1015 + 1016 + 1017 + 1018 + 1019);
  Played joined(settings);
  joined.instance->submit(job(1, 4, 20), Picoseconds(0));
  joined.instance->submit(job(2, 4, 2), Picoseconds(1500));
  joined.instance->submit(job(3, 4, 2), Picoseconds(2500));
  joined.to_the_end();
  EXPECT_EQ(joined.log.time_of('s', 2), seen + 1015);
  EXPECT_EQ(joined.log.time_of('s', 3), seen + 1015);
}

TEST(Instance, HoldsPromptsBackUntilAStepIsFullEnough) {
  auto settings = small();
  settings.hold = {.steps = 5, .share = 0.5};
  for (const std::int32_t input : {31, 30}) {  // beside one decoding token, of 64
    Played run(settings);
    run.instance->submit(job(1, 4, 20), Picoseconds(0));
    run.instance->submit(job(2, input, 2), Picoseconds(1500));
    run.to_the_end();
    EXPECT_EQ(run.log.time_of('s', 2), 1020 + 1014 + (input == 31 ? 0 : 1015 + 1016 + 1017 + 1018 + 1019));
  }
}

}  // namespace
