// SPDX-License-Identifier: Apache-2.0
#include "training/ledger.hpp"

namespace zettatwin::training {

LeafId LeafTable::intern(std::string_view group, std::string_view name, const workload::Operation* example) {
  for (LeafId id = 0; id < leaves_.size(); ++id)
    if (leaves_[id].name == name && leaves_[id].group == group) return id;
  leaves_.push_back({std::string(group), std::string(name), example});
  return leaves_.size() - 1;
}

void Ledger::add(LeafId leaf, units::Picoseconds time) {
  if (leaf >= times_.size()) times_.resize(leaf + 1);
  times_[leaf] += time;
}

void Ledger::add(const Ledger& other, std::int64_t times) {
  if (other.times_.size() > times_.size()) times_.resize(other.times_.size());
  for (std::size_t i = 0; i < other.times_.size(); ++i) times_[i] += other.times_[i] * times;
}

units::Picoseconds Ledger::total() const {
  units::Picoseconds sum;
  for (const auto time : times_) sum += time;
  return sum;
}

}  // namespace zettatwin::training
