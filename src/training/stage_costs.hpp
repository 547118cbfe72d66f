// SPDX-License-Identifier: Apache-2.0
// What one microbatch costs a pipeline rank: forward, backward and its parts, per local model chunk, with where the time goes. Equal chunks are timed
// once, whatever the number of ranks.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "plan/layout.hpp"
#include "training/data_parallel.hpp"
#include "training/ledger.hpp"
#include "training/operation_timer.hpp"
#include "training/shared_step.hpp"
#include "training/streams.hpp"
#include "workload/schedule.hpp"

namespace zettatwin::training {

struct PassCost {
  units::Picoseconds time;
  units::Picoseconds bound;       // at datasheet peaks, without communication
  std::array<units::Picoseconds, 2> comm_bound;  // communication alone, at datasheet bandwidth: of activations, of parameters
  Ledger ledger;                  // sums to time
  units::Picoseconds contention;  // of time: because activations and parameters share ports
};

struct ChunkCosts {
  PassCost forward;
  PassCost backward;         // input and weight gradients together, recomputation included
  PassCost backward_input;
  PassCost backward_weight;
};

class StageCosts final {
 public:
  StageCosts(const model::Architecture& architecture, const plan::Plan& plan, const workload::MicrobatchShape& shape, const software::Profile& software,
             const OperationTimer& timer, LeafTable& leaves);

  [[nodiscard]] const ChunkCosts& of(const plan::ModelChunk& chunk);
  // Forward of one chunk overlapped with backward of another.
  [[nodiscard]] PassCost pair(const plan::ModelChunk& forward, const plan::ModelChunk& backward);
  // When each operation of an instruction runs, from its start on; what is timed as a whole comes last.
  [[nodiscard]] Recording recorded(const workload::Instruction& instruction, const std::function<const plan::ModelChunk&(std::int64_t)>& chunk_of);
  // The layers and ends of an instruction as the simulation of the whole step plays them; they live as long as this.
  [[nodiscard]] std::vector<SharedBlocks> shared_blocks(const workload::Instruction& instruction, const std::function<const plan::ModelChunk&(std::int64_t)>& chunk_of);
  // Calls f(operations, layers) for the layers and ends of a pass in the order in which they run; layers in a row that are alike come once, with their number.
  void for_each_block(const plan::ModelChunk& chunk, workload::Action action, const std::function<void(const std::vector<TimedOperation>&, std::int64_t)>& f);
  // Time of one microbatch through each kind of layer and through the ends: what a balanced layout equalises.
  [[nodiscard]] plan::LayerWeights weights();

 private:
  using Program = std::vector<TimedOperation>;
  struct Block {  // one layer, or the embedding, head or MTP module, lowered and timed
    workload::LayerOperations operations;
    Program forward, backward_input, backward_weight;
    Program recompute;  // forward operations that run again in the backward pass where the block recomputes
    std::array<ChunkCosts, 2> costs;  // without and with recomputation
    units::Picoseconds host;          // to issue its kernels, forward and backward
    std::map<std::pair<workload::Action, bool>, SharedBlock> shared;  // with or without recomputation
  };
  struct BlockUse {
    Block* block;
    bool recompute;
    std::int64_t count;
  };

  // `lower` makes the operations; it runs once per key. Recomputation leaves out the last `runs_once` forward operations.
  Block& block(const std::string& key, const std::function<workload::LayerOperations()>& lower, const ShardedParameters& parameters, units::Picoseconds host, std::size_t runs_once);
  [[nodiscard]] Program timed(const std::vector<workload::Operation>& operations, std::string_view group);
  void add_sharding_traffic(workload::LayerOperations& operations, const ShardedParameters& parameters) const;
  [[nodiscard]] ChunkCosts costs_of(const Block& block, bool recompute);
  [[nodiscard]] PassCost cost(const Program& program, units::Picoseconds host);
  [[nodiscard]] units::Picoseconds host_time(const model::Layer& layer) const;
  [[nodiscard]] units::Picoseconds host_time(const plan::ModelChunk& chunk) const;
  // The host's time to issue the kernels of a pass.
  [[nodiscard]] static units::Picoseconds issued(const Block& block, workload::Action action);
  [[nodiscard]] units::Picoseconds issued(const plan::ModelChunk& forward, const plan::ModelChunk& backward) const;
  [[nodiscard]] const SharedBlock& shared_block(const BlockUse& use, workload::Action action);
  [[nodiscard]] const SharedBlock& shared_pair(const plan::ModelChunk& forward, const plan::ModelChunk& backward);
  [[nodiscard]] SharedBlock shared_block(std::vector<Script> scripts, units::Picoseconds time, units::Picoseconds issued) const;
  [[nodiscard]] Program pass_of(const BlockUse& use, workload::Action action) const;
  [[nodiscard]] const PassCost& cost_of(const BlockUse& use, workload::Action action) const;
  // The two programs of a pair, whose costs are not sums over blocks.
  [[nodiscard]] std::pair<Program, Program> programs_of_pair(const plan::ModelChunk& forward, const plan::ModelChunk& backward);
  void append_losses(const Ledger& ledger, units::Picoseconds from, Recording& recording) const;
  void append_pass(const plan::ModelChunk& chunk, workload::Action action, units::Picoseconds& offset, Recording& recording);
  static void add_demands(PassCost& sum, const Program& program);
  void interfere(PassCost& cost, units::Picoseconds overlapped);
  void wait_for_host(PassCost& cost, units::Picoseconds issued);
  [[nodiscard]] std::vector<BlockUse> blocks_of(const plan::ModelChunk& chunk);
  [[nodiscard]] static std::string key_of(const plan::ModelChunk& chunk);

  const model::Architecture& architecture_;
  const plan::Plan& plan_;
  workload::MicrobatchShape shape_;
  const software::Profile& software_;
  const OperationTimer& timer_;
  LeafTable& leaves_;
  LeafId interference_;
  LeafId host_;
  std::map<std::string, std::unique_ptr<Block>> blocks_;
  std::map<std::string, ChunkCosts> chunks_;
  std::map<std::string, PassCost> pairs_;
  std::map<std::string, SharedBlock> shared_pairs_;
};

// "qkv projection" -> "qkv_projection": names as path elements.
[[nodiscard]] std::string path_element(std::string_view name);

}  // namespace zettatwin::training
