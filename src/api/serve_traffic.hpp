// SPDX-License-Identifier: Apache-2.0
// The traffic of a scenario (requests/traffic_spec.hpp) with the words that describe it in a report.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/document.hpp"
#include "requests/stream.hpp"
#include "requests/text_source.hpp"

namespace zettatwin::api {

struct Traffic {
  std::shared_ptr<const requests::Stream> stream;
  std::string words;   // "Poisson, 10 requests/s, 1,024 input and 256 output tokens on average"
  bool endless = false;  // neither a number of requests nor a duration
};

// `model`: index that the requests of laws ask for; traces may name others of `models`. Nothing after errors.
[[nodiscard]] std::optional<Traffic> traffic_from(const config::Node& node, std::int32_t model, const std::vector<std::string>& models, std::int64_t seed, const requests::TraceFiles& files,
                                                  config::Diagnostics& diagnostics);

}  // namespace zettatwin::api
