// SPDX-License-Identifier: Apache-2.0
// An estimate of the rate that a fleet which keeps up could keep up: every instance with a full batch of requests like those that it got, in closed form
// (inference/predictor.hpp), with the lengths, the hits and the room of the caches that the simulation saw. Of prefill, decode and the ports between them the slowest
// decides; of several models, the one that is nearest to its limit. Routers that look at no load give every instance as much as the slowest gets.
#pragma once

#include "api/serve.hpp"
#include "fleet/spec.hpp"

namespace zettatwin::api::detail {

// Requests per second; zero if nothing can be said: closed loops, saturated fleets, failures for good.
[[nodiscard]] double sustainable_rate(const ServeAnswer& answer, const fleet::FleetSpec& spec);

}  // namespace zettatwin::api::detail
