// SPDX-License-Identifier: Apache-2.0
// A serving scenario: what a user asks. One mapping, from a YAML file, from the command line laid over it, or from another program.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/document.hpp"
#include "config/schema.hpp"
#include "fleet/spec.hpp"
#include "inference/serve.hpp"

namespace zettatwin::api {

// One of several models that a machine serves; the scenario's own keys are those of a single one.
struct ServeModel {
  std::string name;              // by which pools, failures and reports call it; "": of the model
  config::Node model;            // a preset, the path of a config.json, or {preset: ..., overrides: {...}}
  config::Node deployment;       // auto, or a mapping (inference/deployment.hpp)
  config::Node traffic;          // laws, a closed loop, or a trace
  config::Node software;         // profile of a serving engine, or a mapping that may extend one
  std::int64_t chips = 0;        // 0: of several models, what its instances need; of one, all
};

// Something that goes wrong at a time: fleet::FailureSpec with the pool by its name.
struct ServeFailure {
  std::string pool;              // "": the first
  std::string instances;         // "0", "0-3", "1,5": of the pool; "": a share of it
  std::string chips;             // of the machine, likewise: the instances on them, of all pools or of `pool`
  std::string unit;              // with `units`: those units of this level of the machine ("node") instead of chips
  std::string units;
  fleet::FailureSpec spec;
  config::Location where;        // in the scenario
};

// How caches travel from prefill to decode instances.
struct ServeTransfer {
  fleet::HandOff hand_off = fleet::HandOff::after_prefill;
  bool layer_wise = false;
  std::int64_t min_tokens = 0;
  std::optional<inference::Link> link;  // between pools on different machines
};

// Autoscaling of one pool, by its name.
struct ServeScaling {
  std::string pool;
  fleet::Autoscaling autoscaling;
  bool start_delay_given = false;  // else from the time to load the weights
};

struct ServeScenario {
  std::string title;
  config::Node machine;          // a catalog name, or a mapping such as {extends: dgx-h100, nodes: 256}
  ServeModel one;
  std::vector<ServeModel> models;
  std::int64_t chips = 0;        // 0: all
  fleet::Slo slo;
  fleet::Router router;
  fleet::Router decode_router{.routing = fleet::Routing::least_requests};
  ServeTransfer transfer;
  std::optional<fleet::CachePool> cache_pool;
  fleet::RetryPolicy retry;
  std::vector<ServeFailure> failures;
  std::vector<ServeScaling> autoscaling;
  units::Seconds duration;       // of arrivals; zero: until the traffic ends, an hour if it does not
  std::int64_t requests = 0;     // at most; 0: no limit
  units::Seconds warm_up;
  std::int64_t warm_up_requests = 0;
  fleet::End end = fleet::End::drain;
  std::int64_t seed = 1;
};
void describe(config::Schema& s, ServeModel& model);
void describe(config::Schema& s, ServeFailure& failure);
void describe(config::Schema& s, ServeTransfer& transfer);
void describe(config::Schema& s, ServeScaling& scaling);
void describe(config::Schema& s, ServeScenario& scenario);

}  // namespace zettatwin::api
