// SPDX-License-Identifier: Apache-2.0
#include "graph/graph.hpp"

#include "base/contract.hpp"

namespace zettatwin::graph {

Vertex Graph::add_vertex(std::string name, Role role) {
  names_.push_back(std::move(name));
  roles_.push_back(role);
  out_.emplace_back();
  return static_cast<Vertex>(names_.size() - 1);
}

Vertex Graph::add_vertices(const std::string& name, std::int64_t count, Role role) {
  const auto first = static_cast<Vertex>(vertices());
  for (std::int64_t i = 0; i < count; ++i) (void)add_vertex(name + std::to_string(i), role);
  return first;
}

std::uint32_t Graph::add_kind(LinkKind kind) {
  ZT_EXPECT(kind.layer < kLayersMax, std::to_string(kind.layer));
  kinds_.push_back(std::move(kind));
  return static_cast<std::uint32_t>(kinds_.size() - 1);
}

void Graph::add_cable(const Cable& c, std::int64_t count) {
  ZT_EXPECT(c.a < vertices() && c.b < vertices() && c.a != c.b, std::to_string(c.a) + " to " + std::to_string(c.b));
  ZT_EXPECT(c.bandwidth.si() > 0 && c.cost >= 1 && c.kind < kinds_.size(), names_[c.a] + " to " + names_[c.b]);
  for (std::int64_t i = 0; i < count; ++i) {
    out_[c.a].push_back(static_cast<LinkId>(links_.size()));
    links_.push_back({c.a, c.b, c.bandwidth, c.latency, c.cost, c.kind});
    out_[c.b].push_back(static_cast<LinkId>(links_.size()));
    links_.push_back({c.b, c.a, c.bandwidth, c.latency, c.cost, c.kind});
  }
}

}  // namespace zettatwin::graph
