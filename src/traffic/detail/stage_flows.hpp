// SPDX-License-Identifier: Apache-2.0
// The flows of one stage of a collective, as classes on classes of links.
#pragma once

#include <string>
#include <vector>

#include "network/stages.hpp"
#include "traffic/detail/links.hpp"

namespace zettatwin::traffic::detail {

struct FlowClass {
  fold::Element representative;  // two ranks, or a group (a rank without the coordinates inside)
  std::int64_t members = 0;
};

// A program of flows that all start together, each after its latency.
class StageFlows final {
 public:
  // `stages`: those whose levels carry bytes at the same time; their bandwidths set the links' rates.
  StageFlows(const Lattice& lattice, const Health& health, std::vector<network::CollectiveStage> stages);

  // One flow per ordered pair of members that differ on the levels of the stages; bytes[l] between two that differ on level l and no outer one.
  [[nodiscard]] bool add_pairs(const std::vector<bool>& within, const std::vector<units::Bytes>& bytes);
  // One flow per group; each member moves the stages' bytes through its ports.
  [[nodiscard]] bool add_groups(const std::vector<bool>& within);

  [[nodiscard]] const flow::FlowProgram& program() const { return program_; }
  [[nodiscard]] const std::vector<FlowClass>& flows() const { return flows_; }
  [[nodiscard]] const Links& links() const { return links_; }

 private:
  using Uses = std::vector<flow::Use<double>>;
  [[nodiscard]] const network::CollectiveStage* stage_at(std::size_t level) const;
  // Seconds that a byte takes on the healthy link.
  [[nodiscard]] double seconds_per_byte(const Hop& hop) const;
  void add_use(Uses& uses, const Hop& hop, double members);
  void add_memory(Uses& uses, const fold::Position& rank, double passes, double members);

  const Lattice& lattice_;
  const Health& health_;
  std::vector<network::CollectiveStage> stages_;
  flow::FlowProgram program_;
  Links links_;
  std::vector<FlowClass> flows_;
};

}  // namespace zettatwin::traffic::detail
