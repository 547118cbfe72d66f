// SPDX-License-Identifier: Apache-2.0
// Prefill and decode apart, calculated by hand: steps of 10 ms, prompts of 100 tokens (a cache of 100 kB, 2 ms through the slower port of 50 MB/s).
#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "../../support/fleet_cases.hpp"
#include "fleet/fleet.hpp"

namespace zettatwin::fleet {
namespace {

const test::ConstantTimer kTenMs(units::Picoseconds(10'000'000'000));

std::map<std::uint64_t, RequestRecord> records(FleetSpec spec, FleetResult* result = nullptr) {
  std::map<std::uint64_t, RequestRecord> all;
  spec.on_request = [&](const RequestRecord& r) { all[r.number] = r; };
  const FleetResult r = simulate(spec);
  if (result != nullptr) *result = r;
  return all;
}
double ms(units::Picoseconds t) { return static_cast<double>(t.count()) * 1e-9; }

// Prompt until 10 ms, latency 2 ms, bytes 2 ms, then two steps.
TEST(Disaggregation, OneRequestByHand) {
  FleetSpec spec = test::prefill_decode(kTenMs, kTenMs, 1, 1, test::listed({{0, 100, 3}}));
  spec.transfers[0].latency = 2 * units::millisecond;
  FleetResult result;
  const auto all = records(spec, &result);
  EXPECT_DOUBLE_EQ(ms(all.at(0).first_token), 10);
  EXPECT_DOUBLE_EQ(ms(all.at(0).finish), 34);
  EXPECT_EQ(all.at(0).instance, 0);
  EXPECT_EQ(all.at(0).decode_instance, 1);
  EXPECT_NEAR(result.all.tpot.mean.value, 12e-3, 1e-12);
  EXPECT_NEAR(result.all.transfer.mean.value, 4e-3, 1e-12);
  EXPECT_EQ(result.transfers[0].bytes, 1e5);
  EXPECT_EQ(result.transfers[0].duration.mean.value, 4e-3);
  EXPECT_EQ(result.transfers[0].blocked.mean.value, 0);
}

// The decode instance sends the first token when it takes the sequence up, at 14 ms, or computes it once more, which takes a step. A second sequence, for which there
// is no place before the first ends, waits for its first token; transfers of both share the port, 4 ms.
TEST(Disaggregation, FirstTokensByHand) {
  FleetSpec spec = test::prefill_decode(kTenMs, kTenMs, 1, 1, test::listed({{0, 100, 3}}));
  spec.transfers[0].latency = 2 * units::millisecond;
  const auto with = [&](serving::FirstToken first) {
    spec.pools[1].engine.first_token = first;
    FleetResult result;
    auto all = records(spec, &result);
    EXPECT_NEAR(result.all.tpot.mean.value, first == serving::FirstToken::prompt ? 12e-3 : 10e-3, 1e-12);
    return all;
  };
  auto all = with(serving::FirstToken::joined);
  EXPECT_NEAR(ms(all.at(0).first_token), 14, 1e-6);
  EXPECT_NEAR(ms(all.at(0).finish), 34, 1e-6);
  all = with(serving::FirstToken::decoded);
  EXPECT_NEAR(ms(all.at(0).first_token), 24, 1e-6);
  EXPECT_NEAR(ms(all.at(0).finish), 44, 1e-6);

  spec = test::prefill_decode(kTenMs, kTenMs, 1, 1, test::listed({{0, 100, 3}, {0, 100, 3}}));
  spec.pools[1].engine.max_sequences = 1;
  for (const auto& [first, token, finish] : {std::tuple{serving::FirstToken::prompt, 10.0, 54.0}, {serving::FirstToken::joined, 34.0, 54.0}, {serving::FirstToken::decoded, 54.0, 74.0}}) {
    spec.pools[1].engine.first_token = first;
    const auto both = records(spec);
    EXPECT_NEAR(ms(both.at(1).first_token), token, 1e-6);
    EXPECT_NEAR(ms(both.at(1).finish), finish, 1e-6);
  }
}

// Before a prompt is done nobody knows which instance will decode it, so that one model has one answer to who gives its first tokens.
TEST(Disaggregation, FirstTokensAreGivenByOneRule) {
  FleetSpec spec = test::prefill_decode(kTenMs, kTenMs, 1, 1, test::listed({{0, 100, 3}}));
  spec.pools.push_back(spec.pools[1]);
  EXPECT_EQ(problem_of(spec), "");
  spec.pools[2].engine.first_token = serving::FirstToken::joined;
  EXPECT_NE(problem_of(spec).find("do not agree on who gives clients their first token"), std::string::npos);
  spec.pools[2].model = spec.pools[0].model = 1;  // of another model, which has its own
  EXPECT_EQ(problem_of(spec).find("first token"), std::string::npos);
}

// Who has only computed a prompt has given no token: what is sent again after a failure of the decode instance begins anew, and comes to an end.
TEST(Disaggregation, FirstTokensThatWereNotSentAreComputedAgain) {
  for (const auto first : {serving::FirstToken::prompt, serving::FirstToken::joined, serving::FirstToken::decoded}) {
    FleetSpec spec = test::prefill_decode(kTenMs, kTenMs, 1, 2, test::listed({{0, 100, 3}, {0, 100, 2}}));
    for (PoolSpec& pool : spec.pools) pool.engine.first_token = first;
    spec.pools[1].engine.max_sequences = 1;
    spec.decode_router.routing = Routing::round_robin;
    spec.retry.max_retries = 2;
    spec.failures.push_back({.at = 15 * units::millisecond, .pool = 1, .instances = {0}});
    FleetResult result;
    const auto all = records(spec, &result);
    EXPECT_EQ(result.requests.finished, 2);
    for (const auto& [number, r] : all) EXPECT_TRUE(r.first_token > r.arrival && (r.first_token < r.finish)) << number;
  }
}

// Alone: B/R + h/R = 2 ms + 1 ms. In four layers: the last quarter, 0.5 ms; with a slow port B - r T is more than a layer.
TEST(Disaggregation, SizeAndLayersByHand) {
  FleetSpec spec = test::prefill_decode(kTenMs, kTenMs, 1, 1, test::listed({{0, 100, 2}}));
  spec.transfers[0].half_size = units::Bytes::from_si(50'000);
  EXPECT_NEAR(ms(records(spec).at(0).finish), 10 + 3 + 10, 1e-6);
  spec.transfers[0].half_size = {};
  spec.transfers[0].layer_wise = true;
  spec.transfers[0].layers = 4;
  EXPECT_NEAR(ms(records(spec).at(0).finish), 10 + 0.5 + 10, 1e-6);
  spec.pools[1].ingress = units::BytesPerSecond::from_si(6e6);  // 60 kB of 100 kB are hidden under 10 ms; 40 kB take 6.67 ms
  EXPECT_NEAR(ms(records(spec).at(0).finish), 10 + 40.0 / 6 + 10, 1e-6);
  for (const HandOff hand_off : {HandOff::after_prefill, HandOff::reserved}) {
    spec.transfers[0].hand_off = hand_off;
    EXPECT_NEAR(ms(records(spec).at(0).finish), 10 + 40.0 / 6 + 10, 1e-6);
  }
}

// 100 kB at 50 MB/s take 2 ms; on one of four ranks, which have a quarter of the port each, 8 ms, alone or beside another request on the same instances.
TEST(Disaggregation, RanksHavePortsOfTheirOwn) {
  FleetSpec spec = test::prefill_decode(kTenMs, kTenMs, 1, 1, test::listed({{0, 100, 2}}));
  spec.pools[1].ranks = 4;
  EXPECT_NEAR(ms(records(spec).at(0).finish), 10 + 8 + 10, 1e-6);
  spec.pools[0].ranks = 16;  // 100 MB/s over 16
  EXPECT_NEAR(ms(records(spec).at(0).finish), 10 + 16 + 10, 1e-6);
  spec = test::prefill_decode(kTenMs, kTenMs, 1, 1, test::listed({{0, 100, 2}, {0, 100, 2}}));
  spec.pools[1].ranks = 4;
  for (const auto& [id, record] : records(spec)) EXPECT_NEAR(ms(record.finish), 10 + 8 + 10, 1e-6);
}

// Beside 100 kB of its tokens a sequence has full windows of 30 kB (20 tokens fill them) and a state of 20 kB.
TEST(Disaggregation, WindowsAndStatesTravelToo) {
  FleetSpec spec = test::prefill_decode(kTenMs, kTenMs, 1, 1, test::listed({{0, 100, 2}}));
  spec.transfers[0].cache.windowed_per_token = units::Bytes::from_si(1500);
  spec.transfers[0].cache.windows = units::Bytes::from_si(30'000);
  spec.transfers[0].cache.per_sequence = units::Bytes::from_si(20'000);
  EXPECT_NEAR(ms(records(spec).at(0).finish), 10 + 3 + 10, 1e-6);
}

// Two prefill instances into one port: 25 MB/s each, 4 ms. Through a network of 20 MB/s for both: 10 ms.
TEST(Disaggregation, PortsAndNetworkAreShared) {
  FleetSpec spec = test::prefill_decode(kTenMs, kTenMs, 2, 1, test::listed({{0, 100, 2}, {0, 100, 2}}));
  FleetResult result;
  auto all = records(spec, &result);
  EXPECT_NEAR(ms(all.at(0).finish), 10 + 4 + 10, 1e-6);
  EXPECT_NEAR(ms(all.at(1).finish), 10 + 4 + 10, 1e-6);
  EXPECT_EQ(result.transfers[0].transfers_at_once, 2);
  spec.network = units::BytesPerSecond::from_si(2e7);
  all = records(spec);
  EXPECT_NEAR(ms(all.at(1).finish), 10 + 10 + 10, 1e-6);
  // At half its rate from the start on: 20 ms.
  spec.failures.push_back({.kind = FailureKind::network, .at = {}, .duration = {}, .pool = 0, .instances = {}, .share = 0, .factor = 0.5});
  all = records(spec);
  EXPECT_NEAR(ms(all.at(1).finish), 10 + 20 + 10, 1e-6);
}

// A decode instance with blocks for one request: the second cache stays where it is until the first request ends, and with `reserved` the second
// prompt is not even computed before.
TEST(Disaggregation, CachesWaitForBlocks) {
  FleetSpec spec = test::prefill_decode(kTenMs, kTenMs, 1, 1, test::listed({{0, 100, 5}, {0, 100, 5}}));
  spec.pools[1].engine.blocks = 9;  // 104 tokens need 7
  spec.pools[1].engine.watermark = 0;
  FleetResult result;
  auto all = records(spec, &result);
  EXPECT_NEAR(ms(all.at(0).finish), 10 + 2 + 40, 1e-6);
  EXPECT_NEAR(ms(all.at(1).first_token), 10, 1e-6);
  EXPECT_NEAR(ms(all.at(1).finish), 52 + 2 + 40, 1e-6);
  EXPECT_NEAR(result.transfers[0].blocked.greatest, 42e-3, 1e-9);
  spec.transfers[0].hand_off = HandOff::reserved;
  all = records(spec);
  EXPECT_NEAR(ms(all.at(0).finish), 52, 1e-6);
  EXPECT_NEAR(ms(all.at(1).first_token), 52 + 10, 1e-6);
  EXPECT_NEAR(ms(all.at(1).finish), 52 + 10 + 2 + 40, 1e-6);
}

// A cache that is held takes room for other prompts: with 12 blocks the third prompt (7 blocks) waits until the first cache has left.
TEST(Disaggregation, HeldCachesTakeRoomForPrompts) {
  FleetSpec spec = test::prefill_decode(kTenMs, kTenMs, 1, 1, test::listed({{0, 100, 2}, {0, 100, 2}}));
  spec.pools[0].engine.blocks = 12;
  spec.pools[0].engine.watermark = 0;
  const auto all = records(spec);
  EXPECT_NEAR(ms(all.at(0).first_token), 10, 1e-6);
  EXPECT_NEAR(ms(all.at(1).first_token), 12 + 10, 1e-6);
}

TEST(Disaggregation, ShortPromptsStayWhereTheyAreDecoded) {
  FleetSpec spec = test::prefill_decode(kTenMs, kTenMs, 1, 1, test::listed({{0, 50, 3}, {0, 100, 3}}));
  spec.transfers[0].min_tokens = 80;
  FleetResult result;
  const auto all = records(spec, &result);
  EXPECT_NEAR(ms(all.at(0).finish), 30, 1e-6);
  EXPECT_EQ(all.at(0).instance, 1);
  EXPECT_EQ(result.transfers[0].transfers, 1);
}

TEST(Disaggregation, WhatNoDecodeInstanceCanHoldIsRejected) {
  FleetSpec spec = test::prefill_decode(kTenMs, kTenMs, 1, 1, test::listed({{0, 1000, 3}, {0, 10, 3}}));
  spec.pools[1].engine.blocks = 20;
  FleetResult result;
  const auto all = records(spec, &result);
  EXPECT_EQ(all.at(0).state, RequestRecord::State::rejected);
  EXPECT_EQ(all.at(1).state, RequestRecord::State::finished);
}

// Steps of 10 ms with 5 ms of exchange through the same port. A transfer gets half the port: 25 MB/s, 4 ms per 100 kB; while it moves, the exchange has
// the other half and takes twice as long.
TEST(Disaggregation, ExchangeAndTransfersSlowEachOther) {
  const test::ConstantTimer exchanging(units::Picoseconds(10'000'000'000), units::Picoseconds(5'000'000'000));
  // The first request decodes for long; the second's cache of 10 MB takes 400 ms at half the rate.
  FleetSpec spec = test::prefill_decode(kTenMs, exchanging, 1, 1, test::listed({{0, 100, 101}, {100, 10'000, 2}}));
  const auto all = records(spec);
  // Cache of the second: ready at 110 or 120 ms (prefill steps begin at arrivals), 400 ms on its way.
  EXPECT_NEAR(ms(all.at(1).first_token), 110, 1e-6);
  EXPECT_NEAR(ms(all.at(1).finish), 110 + 400 + 15, 15.1);
  // The first: 100 steps from 12 ms on, about 400 ms of them in steps of 15 ms: 27 steps instead of 40.
  EXPECT_NEAR(ms(all.at(0).finish), 12 + 1000 + 27 * 5, 11);
  // Without exchange neither is slowed.
  FleetSpec quiet = spec;
  quiet.pools[1].timer = &kTenMs;
  const auto fast = records(quiet);
  EXPECT_NEAR(ms(fast.at(0).finish), 12 + 1000, 1e-6);
}

// More rate of a port never delays the last request; twice the decode instances neither.
TEST(Disaggregation, MoreIsNotSlower) {
  double last = 1e300;
  for (const double rate : {2e6, 4e6, 1e7, 1e8}) {
    FleetSpec spec = test::prefill_decode(kTenMs, kTenMs, 3, 2, test::poisson(20, 200, test::Outputs::geometric, 20, 3, 100));
    spec.pools[1].ingress = units::BytesPerSecond::from_si(rate);
    FleetResult result;
    (void)records(spec, &result);
    EXPECT_LE(result.all.e2e.mean.value, last);
    last = result.all.e2e.mean.value;
  }
}

// Ports that cannot carry the traffic are seen to be saturated, also where all but the last layer is hidden under the prompts.
TEST(Disaggregation, AnOverloadedNetworkIsSaturated) {
  for (const bool layer_wise : {false, true})
    for (const double load : {0.8, 1.2}) {
      FleetSpec spec = test::prefill_decode(kTenMs, kTenMs, 4, 4, test::poisson(100, 4000, test::Outputs::constant, 3, 3, 100));
      spec.network = units::BytesPerSecond::from_si(100 * 1e5 / load);
      spec.transfers[0].layer_wise = layer_wise;
      spec.transfers[0].layers = 50;
      EXPECT_EQ(simulate(spec).judgement.verdict, load < 1 ? Verdict::stable : Verdict::saturated) << layer_wise;
    }
}

}  // namespace
}  // namespace zettatwin::fleet
