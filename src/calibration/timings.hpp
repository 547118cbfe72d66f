// SPDX-License-Identifier: Apache-2.0
// A user's own timings from CSV. The first line names the columns; `time_us` or `seconds` is needed, and `op` and `precision` unless the caller says
// them for all rows. By op:
//   gemm       m, n, k [batch]: C[m,n] = A[m,k] B[k,n], inputs in `precision`, result in 16 bits, without any cast
//   attention  heads, q, kv, head_dim [batch, kv_heads, v_head_dim, window]: causal; up to 16 queries are decoding
//   copy       bytes: read plus written by one streaming kernel
//   memory     the same, as tests of device memory report it; instead of a time `gb_per_s` will do
//   latent     heads, kv [batch, q, latent, rope]: a few queries on cached latent vectors (MLA, projections absorbed)
//   experts    tokens, hidden, inter, topk, experts [expert_parallel]: the routed experts of a gated layer on one chip
// Other columns are ignored. Every problem is reported with its line and column.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "calibration/calibrate.hpp"

namespace zettatwin::calibration {

struct TimingDefaults {
  std::string op;         // "": the column op
  std::string precision;  // "": the column precision, bf16 if there is none
};

// Samples by family, in the order of the families' names. Empty if anything is wrong.
[[nodiscard]] std::vector<FamilySamples> read_timings(std::string_view text, const std::string& name, const TimingDefaults& defaults, const hardware::Chip& chip,
                                                      config::Diagnostics& diagnostics);

}  // namespace zettatwin::calibration
