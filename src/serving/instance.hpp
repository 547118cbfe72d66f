// SPDX-License-Identifier: Apache-2.0
// One serving instance: a scheduler with its queue, its batch and its cache of keys and values, simulated event by event. Whoever holds the clock
// (fleet) submits work and advances instances; what happens inside is told to an Observer with its exact time.
// Semantics and proofs: docs/math/serving.md. Cost: per request and per prefill step, not per token; memory by requests inside.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "serving/content_store.hpp"
#include "serving/engine_settings.hpp"
#include "serving/statistics.hpp"
#include "serving/step_timer.hpp"

namespace zettatwin::serving {

// What an instance does with a request.
enum class Work {
  whole,    // prompt and all output tokens
  prefill,  // prompt and one output token; then it leaves, with its cache
  decode,   // the cache of prompt and generated tokens (but the last of both) has arrived; the rest of the output tokens
};

using JobId = std::uint64_t;  // given by the fleet, one per request inside

struct Job {
  JobId id = 0;
  Work work = Work::whole;
  bool hold = false;           // Work::prefill: its blocks stay used after finished() until release()
  std::int32_t input = 0;      // >= 1
  std::int32_t output = 0;     // > generated
  std::int32_t generated = 0;  // tokens that the user has already; unless their cache has arrived they are recomputed with the prompt
  std::vector<std::uint64_t> blocks;  // content of blocks of prefix_tokens tokens of prompt and answer, as in requests::Request
};

// Times are ends of steps but for scheduled(), which is the beginning of one. Calls of one instance come in order of time; only rejected() comes from
// within submit(). Instance::submit() may be called from any of these but rejected(), with `at` that time or later; nothing else may.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void scheduled(JobId id, units::Picoseconds at, std::int32_t cached_tokens) = 0;  // first time in a batch; prompt tokens found in the cache
  virtual void first_token(JobId id, units::Picoseconds at) = 0;
  virtual void finished(JobId id, units::Picoseconds at) = 0;   // last output token; with Work::prefill the prompt's cache is complete
  virtual void preempted(JobId id, units::Picoseconds at) = 0;
  virtual void rejected(JobId id, units::Picoseconds at) = 0;   // can never fit
  virtual void cancelled(JobId, units::Picoseconds) {}          // after cancel()
  virtual void ran(const StepRun&) {}                           // only if InstanceOptions::tell_runs
};

class Instance {
 public:
  virtual ~Instance() = default;
  // Expects at >= all earlier times of calls. Work joins at the first step that begins at or after `at` (schedule_ahead: one later).
  virtual void submit(Job job, units::Picoseconds at) = 0;
  // Everything that happens at or before `until`. A step that begins at `until` is not yet composed: work may still be submitted to it.
  virtual void advance(units::Picoseconds until) = 0;
  // When the Observer may next hear something if nothing is submitted; Picoseconds max if never. A lower bound, and advance() to it makes progress.
  [[nodiscard]] virtual units::Picoseconds next_event() const = 0;

  // At the end of the step that runs at `at` the request is dropped and cancelled() called, unless it finishes there. Nothing if it is not here.
  virtual void cancel(JobId id, units::Picoseconds at) = 0;
  // The blocks of a held prefill (Job::hold) are free from the end of the step that runs at `at`.
  virtual void release(JobId id, units::Picoseconds at) = 0;
  // Sets the blocks aside that a decode job of this many cached tokens will need, while its cache is on its way; false if they are not free above the
  // watermark, or the head of the queue waits for blocks. The submission of the same id takes them, and passes a head that waits for blocks; cancel()
  // drops them.
  [[nodiscard]] virtual bool reserve(JobId id, std::int32_t tokens, units::Picoseconds at) = 0;
  // The timer answers differently from `at` on: asked again for the first step that begins at or after it. Expects advance(at) before the change, so
  // that steps which began earlier have been asked for.
  virtual void timer_changed(units::Picoseconds at) = 0;
  // The chip dies: all that it held, in submission order, with `generated` as far as the user has tokens. Its caches are empty afterwards, and it is
  // ready for work again.
  [[nodiscard]] virtual std::vector<Job> fail(units::Picoseconds at) = 0;

  // As of the last advance(). For routers.
  [[nodiscard]] virtual std::int64_t waiting() const = 0;
  [[nodiscard]] virtual std::int64_t running() const = 0;
  [[nodiscard]] virtual std::int64_t blocks() const = 0;           // of the cache
  [[nodiscard]] virtual std::int64_t blocks_used() const = 0;      // by sequences, held and reserved ones too
  [[nodiscard]] virtual std::int64_t tokens_to_do() const = 0;     // prompt tokens queued and output tokens to come
  [[nodiscard]] virtual std::int32_t cached_prefix(const std::vector<std::uint64_t>& blocks) const = 0;  // tokens, in chips and tiers
  [[nodiscard]] virtual const Statistics& statistics() const = 0;
};

struct InstanceOptions {
  std::uint64_t seed = 0;  // of Acceptance::drawn and of bound_ranks
  bool tell_runs = false;  // call Observer::ran()
  StoreAccess store = {};  // where what its own cache lacks may be, and where what it computes goes; only with prefix caching
};
// Expects settings that describe() accepts, with blocks > 0. The timer and the observer outlive the instance.
[[nodiscard]] std::unique_ptr<Instance> make_instance(EngineSettings settings, const StepTimer& timer, Observer& observer, InstanceOptions options = {});

}  // namespace zettatwin::serving
