// SPDX-License-Identifier: Apache-2.0
#include "fold/detail/refinable_partition.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <tuple>

namespace zettatwin::fold::detail {

RefinablePartition::RefinablePartition(const std::vector<std::int64_t>& colours)
    : nodes_(colours.size()), place_(colours.size()), class_(colours.size()) {
  std::iota(nodes_.begin(), nodes_.end(), 0U);
  std::stable_sort(nodes_.begin(), nodes_.end(), [&](auto a, auto b) { return colours[a] < colours[b]; });
  for (std::uint32_t place = 0; place < nodes_.size(); ++place) {
    const auto node = nodes_[place];
    if (place == 0 || colours[node] != colours[nodes_[place - 1]]) {
      first_.push_back(place);
      last_.push_back(place);
    }
    place_[node] = place;
    class_[node] = classes() - 1;
    ++last_.back();
  }
}

void RefinablePartition::split(std::uint32_t c, const std::vector<std::span<const std::uint32_t>>& groups) {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> ranges;
  auto end = last_[c];
  for (const auto& group : groups) {
    const auto last = end;
    for (const auto node : group) {
      const auto other = nodes_[--end];
      std::swap(nodes_[place_[node]], nodes_[end]);
      std::swap(place_[node], place_[other]);
    }
    ranges.emplace_back(end, last);
  }
  if (first_[c] < end) ranges.emplace_back(first_[c], end);
  const auto size = [](const auto& range) { return range.second - range.first; };
  const auto largest = std::max_element(ranges.begin(), ranges.end(),
                                        [&](const auto& a, const auto& b) { return size(a) < size(b); });
  std::tie(first_[c], last_[c]) = *largest;
  ranges.erase(largest);
  for (const auto& [from, to] : ranges) {
    for (auto place = from; place < to; ++place) class_[nodes_[place]] = classes();
    first_.push_back(from);
    last_.push_back(to);
  }
}

std::vector<std::uint32_t> RefinablePartition::numbered() const {
  constexpr auto unseen = std::numeric_limits<std::uint32_t>::max();
  std::vector<std::uint32_t> number(classes(), unseen), result(class_.size());
  std::uint32_t next = 0;
  for (std::size_t node = 0; node < class_.size(); ++node) {
    auto& mine = number[class_[node]];
    if (mine == unseen) mine = next++;
    result[node] = mine;
  }
  return result;
}

}  // namespace zettatwin::fold::detail
