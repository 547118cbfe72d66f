// SPDX-License-Identifier: Apache-2.0
// The most traffic that a stated deployment serves: its rate is raised until the fleet saturates or misses its objectives, then the gap is halved.
#pragma once

#include <memory>

#include "api/capacity.hpp"

namespace zettatwin::api {

// Whether the scenario says how its instances are cut or how many there are, rather than what all layouts of a search have in common.
[[nodiscard]] bool states_sizes(const config::Node& scenario);

// Answers with CapacitySubject::rates and ::most. Rates of several models are raised together. A closed loop offers what is answered: bad input.
[[nodiscard]] std::unique_ptr<CapacityAnswer> highest_rate(const config::Node& scenario, const config::DocumentSource& source, Library& library, const requests::TraceFiles& files,
                                                           const CapacityOptions& options, config::Diagnostics& diagnostics);

}  // namespace zettatwin::api
