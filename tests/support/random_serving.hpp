// SPDX-License-Identifier: Apache-2.0
// Random small cases for an instance: settings, a timer, and calls in order of time; played on any Instance.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <vector>

#include "linear_timer.hpp"
#include "random.hpp"
#include "serving_log.hpp"

namespace zettatwin::test {

struct ServingCall {
  enum Kind { submit, advance, cancel, release, reserve, changed, fail } kind;
  std::int64_t at;
  serving::JobId id = 0;
  std::int32_t tokens = 0;
  serving::Job job;
};

struct ServingCase {
  serving::EngineSettings settings;
  LinearTimer timer;
  std::vector<ServingCall> calls;
  bool closed_loop = false;  // each request that ends is followed by one like it, a few times
};

inline serving::EngineSettings random_settings(Random& random) {
  using namespace serving;
  EngineSettings s;
  s.policy = random.of({Policy::mixed, Policy::mixed, Policy::prefill_first, Policy::static_batch});
  s.admission = random.of({Admission::prompt, Admission::prompt, Admission::full, Admission::expected});
  s.preemption = random.of({Preemption::recompute, Preemption::swap});
  s.swap_tokens_per_s = random.of({1e12, 1e11, 3e11});
  s.chunked_prefill = !random.one_in(4);
  s.max_sequences = random.between(1, 7);
  if (random.one_in(3)) s.speculation = {.draft = random.between(1, 3), .acceptance = {static_cast<double>(random.between(0, 100)) / 100, 0.5}, .mode = random.of({Acceptance::expected, Acceptance::drawn})};
  s.max_tokens = s.max_sequences * (1 + s.speculation.draft) + random.between(0, 20);
  if (random.one_in(3)) s.max_chunk = random.between(1, s.max_tokens + 2);
  s.block_tokens = random.between(1, 9);
  s.blocks = random.between(4, 60);
  s.watermark = random.of({0.0, 0.05, 0.2});
  s.expected_output = random.of({0.0, 0.3, 0.7, 1.0});
  s.expected_output_least = random.of({0.0, 0.2});
  s.expected_output_steps = random.of({0, 5, 50});
  s.prefix_caching = !random.one_in(3);
  s.prefix_tokens = random.of({std::int64_t{0}, s.block_tokens, 2 * s.block_tokens, 3 * s.block_tokens});
  for (auto tiers = random.between(0, 2); tiers > 0; --tiers)
    s.tiers.push_back({.name = "tier", .blocks = random.between(0, 30), .latency = units::Seconds::from_si(1e-12 * static_cast<double>(random.between(0, 20))), .tokens_per_s = random.of({1e12, 2e11})});
  s.fetch = random.of({Fetch::exposed, Fetch::overlapped});
  s.schedule_ahead = random.one_in(3);
  if (random.one_in(3)) s.poll_steps = random.between(2, 12);
  if (random.one_in(3)) s.hold = {.steps = random.between(1, 20), .prompts = random.between(0, 4), .share = random.of({0.0, 0.0, 0.5, 1.0})};
  return s;
}

inline LinearTimer random_timer(Random& random) {
  LinearTimer t;
  t.step_base = random.between(1, 20);
  t.per_sequence = random.between(0, 3);
  t.per_cached = random.between(0, 2);
  t.per_cached_far = random.between(t.per_cached, 4);
  t.border = random.one_in(2) ? random.between(5, 100) : INT64_MAX / 4;
  t.jump = random.between(0, 9);
  t.per_prompt_token = random.between(0, 5);
  t.per_context = random.between(0, 1);
  return t;
}

// Contents are chains: a node's content follows from the path to it, with few branches so that requests share.
inline std::vector<std::uint64_t> random_chain(Random& random, std::int64_t length) {
  std::vector<std::uint64_t> chain;
  std::uint64_t node = 1;
  for (; length > 0; --length) chain.push_back(node = node * 3 + static_cast<std::uint64_t>(random.one_in(4) ? random.between(1, 2) : 0));
  return chain;
}

inline serving::Job random_job(Random& random, serving::JobId id, const serving::EngineSettings& s) {
  serving::Job job{.id = id, .blocks = {}};
  job.work = random.of({serving::Work::whole, serving::Work::whole, serving::Work::whole, serving::Work::prefill, serving::Work::decode});
  job.input = static_cast<std::int32_t>(random.between(1, 40));
  job.output = static_cast<std::int32_t>(random.between(2, 50));
  job.generated = static_cast<std::int32_t>(job.work == serving::Work::decode ? random.between(random.one_in(3) ? 0 : 1, job.output - 1) : random.one_in(6) ? random.between(0, job.output - 1) : 0);
  job.hold = job.work == serving::Work::prefill && random.one_in(3);
  const auto unit = s.prefix_tokens == 0 ? s.block_tokens : s.prefix_tokens;
  if (!random.one_in(3)) job.blocks = random_chain(random, random.between(0, (job.input + (random.one_in(2) ? job.output : 0)) / unit + 1));
  return job;
}

// Runs of hundreds of steps of dozens of sequences, at load and beyond it.
inline ServingCase long_serving(std::uint64_t seed) {
  Random random(seed);
  ServingCase c{.settings = random_settings(random), .timer = random_timer(random), .calls = {}, .closed_loop = random.one_in(3)};
  auto& s = c.settings;
  s.max_sequences = random.between(8, 64);
  s.max_tokens = s.max_sequences * (1 + s.speculation.draft) + random.between(1, 2000);
  if (s.max_chunk > 0) s.max_chunk = random.between(1, s.max_tokens);
  s.block_tokens = random.of({1, 5, 16, 16, 64});
  s.prefix_tokens = s.block_tokens * random.of({1, 2});
  s.blocks = random.between(1500, 20'000) / s.block_tokens;
  for (auto& tier : s.tiers) tier.blocks *= 20;
  c.timer.step_base = random.of({50, 2000});
  c.timer.border = random.between(100, 5000);
  std::int64_t at = 0;
  const auto gap = random.of({0, 1000, 30'000});
  for (serving::JobId id = 1; id <= 60; ++id) {
    auto job = random_job(random, id, s);
    job.work = serving::Work::whole;
    job.hold = false;
    job.input = static_cast<std::int32_t>(random.between(1, 700));
    job.output = static_cast<std::int32_t>(random.between(1, 900));
    job.generated = 0;
    if (!job.blocks.empty()) job.blocks = random_chain(random, random.between(0, (job.input + job.output) / s.prefix_tokens));
    at += random.between(0, gap);
    c.calls.push_back({.kind = ServingCall::submit, .at = at, .job = job});
    if (random.one_in(3)) c.calls.push_back({.kind = ServingCall::advance, .at = at, .job = {}});
  }
  return c;
}

inline ServingCase random_serving(std::uint64_t seed) {
  Random random(seed);
  ServingCase c{.settings = random_settings(random), .timer = random_timer(random), .calls = {}, .closed_loop = random.one_in(3)};
  const auto gap = random.of({0, 5, 40, 400});
  const bool calm = random.one_in(2);  // only submissions and advances
  std::int64_t at = 0;
  serving::JobId next = 1;
  for (auto count = random.between(1, 40); count > 0; --count) {
    at += random.one_in(3) ? 0 : random.between(0, gap);
    const auto kind = random.between(0, calm ? 9 : 19);
    ServingCall call{.kind = ServingCall::submit, .at = at, .job = {}};
    if (kind < 7 || (kind >= 10 && kind < 14)) {
      call.job = random_job(random, next++, c.settings);
    } else if (kind < 10) {
      call.kind = ServingCall::advance;
    } else if (kind < 15) {
      call.kind = ServingCall::cancel;
      call.id = static_cast<serving::JobId>(random.between(1, static_cast<std::int64_t>(next)));
    } else if (kind < 16) {
      call.kind = ServingCall::release;
      call.id = static_cast<serving::JobId>(random.between(1, static_cast<std::int64_t>(next)));
    } else if (kind < 18) {  // set blocks aside, and come later
      auto job = random_job(random, next++, c.settings);
      job.work = serving::Work::decode;
      job.generated = std::max(job.generated, random.one_in(3) ? 0 : 1);
      job.hold = false;
      c.calls.push_back({.kind = ServingCall::reserve, .at = at, .id = job.id, .tokens = job.input + job.generated - 1, .job = {}});
      at += random.between(0, gap);
      call = {.kind = ServingCall::submit, .at = at, .job = job};
    } else if (kind < 19) {
      call.kind = ServingCall::changed;
    } else if (random.one_in(3)) {
      call.kind = ServingCall::fail;
    } else {
      continue;
    }
    c.calls.push_back(call);
  }
  return c;
}

// What playing a case gives: everything told and asked.
struct Played : ServingLog {
  struct Follow { std::int32_t left; serving::Job job; };
  std::unique_ptr<serving::Instance> instance;
  std::vector<std::int64_t> answers;
  std::vector<std::pair<serving::JobId, Follow>> follows;  // closed loop
  std::vector<serving::JobId> held;
  serving::JobId next_id = 1000000;

  void finished(serving::JobId id, units::Picoseconds at) override {
    ServingLog::finished(id, at);
    for (std::size_t i = 0; i < follows.size(); ++i) {
      if (follows[i].first != id || follows[i].second.left == 0) continue;
      auto follow = follows[i].second;
      --follow.left;
      follow.job.id = next_id++;
      follows[i] = {follow.job.id, follow};
      return instance->submit(follow.job, at);
    }
  }
};

using MakeInstance = std::function<std::unique_ptr<serving::Instance>(const serving::EngineSettings&, const serving::StepTimer&, serving::Observer&)>;

inline void ask(Played& p, const std::vector<std::uint64_t>& chain) {
  p.answers.insert(p.answers.end(), {p.instance->waiting(), p.instance->running(), p.instance->blocks_used(), p.instance->tokens_to_do(), p.instance->cached_prefix(chain)});
}

inline std::unique_ptr<Played> play(const ServingCase& c, const MakeInstance& make) {
  using units::Picoseconds;
  auto p = std::make_unique<Played>();
  p->instance = make(c.settings, c.timer, *p);
  std::vector<std::uint64_t> chain;
  for (const auto& call : c.calls) {
    const Picoseconds at(call.at);
    switch (call.kind) {
      case ServingCall::submit:
        if (c.closed_loop && call.job.work == serving::Work::whole) p->follows.push_back({call.job.id, {.left = 2, .job = call.job}});
        if (call.job.hold) p->held.push_back(call.job.id);
        if (!call.job.blocks.empty()) chain = call.job.blocks;
        p->instance->submit(call.job, at);
        break;
      case ServingCall::advance: p->instance->advance(at); break;
      case ServingCall::cancel: p->instance->cancel(call.id, at); break;
      case ServingCall::release: p->instance->release(call.id, at); break;
      case ServingCall::reserve: p->answers.push_back(p->instance->reserve(call.id, call.tokens, at)); break;
      case ServingCall::changed: p->instance->timer_changed(at); break;
      case ServingCall::fail:
        for (const auto& job : p->instance->fail(at)) p->answers.insert(p->answers.end(), {static_cast<std::int64_t>(job.id), job.generated});
        break;
    }
    if (call.kind != ServingCall::submit) ask(*p, chain);
  }
  // What is held or set aside goes, and others with it, until all have gone.
  Picoseconds end(std::int64_t{1} << 40);
  for (std::size_t round = 0; round <= p->held.size(); ++round, end += Picoseconds(std::int64_t{1} << 32)) {
    p->instance->advance(end);
    for (const auto id : p->held) p->instance->release(id, end);
    for (const auto& call : c.calls)
      if (call.kind == ServingCall::reserve && round == 0) p->instance->cancel(call.id, end);
  }
  p->instance->advance(Picoseconds(std::numeric_limits<std::int64_t>::max()));
  ask(*p, chain);
  return p;
}

}  // namespace zettatwin::test
