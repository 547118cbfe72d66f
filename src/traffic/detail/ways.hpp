// SPDX-License-Identifier: Apache-2.0
// The way between two ranks over links, and around what faults leave of them.
// Dimension order in meshes (both orders of two mesh levels, half each) and tori, up and down through switches.
// A mesh link that is not healthy shares its bytes with the detours by every other unit of its level, so that all are done at the same time:
// with r left of the link, q_i of detour i (of the worse of its two links), and o_i = 1 where the group's own messages use these links as well,
//
//   r T  directly,  q_i T - o_i  over detour i where that is positive,  T = (1 + sum o_i) / (r + sum q_i)
//
// (docs/math/traffic.md). A dead link of a ring is bypassed the other way round.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "traffic/detail/health.hpp"

namespace zettatwin::traffic::detail {

template <class Number>
class Ways final {
 public:
  Ways(const Lattice& lattice, std::span<const Fault> faults) : lattice_(lattice), health_(lattice, faults) {}

  // Appends the hops from one rank to another; false if a link is dead and no detour is left.
  [[nodiscard]] bool append(const fold::Position& from, const fold::Position& to, Number share, std::vector<Hop<Number>>& way);
  // Between two units of one full mesh, which differ on this level alone.
  [[nodiscard]] bool append_mesh(std::size_t level, const fold::Position& from, const fold::Position& to, Number share, std::vector<Hop<Number>>& way);
  // From one position of a dimension `steps` links up, or down.
  [[nodiscard]] bool append_run(const Dimension& dimension, const fold::Position& from, std::int64_t steps, Number share, std::vector<Hop<Number>>& way);

  [[nodiscard]] const Health<Number>& health() const { return health_; }
  [[nodiscard]] bool took_detour() const { return took_detour_; }  // ever

 private:
  struct Detour {
    fold::Position via;
    Number left;
    Number own;
  };
  [[nodiscard]] std::vector<Detour> detours(std::size_t level, const fold::Position& from, const fold::Position& to) const;
  [[nodiscard]] bool append_torus(std::size_t level, const fold::Position& from, const fold::Position& to, Number share, std::vector<Hop<Number>>& way);
  [[nodiscard]] bool append_across(std::size_t level, const fold::Position& from, const fold::Position& to, Number share, std::vector<Hop<Number>>& way);
  void append_switched(std::size_t level, const fold::Position& from, const fold::Position& to, Number share, std::vector<Hop<Number>>& way) const;
  [[nodiscard]] bool runs(const Dimension& dimension, const fold::Position& from, std::int64_t steps, bool around) const;
  [[nodiscard]] fold::Position moved(fold::Position from, const fold::Position& to, std::size_t first, std::size_t last) const;
  [[nodiscard]] LinkId at(LinkKind kind, std::size_t level, fold::Position source) const { return {kind, level, {std::move(source), lattice_.empty_position()}}; }

