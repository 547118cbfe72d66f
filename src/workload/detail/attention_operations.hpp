// SPDX-License-Identifier: Apache-2.0
// What full attention and attention on chosen keys share.
#pragma once

#include <string_view>

#include "workload/detail/layer_builder.hpp"

namespace zettatwin::workload::detail {

// Of keys and values, queries and outputs among context-parallel ranks.
[[nodiscard]] Operation context_exchange(const LayerBuilder& b, std::string_view name, network::Collective op, double bytes_per_token);

// Features of a token that an indexer's keys and head weights add to what tensor-parallel ranks gather.
[[nodiscard]] std::int64_t index_features(const LayerBuilder& b, const model::Attention& a);

// The indexer: projections (their input takes no gradient), scores of all causal pairs, choice. Backward it learns the distribution of attention over the chosen
// keys (DeepSeek-V3.2, section 2.1). Nothing where the keys of an earlier layer are used again.
void choose_keys(LayerBuilder& b, const model::Architecture& architecture, const model::Attention& a);

// Latent attention on chosen keys, from the projected queries to the values of all heads: projections absorbed, one vector per key for all heads.
void chosen_latent_attention(LayerBuilder& b, const model::Attention& a);

}  // namespace zettatwin::workload::detail
