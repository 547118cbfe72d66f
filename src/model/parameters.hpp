// SPDX-License-Identifier: Apache-2.0
// Parameter counts of an architecture: exact integers, from shapes.
#pragma once

#include <cstdint>

#include "model/architecture.hpp"

namespace zettatwin::model {

// Parameters of one layer by part.
struct LayerParameters {
  std::int64_t attention = 0;       // projections, their biases and norms inside attention
  std::int64_t dense = 0;           // dense feed-forward
  std::int64_t router = 0;
  std::int64_t shared_experts = 0;
  std::int64_t routed_experts = 0;  // all of them
  std::int64_t one_expert = 0;
  std::int64_t norms = 0;
  [[nodiscard]] std::int64_t total() const { return attention + dense + router + shared_experts + routed_experts + norms; }
  // Not sharded by expert parallelism.
  [[nodiscard]] std::int64_t without_experts() const { return total() - routed_experts; }
};
[[nodiscard]] LayerParameters parameters_of(const Architecture& architecture, const Layer& layer);
// Of the indexer of sparse attention, counted in `attention` above.
[[nodiscard]] std::int64_t indexer_parameters(const Attention& attention, std::int64_t hidden);
// Of what makes entries of several tokens, in compressed attention and its indexer; counted in `attention` and, the indexer's, in its parameters.
[[nodiscard]] std::int64_t compressor_parameters(const Attention& attention, std::int64_t hidden);
[[nodiscard]] std::int64_t index_compressor_parameters(const Attention& attention, std::int64_t hidden);  // the indexer's alone
// Of what mixes residual streams around the blocks of a layer, counted in `norms`; 0 without hyper-connections.
[[nodiscard]] std::int64_t hyper_connections(const Architecture& architecture, const Layer& layer);

struct Parameters {
  std::int64_t total = 0;           // without multi-token-prediction modules, as models are named
  std::int64_t active = 0;          // used by one token: total minus the experts it does not reach
  std::int64_t embedding = 0;       // input table (and learned positions)
  std::int64_t head = 0;            // output projection; 0 when tied
  std::int64_t mtp = 0;             // multi-token-prediction modules
};
[[nodiscard]] Parameters parameters_of(const Architecture& architecture);

}  // namespace zettatwin::model
