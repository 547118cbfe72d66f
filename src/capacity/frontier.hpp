// SPDX-License-Identifier: Apache-2.0
// Which deployment serves given requests best: every layout (layouts.hpp) at every useful number of requests in flight, by the steady state of inference in
// closed form, aggregated and with prefill and decode apart.
// Two figures oppose each other: output tokens/s of one user (1 / TPOT) and output tokens/s of one chip. The frontier has the points that no other beats in both;
// the best is the most per chip that meets the objectives. Prefill and decode apart: the prefill layout that computes a prompt in time for the fewest chip-seconds,
// with as many instances per decode instance as keep up. Cost: one step time per layout and size of batch, milliseconds to a second in all.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "fleet/spec.hpp"
#include "inference/deployment.hpp"
#include "inference/predictor.hpp"
#include "inference/serve.hpp"

namespace zettatwin::capacity {

struct Question {
  const hardware::Machine& machine;
  const model::Architecture& model;
  const inference::Software& software;
  std::int64_t chips = 0;       // that one deployment may take
  std::int64_t input = 1024;    // tokens of a request
  std::int64_t output = 1024;
  fleet::Slo slo;               // zero: no limit
  inference::Pool base;         // formats and what else is not searched
  bool aggregated = true;       // which kinds are tried
  bool disaggregated = true;
};

struct Point {
  inference::Deployment deployment;  // of one unit: one instance, or one decode instance with its prefill instances
  double concurrency = 0;            // requests in flight per unit
  double running = 0;                // of them decoding
  double chips = 0;                  // of the unit; a fraction of a prefill instance counts as such
  double prefill_per_decode = 0;     // instances
  units::Seconds ttft, tpot;
  double tokens_per_s = 0;           // output, of the unit
  // Output tokens/s; of answers of one token, which have no TPOT, 1 / TTFT.
  [[nodiscard]] double per_user() const { return 1 / (tpot.si() > 0 ? tpot.si() : ttft.si()); }
  [[nodiscard]] double per_chip() const { return chips > 0 ? tokens_per_s / chips : 0; }
  [[nodiscard]] bool disaggregated() const { return deployment.disaggregated(); }
};

struct Frontier {
  std::vector<Point> points;         // fastest per user first
  std::optional<Point> best;         // most per chip that meets the objectives
  std::optional<Point> best_aggregated, best_disaggregated;
  std::optional<Point> best_decode;  // most per chip of the decode instances alone, prompts computed elsewhere
  std::vector<Point> fullest;        // of each layout the state with the most per chip that meets the objectives; layouts that have none are left out
  std::int64_t layouts = 0;          // tried
  std::int64_t fitting = 0;          // of them, into memory
  std::int64_t states = 0;           // layouts x requests in flight
  std::optional<inference::DoesNotFit> nearest_miss;  // if none fits: of the layout that lacks least
};

[[nodiscard]] Frontier frontier(const Question& question);
// The layout of the fewest chips that fits into memory with room for sixteen mean requests, with pipeline stages only if none does without; without such a layout
// one that fits; nothing if none does.
[[nodiscard]] std::optional<inference::Pool> smallest_instance(const Question& question);

// What a unit answers in this state. Used to size fleets.
[[nodiscard]] inline double requests_per_s(const Point& point, std::int64_t output) { return point.tokens_per_s / static_cast<double>(output); }

}  // namespace zettatwin::capacity
