// SPDX-License-Identifier: Apache-2.0
// A serving scenario in, an answer out: models and deployments become pools of instances (inference), traffic becomes requests, and the fleet is simulated.
// Bad input is diagnostics; what does not fit into memory, and a fleet that cannot keep up, are answers.
#pragma once

#include <functional>
#include <memory>

#include "api/serve_scenario.hpp"
#include "inference/serve.hpp"
#include "report/serving.hpp"
#include "requests/text_source.hpp"

namespace zettatwin::api {

class Library;

struct ServeOptions {
  std::function<void(const fleet::RequestRecord&)> on_request;
  std::function<void(const fleet::Progress&)> on_progress;
  std::int64_t timeline_instances = 0;
  bool series = true;
  std::int64_t max_backlog = 0;  // waiting requests at which the simulation ends, saturated; 0: as many as it can hold
};

// An answered scenario. Owns what the subject's step times refer to.
struct ServeAnswer {
  ServeScenario scenario;
  std::vector<inference::Served> served;   // one per model
  report::ServingSubject subject;
};

[[nodiscard]] std::unique_ptr<ServeAnswer> serve(const config::Node& scenario, const config::DocumentSource& source, const requests::TraceFiles& files, const ServeOptions& options,
                                                 config::Diagnostics& diagnostics);
// The same for many scenarios that share machines and models.
[[nodiscard]] std::unique_ptr<ServeAnswer> serve(const config::Node& scenario, const config::DocumentSource& source, Library& library, const requests::TraceFiles& files,
                                                 const ServeOptions& options, config::Diagnostics& diagnostics);

}  // namespace zettatwin::api
