// SPDX-License-Identifier: Apache-2.0
#include "fleet/router.hpp"

#include <algorithm>
#include <bit>
#include <numeric>
#include <string>
#include <tuple>

#include "base/contract.hpp"

namespace zettatwin::fleet {

Balancer::Balancer(const Router& router, std::size_t instances, std::uint64_t seed, std::uint64_t stream)
    : router_(router),
      ranked_(router.routing == Routing::least_requests || router.routing == Routing::least_tokens || router.routing == Routing::prefix_aware),
      loads_(instances),
      random_(seed, stream) {
  ZT_EXPECT(instances > 0, "a router without instances");
  const std::size_t leaves = std::bit_ceil(instances);
  winner_.assign(2 * leaves, static_cast<std::uint32_t>(instances - 1));
  for (std::size_t i = 0; i < instances; ++i) winner_[leaves + i] = static_cast<std::uint32_t>(i);
  for (std::size_t node = leaves - 1; node >= 1; --node) winner_[node] = winner_[2 * node];
}

bool Balancer::before(std::uint32_t a, std::uint32_t b) const {
  const Load& x = loads_[a];
  const Load& y = loads_[b];
  if (x.open != y.open) return x.open;
  const bool by_tokens = router_.routing == Routing::least_tokens;
  return std::tuple(by_tokens ? x.tokens : x.requests, x.chosen, a) < std::tuple(by_tokens ? y.tokens : y.requests, y.chosen, b);
}

void Balancer::replay(std::size_t instance) {
  if (!ranked_) return;
  for (std::size_t node = (winner_.size() / 2 + instance) / 2; node >= 1; node /= 2) {
    const std::uint32_t left = winner_[2 * node], right = winner_[2 * node + 1];
    winner_[node] = before(right, left) ? right : left;
  }
}

void Balancer::open(std::size_t instance, bool is_open) {
  ZT_EXPECT(instance < loads_.size(), "instance " + std::to_string(instance));
  Load& load = loads_[instance];
  if (load.open == is_open) return;
  load.open = is_open;
  total_requests_ += is_open ? load.requests : -load.requests;
  const auto id = static_cast<std::uint32_t>(instance);
  const auto place = std::lower_bound(open_.begin(), open_.end(), id);
  if (is_open) open_.insert(place, id);
  else open_.erase(place);
  replay(instance);
}

void Balancer::add(std::size_t instance, std::int64_t requests, std::int64_t tokens) {
  Load& load = loads_[instance];
  load.requests += requests;
  load.tokens += tokens;
  ZT_ASSERT(load.requests >= 0 && load.tokens >= 0, "load of instance " + std::to_string(instance));
  if (load.open) total_requests_ += requests;
  replay(instance);
}

std::size_t Balancer::take(std::size_t instance) {
  loads_[instance].chosen = ++choices_;
  replay(instance);
  return instance;
}

std::size_t Balancer::longest_prefix(const std::function<std::int32_t(std::size_t)>& cached) const {
  const double mean = static_cast<double>(total_requests_) / static_cast<double>(open_.size());
  const double limit = router_.load_factor * mean + static_cast<double>(router_.load_slack);
  std::int32_t longest = 0;
  std::uint32_t best = winner_[1];
  for (const std::uint32_t i : open_) {
    if (static_cast<double>(loads_[i].requests) > limit) continue;
    const std::int32_t tokens = cached(i);
    if (tokens < longest || tokens == 0 || (tokens == longest && !before(i, best))) continue;
    longest = tokens;
    best = i;
  }
  return best;
}

std::optional<std::size_t> Balancer::choose(const std::function<std::int32_t(std::size_t)>& cached) {
  if (open_.empty()) return std::nullopt;
  switch (router_.routing) {
    case Routing::round_robin: return take(open_[turn_++ % open_.size()]);
    case Routing::random: return take(open_[random_.below(open_.size())]);
    case Routing::power_of_two: {
      if (open_.size() == 1) return take(open_[0]);
      const std::uint64_t a = random_.below(open_.size());
      const std::uint64_t b = (a + 1 + random_.below(open_.size() - 1)) % open_.size();
      return take(before(open_[b], open_[a]) ? open_[b] : open_[a]);
    }
    case Routing::prefix_aware: return take(longest_prefix(cached));
    case Routing::least_requests:
    case Routing::least_tokens: return take(least());
  }
  return std::nullopt;
}

std::optional<std::size_t> Balancer::choose_fitting(const std::function<bool(std::size_t)>& fits) {
  if (open_.empty()) return std::nullopt;
  if (ranked_ && fits(least())) return take(least());
  std::vector<std::uint32_t> order(open_);
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) { return before(a, b); });
  for (const std::uint32_t i : order)
    if (fits(i)) return take(i);
  return std::nullopt;
}

}  // namespace zettatwin::fleet
