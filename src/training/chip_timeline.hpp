// SPDX-License-Identifier: Apache-2.0
// One chip of a job, unfolded: where it is, who its peers are, what it feels of faults, and what it does when.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "units/picoseconds.hpp"

namespace zettatwin::training {

// What runs beside each other on a chip: computation, messages of activations, of parameters and gradients, and sends to other pipeline ranks.
enum class Stream { computation, activations, parameters, sends };
[[nodiscard]] std::string_view name_of(Stream stream);

struct ChipOperation {
  Stream stream = Stream::computation;
  std::string name;         // "qkv projection"
  std::string group;        // path of its leaf in the breakdown: "compute.gemm"
  bool waiting = false;     // computation waits for it
  std::int64_t instruction = -1;  // index; -1: once per step
  units::Picoseconds start, finish;
};

struct ChipInstruction {
  std::string name;         // "F0 mb3"
  units::Picoseconds start, finish;
};

struct ChipCoordinate {
  std::string dimension;    // "tensor"
  std::int64_t index = 0;
  std::vector<std::int64_t> peers;  // the group's first ranks, its own left out
  std::int64_t size = 1;    // of the group
};

struct FeltFault {
  std::string fault;
  std::string how;          // "this chip: 80 % of its clock are left"
};

struct ChipTimeline {
  std::int64_t rank = 0;
  std::string place;        // "pod=3/cabinet=17/board=2/npu=5"
  std::int64_t pipeline_rank = 0;
  std::int64_t cluster = 0;         // lowest rank of the replicas that it is coupled with in every layer
  std::int64_t cluster_ranks = 1;
  std::vector<ChipCoordinate> coordinates;
  std::vector<FeltFault> faults;
  std::vector<ChipInstruction> instructions;
  std::vector<ChipOperation> operations;  // by start
  std::int64_t instructions_left_out = 0; // beyond what is kept
  units::Picoseconds step;
};

}  // namespace zettatwin::training
