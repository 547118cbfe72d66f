// SPDX-License-Identifier: Apache-2.0
// Computes the figures that readings name, each with formula and inputs. What the catalog does not have makes a value missing, not an error;
// machines, chips and models that it does not know are errors.
#pragma once

#include "claims/claim.hpp"
#include "claims/value.hpp"
#include "claims/world.hpp"

namespace zettatwin::claims {

// A reading of `claim`, computed. Expects that the claim was read without errors.
[[nodiscard]] Value computed(const Reading& reading, const Claim& claim, World& world, config::Diagnostics& diagnostics);

}  // namespace zettatwin::claims
