// SPDX-License-Identifier: Apache-2.0
// What a serving answer shows beside the simulation: machine, models, memory, and where the time of a typical step goes.
#pragma once

#include <string>
#include <vector>

#include "api/serve.hpp"
#include "api/serve_traffic.hpp"

namespace zettatwin::api::detail {

void describe_answer(const hardware::Machine& machine, const std::vector<const model::Architecture*>& architectures, const std::vector<std::string>& names, const std::vector<Traffic>& traffic,
                     const fleet::FleetSpec& spec, ServeAnswer& answer);

// Trees of memory, and of the step that each pool ran on average. Expects a simulated result.
void explain_steps(const std::vector<Traffic>& traffic, ServeAnswer& answer);

// Where measured means should lie (uncertainty/interval.hpp); nothing for a fleet that does not keep up. Expects explained steps.
void add_intervals(const config::DocumentSource& source, config::Diagnostics& diagnostics, ServeAnswer& answer);

}  // namespace zettatwin::api::detail
