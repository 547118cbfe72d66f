// SPDX-License-Identifier: Apache-2.0
// Runs the operations of layers on a rank's streams: computation, the communication that it waits for (activations), and traffic of
// parameters and gradients in the background, which uses other communicators. Nothing else uses the rank's ports meanwhile. The computation stream's time is fully accounted for: each operation
// it runs, and each wait, which belongs to the communication waited for.
#pragma once

#include <vector>

#include "training/chip_timeline.hpp"
#include "training/footprint.hpp"
#include "training/ledger.hpp"
#include "training/operation_timer.hpp"

namespace zettatwin::training {

// An operation with its time, ready to run.
struct TimedOperation {
  LeafId leaf = 0;
  units::Picoseconds time;
  units::Picoseconds bound;             // at datasheet peaks
  bool communication = false;
  bool parameters = false;              // communication of parameters or gradients: its own stream
  workload::Hiding hiding = workload::Hiding::none;
  std::int64_t chunks = 1;              // of chunked hiding: ranks of the group
  units::Picoseconds partner;           // chunked: time of the computation beside it,
  bool partner_follows = false;         // which comes after a gather and before a reduction
  const Footprint* ports = nullptr;     // communication: what it keeps busy; nothing shares with null
  const workload::Operation* operation = nullptr;
};

struct StreamResult {
  units::Picoseconds time;        // from first start to last finish on the computation stream
  units::Picoseconds overlapped;  // communication that ran beside computation, in time that it takes alone
  units::Picoseconds contention;  // how much longer it took because messages of the two streams share ports
  Ledger ledger;                  // sums to time
};

// When an operation, or a wait of the computation stream for one, ran.
struct OperationInterval {
  Stream stream = Stream::computation;
  LeafId leaf = 0;
  bool waiting = false;
  units::Picoseconds start, finish;
};
// The computation stream's intervals cover the program without gaps; those of each other stream do not overlap.
using Recording = std::vector<OperationInterval>;

// One program. A communication starts when the one before it on its stream has finished and its place in the program is reached.
//   none:       computation waits for it
//   chunked:    pipelined with its partner in n chunks: max(g, d + g/n) - g is exposed
//   background: computation goes on; the program ends when it has finished
// A message of activations and one of parameters under way at the same time share ports (shared_ports.hpp).
[[nodiscard]] StreamResult run_streams(const std::vector<TimedOperation>& program, Recording* recording = nullptr);

// Two programs that share the streams: while one waits for its communication the other computes (DualPipe's overlapped forward and backward). The operation
// that can start first runs first; `first` wins ties.
[[nodiscard]] StreamResult run_streams_together(const std::vector<TimedOperation>& first, const std::vector<TimedOperation>& second, Recording* recording = nullptr);

}  // namespace zettatwin::training
