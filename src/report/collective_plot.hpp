// SPDX-License-Identifier: Apache-2.0
// A sweep as a picture: bus bandwidth over bytes, both logarithmic, as SVG that any browser shows.
#pragma once

#include <string>

#include "report/collective.hpp"

namespace zettatwin::report {

// With faults, the bandwidth without them as a dashed line. Sizes that cannot run are left out.
[[nodiscard]] std::string plot_svg(const CollectiveSubject& subject);

}  // namespace zettatwin::report
