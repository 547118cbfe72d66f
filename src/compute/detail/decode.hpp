// SPDX-License-Identifier: Apache-2.0
// Attention of a few queries on a long cache. A core streams keys and values of one sequence and key head for all queries that share
// them; long sequences are cut into parts while cores are idle, and a second pass joins the parts.
#pragma once

#include "compute/operator_time.hpp"

namespace zettatwin::compute::detail {

// The figures that serve `op`; null if it is no decoding, or the chip's file has none.
[[nodiscard]] const hardware::DecodeEfficiency* decode_of(const hardware::Chip& chip, const AttentionOp& op);

[[nodiscard]] OperatorTime decode_time(const hardware::Chip& chip, const AttentionOp& op, const hardware::DecodeEfficiency& decode);

}  // namespace zettatwin::compute::detail
