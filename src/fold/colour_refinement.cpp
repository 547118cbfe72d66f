// SPDX-License-Identifier: Apache-2.0
#include "fold/colour_refinement.hpp"

#include <algorithm>
#include <deque>
#include <numeric>
#include <span>
#include <string>

#include "base/contract.hpp"
#include "fold/detail/refinable_partition.hpp"

namespace zettatwin::fold {
namespace {

using detail::RefinablePartition;

class Refinement final {
 public:
  Refinement(const Graph& graph, const RefinementOptions& options)
      : options_(options),
        partition_(colours_of(graph, options)),
        total_(graph.nodes, 0),
        in_first_(graph.nodes + 1, 0) {
    ZT_EXPECT(options.readings.empty() || options.readings.size() == graph.nodes,
              std::to_string(options.readings.size()));
    for (const auto& arc : graph.arcs) {
      ZT_EXPECT(arc.from < graph.nodes && arc.to < graph.nodes && arc.weight > 0, std::to_string(arc.weight));
      ++in_first_[arc.to + 1];
    }
    std::partial_sum(in_first_.begin(), in_first_.end(), in_first_.begin());
    in_.resize(graph.arcs.size());
    auto next = in_first_;
    for (const auto& arc : graph.arcs) in_[next[arc.to]++] = {arc.from, arc.weight};
  }

  std::vector<std::uint32_t> run() {
    std::uint32_t before = 0;
    // With rounding, what two sums hide from each other their parts may show: repeat over all classes until
    // nothing splits.
    while (before != partition_.classes()) {
      before = partition_.classes();
      for (std::uint32_t c = 0; c < partition_.classes(); ++c) await(c);
      while (!waiting_.empty()) {
        const auto splitter = waiting_.front();
        waiting_.pop_front();
        is_waiting_[splitter] = false;
        split_by(splitter);
      }
      if (options_.rounding == 0) break;
    }
    return partition_.numbered();
  }

 private:
  struct In {
    std::uint32_t from;
    double weight;
  };

  static std::vector<std::int64_t> colours_of(const Graph& graph, const RefinementOptions& options) {
    if (options.colours.empty()) return std::vector<std::int64_t>(graph.nodes, 0);
    ZT_EXPECT(options.colours.size() == graph.nodes, std::to_string(options.colours.size()));
    return options.colours;
  }

  void await(std::uint32_t c) {
    is_waiting_.resize(partition_.classes(), false);
    if (is_waiting_[c]) return;
    is_waiting_[c] = true;
    waiting_.push_back(c);
  }

  [[nodiscard]] bool is_totalled(std::uint32_t c) const {
    return options_.readings.empty() || options_.readings[partition_.members(c).front()] == Reading::total;
  }

  void split_by(std::uint32_t splitter) {
    std::vector<std::uint32_t> touched;
    for (const auto node : partition_.members(splitter))
      for (auto i = in_first_[node]; i < in_first_[node + 1]; ++i) {
        if (total_[in_[i].from] == 0) touched.push_back(in_[i].from);
        total_[in_[i].from] += in_[i].weight;
      }
    if (!is_totalled(splitter))
      for (const auto node : touched) total_[node] = 1;
    std::sort(touched.begin(), touched.end(), [this](auto a, auto b) {
      const auto ca = partition_.class_of(a), cb = partition_.class_of(b);
      return ca != cb ? ca < cb : total_[a] != total_[b] ? total_[a] < total_[b] : a < b;
    });
    const auto all = std::span<const std::uint32_t>(touched);
    for (std::size_t first = 0; first < all.size();) {
      const auto c = partition_.class_of(all[first]);
      auto last = first + 1;
      while (last < all.size() && partition_.class_of(all[last]) == c) ++last;
      split(c, all.subspan(first, last - first));
      first = last;
    }
    for (const auto node : touched) total_[node] = 0;
  }

  // `touched` by ascending total.
  void split(std::uint32_t c, std::span<const std::uint32_t> touched) {
    std::vector<std::span<const std::uint32_t>> groups;
    for (std::size_t first = 0; first < touched.size();) {
      auto last = first + 1;
      while (last < touched.size() &&
             total_[touched[last]] <= total_[touched[last - 1]] * (1 + options_.rounding))
        ++last;
      groups.push_back(touched.subspan(first, last - first));
      first = last;
    }
    if (groups.size() == 1 && touched.size() == partition_.members(c).size()) return;
    const auto old_classes = partition_.classes();
    partition_.split(c, groups);
    for (auto part = old_classes; part < partition_.classes(); ++part) await(part);
    // Totals into the largest part follow from those into the others and the whole; presence does not.
    if (!is_totalled(c)) await(c);
  }

  const RefinementOptions& options_;
  RefinablePartition partition_;
  std::vector<double> total_;  // weight into the splitter, per node
  std::vector<std::size_t> in_first_;
  std::vector<In> in_;  // arcs by target
  std::deque<std::uint32_t> waiting_;
  std::vector<bool> is_waiting_;
};

}  // namespace

std::vector<std::uint32_t> colour_refinement(const Graph& graph, const RefinementOptions& options) {
  return Refinement(graph, options).run();
}

}  // namespace zettatwin::fold
