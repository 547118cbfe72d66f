// SPDX-License-Identifier: Apache-2.0
// Who gets the next request. Loads are the requests in flight and their prompt tokens, as the router has sent them and seen them finished.
// Ties go to the instance that waited longest for a request. Cost per choice: O(1) for round_robin, random and power_of_two, O(log n) for least_*,
// O(n) looks into caches for prefix_aware.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/random.hpp"
#include "fleet/spec.hpp"

namespace zettatwin::fleet {

class Balancer final {
 public:
  // Of instances 0 ... n-1, none of them open. `stream`: of random numbers.
  Balancer(const Router& router, std::size_t instances, std::uint64_t seed, std::uint64_t stream);

  void open(std::size_t instance, bool is_open);
  [[nodiscard]] bool is_open(std::size_t instance) const { return loads_[instance].open; }
  [[nodiscard]] std::size_t open_count() const { return open_.size(); }
  void add(std::size_t instance, std::int64_t requests, std::int64_t tokens);
  [[nodiscard]] std::int64_t requests(std::size_t instance) const { return loads_[instance].requests; }

  // None if none is open. `cached`: prompt tokens that an instance has in its cache; asked by prefix_aware only.
  [[nodiscard]] std::optional<std::size_t> choose(const std::function<std::int32_t(std::size_t)>& cached);
  // The least loaded for which `fits` holds, asked in order of load; none if it holds for none.
  [[nodiscard]] std::optional<std::size_t> choose_fitting(const std::function<bool(std::size_t)>& fits);

 private:
  struct Load {
    std::int64_t requests = 0;
    std::int64_t tokens = 0;
    std::uint64_t chosen = 0;  // when last; 0: never
    bool open = false;
  };
  [[nodiscard]] bool before(std::uint32_t a, std::uint32_t b) const;  // a is a better choice than b
  [[nodiscard]] std::size_t take(std::size_t instance);
  [[nodiscard]] std::size_t least() const { return winner_[1]; }
  [[nodiscard]] std::size_t longest_prefix(const std::function<std::int32_t(std::size_t)>& cached) const;
  void replay(std::size_t instance);

  Router router_;
  bool ranked_;                        // the tournament is kept
  std::vector<Load> loads_;
  std::vector<std::uint32_t> open_;    // ascending
  std::vector<std::uint32_t> winner_;  // tournament: leaves from size/2 on
  std::int64_t total_requests_ = 0;    // of open instances
  std::uint64_t choices_ = 0;
  std::size_t turn_ = 0;
  RandomStream random_;
};

}  // namespace zettatwin::fleet
