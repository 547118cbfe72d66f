// SPDX-License-Identifier: Apache-2.0
#include "fleet/fleet.hpp"

#include "base/contract.hpp"
#include "fleet/detail/global_run.hpp"

namespace zettatwin::fleet {

FleetResult simulate(const FleetSpec& spec) {
  const std::string problem = problem_of(spec);
  ZT_EXPECT(problem.empty(), problem);
  return GlobalRun(spec).run();
}

}  // namespace zettatwin::fleet
