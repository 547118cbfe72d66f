// SPDX-License-Identifier: Apache-2.0
// A question about one collective on a machine, as users write it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/all_to_all.hpp"
#include "config/document.hpp"
#include "report/collective.hpp"

namespace zettatwin::api {

struct CollectiveQuestion {
  std::string machine;
  std::string op = "all-reduce";      // all-reduce, all-gather, reduce-scatter, all-to-all, broadcast, send-recv
  std::string bytes = "1KiB:8GiB";    // one size, or first:last, doubling
  std::int64_t ranks = 0;             // of one group; 0: as many as the stride leaves of the whole machine; send-recv: 2
  std::int64_t stride = 1;            // between members of a group; the groups in between run at the same time
  std::string algorithm = "auto";     // or ring, tree, halving-doubling, direct, bruck, hierarchical, in-network, rotated
  std::string fidelity = "folded";    // or unfolded
  std::string routing = "spraying";   // or d-mod-k, ecmp, first; all but spraying act on real cables
  std::int64_t seeds = 32;            // ecmp: draws of the hash
  std::int64_t seed = 1;              // ecmp: of the first draw
  std::string skew;                   // all-to-all: of receivers (all_to_all.hpp); empty: none
  ExpertDispatch dispatch;            // all-to-all
  std::vector<std::string> faults;
};

// Problems go to diagnostics; nothing if there were errors. A collective that faults make impossible is an answer.
[[nodiscard]] std::optional<report::CollectiveSubject> collective(const CollectiveQuestion& question, const config::DocumentSource& source, config::Diagnostics& diagnostics);

}  // namespace zettatwin::api
