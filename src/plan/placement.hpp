// SPDX-License-Identifier: Apache-2.0
// Placement: the parallel dimensions of a plan as views on the rank space of the used part of a machine.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "config/diagnostic.hpp"
#include "plan/plan.hpp"
#include "space/view.hpp"
#include "topology/fabric.hpp"

namespace zettatwin::plan {

// Communication groups of one rank, as views. Non-expert parameters are replicated over `data` (dp x cp), expert parameters over `expert_data`.
struct Groups {
  space::View tensor;       // tp
  space::View context;      // cp
  space::View expert;       // ep
  space::View expert_tensor;  // etp
  space::View data;         // dp x cp: gradients of non-expert parameters
  space::View expert_data;  // replicas of expert parameters: tp*cp*dp / (etp*ep)
  space::View pipeline;     // pp
};

struct Placement {
  topology::Fabric fabric;
  Groups groups;
  std::int64_t dp = 1;
  std::int64_t world = 1;   // ranks used
  std::int64_t idle = 0;    // chips of the request left over
  std::int64_t pipeline_stride = 1;

  // Whether borders of units cut groups.
  [[nodiscard]] bool straddles() const { return !fabric.filled.empty(); }
};

// Places the plan on `chips` chips (0: the whole machine) so that most ranks work while dimensions and levels are aligned (each boundary divides
// the other); the rest is idle. If that is more than kIdleWorthStraddling of the chips, borders of units may cut groups (straddle.hpp), unless the plan
// forbids it. With plan.dp == 0, dp takes what is left.
// Errors (sizes that do not divide, plan larger than the machine, ep that does not divide tp*cp*dp) name the fields.
[[nodiscard]] std::optional<Placement> place(const Plan& plan, const hardware::Machine& machine, std::int64_t chips,
                                             const config::Location& where, config::Diagnostics& diagnostics);

}  // namespace zettatwin::plan
