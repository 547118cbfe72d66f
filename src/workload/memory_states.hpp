// SPDX-License-Identifier: Apache-2.0
// Parameters that one pipeline rank holds, and the bytes of their states (weights, gradients, optimizer) as ZeRO shards them.
// ZeRO: Rajbhandari et al. 2020; expert parameters are replicated over fewer ranks and shard over those (docs/math/memory.md).
#pragma once

#include <cstdint>

#include "model/architecture.hpp"
#include "plan/layout.hpp"
#include "plan/plan.hpp"

namespace zettatwin::workload {

// Parameters on one rank after tp, ep and etp, before ZeRO.
struct RankParameters {
  double tables = 0;   // embeddings and output projection
  double hidden = 0;   // all else that is not a routed expert
  double experts = 0;  // routed experts
  double widest = 0;   // of one layer, experts included: what ZeRO 3 gathers at once

  [[nodiscard]] double total() const { return tables + hidden + experts; }
};
// Of one layer. Norms, the router and the down projections of latent attention are on every tensor-parallel rank.
struct LayerShare {
  double hidden = 0;
  double experts = 0;
};
[[nodiscard]] LayerShare layer_on_rank(const model::Architecture& architecture, const model::Layer& layer, const plan::Plan& plan);
[[nodiscard]] RankParameters rank_parameters(const model::Architecture& architecture, const plan::Plan& plan, const plan::Layout& layout, std::size_t rank);

// Parameters of one weight of each shape on the rank: those of the products of one layer, of one expert, and of the output projection.
[[nodiscard]] double distinct_weights(const model::Architecture& architecture, const plan::Plan& plan, const plan::Layout& layout, std::size_t rank);

// Ranks that share one copy's states; 1: not sharded.
struct Shards {
  double dense = 1;
  double experts = 1;
};
[[nodiscard]] Shards shards_of(const plan::Plan& plan, std::int64_t dp);

struct StateBytes {
  double weights = 0;
  double quantised = 0;  // copies in the GEMMs' format, kept over the microbatches of a step
  double gradients = 0;
  double master = 0;
  double moments = 0;
  double gathered = 0;   // ZeRO 3: full layers being used
  double buckets = 0;    // gradients on their way

  [[nodiscard]] double kept() const { return weights + quantised + gradients + master + moments; }
};
[[nodiscard]] StateBytes state_bytes(const RankParameters& parameters, const plan::Plan& plan, std::int64_t dp, std::int64_t bucket_parameters,
                                     std::int64_t prefetch_layers);

}  // namespace zettatwin::workload
