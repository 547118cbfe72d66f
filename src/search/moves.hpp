// SPDX-License-Identifier: Apache-2.0
// The neighbourhood of a plan in the local search: where it starts, and what it may change in one step.
#pragma once

#include <string>
#include <vector>

#include "search/auto_plan.hpp"

namespace zettatwin::search {

// Usual sizes, or all powers of two where none of those is valid.
enum class Starts { usual, all };
[[nodiscard]] std::vector<plan::Plan> starts(const plan::Plan& given, const training::Job& job, const Freedom& freedom, Starts which = Starts::usual);
// Plans that differ in one decision. Fields that the user gave never move.
[[nodiscard]] std::vector<plan::Plan> neighbours(const plan::Plan& plan, const training::Job& job, const Freedom& freedom);
// Equal for plans that would be evaluated alike.
[[nodiscard]] std::string identity(const plan::Plan& plan);

}  // namespace zettatwin::search
