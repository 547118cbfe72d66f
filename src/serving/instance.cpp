// SPDX-License-Identifier: Apache-2.0
#include "serving/instance.hpp"

#include "serving/detail/stepwise.hpp"

namespace zettatwin::serving {

std::unique_ptr<Instance> make_instance(EngineSettings settings, const StepTimer& timer, Observer& observer, InstanceOptions options) {
  return detail::make_stepwise(std::move(settings), timer, observer, options);
}

}  // namespace zettatwin::serving
