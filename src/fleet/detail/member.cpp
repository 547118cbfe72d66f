// SPDX-License-Identifier: Apache-2.0
#include "fleet/detail/member.hpp"

#include <algorithm>

namespace zettatwin::fleet {

using units::Picoseconds;

PoolTotals::PoolTotals(const PoolSpec& pool, bool store) : blocks_(pool.engine.blocks) { sum_.hit_tokens.resize(1 + pool.engine.tiers.size() + (store && pool.engine.prefix_caching ? 1 : 0)); }

void PoolTotals::add(const Member& m, Picoseconds from, Picoseconds to) {
  const double paid_s = m.paid_until(to).seconds().si();
  sum_.chip_hours += paid_s / 3600;
  if (to > from) paid_window_s_ += ((m.closed ? m.paid_at_close : m.paid_until(to)) - m.paid_at_window).seconds().si();
  if (!m.instance) return;
  const serving::Statistics& now = m.closed ? m.at_close : m.instance->statistics();
  const serving::Statistics& then = m.at_window;
  on_s_ += ((m.closed ? m.on_at_close : m.on_until(to)) - m.on_at_window).seconds().si();
  busy_s_ += (now.busy - then.busy).seconds().si();
  sequence_s_ += now.sequence_seconds - then.sequence_seconds;
  waiting_s_ += now.waiting_seconds - then.waiting_seconds;
  block_s_ += now.block_seconds - then.block_seconds;
  sum_.steps += now.steps - then.steps;
  sum_.preemptions += now.preemptions - then.preemptions;
  sum_.prompt_tokens += static_cast<double>(now.prompt_tokens - then.prompt_tokens);
  sum_.recomputed_tokens += static_cast<double>(now.recomputed_tokens - then.recomputed_tokens);
  for (std::size_t t = 0; t < sum_.hit_tokens.size() && t < now.hit_tokens.size(); ++t)
    sum_.hit_tokens[t] += static_cast<double>(now.hit_tokens[t] - (t < then.hit_tokens.size() ? then.hit_tokens[t] : 0));
  sum_.cache_used_peak = std::max(sum_.cache_used_peak, static_cast<double>(now.blocks_max) / static_cast<double>(blocks_));
  const auto routed = static_cast<double>(m.routed);
  members_ += 1;
  routed_ += routed;
  most_routed_ = std::max(most_routed_, routed);
}

void PoolTotals::add_idle(std::int64_t members, Picoseconds from, Picoseconds to) {
  const auto n = static_cast<double>(members);
  sum_.chip_hours += n * to.seconds().si() / 3600;
  paid_window_s_ += n * std::max(0.0, (to - from).seconds().si());
  on_s_ += n * std::max(0.0, (to - from).seconds().si());
  members_ += n;
}

PoolResult PoolTotals::result(const PoolSpec& pool, double scale, double measured_s) const {
  PoolResult r = sum_;
  r.name = pool.name;
  r.instances = pool.instances;
  r.instances_peak = pool.instances;
  r.chip_hours *= scale * pool.chips_per_instance;
  r.instances_mean = measured_s > 0 ? paid_window_s_ * scale / measured_s : static_cast<double>(pool.instances);
  if (on_s_ > 0) {
    r.utilisation = std::min(1.0, busy_s_ / on_s_);
    r.running = sequence_s_ / on_s_;
    r.waiting = waiting_s_ / on_s_;
    r.cache_used = block_s_ / on_s_ / static_cast<double>(blocks_);
  }
  if (busy_s_ > 0) r.batch = sequence_s_ / busy_s_;
  double hits = 0;
  for (const double tokens : r.hit_tokens) hits += tokens;
  r.looked_up_tokens = r.prompt_tokens - r.recomputed_tokens + hits;
  if (routed_ > 0) r.imbalance = most_routed_ * members_ / routed_;
  return r;
}

}  // namespace zettatwin::fleet
