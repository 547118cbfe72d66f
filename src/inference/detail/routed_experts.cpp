// SPDX-License-Identifier: Apache-2.0
// A pass's routed experts: which kernels compute them, on which rows, and in what format tokens travel to them.
#include <algorithm>
#include <cmath>

#include "compute/weight_only.hpp"
#include "inference/detail/pass.hpp"

namespace zettatwin::inference::detail {
namespace {

using hardware::Precision;

constexpr double kWide = 2;  // bytes of activations

// Engines have generated kernels for chips that multiply four bits and fall back on a library's, or on padded blocks, for older ones.
bool has_generated_kernels(const hardware::Chip& chip) { return chip.peak(Precision::fp4).si() > 0; }

}  // namespace

// A library's figures are of products whose weights have the products' own format, whatever scales lie beside their elements.
bool Pass::library_experts() const {
  const auto kernels = about_.pool.expert_kernels;
  if (kernels == ExpertKernels::tuned || experts_.weight_only || !hardware::Efficiency::find_entry(about_.chip.efficiency.expert_layer, experts_.precision)) return false;
  if (experts_.precision != Precision::fp4 && experts_.weight_bytes < std::floor(hardware::bytes_per_element(experts_.precision).si())) return false;
  if (kernels == ExpertKernels::library) return true;
  if (about_.software.tuned_experts != TunedExperts::generated) return false;
  return !has_generated_kernels(about_.chip) || (gathers_ && about_.pool.dp > 1 && experts_.precision == Precision::fp4);
}

// Rows of the experts hit, each rounded up: a block and, of many rows, half a block more than their own.
double Pass::rows_computed(const compute::ServedExperts& op, std::int64_t tokens) const {
  const auto block = about_.software.expert_row_block;
  const bool fits = block > 0 && tokens >= block && op.hidden % block == 0 && op.inter % block == 0;
  if (!fits || op.precision != Precision::mxfp8 || op.weight_bytes < 1 || has_generated_kernels(about_.chip) || op.hit <= 0) return 0;
  const auto size = static_cast<double>(block);
  return op.hit * size * std::max(1.0, op.rows / op.hit / size + 0.5);
}

void Pass::experts(Ledger& ledger, std::int64_t group) const {
  const bool library = library_experts();
  const double factor = about_.software.expert_kernels.si();
  for (const auto& kind : kinds_) {
    if (!kind.layer->experts) continue;
    const auto& e = *kind.layer->experts;
    const auto chip = kind.spread->on_busiest(static_cast<double>(group));
    compute::ServedExperts op{.rows = chip.rows, .hit = chip.hit, .hidden = width_of(e), .inter = (e.intermediate + expert_tp_ - 1) / expert_tp_, .gated = e.gated,
                              .precision = experts_.precision, .weight_bytes = experts_.weight_bytes};
    op.computed = rows_computed(op, group);
    op.ordered = about_.software.ordered_exchange && !gathers_ && !holds_all_;
    // Chips with a copy of the shared experts compute an even part of all tokens; the layer waits for the later of both kinds.
    if (const auto copies = about_.pool.shared_copies; copies > 0) {
      auto shared = op;
      shared.rows = static_cast<double>(group) / static_cast<double>(copies);
      shared.computed = 0;
      shared.hit = 1;
      shared.inter = e.shared_intermediate;
      shared.hidden = about_.model.hidden;
      if (compute::time_of(about_.chip, shared).time > compute::time_of(about_.chip, op).time) op = shared;
    }
    // A chip that has the tokens of all ranks goes through all their choices, not those of its experts alone.
    const bool all = holds_all_ && ep_ > 1;
    if (library) {
      const auto seen = all ? group : std::max<std::int64_t>(1, static_cast<std::int64_t>(op.rows / static_cast<double>(e.top_k)));
      ledger.add(Part::experts, "routed experts", kind.count,
                 compute::ExpertLayer{.tokens = seen, .hidden = op.hidden, .inter = op.inter, .topk = e.top_k, .experts = e.routed_experts, .expert_parallel = ep_, .gated = e.gated,
                                      .precision = experts_.precision, .rows = op.rows, .hit = op.hit},
                 factor);
      if (experts_.precision == Precision::mxfp8) ledger.add(Part::kernels, "library_layer", kind.count, about_.software.library_layer);
      continue;
    }
    // Timings of the generated kernels begin with narrow activations; block-scaled ones are cast within.
    if (experts_.precision == Precision::fp4) cast(ledger, Part::experts, kind.count, experts_, all ? group : (group + about_.pool.dp - 1) / about_.pool.dp, op.hidden);
    ledger.add(Part::experts, "routed experts", kind.count, op, factor);
    if (!all) continue;
    const double others = std::max(0.0, static_cast<double>(group * e.top_k) - chip.rows);
    const auto figures = compute::figures_of_experts(about_.chip, experts_.precision, experts_.weight_bytes);
    ledger.add_seconds(Part::experts, "sorting of other chips' choices", kind.count,
                       compute::sorting_of_others(about_.chip, figures, others, static_cast<double>(e.top_k), static_cast<double>(width_of(e))).si(),
                       "(tokens top_k - rows) (per_choice + 4 hidden / (top_k memory.bandwidth x combine)), figures of served_experts if it has combine, else of expert_layer, else the stream's share");
  }
}

double Pass::sent_bytes() const {
  constexpr double kScaled = 1 + 4.0 / 128;     // one fp32 scale per 128 values
  constexpr double kFourBits = 0.5 + 1.0 / 16;  // one scale of 8 bits per 16 values
  if (about_.software.exchange_as_products) return experts_.precision == Precision::fp4 ? kFourBits : experts_.precision == Precision::fp8 ? 1 : kWide;
  return about_.software.quantised_exchange || experts_.precision != Precision::bf16 ? kScaled : kWide;
}

}  // namespace zettatwin::inference::detail
