// SPDX-License-Identifier: Apache-2.0
// Figures of a machine's levels from timings of collectives: bandwidth efficiency, half_message, latency, message_gap, launch, and those of
// reduction inside the network. The forms are those of `network`, called as they are; all operations are fitted together, since they share the
// figures of the levels that they cross. Times are of one call on an otherwise idle machine, without the host's launch.
// User timings (CSV): the first line names the columns; op (all_reduce, all_gather, reduce_scatter, all_to_all, broadcast, send_recv), ranks,
// bytes as nccl-tests counts them, time_us [stride]. The members of a group are `stride` ranks apart, 1 if not given, and all groups run at once.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "calibration/calibrate.hpp"
#include "calibration/op_tables.hpp"
#include "calibration/timings.hpp"
#include "hardware/machine.hpp"
#include "network/collective.hpp"

namespace zettatwin::calibration {

struct CollectiveTiming {
  network::CollectiveRequest request;
  std::vector<std::int64_t> used;  // units of each level, as topology::Fabric counts them: the job fills just these
  double seconds = 0;
};

// Timings of one operation, as the report and the plot show them.
struct CollectiveTimings {
  network::Collective op = network::Collective::all_reduce;
  std::vector<CollectiveTiming> timings;
};

struct FittedLink : Fitted {
  config::Provenance provenance;
};

struct MachineCalibration {
  hardware::Machine machine;
  std::vector<FamilyReport> families;  // by operation, without figures
  std::vector<FittedLink> figures;         // "levels.node.network.efficiency"
};

// In the order of the operations. Empty if anything is wrong.
[[nodiscard]] std::vector<CollectiveTimings> read_collective_timings(std::string_view text, const std::string& name, const TimingDefaults& defaults, const hardware::Machine& machine,
                                                                     config::Diagnostics& diagnostics);

// Of the table "nccl" (aiconfigurator): one node; repeats of a point are one timing, their median.
[[nodiscard]] std::vector<CollectiveTimings> read_collective_tables(const TableText& text, const hardware::Machine& machine, config::Diagnostics& diagnostics);

// Expects collectives within the machine. With few timings no more figures move than there are timings. Options that a machine has no use for are ignored.
[[nodiscard]] MachineCalibration calibrate(const hardware::Machine& machine, const std::vector<CollectiveTimings>& timings, const Options& options);

[[nodiscard]] double predicted(const hardware::Machine& machine, const CollectiveTiming& timing);

// What the calibration made, as a document that extends `base`.
[[nodiscard]] std::string machine_document(const MachineCalibration& calibration, const std::string& base, const std::string& title);

}  // namespace zettatwin::calibration
