// SPDX-License-Identifier: Apache-2.0
// Where time goes: picoseconds per leaf of the breakdown. Exact integers, so that leaves sum to totals to the last picosecond.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "units/picoseconds.hpp"
#include "workload/operations.hpp"

namespace zettatwin::training {

using LeafId = std::size_t;

// Leaves that are no operation, by name.
inline constexpr std::string_view kInterferenceLeaf = "interference with computation";
inline constexpr std::string_view kHostLeaf = "waiting for the host";

// One leaf of the breakdown: its place and one operation that stands for it in explanations.
struct Leaf {
  std::string group;   // "compute.gemm", "communication.expert_parallel", "bubble"
  std::string name;    // "qkv projection"
  const workload::Operation* example = nullptr;  // owned by the job's lowered layers
};

class LeafTable final {
 public:
  LeafId intern(std::string_view group, std::string_view name, const workload::Operation* example = nullptr);
  [[nodiscard]] const Leaf& at(LeafId id) const { return leaves_[id]; }
  [[nodiscard]] std::size_t size() const { return leaves_.size(); }

 private:
  std::vector<Leaf> leaves_;
};

class Ledger final {
 public:
  void add(LeafId leaf, units::Picoseconds time);
  void add(const Ledger& other, std::int64_t times = 1);
  [[nodiscard]] units::Picoseconds of(LeafId leaf) const { return leaf < times_.size() ? times_[leaf] : units::Picoseconds(); }
  [[nodiscard]] units::Picoseconds total() const;

 private:
  std::vector<units::Picoseconds> times_;
};

}  // namespace zettatwin::training
