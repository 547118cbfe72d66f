// SPDX-License-Identifier: Apache-2.0
#include "plan/grid.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/contract.hpp"

namespace zettatwin::plan {
namespace {

bool aligned(std::int64_t a, std::int64_t b) { return a % b == 0 || b % a == 0; }

// Orders atoms by stride, drops trivial ones and joins those that continue each other.
space::View normalised(std::vector<space::Atom> atoms) {
  std::erase_if(atoms, [](const auto& a) { return a.size == 1; });
  std::sort(atoms.begin(), atoms.end(), [](const auto& a, const auto& b) { return a.stride < b.stride; });
  space::View view;
  for (const auto& atom : atoms) {
    if (!view.atoms.empty() && view.atoms.back().stride * view.atoms.back().size == atom.stride) view.atoms.back().size *= atom.size;
    else view.atoms.push_back(atom);
  }
  return view;
}

}  // namespace

std::vector<std::int64_t> boundaries_inside_replicas(const Plan& plan) {
  const Grid smallest(plan, 1);
  std::vector<std::int64_t> result;
  bool pipeline_inside = plan.pp == 1;
  for (const auto axis : plan.placement) {
    if (axis == Axis::dp) break;
    result.push_back(smallest.stride(axis) * smallest.size(axis));
    pipeline_inside = pipeline_inside || axis == Axis::pp;
  }
  // With pp outside dp, an expert edge beyond the other axes may fall on either side of pp: not known yet.
  for (const auto edge : {plan.etp, plan.etp * plan.ep}) {
    if (edge <= smallest.stride(Axis::pp)) result.push_back(edge);
    else if (pipeline_inside) result.push_back(edge * plan.pp);
  }
  return result;
}

Grid::Grid(const Plan& plan, std::int64_t dp) : plan_(plan), dp_(dp) { ZT_EXPECT(dp >= 1, std::to_string(dp)); }

std::int64_t Grid::size(Axis axis) const {
  switch (axis) {
    case Axis::tp: return plan_.tp;
    case Axis::cp: return plan_.cp;
    case Axis::dp: return dp_;
    case Axis::pp: return plan_.pp;
  }
  return 1;
}

std::int64_t Grid::world() const { return plan_.tp * plan_.cp * dp_ * plan_.pp; }

std::int64_t Grid::stride(Axis axis) const {
  std::int64_t product = 1;
  for (const auto inner : plan_.placement) {
    if (inner == axis) return product;
    product *= size(inner);
  }
  ZT_ASSERT(false, "placement lacks an axis");
  return product;
}

std::int64_t Grid::inside_pipeline() const { return plan_.pp == 1 ? world() : stride(Axis::pp); }

bool Grid::expert_grid_exists() const {
  const auto inside = inside_pipeline();
  const auto experts = plan_.etp * plan_.ep;
  return (world() / plan_.pp) % experts == 0 && aligned(plan_.etp, inside) && aligned(experts, inside);
}

std::vector<std::int64_t> Grid::boundaries() const {
  std::vector<std::int64_t> result;
  for (const auto axis : plan_.placement) result.push_back(stride(axis) * size(axis));
  for (const auto edge : {plan_.etp, plan_.etp * plan_.ep}) result.push_back(edge <= inside_pipeline() ? edge : edge * plan_.pp);
  return result;
}

space::View Grid::axis_view(Axis axis) const { return normalised({{size(axis), stride(axis)}}); }

space::View Grid::segment(std::int64_t low, std::int64_t high) const {
  const auto inside = inside_pipeline();
  if (high <= inside) return normalised({{high / low, low}});
  if (low >= inside) return normalised({{high / low, low * plan_.pp}});
  return normalised({{inside / low, low}, {high / inside, inside * plan_.pp}});
}

Groups Grid::groups() const {
  ZT_EXPECT(expert_grid_exists(), fmt::format("etp {} ep {}", plan_.etp, plan_.ep));
  const auto experts = plan_.etp * plan_.ep;
  return {.tensor = axis_view(Axis::tp),
          .context = axis_view(Axis::cp),
          .expert = segment(plan_.etp, experts),
          .expert_tensor = segment(1, plan_.etp),
          .data = normalised({{plan_.cp, stride(Axis::cp)}, {dp_, stride(Axis::dp)}}),
          .expert_data = segment(experts, world() / plan_.pp),
          .pipeline = axis_view(Axis::pp)};
}

}  // namespace zettatwin::plan
