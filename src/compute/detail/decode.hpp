// SPDX-License-Identifier: Apache-2.0
// Attention of a few queries on a long cache. A core streams keys and values of one sequence and key head for all queries that share
// them; long sequences are cut into parts until each core has `split_waves` of them, and a second pass joins the parts. Libraries cut by the length of the
// cache: with a window, parts that it does not reach start and end like others. Kernels that cut by the length alone have `resident`.
#pragma once

#include "compute/operator_time.hpp"

namespace zettatwin::compute::detail {

// So few queries that decoding kernels serve them.
[[nodiscard]] bool is_decoding(const AttentionOp& op);

// The figures that serve `op`; null if it is no decoding, or the chip's file has none.
[[nodiscard]] const hardware::DecodeEfficiency* decode_of(const hardware::Chip& chip, const AttentionOp& op);

[[nodiscard]] OperatorTime decode_time(const hardware::Chip& chip, const AttentionOp& op, const hardware::DecodeEfficiency& decode);

}  // namespace zettatwin::compute::detail
