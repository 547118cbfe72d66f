// SPDX-License-Identifier: Apache-2.0
// Weighted max-min fair sharing by progressive filling (Bertsekas and Gallager, Data Networks, 1992, section 6.5.2).
// Model: a common level rises; flow f has the rate weight_f * level until one of its resources is full or its own cap is reached, then it
// is frozen. Resource l is full when sum_f load_lf * rate_f = capacity_l.
// Flows and resources may be classes of alike members (docs/math/max_min.md): rates are per flow, capacities per resource, and load_lf is
// the load of ONE resource of class l by ALL flows of class f, per unit of the rate of one flow. Unfolded, it is the fraction of f's bytes
// that crosses l: 1 on a single path, less when spread over several.
// Cost: O(nnz + L log L) for all at once; of a change, what it really changes and what shares a resource with that. Rates and levels do not depend on the order
// in which flows and resources are listed, to the bit.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <vector>

#include "flow/scalar.hpp"

namespace zettatwin::flow {

using FlowId = std::uint32_t;
using ResourceId = std::uint32_t;
inline constexpr ResourceId kOwnCap = 0xffffffff;    // limited by its own rate cap, not by a resource
inline constexpr ResourceId kUnlimited = 0xfffffffe;  // idle

template <class Scalar>
struct Use {
  ResourceId resource;
  Scalar load;
};

// Compressed sparse rows, one per flow; ids are consecutive from zero in the order of adding.
template <class Scalar>
class SharingProblem final {
 public:
  void clear();  // keeps its memory
  ResourceId add_resource(Scalar capacity);
  // Expects weight > 0, loads >= 0 and rate_cap > 0. Loads of zero are dropped. A resource named twice is loaded twice.
  FlowId add_flow(Scalar weight, std::span<const Use<Scalar>> uses, std::optional<Scalar> rate_cap = {});
  FlowId add_flow(Scalar weight, std::initializer_list<Use<Scalar>> uses, std::optional<Scalar> rate_cap = {}) {
    return add_flow(weight, std::span(uses.begin(), uses.size()), rate_cap);
  }

  [[nodiscard]] std::uint32_t resources() const { return static_cast<std::uint32_t>(capacity_.size()); }
  [[nodiscard]] std::uint32_t flows() const { return static_cast<std::uint32_t>(weight_.size()); }
  [[nodiscard]] const Scalar& capacity(ResourceId l) const { return capacity_[l]; }
  [[nodiscard]] const Scalar& weight(FlowId f) const { return weight_[f]; }
  [[nodiscard]] bool has_cap(FlowId f) const { return rate_cap_[f] != Scalar(0); }
  [[nodiscard]] const Scalar& rate_cap(FlowId f) const { return rate_cap_[f]; }  // zero: none
  // Large problems wait for memory: what these functions need of a flow that is asked for soon.
  void prefetch(FlowId f) const {
    __builtin_prefetch(&first_[f]);
    __builtin_prefetch(&weight_[f]);
    __builtin_prefetch(&rate_cap_[f]);
  }
  [[nodiscard]] std::span<const Use<Scalar>> uses(FlowId f) const { return {uses_.data() + first_[f], uses_.data() + first_[f + 1]}; }

 private:
  std::vector<Scalar> capacity_;
  std::vector<Scalar> weight_;
  std::vector<Scalar> rate_cap_;
  std::vector<std::uint32_t> first_ = {0};
  std::vector<Use<Scalar>> uses_;
};

// A rate of zero: idle, or starved by a resource without capacity.
template <class Scalar>
struct Shares {
  std::vector<Scalar> rate;             // per flow
  std::vector<ResourceId> limited_by;   // per flow: the first of its resources, in the order of its uses, that froze it; or kOwnCap
  std::vector<Scalar> carried;          // per resource: sum of load * rate
  std::vector<std::uint8_t> saturated;  // per resource: whether it froze flows
  std::vector<Scalar> level;            // per resource: the level at which it did, if it did
};

// Shares among the flows that have been started and not been stopped; none at first. The problem must outlive the solver, which is to restart when it changes.
template <class Scalar>
class MaxMinSolver final {
 public:
  explicit MaxMinSolver(const SharingProblem<Scalar>& problem) : problem_(problem) { restart(); }

  void restart();           // begins anew, after the problem has changed
  void start(FlowId flow);  // expects it idle
  void stop(FlowId flow);   // expects it started
  void set_capacity(ResourceId resource, Scalar capacity);
  // Shares anew what these changes affect. The result is the same as if all were shared anew (to rounding of ties; exactly with exact numbers).
  void update();

  [[nodiscard]] const Shares<Scalar>& shares() const { return shares_; }
  [[nodiscard]] const Scalar& capacity(ResourceId resource) const { return capacity_[resource]; }
  // What the last update looked at; what else there is has the shares that it had before.
  [[nodiscard]] std::span<const FlowId> updated_flows() const { return flows_; }
  [[nodiscard]] std::span<const ResourceId> updated_resources() const { return touched_; }

