// SPDX-License-Identifier: Apache-2.0
// Public tables of measured operators (one GPU, isolated kernels, CSV as exported from the aiconfigurator project) as samples. Latencies
// are milliseconds. What a row contains beside the operator is named by its operators: narrow products contain the cast of their input,
// prefill attention the preparation of q, k and v. Rows of kernels that the forms do not describe are left out: decoding with 48 or more
// heads per key head (a fallback kernel), experts drawn at random, kernels for least latency, and expert layers that take half as long again as
// another row of the same table that does at least the same work (a tactic that tuning chose badly). Some families have no figures of their own and
// are only judged: prefill of latent attention, and whole blocks of latent attention, which are sums of operators.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "calibration/calibrate.hpp"

namespace zettatwin::calibration {

// The text of a table such as "gemm"; nothing if there is none. It must stay valid while `read_op_tables` runs.
using TableText = std::function<std::optional<std::string>(const std::string& table)>;

// All families that the tables have, in the order in which they are to be fitted.
[[nodiscard]] std::vector<FamilySamples> read_op_tables(const TableText& text, config::Diagnostics& diagnostics);

}  // namespace zettatwin::calibration
