// SPDX-License-Identifier: Apache-2.0
// From a config.json of some dialect to the same statements in our own dialect. Places stay those of the
// original, so that whatever is wrong later is reported where the user wrote it.
#pragma once

#include "config/document.hpp"
#include "model/dialects.hpp"

namespace zettatwin::model {

// Every key of `root` is mapped, known to have no effect, warned about as not used, or - if its name says
// that it changes the computation - an error. The dialect's defaults lie below what the document states.
[[nodiscard]] config::Node translate(const config::Node& root, const Dialect& dialect,
                                     config::Diagnostics& diagnostics);

// For a model_type without a dialect: an error for each field that no dialect maps and that may change the
// computation.
void report_unmappable(const config::Node& root, config::Diagnostics& diagnostics);

}  // namespace zettatwin::model