  const Lattice& lattice_;
  Health<Number> health_;
  bool took_detour_ = false;
};

template <class Number>
fold::Position Ways<Number>::moved(fold::Position from, const fold::Position& to, std::size_t first, std::size_t last) const {
  for (std::size_t i = 0; i < lattice_.atoms(); ++i)
    if (lattice_.level_of[i] >= first && lattice_.level_of[i] < last) from[i] = to[i];
  return from;
}

template <class Number>
void Ways<Number>::append_switched(std::size_t level, const fold::Position& from, const fold::Position& to, Number share, std::vector<Hop<Number>>& way) const {
  const std::size_t port = network::port_level(*lattice_.fabric->machine, level);
  way.push_back({at(LinkKind::send_port, port, from), share, level});
  way.push_back({at(LinkKind::receive_port, port, to), share, level});
  if (leaf_units(*lattice_.fabric, level) == 0) return;
  const auto up = lattice_.leaf_of(level, from), down = lattice_.leaf_of(level, to);
  if (up == down) return;
  way.push_back({at(LinkKind::leaf_up, level, up), share, level});
  way.push_back({at(LinkKind::leaf_down, level, down), share, level});
}

template <class Number>
std::vector<typename Ways<Number>::Detour> Ways<Number>::detours(std::size_t level, const fold::Position& from, const fold::Position& to) const {
  std::vector<Detour> detours;
  for (std::int64_t v = 0; v < lattice_.fabric->used[level]; ++v) {
    fold::Position via = from;
    lattice_.set_coordinate(via, level, v);
    if (via == from || via == to) continue;
    const auto link = [level](const fold::Position& a, const fold::Position& b) { return LinkId{LinkKind::mesh_link, level, {a, b}}; };
    const Number left = std::min<Number>(health_.remaining(link(from, via)), health_.remaining(link(via, to)));
    const Number own(lattice_.same_group(from, via) ? 1 : 0);
    if (Number(0) < left) detours.push_back({std::move(via), left, own});
  }
  // Idle ones first, then by what is left: each that helps is taken, and equal ones are taken together.
  std::stable_sort(detours.begin(), detours.end(), [](const Detour& a, const Detour& b) { return a.own != b.own ? a.own < b.own : b.left < a.left; });
  return detours;
}

template <class Number>
bool Ways<Number>::append_mesh(std::size_t level, const fold::Position& from, const fold::Position& to, Number share, std::vector<Hop<Number>>& way) {
  const auto hop = [&](const fold::Position& a, const fold::Position& b, Number part) { way.push_back({{LinkKind::mesh_link, level, {a, b}}, part, level}); };
  const Number direct = health_.remaining({LinkKind::mesh_link, level, {from, to}});
  if (direct == Number(1)) {
    hop(from, to, share);
    return true;
  }
  took_detour_ = true;
  Number work(1), left = direct;
  std::vector<Detour> taken;
  for (auto& detour : detours(level, from, to)) {
    if (!(detour.own * left < detour.left * work)) break;  // it would carry nothing
    work = work + detour.own;
    left = left + detour.left;
    taken.push_back(std::move(detour));
  }
  if (!(Number(0) < left)) return false;
  const Number until = work / left;
  if (Number(0) < direct) hop(from, to, share * direct * until);
  for (const auto& detour : taken) {
    const Number part = share * (detour.left * until - detour.own);
    if (!(Number(0) < part)) continue;
    hop(from, detour.via, part);
    hop(detour.via, to, part);
  }
  return true;
}

template <class Number>
bool Ways<Number>::runs(const Dimension& dimension, const fold::Position& from, std::int64_t steps, bool around) const {
  const std::int64_t direction = steps > 0 ? 1 : -1;
  fold::Position at = from;
  for (; steps != 0; steps -= direction) {
    auto next = lattice_.next(dimension, at, direction, around);
    if (!next || !(Number(0) < health_.remaining({LinkKind::torus_link, dimension.level, {at, *next}}))) return false;
    at = std::move(*next);
  }
  return true;
}

template <class Number>
bool Ways<Number>::append_run(const Dimension& dimension, const fold::Position& from, std::int64_t steps, Number share, std::vector<Hop<Number>>& way) {
  std::int64_t direction = steps > 0 ? 1 : -1;
  if (dimension.uniform) {  // one class of links
    way.push_back({{LinkKind::torus_link, dimension.level, {from, *lattice_.next(dimension, from, direction)}}, share * Number(steps * direction), dimension.level});
    return true;
  }
  const bool around = !runs(dimension, from, steps, false);
  if (around) {
    took_detour_ = true;
    steps -= direction * dimension.extent;
    direction = -direction;
    if (!dimension.detours || !runs(dimension, from, steps, true)) return false;
  }
  fold::Position at = from;
  for (; steps != 0; steps -= direction) {
    auto next = *lattice_.next(dimension, at, direction, around);
    way.push_back({{LinkKind::torus_link, dimension.level, {at, next}}, share, dimension.level});
    at = std::move(next);
  }
  return true;
}

template <class Number>
bool Ways<Number>::append_torus(std::size_t level, const fold::Position& from, const fold::Position& to, Number share, std::vector<Hop<Number>>& way) {
  fold::Position at = from;
  for (const auto& dimension : lattice_.dimensions) {
    if (dimension.level != level) continue;
    const auto here = lattice_.coordinate(at, level);
    const auto target = dimension.of(lattice_.coordinate(to, level));
    const auto straight = target - dimension.of(here), extent = dimension.extent;
    if (straight == 0) continue;
    const auto up = (straight + extent) % extent;  // links on the way up a ring
    const bool opposite = dimension.ring && 2 * up == extent;
    const auto steps = !dimension.ring ? straight : 2 * up <= extent ? up : up - extent;
    const Number part = opposite ? share / Number(2) : share;
    if (!append_run(dimension, at, steps, part, way) || (opposite && !append_run(dimension, at, -steps, part, way))) return false;
    lattice_.set_coordinate(at, level, dimension.with(here, target));
  }
  return true;
}

template <class Number>
bool Ways<Number>::append_across(std::size_t level, const fold::Position& from, const fold::Position& to, Number share, std::vector<Hop<Number>>& way) {
  if (lattice_.fabric->machine->levels[level].network.kind == hardware::NetworkKind::full_mesh) return append_mesh(level, from, to, share, way);
  if (lattice_.is_torus(level)) return append_torus(level, from, to, share, way);
  append_switched(level, from, to, share, way);
  return true;
}

template <class Number>
bool Ways<Number>::append(const fold::Position& from, const fold::Position& to, Number share, std::vector<Hop<Number>>& way) {
  using hardware::NetworkKind;
  const auto outermost = lattice_.outermost_difference(from, to);
  if (!outermost) return true;
  const std::size_t level = *outermost;
  const auto& levels = lattice_.fabric->machine->levels;
  const bool mesh = levels[level].network.kind == NetworkKind::full_mesh;
  if (!mesh && levels[level].network.kind != NetworkKind::torus) return append_across(level, from, to, share, way);
  // Meshes and tori join equal positions: the inner coordinates are put right before, or, on meshes, half of the bytes behind.
  const auto inner_first = moved(from, to, 0, level), outer_first = moved(from, to, level, level + 1);
  if (inner_first == from) return append_across(level, from, to, share, way);
  bool all_mesh = mesh;
  for (std::size_t l = 0; l < level; ++l) all_mesh = all_mesh && (levels[l].network.kind == NetworkKind::full_mesh || lattice_.coordinate(from, l) == lattice_.coordinate(to, l));
  const Number first = all_mesh ? share / Number(2) : share;
  if (!append(from, inner_first, first, way) || !append_across(level, inner_first, to, first, way)) return false;
  return !all_mesh || (append_across(level, from, outer_first, first, way) && append(outer_first, to, first, way));
}

}  // namespace zettatwin::traffic::detail
