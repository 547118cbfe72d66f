// SPDX-License-Identifier: Apache-2.0
// Published serving figures judged: judge.hpp for files with the columns of serving results.
#pragma once

#include "validation/judge.hpp"

namespace zettatwin::validation {

[[nodiscard]] Judgements judge_serving(const Table& table, const Selection& selection, const config::DocumentSource& source, config::Diagnostics& diagnostics, const Progress& progress);

}  // namespace zettatwin::validation
