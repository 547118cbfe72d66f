// SPDX-License-Identifier: Apache-2.0
// Entries by index, and lists of them in the order in which they were put there: who is oldest, at the price of two indices per entry. An entry is in one list at
// most. Indices of entries that were given back are used again. Constant time.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace zettatwin::serving::detail {

using AgeIndex = std::uint32_t;
inline constexpr AgeIndex kNoEntry = 0xffffffff;

struct AgeList {
  std::int64_t size = 0;
  AgeIndex oldest = kNoEntry, newest = kNoEntry;
};

template <class Value>
class AgeLists final {
 public:
  [[nodiscard]] AgeIndex add(Value value) {
    if (spare_.empty()) {
      nodes_.push_back({std::move(value), kNoEntry, kNoEntry});
      return static_cast<AgeIndex>(nodes_.size() - 1);
    }
    const AgeIndex entry = spare_.back();
    spare_.pop_back();
    nodes_[entry] = {std::move(value), kNoEntry, kNoEntry};
    return entry;
  }
  // Expects that it is in no list.
  void give_back(AgeIndex entry) { spare_.push_back(entry); }
  [[nodiscard]] Value& operator[](AgeIndex entry) { return nodes_[entry].value; }
  [[nodiscard]] const Value& operator[](AgeIndex entry) const { return nodes_[entry].value; }

  void append(AgeList& list, AgeIndex entry) {
    Node& node = nodes_[entry];
    node.older = list.newest;
    node.newer = kNoEntry;
    (list.newest == kNoEntry ? list.oldest : nodes_[list.newest].newer) = entry;
    list.newest = entry;
    ++list.size;
  }
  // Expects that it is in this list.
  void remove(AgeList& list, AgeIndex entry) {
    const Node& node = nodes_[entry];
    (node.older == kNoEntry ? list.oldest : nodes_[node.older].newer) = node.newer;
    (node.newer == kNoEntry ? list.newest : nodes_[node.newer].older) = node.older;
    --list.size;
  }

 private:
  struct Node {
    Value value;
    AgeIndex older = kNoEntry, newer = kNoEntry;
  };
  std::vector<Node> nodes_;
  std::vector<AgeIndex> spare_;
};

}  // namespace zettatwin::serving::detail
