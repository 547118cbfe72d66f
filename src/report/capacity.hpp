// SPDX-License-Identifier: Apache-2.0
// Shows which deployments serve some traffic, what each costs in speed for a user and in chips, and how many chips the traffic needs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fleet/spec.hpp"
#include "report/serving.hpp"

namespace zettatwin::report {

struct CapacityPoint {
  std::string deployment;          // of one unit, as --deployment takes it
  bool disaggregated = false;
  double concurrency = 0;          // requests in flight per unit
  double chips = 0;                // of the unit
  double prefill_per_decode = 0;   // instances; 0: aggregated
  units::Seconds ttft, tpot;
  double tokens_per_s_per_user = 0;
  double tokens_per_s_per_chip = 0;
};

// A fleet that was simulated to find the size.
struct CapacityTrial {
  std::string deployment;
  std::int64_t units = 0;
  std::int64_t chips = 0;
  bool good = false;
  std::string verdict;
  double attainment = 0;           // NaN: broken off, hopelessly overloaded
  double output_tokens_per_s = 0;  // likewise
  double share = 1;                // of the fleet that was simulated, with as much of the traffic
};

// A rate at which a stated deployment was simulated.
struct RateTrial {
  double offered_per_s = 0;    // requests
  double sustained_per_s = 0;  // of a saturated fleet: finished meanwhile
  double estimate_per_s = 0;   // of a stable one: full batches in closed form; zero: none
  bool good = false;
  std::string verdict;
  double attainment = 0;
  double ttft_p99 = 0, tpot_p99 = 0;  // s
  double output_tokens_per_s = 0, output_tokens_per_s_per_chip = 0;
};

struct CapacitySubject {
  std::string title, machine, machine_title, model, software, traffic;
  bool weights_as_published = false;      // in the formats of the model's checkpoint
  bool narrowed = false;                  // to FP8, since no layout fits in bf16
  std::int64_t chips = 0;                 // that may be used
  std::int64_t input = 0, output = 0;     // mean tokens of a request
  fleet::Slo slo;
  double attainment = 0.99;
  std::int64_t layouts = 0, fitting = 0, states = 0;
  std::vector<CapacityPoint> frontier;    // fastest for a user first
  std::optional<CapacityPoint> best, best_aggregated, best_disaggregated;
  std::optional<ServingShortfall> infeasible;
  std::vector<CapacityTrial> trials;      // in the order of simulation
  std::optional<CapacityTrial> needed;    // the smallest that is good
  std::string unmet;                      // why there is none
  // Of a stated deployment, instead of the above from `layouts` on: the most that it serves.
  std::string deployment;
  std::vector<RateTrial> rates;           // in the order of simulation
  std::optional<RateTrial> most;          // that is stable and meets the objectives
};

[[nodiscard]] std::string text(const CapacitySubject& subject);
[[nodiscard]] std::string json(const CapacitySubject& subject);
// Output tokens/s per chip over output tokens/s of one user, both logarithmic, as SVG.
[[nodiscard]] std::string plot_svg(const CapacitySubject& subject);

}  // namespace zettatwin::report
