// SPDX-License-Identifier: Apache-2.0
// The question what a machine's network is.
#pragma once

#include <memory>

#include "config/document.hpp"
#include "config/schema.hpp"
#include "report/network.hpp"

namespace zettatwin::api {

struct NetworkQuestion {
  config::Node machine;    // a catalog name, or a mapping such as {extends: dgx-h100, nodes: 256}
  std::int64_t chips = 0;  // 0: all
};
void describe(config::Schema& s, NetworkQuestion& question);

struct NetworkAnswer {
  hardware::Machine machine;
  topology::Survey survey;
  network::CollectiveTime all_to_all;  // of the same bytes as the survey's, with launch, latencies and message gaps
  bool size_as_published = true;

  [[nodiscard]] report::NetworkSubject subject() const { return {machine, survey, all_to_all, size_as_published}; }
};

// A mapping with the fields of NetworkQuestion in, an answer out. Nothing, and diagnostics, if it cannot be read. Chips that are no whole units
// are rounded up to whole ones, with a warning.
[[nodiscard]] std::unique_ptr<NetworkAnswer> network(const config::Node& question, const config::DocumentSource& source, config::Diagnostics& diagnostics);

}  // namespace zettatwin::api
