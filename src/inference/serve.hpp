// SPDX-License-Identifier: Apache-2.0
// From a machine, a model and a deployment to pools whose instances can be simulated: settings, step times, cache sizes, transfer rates, start-up.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/diagnostic.hpp"
#include "inference/deployment.hpp"
#include "inference/memory.hpp"
#include "inference/software.hpp"
#include "inference/timer.hpp"

namespace zettatwin::inference {

struct ServedPool {
  Pool pool;
  std::int64_t instances = 0;
  std::int64_t chips_per_instance = 0;  // idle ones that no other instance can use not counted
  serving::EngineSettings engine;       // blocks set
  InstanceMemory memory;
  std::unique_ptr<InstanceTimer> timer;
  units::BytesPerSecond port_rate;      // of one instance towards the other role, one direction, as hand-overs reach it; zero without one
  units::BytesPerSecond outer_rate;     // of one instance's ports out of the machine's outermost level, likewise
  units::Seconds start_up;              // loading weights included
};

struct HandOver {
  serving::CacheBytes cache;        // of a sequence, once
  units::Seconds latency;
  std::int64_t layers = 1;
  std::string level;                // of the machine that is crossed; between machines: "link"
  units::BytesPerSecond network;    // of the link between machines, for all caches together; zero: they stay on one
};

// What joins machines.
struct Link {
  units::BytesPerSecond bandwidth;  // all together, one direction; zero: there is none
  units::Seconds latency;
};
void describe(config::Schema& s, Link& link);

// Chips for a pool on a machine of its own.
struct PoolMachine {
  const hardware::Machine* machine = nullptr;  // null: the request's; equal ones are one machine
  std::int64_t chips = 0;                      // of it for all pools on it; 0: the whole machine
};

struct Served {
  std::vector<ServedPool> pools;     // as in the deployment
  std::optional<HandOver> hand_over;  // between prefill and decode pools
  units::Seconds frontend;
  std::int64_t chips = 0;            // of all instances
  std::int64_t own_chips = 0;        // of them, on the request's machine
  std::int64_t idle_chips = 0;       // of the request
  std::optional<DoesNotFit> infeasible;  // then pools have no timers

  // What timers refer to.
  std::unique_ptr<hardware::Machine> machine;
  std::vector<std::unique_ptr<hardware::Machine>> others;
  std::unique_ptr<model::Architecture> model;
  std::unique_ptr<Software> software;
};

struct ServeRequest {
  const hardware::Machine& machine;
  const model::Architecture& model;
  const Deployment& deployment;
  const Software& software;
  std::int64_t chips = 0;      // 0: the whole machine
  std::int64_t sequence = 0;   // longest request in tokens that must fit; 0: one block
  std::vector<PoolMachine> machines = {};  // of the deployment's pools; shorter lists leave the rest on `machine`
  Link link = {};                          // between machines
};

// Nothing, and diagnostics, if the deployment does not suit model or machine. What does not fit into memory is an answer.
[[nodiscard]] std::optional<Served> serve(const ServeRequest& request, const config::Location& where, config::Diagnostics& diagnostics);

}  // namespace zettatwin::inference
