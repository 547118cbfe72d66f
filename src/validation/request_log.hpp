// SPDX-License-Identifier: Apache-2.0
// A serving run logged request by request, replayed: the log's own arrivals and lengths on a scenario's deployment, compared with what each request took.
// Latency: from the queue to the last token; TTFT: from the queue to the first; TPOT: (last - first) / (output tokens - 1), of requests with two tokens or more.
// The log: JSON lines with input_toks, output_toks and, in seconds of one clock, queued_ts, first_token_ts, last_token_ts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/document.hpp"

namespace zettatwin::validation {

struct LoggedRequest {
  std::int64_t input = 0, output = 0;
  double queued = 0, first_token = 0, last_token = 0;  // seconds

  [[nodiscard]] double ttft() const { return first_token - queued; }
  [[nodiscard]] double latency() const { return last_token - queued; }
  [[nodiscard]] double tpot() const { return output > 1 ? (last_token - first_token) / static_cast<double>(output - 1) : 0; }
};

// In order of queueing. Problems with their lines go to diagnostics; nothing if there were errors.
[[nodiscard]] std::optional<std::vector<LoggedRequest>> read_request_log(const std::string& text, const std::string& name, config::Diagnostics& diagnostics);

// One figure of all requests, in seconds.
struct LogFigure {
  std::string name;      // "latency"
  double measured = 0, predicted = 0;           // means
  double measured_p50 = 0, predicted_p50 = 0;
  double measured_p99 = 0, predicted_p99 = 0;
  double request_error = 0;                     // median over requests of |predicted / measured - 1|, %

  [[nodiscard]] double error() const { return 100 * (predicted / measured - 1); }  // of the means, %
};

struct LogComparison {
  std::string log, deployment;
  std::int64_t requests = 0;
  bool infeasible = false;
  std::string why;                  // infeasible
  std::vector<LogFigure> figures;   // latency, ttft, tpot
};

// `scenario`: without traffic, which is the log's. Nothing, and diagnostics, if it cannot be asked.
[[nodiscard]] std::optional<LogComparison> compare_log(const std::vector<LoggedRequest>& log, const std::string& text, const std::string& name, const config::Node& scenario, const config::DocumentSource& source,
                                                       config::Diagnostics& diagnostics);

[[nodiscard]] std::string text(const LogComparison& comparison);
[[nodiscard]] std::string json(const LogComparison& comparison);

}  // namespace zettatwin::validation
