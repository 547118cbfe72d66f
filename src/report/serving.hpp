// SPDX-License-Identifier: Apache-2.0
// Shows what a serving fleet does: for people, as JSON, as tables for other programs, as a timeline, as explanations.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fleet/result.hpp"
#include "fleet/spec.hpp"
#include "result/tree.hpp"

namespace zettatwin::report {

// What one pool's instances are made of.
struct ServedPool {
  std::string name;
  std::string role;          // "aggregated", "prefill", "decode"
  std::string model;
  std::string machine, chip; // that it is on
  std::string layout;        // "tp=8 dp=1 ep=8"
  std::int64_t instances = 0;
  std::int64_t chips = 0;    // of one instance
  units::Bytes capacity;     // of one chip, and what it holds
  units::Bytes weights;
  units::Bytes other;        // activations, graphs, buffers, what the engine leaves unused
  units::Bytes cache;
  std::int64_t cache_tokens = 0;   // that one instance can hold
  units::Bytes cache_per_token;    // on all chips of one instance
  std::int64_t longest_prompt = 0; // that it computes, where prompts are not cut to chunks; 0: any
  double decode_kernels = 0;       // half width in the logarithm that residuals of kernels give its mean step that decodes; 0: none does
  double prompt_kernels = 0;       // and a step with prompts
};

// Why no request can be answered.
struct ServingShortfall {
  std::string limit;         // "memory", "chips", "request"
  std::string role;          // which chips
  std::string part;          // "weights", "cache of one request"
  units::Bytes needed;
  units::Bytes available;
  std::string reason;        // one sentence
  std::vector<std::string> suggestions;
};

// Where a measured mean should lie with the stated share.
struct MeanInterval {
  std::string of;            // "TTFT"
  double low_s = 0, high_s = 0;
};

struct ServingSubject {
  std::string title;
  std::string machine, machine_title, chip;
  std::int64_t machine_chips = 0;
  std::int64_t chips = 0;          // that the deployment uses
  std::int64_t idle_chips = 0;     // of those asked for
  std::vector<std::string> models; // "deepseek-v3: 671 B parameters, 37.6 B active per token"
  std::vector<std::string> model_names;
  std::string software;
  std::string deployment;          // as --deployment takes it
  bool automatic = false;          // chosen by the program
  std::int64_t candidates = 0;     // that the choice compared
  std::string chosen;              // why it is this one, where that is not all that was asked for
  bool weights_as_published = false;  // in the formats of the models' checkpoints
  std::string traffic;             // in words
  fleet::Slo slo;
  std::vector<ServedPool> pools;
  std::optional<ServingShortfall> infeasible;
  fleet::FleetResult result;       // of nothing if infeasible
  std::vector<fleet::FailureSpec> failures;
  units::Seconds frontend;         // of every request, before it is queued
  std::optional<serving::FirstToken> first_token;  // with prefill and decode apart, where all decode pools agree
  double sustainable_per_s = 0;    // requests, an estimate for a fleet that keeps up; zero: none
  std::string chip_efficiencies;   // where the chip's achieved rates come from
  double interval_share = 0;
  std::vector<MeanInterval> intervals;  // of a fleet that keeps up
  result::Node tree;               // steps and memory of each pool: "pools.decode.step", "pools.decode.memory"

  [[nodiscard]] bool feasible() const { return !infeasible && result.judgement.verdict != fleet::Verdict::infeasible; }
  [[nodiscard]] double chip_hours_per_million_output_tokens() const;
};

[[nodiscard]] std::string text(const ServingSubject& subject);
[[nodiscard]] std::string json(const ServingSubject& subject);
// Chrome trace format (Perfetto): one process per instance whose steps were kept, with the requests that it worked on (queue, prompt, answer; those of `requests` that
// were on it), and the fleet's time series as counters.
[[nodiscard]] std::string trace(const ServingSubject& subject, std::span<const fleet::RequestRecord> requests = {});
// One line per interval of the time series, with a head line.
[[nodiscard]] std::string series_csv(const ServingSubject& subject);

// One line per request: head, then each as it completes.
[[nodiscard]] std::string request_csv_head();
[[nodiscard]] std::string request_csv_line(const fleet::RequestRecord& record);

// Formula, inputs and sources of the node at `path` of a result tree and below; of the whole tree if empty. Nothing if there is no such path.
[[nodiscard]] std::optional<std::string> explanation(const result::Node& tree, const std::string& path);

}  // namespace zettatwin::report
