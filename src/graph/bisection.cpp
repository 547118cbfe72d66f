// SPDX-License-Identifier: Apache-2.0
#include "graph/bisection.hpp"

#include <algorithm>
#include <bit>
#include <limits>

#include "base/contract.hpp"

namespace zettatwin::graph {
namespace {

constexpr std::size_t kTriedAll = 14;  // endpoints up to which every half is tried: 1,716 maximum flows
constexpr double kEmpty = 1e-9;        // of a link's bandwidth: less is rounding

class MaximumFlow final {
 public:
  MaximumFlow(const Graph& graph, const std::vector<bool>& side) : graph_(graph), side_(side), level_(graph.vertices()), next_(graph.vertices()) {
    for (LinkId l = 0; l < graph.links(); ++l) left_.push_back(graph.link(l).bandwidth.si());
  }

  double value() {
    double sum = 0;
    while (levels())
      for (Vertex v = 0; v < side_.size(); ++v)
        if (side_[v])
          while (const double pushed = push(v, std::numeric_limits<double>::infinity())) sum += pushed;
    return sum;
  }

 private:
  [[nodiscard]] bool is_sink(Vertex v) const { return v < side_.size() && !side_[v]; }
  [[nodiscard]] bool open(LinkId l) const { return left_[l] > kEmpty * graph_.link(l).bandwidth.si(); }
  // Traffic starts anywhere on one side and ends at the first endpoint of the other.
  bool levels() {
    constexpr auto kUnseen = std::numeric_limits<std::uint32_t>::max();
    std::fill(level_.begin(), level_.end(), kUnseen);
    std::fill(next_.begin(), next_.end(), 0);
    std::vector<Vertex> order;
    for (Vertex v = 0; v < side_.size(); ++v)
      if (side_[v]) {
        level_[v] = 0;
        order.push_back(v);
      }
    bool reached = false;
    for (std::size_t i = 0; i < order.size(); ++i) {
      if (is_sink(order[i])) {
        reached = true;
        continue;
      }
      for (const LinkId l : graph_.out(order[i])) {
        auto& level = level_[graph_.link(l).to];
        if (level != kUnseen || !open(l)) continue;
        level = level_[order[i]] + 1;
        order.push_back(graph_.link(l).to);
      }
    }
    return reached;
  }
  double push(Vertex at, double most) {
    if (is_sink(at)) return most;
    for (; next_[at] < graph_.out(at).size(); ++next_[at]) {
      const LinkId l = graph_.out(at)[next_[at]];
      const Vertex to = graph_.link(l).to;
      if (!open(l) || level_[to] != level_[at] + 1) continue;
      const double pushed = push(to, std::min(most, left_[l]));
      if (pushed <= 0) continue;
      left_[l] -= pushed;
      left_[l ^ 1u] += pushed;
      return pushed;
    }
    return 0;
  }

  const Graph& graph_;
  const std::vector<bool>& side_;
  std::vector<double> left_;
  std::vector<std::uint32_t> level_;
  std::vector<std::size_t> next_;
};

std::vector<std::vector<bool>> all_halves(std::size_t count) {
  std::vector<std::vector<bool>> halves;
  for (std::uint32_t set = 0; set < 1u << (count - 1); ++set) {  // the last endpoint is on the other side
    const auto members = static_cast<std::size_t>(std::popcount(set));
    if (members != count / 2 && members != count - count / 2) continue;
    std::vector<bool> side(count, false);
    for (std::size_t v = 0; v < count; ++v) side[v] = (set >> v & 1u) != 0;
    halves.push_back(std::move(side));
  }
  return halves;
}

// Consecutive halves, and every other one, pair, four ...
std::vector<std::vector<bool>> some_halves(std::size_t count) {
  std::vector<std::vector<bool>> halves;
  constexpr std::size_t kShifts = 8;
  for (std::size_t s = 0; s < kShifts; ++s) {
    std::vector<bool> side(count, false);
    for (std::size_t i = 0; i < count / 2; ++i) side[(s * count / (2 * kShifts) + i) % count] = true;
    halves.push_back(std::move(side));
  }
  for (std::size_t block = 1; block <= count / 4; block *= 2) {
    std::vector<bool> side(count, false);
    std::size_t members = 0;
    for (std::size_t v = 0; v < count && members < count / 2; ++v)
      if (v / block % 2 == 0) {
        side[v] = true;
        ++members;
      }
    if (members == count / 2) halves.push_back(std::move(side));
  }
  return halves;
}

}  // namespace

units::BytesPerSecond flow_between(const Graph& graph, const std::vector<bool>& side) { return units::BytesPerSecond::from_si(MaximumFlow(graph, side).value()); }

Bisection bisection(const Graph& graph, std::size_t count, units::BytesPerSecond uniform) {
  ZT_EXPECT(count >= 2, std::to_string(count));
  Bisection result{units::BytesPerSecond::from_si(std::numeric_limits<double>::infinity()), {}, count <= kTriedAll};
  for (const auto& side : result.exact ? all_halves(count) : some_halves(count)) result.at_most = std::min(result.at_most, flow_between(graph, side));
  // Each of floor(n/2) endpoints sends the share ceil(n/2) / (n - 1) of its rate across.
  const auto half = count / 2, other = count - half;
  result.at_least = result.exact ? result.at_most : (static_cast<double>(half) * static_cast<double>(other) / static_cast<double>(count - 1)) * uniform;
  return result;
}

}  // namespace zettatwin::graph
