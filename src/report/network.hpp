// SPDX-License-Identifier: Apache-2.0
// Shows what a machine's network is: for people, as JSON (docs/json.md documents the fields; they are stable).
#pragma once

#include <string>

#include "network/collective.hpp"
#include "topology/survey.hpp"

namespace zettatwin::report {

struct NetworkSubject {
  const hardware::Machine& machine;
  const topology::Survey& survey;
  const network::CollectiveTime& all_to_all;  // of survey.all_to_all.bytes
  bool size_as_published = true;              // the vendor's headline is about a memory fabric of this size
};

[[nodiscard]] std::string text(const NetworkSubject& subject);
[[nodiscard]] std::string json(const NetworkSubject& subject);

}  // namespace zettatwin::report
