// SPDX-License-Identifier: Apache-2.0
// Measured loads of experts from files: `load: {file: loads.csv}` of a deployment or of its pools becomes `load: {kind: listed, shares: [...]}`. A file has one number per
// expert (tokens, or shares of them), or such a row for each layer with experts: as lines of numbers between commas or blanks (a first line of names is passed over), or as
// a JSON or YAML list, also of lists.
#pragma once

#include "config/document.hpp"

namespace zettatwin::api::detail {

[[nodiscard]] config::Node with_expert_loads(const config::Node& deployment, const config::DocumentSource& source, config::Diagnostics& diagnostics);

}  // namespace zettatwin::api::detail
