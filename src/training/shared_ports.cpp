// SPDX-License-Identifier: Apache-2.0
#include "training/shared_ports.hpp"

#include <algorithm>
#include <tuple>

#include "flow/max_min.hpp"

namespace zettatwin::training {
namespace {

enum class Direction : std::uint8_t { out, in };

// A message's use of one level's ports of a rank.
struct PortLoad {
  std::int32_t rank = 0;
  Direction direction = Direction::out;
  std::size_t level = 0;
  PortUse use;
  std::size_t message = 0;
  [[nodiscard]] auto ports() const { return std::tuple(rank, direction, level); }
};

std::vector<PortLoad> loads_of(const std::vector<PortMessage>& messages) {
  std::vector<PortLoad> loads;
  for (std::size_t m = 0; m < messages.size(); ++m) {
    if (!messages[m].ports) continue;
    for (std::size_t l = 0; l < messages[m].ports->size(); ++l) {
      const auto& use = (*messages[m].ports)[l];
      if (use.share <= 0) continue;
      loads.push_back({messages[m].from, Direction::out, l, use, m});
      loads.push_back({messages[m].to, Direction::in, l, use, m});
    }
  }
  std::stable_sort(loads.begin(), loads.end(), [](const PortLoad& a, const PortLoad& b) { return a.ports() < b.ports(); });
  return loads;
}

// Links to peers that the same messages use are one resource.
std::vector<std::uint64_t> links_of(const PortLoad* first, const PortLoad* last) {
  std::vector<std::uint64_t> links{kAllPeers};
  for (; first != last; ++first) {
    std::vector<std::uint64_t> finer;
    for (const auto link : links)
      for (const auto part : {link & first->use.peers, link & ~first->use.peers})
        if (part != 0) finer.push_back(part);
    links = std::move(finer);
  }
  return links;
}

std::vector<double> solve(const std::vector<PortMessage>& messages) {
  flow::SharingProblem<double> problem;
  std::vector<std::vector<flow::Use<double>>> uses(messages.size());
  const auto loads = loads_of(messages);
  for (std::size_t first = 0, last = 0; first < loads.size(); first = last) {
    while (last < loads.size() && loads[last].ports() == loads[first].ports()) ++last;
    for (const auto link : links_of(loads.data() + first, loads.data() + last)) {
      const auto resource = problem.add_resource(1);
      for (auto i = first; i < last; ++i)
        if ((loads[i].use.peers & link) != 0) uses[loads[i].message].push_back({resource, loads[i].use.share});
    }
  }
  for (const auto& of_message : uses) (void)problem.add_flow(1, of_message, 1.0);
  return flow::max_min(problem).rate;
}

}  // namespace

std::int64_t SharedPorts::id_of(const Footprint* ports) { return ids_.try_emplace(ports, static_cast<std::int64_t>(ids_.size())).first->second; }

const std::vector<double>& SharedPorts::rates(const std::vector<PortMessage>& messages) {
  key_.clear();
  for (const auto& m : messages) key_.insert(key_.end(), {m.from, m.to, id_of(m.ports)});
  const auto [at, added] = known_.try_emplace(key_);
  if (added) at->second = messages.size() == 1 ? std::vector<double>{1} : solve(messages);
  return at->second;
}

}  // namespace zettatwin::training
