// SPDX-License-Identifier: Apache-2.0
// How to serve given traffic: the frontier of deployments by steady states, the most per chip that meets the objectives, and how many units of it the traffic
// needs, by simulating fleets of different sizes with the same requests.
#pragma once

#include <memory>
#include <optional>

#include "api/serve.hpp"
#include "capacity/frontier.hpp"
#include "report/capacity.hpp"

namespace zettatwin::api {

struct CapacityOptions {
  double attainment = 0.99;           // share of requests that must meet the objectives
  std::int64_t sample_requests = 20'000;  // of a fleet's simulation while its size is sought
  std::function<void(const std::string&)> on_progress;  // a sentence after each simulation
};

// Of traffic that is alike all the time, a quarter of all its requests waiting is an overload: the judge of saturation takes a hundredth for growth.
[[nodiscard]] constexpr std::int64_t hopeless_backlog(std::int64_t requests) { return requests / 4; }

struct CapacityAnswer {
  ServeScenario scenario;
  report::CapacitySubject subject;
  std::unique_ptr<ServeAnswer> fleet;  // the fleet of the size found; null if none was simulated
};

[[nodiscard]] std::unique_ptr<CapacityAnswer> capacity(const config::Node& scenario, const config::DocumentSource& source, const requests::TraceFiles& files, const CapacityOptions& options,
                                                       config::Diagnostics& diagnostics);

// The same scenario with its `deployment: auto` chosen; nothing after errors. How it was chosen goes to `choice`.
struct Choice {
  std::int64_t candidates = 0;
  bool narrowed = false;                               // to FP8, since no layout fits as the model is published
  std::optional<report::ServingShortfall> infeasible;  // no layout fits
};
[[nodiscard]] bool wants_choice(const config::Node& scenario);
// For a scenario of one model that says nothing of its deployment: the smallest instance that fits into memory, as many as the chips hold, with weights as
// the model is published, or in FP8 where that fits nowhere and the chip multiplies it. Nothing if none fits.
[[nodiscard]] std::optional<config::Node> with_smallest_instance(const config::Node& scenario, const config::DocumentSource& source, Library& library, const requests::TraceFiles& files,
                                                                 config::Diagnostics& diagnostics);
[[nodiscard]] std::optional<config::Node> with_deployment(const config::Node& scenario, const config::DocumentSource& source, Library& library, const requests::TraceFiles& files,
                                                          const CapacityOptions& options, Choice& choice, config::Diagnostics& diagnostics);

}  // namespace zettatwin::api
