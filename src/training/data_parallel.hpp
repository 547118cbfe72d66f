// SPDX-License-Identifier: Apache-2.0
// Once-per-step work of a pipeline rank: reduction of its gradients behind the last backward pass, the optimizer, and gathering of updated
// parameters before or behind the first forward pass.
#pragma once

#include <vector>

#include "model/architecture.hpp"
#include "plan/layout.hpp"
#include "software/profile.hpp"
#include "training/operation_timer.hpp"

namespace zettatwin::training {

// Parameters of one rank's share of something, by how they are replicated.
struct ShardedParameters {
  double dense = 0;    // replicated over dp x cp
  double experts = 0;  // replicated over the expert-data ranks
  friend bool operator==(const ShardedParameters&, const ShardedParameters&) = default;
};

// Of a layer, of a multi-token-prediction module, of an embedding table or output projection.
[[nodiscard]] ShardedParameters share_of_layer(const model::Architecture& architecture, const plan::Plan& plan, const model::Layer& layer);
[[nodiscard]] ShardedParameters share_of_mtp(const model::Architecture& architecture, const plan::Plan& plan);
[[nodiscard]] ShardedParameters share_of_table(const model::Architecture& architecture, const plan::Plan& plan);
// The output projection of a chunk; none where it is the chunk's own embedding table.
[[nodiscard]] ShardedParameters share_of_head(const model::Architecture& architecture, const plan::Plan& plan, const plan::ModelChunk& chunk);

class DataParallel final {
 public:
  DataParallel(const model::Architecture& architecture, const plan::Plan& plan, const OperationTimer& timer, const software::Profile& software);

  // Buckets of a chunk in forward order. Layers and ends are put together from the back, as the backward pass has them, while a bucket holds no more
  // parameters than the software's buckets do; a larger layer is one by itself.
  [[nodiscard]] std::vector<ShardedParameters> buckets(const plan::ModelChunk& chunk) const;

  [[nodiscard]] units::Picoseconds reduce_time(const ShardedParameters& bucket) const;  // 0 where each microbatch reduced already
  // The messages of which it consists, one after the other.
  [[nodiscard]] std::vector<workload::Communication> reductions(const ShardedParameters& bucket) const;
  [[nodiscard]] std::vector<workload::Communication> gathers(const ShardedParameters& bucket) const;
  [[nodiscard]] std::vector<Traffic> traffic(const std::vector<workload::Communication>& messages) const;
  [[nodiscard]] units::Picoseconds gather_time(const ShardedParameters& bucket) const;  // 0 without sharded optimizer
  [[nodiscard]] units::Picoseconds optimizer_time(const ShardedParameters& all) const;
  // Of updated parameters that return by one broadcast per rank: `each` for every rank of the sharding group outside the first one's node.
  [[nodiscard]] units::Picoseconds broadcast_time(units::Seconds each) const;
  // Copies into buckets and back; 0 where there is nobody to reduce with.
  [[nodiscard]] units::Picoseconds copy_time(const ShardedParameters& all) const;
  [[nodiscard]] units::Bytes optimizer_bytes(const ShardedParameters& all) const;
  // All-reduce of the gradient norm over all ranks: pure latency, and the barrier of the step.
  [[nodiscard]] units::Picoseconds norm_time() const;

 private:
  // Appends a message, unless there is nothing to send or nobody to send it to.
  void add(std::vector<workload::Communication>& messages, network::Collective op, workload::Group group, double bytes) const;
  [[nodiscard]] units::Picoseconds time_of(const std::vector<workload::Communication>& messages) const;

  const model::Architecture& architecture_;
  const plan::Plan& plan_;
  const OperationTimer& timer_;
  const software::Profile& software_;
};

}  // namespace zettatwin::training
