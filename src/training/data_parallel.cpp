// SPDX-License-Identifier: Apache-2.0
#include "training/data_parallel.hpp"

#include <algorithm>

#include "compute/operator_time.hpp"
#include "workload/memory_states.hpp"

namespace zettatwin::training {

using units::Picoseconds;

ShardedParameters share_of_layer(const model::Architecture& architecture, const plan::Plan& plan, const model::Layer& layer) {
  const auto share = workload::layer_on_rank(architecture, layer, plan);
  return {share.hidden, share.experts};
}

ShardedParameters share_of_mtp(const model::Architecture& architecture, const plan::Plan& plan) {
  auto share = share_of_layer(architecture, plan, *architecture.mtp_layer);
  share.dense += 2 * static_cast<double>(architecture.hidden) * static_cast<double>(architecture.hidden);
  return share;
}

ShardedParameters share_of_table(const model::Architecture& architecture, const plan::Plan& plan) {
  return {static_cast<double>(architecture.vocabulary) * static_cast<double>(architecture.hidden) / static_cast<double>(plan.tp), 0};
}

ShardedParameters share_of_head(const model::Architecture& architecture, const plan::Plan& plan, const plan::ModelChunk& chunk) {
  const bool same_table = architecture.tied_embeddings && chunk.has_embedding;
  return same_table ? ShardedParameters{} : share_of_table(architecture, plan);
}

namespace {

std::vector<ShardedParameters> put_together(const std::vector<ShardedParameters>& parts, double most) {
  std::vector<ShardedParameters> buckets;
  for (std::size_t i = parts.size(); i-- > 0;) {
    const auto& part = parts[i];
    if (buckets.empty() || buckets.back().dense + buckets.back().experts + part.dense + part.experts > most) {
      buckets.push_back(part);
    } else {
      buckets.back().dense += part.dense;
      buckets.back().experts += part.experts;
    }
  }
  std::reverse(buckets.begin(), buckets.end());
  return buckets;
}

}  // namespace

DataParallel::DataParallel(const model::Architecture& architecture, const plan::Plan& plan, const OperationTimer& timer, const software::Profile& software)
    : architecture_(architecture), plan_(plan), timer_(timer), software_(software) {}

std::vector<ShardedParameters> DataParallel::buckets(const plan::ModelChunk& chunk) const {
  std::vector<ShardedParameters> buckets;
  if (chunk.has_embedding) buckets.push_back(share_of_table(architecture_, plan_));
  for (const auto& span : chunk.layers)
    for (std::int64_t i = 0; i < span.count; ++i) buckets.push_back(share_of_layer(architecture_, plan_, architecture_.kinds[span.kind]));
  for (std::int64_t i = 0; i < chunk.mtp; ++i) buckets.push_back(share_of_mtp(architecture_, plan_));
  if (chunk.has_head) buckets.push_back(share_of_head(architecture_, plan_, chunk));
  return put_together(buckets, static_cast<double>(software_.bucket_parameters));
}

void DataParallel::add(std::vector<workload::Communication>& messages, network::Collective op, workload::Group group, double bytes) const {
  if (bytes > 0 && timer_.group_size(group) > 1) messages.push_back({.op = op, .group = group, .bytes = units::Bytes::from_si(bytes)});
}

Picoseconds DataParallel::time_of(const std::vector<workload::Communication>& messages) const {
  Picoseconds sum;
  for (const auto& message : messages) sum += timer_.time(message);
  return sum;
}

std::vector<Traffic> DataParallel::traffic(const std::vector<workload::Communication>& messages) const {
  std::vector<Traffic> traffic;
  for (const auto& message : messages) traffic.push_back(timer_.traffic(message));
  return traffic;
}

Picoseconds DataParallel::reduce_time(const ShardedParameters& bucket) const { return time_of(reductions(bucket)); }

std::vector<workload::Communication> DataParallel::reductions(const ShardedParameters& bucket) const {
  std::vector<workload::Communication> messages;
  if (plan_.zero >= 2 || plan_.frozen_weights) return messages;
  const double bytes = plan::bytes_of(plan_.reduce_type);
  const auto op = plan_.zero == 0 ? network::Collective::all_reduce : network::Collective::reduce_scatter;
  const auto size = [&](workload::Group group) { return static_cast<double>(timer_.group_size(group)); };
  const auto reduce = [&](double parameters, workload::Group shard, workload::Group replica) {
    add(messages, op, shard, parameters * bytes);
    add(messages, network::Collective::all_reduce, replica, parameters * bytes / size(shard));
  };
  reduce(bucket.dense, workload::Group::shard, workload::Group::replica);
  reduce(bucket.experts, workload::Group::expert_shard, workload::Group::expert_replica);
  if (plan_.schedule != plan::ScheduleKind::dualpipe) return messages;
  // DualPipe runs each stage on two pipeline ranks, which add up their shards of its gradients.
  const auto shards = [&](workload::Group group) { return plan_.zero == 0 ? 1.0 : size(group); };
  const double own = bucket.dense / shards(workload::Group::shard) + bucket.experts / shards(workload::Group::expert_shard);
  add(messages, network::Collective::point_to_point, workload::Group::pipeline, own * bytes);
  return messages;
}

std::vector<workload::Communication> DataParallel::gathers(const ShardedParameters& bucket) const {
  std::vector<workload::Communication> messages;
  if (plan_.zero == 0 || plan_.zero == 3 || plan_.frozen_weights) return messages;
  const double bytes = plan::bytes_of(plan_.parameter_type);
  add(messages, network::Collective::all_gather, workload::Group::shard, bucket.dense * bytes);
  add(messages, network::Collective::all_gather, workload::Group::expert_shard, bucket.experts * bytes);
  return messages;
}

Picoseconds DataParallel::gather_time(const ShardedParameters& bucket) const { return time_of(gathers(bucket)); }

// Per updated parameter: gradients read for the norm and for the update, states and master weights read and written, parameters written.
units::Bytes DataParallel::optimizer_bytes(const ShardedParameters& all) const {
  if (plan_.frozen_weights) return {};
  const double moments = plan_.optimizer == plan::OptimizerKind::adam ? 2 : 1;
  const bool own_master = plan_.master_type != plan::NumberType::none;  // else parameters are read as well
  const double per_parameter = 2 * plan::bytes_of(plan_.gradient_type) + 2 * plan::bytes_of(plan_.master_type) +
                               2 * moments * plan::bytes_of(plan_.moment_type) + (own_master ? 1 : 2) * plan::bytes_of(plan_.parameter_type);
  const auto shards = [&](workload::Group group) { return plan_.zero == 0 ? 1.0 : static_cast<double>(timer_.group_size(group)); };
  return units::Bytes::from_si(per_parameter * (all.dense / shards(workload::Group::shard) + all.experts / shards(workload::Group::expert_shard)));
}

Picoseconds DataParallel::optimizer_time(const ShardedParameters& all) const {
  return timer_.compute_time(compute::MemoryOp{.bytes = optimizer_bytes(all), .kernels = 4});
}

Picoseconds DataParallel::copy_time(const ShardedParameters& all) const {
  if (!software_.bucket_copy.present || plan_.zero >= 2 || plan_.frozen_weights) return {};
  const auto alone = [&](workload::Group shard, workload::Group replica) { return timer_.group_size(shard) * timer_.group_size(replica) == 1; };
  const double copied = (alone(workload::Group::shard, workload::Group::replica) ? 0 : all.dense) + (alone(workload::Group::expert_shard, workload::Group::expert_replica) ? 0 : all.experts);
  return copied > 0 ? timer_.compute_time(compute::MemoryOp{.bytes = units::Bytes::from_si(copied * software_.bucket_copy.si()), .kernels = 2}) : Picoseconds();
}

Picoseconds DataParallel::broadcast_time(units::Seconds each) const {
  if (plan_.zero != 1 || plan_.frozen_weights) return {};
  const auto spread = topology::spread_of(timer_.placement().fabric, timer_.view(workload::Group::shard));
  return Picoseconds::from(each * static_cast<double>(spread.size() - spread.members_below(1)));
}

Picoseconds DataParallel::norm_time() const {
  constexpr double kNormBytes = 4;
  const auto& fabric = timer_.placement().fabric;
  network::CollectiveRequest request{.op = network::Collective::all_reduce, .bytes = units::Bytes::from_si(kNormBytes), .spread = topology::spread_of(fabric, {{{fabric.ranks(), 1}}})};
  return network::collective_time(fabric, request).time;
}

}  // namespace zettatwin::training
