// SPDX-License-Identifier: Apache-2.0
// A lowered row as documents: the deployment that its words describe, and the scenario that a user would write.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/document.hpp"
#include "model/architecture.hpp"
#include "validation/node_text.hpp"
#include "validation/serving_lowering.hpp"

namespace zettatwin::validation {

// Sizes of one pool, all decided.
struct PoolSizes {
  std::int64_t tp = 1, dp = 1, pp = 1, ep = 0;
  std::int64_t instances = 1;
  std::int64_t batch = 0;      // most sequences of a data-parallel rank; 0: as the engine has it
  std::int64_t redundant = 0;  // copies of experts that make them divide

  [[nodiscard]] std::int64_t chips() const { return tp * dp * pp; }  // of an instance
};

struct Sizes {
  std::optional<PoolSizes> whole;            // prompts and outputs together
  std::optional<PoolSizes> prefill, decode;  // apart
  std::vector<std::string> assumed;

  [[nodiscard]] std::int64_t chips() const;  // of all instances
};

// Of the row's words; nothing in it where they say nothing.
[[nodiscard]] Sizes sizes_of(const ServingRow& row, const model::Architecture& model);

// {tp: 8, ..., weights: ...}, or {prefill: {...}, decode: {...}, weights: ...}, with the row's own changes.
[[nodiscard]] config::Node deployment_node(const ServingRow& row, const Sizes& sizes);
// {file: ..., format: llmservingsim}
[[nodiscard]] config::Node log_node(const std::string& file, const config::Location& where);
// The traffic of a closed loop of so many requests in the system, or of Poisson arrivals at `rate` per second where that is positive.
struct TrafficSize {
  double concurrency = 0;
  double rate = 0;
  std::int64_t requests = 0;
};
[[nodiscard]] config::Node traffic_node(const ServingRow& row, const TrafficSize& size);
[[nodiscard]] config::Node scenario_node(const ServingRow& row, const Sizes& sizes, const TrafficSize& size);

// Changes of a deployment whose steps draft so many tokens, each accepted with the probability given.
[[nodiscard]] config::Node speculation_node(std::int64_t draft, double acceptance, const config::Location& where);

}  // namespace zettatwin::validation
