// SPDX-License-Identifier: Apache-2.0
// Random sharing problems: any, and symmetric ones given both as classes and member by member.
#pragma once

#include <algorithm>
#include <numeric>
#include <optional>
#include <vector>

#include "flow/max_min.hpp"
#include "random.hpp"

namespace zettatwin::test {

inline std::uint32_t below(Random& random, std::size_t n) { return static_cast<std::uint32_t>(random.between(0, static_cast<std::int64_t>(n) - 1)); }

// Small whole numbers and few fractions, so that ties are frequent and exact arithmetic stays exact.
template <class Scalar>
flow::SharingProblem<Scalar> random_sharing(Random& random, std::int64_t resources_max, std::int64_t flows_max, std::int64_t one_dead_in = 12) {
  flow::SharingProblem<Scalar> p;
  const auto resources = random.between(1, resources_max);
  for (std::int64_t l = 0; l < resources; ++l) p.add_resource(Scalar(random.one_in(one_dead_in) ? 0 : random.between(1, 8)));
  for (std::int64_t f = random.between(1, flows_max); f > 0; --f) {
    std::vector<flow::Use<Scalar>> uses;
    for (std::int64_t k = random.between(1, 4); k > 0; --k) {
      const auto whole = Scalar(random.between(1, 2));  // apart: operands of a quotient have no order of evaluation
      uses.push_back({below(random, p.resources()), whole / Scalar(random.of({1, 1, 2, 4}))});
    }
    std::optional<Scalar> cap;
    if (random.one_in(5)) cap = Scalar(random.between(1, 6)) / Scalar(2);
    p.add_flow(Scalar(random.between(1, 3)), uses, cap);
  }
  return p;
}

template <class Scalar>
struct Folded {
  flow::SharingProblem<Scalar> classes;
  flow::SharingProblem<Scalar> members;
  std::vector<flow::FlowId> class_of;           // per flow of members
  std::vector<flow::ResourceId> resource_class_of;
};

// Satisfies the conditions of the quotient theorem and no more: every link of a class is crossed equally often by the flows of a class,
// but flows of one class may cross different numbers of its links.
template <class Scalar>
Folded<Scalar> random_symmetric(Random& random) {
  Folded<Scalar> folded;
  std::vector<std::uint32_t> links;
  std::vector<flow::ResourceId> first_link;
  for (std::int64_t d = random.between(1, 5); d > 0; --d) {
    links.push_back(1 + below(random, 4));
    first_link.push_back(folded.members.resources());
    const auto capacity = Scalar(random.one_in(15) ? 0 : random.between(1, 8));
    const flow::ResourceId id = folded.classes.add_resource(capacity);
    for (std::uint32_t i = 0; i < links.back(); ++i) {
      folded.members.add_resource(capacity);
      folded.resource_class_of.push_back(id);
    }
  }
  for (std::int64_t c = random.between(1, 5); c > 0; --c) {
    const std::size_t n = 1 + below(random, 5);
    std::vector<flow::Use<Scalar>> of_class;
    std::vector<std::vector<flow::Use<Scalar>>> of_members(n);
    for (flow::ResourceId d = 0; d < links.size(); ++d) {
      if (!random.one_in(2) && !(of_class.empty() && d + 1 == links.size())) continue;
      const std::uint32_t m = links[d];
      const Scalar load = Scalar(1) / Scalar(random.of({1, 2, 4}));
      std::uint32_t crossings = 0;  // dealt out round-robin over the m links; in all a multiple of m
      for (std::size_t i = 0; i < n; ++i) {
        const std::uint32_t of_flow = i + 1 < n ? 1 + below(random, m) : m - crossings % m;
        for (std::uint32_t k = 0; k < of_flow; ++k) of_members[i].push_back({first_link[d] + crossings++ % m, load});
      }
      of_class.push_back({d, load * Scalar(crossings / m)});
    }
    const auto weight = Scalar(random.between(1, 3));
    std::optional<Scalar> cap;
    if (random.one_in(5)) cap = Scalar(random.between(1, 6)) / Scalar(2);
    const flow::FlowId id = folded.classes.add_flow(weight, of_class, cap);
    for (const auto& uses : of_members) {
      folded.members.add_flow(weight, uses, cap);
      folded.class_of.push_back(id);
    }
  }
  return folded;
}

inline std::vector<std::uint32_t> random_order(Random& random, std::size_t n) {
  std::vector<std::uint32_t> order(n);
  std::iota(order.begin(), order.end(), 0U);
  for (std::size_t i = n; i > 1; --i) std::swap(order[i - 1], order[below(random, i)]);
  return order;
}

}  // namespace zettatwin::test
