// SPDX-License-Identifier: Apache-2.0
// One layer of a sharded model as the operations that one rank runs: forward, input gradients and weight gradients, each a list in
// program order. Shapes are those of the rank; times are attached where programs meet the chip and the network.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "compute/chosen_attention.hpp"
#include "compute/operator_time.hpp"
#include "model/architecture.hpp"
#include "network/collective.hpp"
#include "plan/plan.hpp"
#include "software/profile.hpp"

namespace zettatwin::workload {

// Formats of compressed activations (plan.compress_activations; DeepSeek-AI 2024, arXiv 2412.19437, section 3.3.3), with an fp32 scale per tile of 1x128:
// attention outputs in E5M6, which the backward pass of attention reads too; inputs of experts' activation functions in FP8. Bytes per element.
inline constexpr double kCompressedOutput = 1.5 + 4.0 / 128;
inline constexpr double kCompressedFeature = 1 + 4.0 / 128;

// What a leaf of the time breakdown is about.
enum class Category { gemm, attention, experts, memory_bound, quantise, tensor_comm, context_comm, expert_comm, parameter_comm };
[[nodiscard]] std::string_view name_of(Category category);

// shard/replica: the two factors of data under hybrid sharding (ZeRO within a shard group, replicated above it).
enum class Group { tensor, context, expert, expert_tensor, shard, replica, expert_shard, expert_replica, pipeline };
[[nodiscard]] std::string_view name_of(Group group);

// A collective among one of the rank's groups. `bytes` as network::CollectiveRequest defines it.
struct Communication {
  network::Collective op = network::Collective::all_reduce;
  Group group = Group::tensor;
  units::Bytes bytes;
  double tokens_sent = 0;         // expert dispatch/combine: tokens (before top-k copies) that this rank sends, for deduplication
  units::Bytes bytes_per_token;   // of one copy
};

using Work = std::variant<compute::Gemm, compute::GroupedGemm, compute::AttentionOp, compute::IndexScores, compute::ChosenAttention, compute::MemoryOp, compute::Quantise, Communication>;

// How a communication may run beside computation.
enum class Hiding {
  none,       // the rank waits
  chunked,    // cut in as many chunks as the group has ranks, pipelined with the computation beside it
  background  // issued at the start of the layer, needed at its end (parameter gathers of the next layer)
};

struct Operation {
  std::string_view name;   // "qkv projection"
  Category category = Category::gemm;
  Work work;
  Hiding hiding = Hiding::none;
  bool recomputed_selectively = false;  // re-run in the backward pass under selective recomputation
};

struct LayerOperations {
  std::vector<Operation> forward;
  std::vector<Operation> backward_input;   // gradients of activations, and all backward communication
  std::vector<Operation> backward_weight;  // gradients of weights
};

// What one microbatch looks like to one rank.
struct MicrobatchShape {
  std::int64_t sequences = 1;       // micro_batch
  std::int64_t sequence_length = 4096;
  [[nodiscard]] double tokens() const { return static_cast<double>(sequences) * static_cast<double>(sequence_length); }
};

// Whether queries of such a sequence attend to keys that an indexer chooses: shorter ones see all of them.
[[nodiscard]] inline bool chooses_keys(const model::Attention& a, double sequence_length) { return a.indexer.top > 0 && sequence_length > static_cast<double>(a.indexer.keys()); }

// The precisions that a recipe uses.
struct RecipePrecisions {
  hardware::Precision gemm = hardware::Precision::bf16;
  bool quantised = false;              // inputs are cast before each GEMM
  units::Bytes gathered;               // per element of what tensor-parallel ranks gather for a product, scales included
  units::Bytes dispatch;               // per element of dispatched activations
  units::Bytes combine;
};
[[nodiscard]] RecipePrecisions precisions_of(plan::Recipe recipe);

[[nodiscard]] LayerOperations layer_operations(const model::Architecture& architecture, const model::Layer& layer, const plan::Plan& plan, const MicrobatchShape& shape,
                                               const software::Profile& software);
[[nodiscard]] LayerOperations embedding_operations(const model::Architecture& architecture, const plan::Plan& plan, const MicrobatchShape& shape,
                                                   const software::Profile& software);
// Final norm, output projection and loss.
[[nodiscard]] LayerOperations head_operations(const model::Architecture& architecture, const plan::Plan& plan, const MicrobatchShape& shape, const software::Profile& software);
// One multi-token-prediction module: projection of [hidden; embedding], a layer and its own pass through the head.
[[nodiscard]] LayerOperations mtp_operations(const model::Architecture& architecture, const plan::Plan& plan, const MicrobatchShape& shape, const software::Profile& software);

// Useful FLOP of the whole model per token, forward and backward (3 x forward), attention counted causally; no recomputation. Independent of the plan.
[[nodiscard]] units::Flop model_flop_per_token(const model::Architecture& architecture, std::int64_t sequence_length);

// What the chips compute per token: as above, but attention over the full square of scores, and what the plan recomputes once more (in all layers).
// For a GPT with full recomputation Narayanan et al. 2021, eq. 3.
[[nodiscard]] units::Flop hardware_flop_per_token(const model::Architecture& architecture, const plan::Plan& plan, const software::Profile& software, std::int64_t sequence_length);

}  // namespace zettatwin::workload