 private:
  using Numbers = Arithmetic<Scalar>;
  using Sum = typename Numbers::Sum;

  enum class State : std::uint8_t {
    idle,
    entering,  // started, not yet among the flows of its resources
    active,    // has a rate
    leaving,   // stopped, still among the flows of its resources
    // Within an update, of flows of open resources:
    kept,      // will freeze where it did before, unless it is stopped below or what stopped it there is gone
    loose,     // rises until something stops it
    freezing,  // in the current batch
    frozen,
  };
  struct alignas(64) Resource {  // everything that one use of it needs, in one cache line
    Sum demand{};   // sum of load * weight of its live flows
    Sum carried{};  // sum of load * weight * level of its other flows
    [[no_unique_address]] typename Numbers::Scale demand_scale{};
    [[no_unique_address]] typename Numbers::Scale carried_scale{};
    std::uint32_t first = 0;  // of its started flows in listed_
    std::uint32_t flows = 0;
    std::uint32_t batch = 0;   // in which it saturated
    std::uint32_t update = 0;  // that opened it last
  };
  struct Listed {  // a flow of a resource
    FlowId flow;
    Scalar demand;  // load * weight
  };
  struct Candidate {
    Scalar level;
    std::uint32_t id;
    friend bool operator<(const Candidate& a, const Candidate& b) { return b.level < a.level; }  // heaps have the lowest on top
  };
  struct Freeze {
    FlowId flow;
    ResourceId limited_by;  // kUnlimited: not known yet, one of the batch
    bool as_before;         // its level and rate
  };

  // Who is affected (detail/max_min_update.hpp).
  void list_uses();
  [[nodiscard]] Scalar lowest_change() const;
  [[nodiscard]] bool is_open(ResourceId resource) const { return resources_[resource].update == updates_; }
  [[nodiscard]] std::span<const Listed> listed(const Resource& r) const { return std::span(listed_).subspan(r.first, r.flows); }
  void open(ResourceId resource);
  void open_all(FlowId flow);
  void track(FlowId flow);
  void plan(FlowId flow, const Scalar& level);
  void unlist_stopped();
  void list_started();
  void prefetch_resources(FlowId flow) const;

  // Filling (detail/max_min_filling.hpp).
  void fill();
  void rank();
  [[nodiscard]] Candidate refreshed(const Candidate& old) const;
  void rekey_top(const Candidate& fresh);
  void drop_top();
  [[nodiscard]] Scalar lowest_level();
  void take_saturated(const Scalar& level);
  void take_saturated_in_one_pass(const Scalar& level, const Scalar& limit);
  void saturate(ResourceId resource, const Scalar& level);
  void take_due(const Scalar& level);
  [[nodiscard]] ResourceId still_limited_by(FlowId flow) const;
  void take_flows_of_saturated();
  void open_what_changes();
  void freeze(const Freeze& what, const Scalar& level);
  void rank_opened();
  void publish();

  const SharingProblem<Scalar>& problem_;
  Shares<Scalar> shares_;
  std::vector<Scalar> capacity_;
  std::vector<Resource> resources_;
  std::vector<Listed> listed_;    // by resource
  std::vector<State> state_;      // per flow
  std::vector<Scalar> level_;     // per flow: at which it was frozen
  std::vector<FlowId> started_;   // since the last update
  std::vector<FlowId> stopped_;
  std::vector<ResourceId> changed_capacities_;
  std::uint32_t updates_ = 0;

  // Of the current update.
  Scalar sweep_level_{};          // up to here all is decided
  bool from_zero_ = false;        // nothing is
  std::vector<FlowId> flows_;     // of open resources
  std::vector<ResourceId> touched_;  // open resources
  std::size_t ranked_ = 0;           // of these, in the heap or through with it
  std::vector<Candidate> heap_;      // open resources by a lower bound of their level of saturation
  std::vector<Candidate> planned_;   // flows by the level at which they freeze of themselves: as before, or at their cap
  std::vector<ResourceId> batch_;    // resources that saturate together
  std::vector<Freeze> freezing_;     // flows that freeze together
  std::vector<FlowId> changing_;     // flows that now leave the way they went before
  std::size_t live_count_ = 0;
  std::uint32_t batches_ = 0;
};

// All flows at once.
template <class Scalar>
[[nodiscard]] Shares<Scalar> max_min(const SharingProblem<Scalar>& problem) {
  MaxMinSolver<Scalar> solver(problem);
  for (FlowId f = 0; f < problem.flows(); ++f) solver.start(f);
  solver.update();
  return solver.shares();
}

extern template class SharingProblem<double>;
extern template class MaxMinSolver<double>;

}  // namespace zettatwin::flow
