// SPDX-License-Identifier: Apache-2.0
#include "api/detail/serve_pools.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include "api/detail/expert_loads.hpp"
#include "inference/deployment.hpp"
#include "inference/placement.hpp"

namespace zettatwin::api::detail {
namespace {

fleet::Role role_of(inference::Role role) {
  switch (role) {
    case inference::Role::prefill: return fleet::Role::prefill;
    case inference::Role::decode: return fleet::Role::decode;
    default: return fleet::Role::aggregated;
  }
}

// "0-3,7" as numbers.
std::vector<std::int64_t> numbers_of(const std::string& text, const config::Location& where, config::Diagnostics& diagnostics) {
  constexpr std::int64_t kMost = 1'000'000;
  std::vector<std::int64_t> numbers;
  const auto fail = [&] { diagnostics.error(where, fmt::format("'{}' does not name instances", text), "", "write numbers from 0 and ranges, such as 0, 0-3 or 1,5"); };
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    std::int64_t first = 0;
    auto read = std::from_chars(at, end, first);
    if (read.ec != std::errc{} || first < 0) return fail(), std::vector<std::int64_t>{};
    std::int64_t last = first;
    if (read.ptr < end && *read.ptr == '-') {
      read = std::from_chars(read.ptr + 1, end, last);
      if (read.ec != std::errc{} || last < first || last - first > kMost) return fail(), std::vector<std::int64_t>{};
    }
    for (auto i = first; i <= last; ++i) numbers.push_back(i);
    if (read.ptr < end && *read.ptr != ',') return fail(), std::vector<std::int64_t>{};
    at = read.ptr + 1;
  }
  return numbers;
}

// Instances that a failure names must be there.
void check_instances(const fleet::FailureSpec& failure, const fleet::PoolSpec& pool, const config::Location& where, config::Diagnostics& diagnostics) {
  if (failure.instances.empty() && failure.share == 0)
    diagnostics.error(where, "the failure names nothing that fails", "", "write instances=0-3 (of a pool), share=0.5, chips=0-7, or unit=node,units=0 (a level of the machine)");
  const auto most = pool.autoscaling ? pool.autoscaling->max : pool.instances;
  for (const auto i : failure.instances)
    if (i >= most) return diagnostics.error(where, fmt::format("there is no instance {} in pool '{}'", i, pool.name), most == 1 ? "it has one, with number 0" : fmt::format("it has {}, with numbers from 0 to {}", most, most - 1));
}

// Tokens of a request that must fit at least: prompt and answer of the mean request.
std::int64_t mean_request(const Traffic* traffic) {
  if (!traffic) return 0;
  const auto means = traffic->stream->means();
  const double tokens = means.input + means.output;
  return std::isfinite(tokens) ? static_cast<std::int64_t>(std::ceil(tokens)) : 0;
}

}  // namespace

std::int64_t PoolBuilder::chips_left() const {
  std::int64_t left = scenario_.chips > 0 ? scenario_.chips : machine_.chips();
  for (const auto& served : served_) left -= served.own_chips;
  return left;
}

std::vector<inference::PoolMachine> PoolBuilder::machines_of(const inference::Deployment& deployment, config::Diagnostics& diagnostics) {
  std::vector<inference::PoolMachine> machines;
  for (const auto& pool : deployment.pools) {
    auto& one = machines.emplace_back();
    if (pool.machine.kind == config::Node::Kind::null) continue;
    one.machine = library_.machine(pool.machine, 0, diagnostics);
    if (!one.machine) continue;
    one.chips = one.machine->chips();
    for (const auto& [machine, chips] : used_) one.chips -= machine == one.machine ? chips : 0;
    if (one.chips <= 0)
      diagnostics.error(pool.machine.where, fmt::format("pool '{}': {} has no chips left", pool.name, one.machine->name), "the models before it have them", "write {extends: NAME, nodes: N} for a larger one");
  }
  return machines;
}

void PoolBuilder::add(const ServeModel& model, const model::Architecture& architecture, const Traffic* traffic, config::Diagnostics& diagnostics) {
  block_tokens_.push_back(traffic ? traffic->stream->block_tokens() : 0);
  auto deployment = inference::read_deployment(with_expert_loads(model.deployment, source_, diagnostics), diagnostics);
  const auto software = inference::software_from(source_, model.software.kind == config::Node::Kind::null && deployment ? deployment->software : model.software, diagnostics);
  if (!deployment || !software) return;
  bool good = true;
  for (const auto& pool : deployment->pools) good = inference::check(pool, architecture, model.deployment.where, diagnostics) && good;
  const auto chips = model.chips > 0 ? model.chips : chips_left();
  if (chips > chips_left() || chips_left() <= 0) {
    diagnostics.error(model.deployment.where, fmt::format("{} asks for {} chips, {} are left", names_[served_.size()], chips, std::max<std::int64_t>(0, chips_left())), "the models before it have the others",
                      "give each model its chips");
    return;
  }
  const auto errors_before = diagnostics.error_count();
  const auto machines = machines_of(*deployment, diagnostics);
  if (!good || diagnostics.error_count() != errors_before) return;
  auto served = inference::serve({.machine = machine_, .model = architecture, .deployment = *deployment, .software = *software, .chips = chips, .sequence = mean_request(traffic), .machines = machines,
                                  .link = scenario_.transfer.link.value_or(inference::Link{})},
                                 model.deployment.where, diagnostics);
  if (!served) return;
  for (std::size_t i = 0; i < machines.size(); ++i)
    if (machines[i].machine) used_.emplace_back(machines[i].machine, served->pools[i].instances * served->pools[i].chips_per_instance);
  served_.push_back(std::move(*served));
}

void PoolBuilder::add_pools(std::size_t model, fleet::FleetSpec& spec) const {
  const auto& served = served_[model];
  for (const auto& pool : served.pools) {
    fleet::PoolSpec out;
    out.name = served_.size() > 1 ? fmt::format("{}.{}", names_[model], pool.pool.name) : pool.pool.name;
    out.role = role_of(pool.pool.role);
    out.model = static_cast<std::int32_t>(model);
    out.instances = pool.instances;
    out.chips_per_instance = static_cast<double>(pool.chips_per_instance);
    out.engine = pool.engine;
    if (const auto tokens = block_tokens_[model]; tokens > 0 && tokens % out.engine.block_tokens == 0) out.engine.prefix_tokens = tokens;
    out.timer = pool.timer.get();
    out.stored_per_token = pool.memory.cache.token_in_instance;
    out.store_port = pool.outer_rate;
    if (out.role == fleet::Role::prefill) out.egress = pool.port_rate;
    if (out.role == fleet::Role::decode) out.ingress = pool.port_rate;
    out.ranks = pool.pool.dp;
    spec.pools.push_back(std::move(out));
  }
  if (!served.hand_over) return;
  if (served.hand_over->network.si() > 0) spec.network = served.hand_over->network;
  spec.transfers.push_back({.model = static_cast<std::int32_t>(model), .hand_off = scenario_.transfer.hand_off, .cache = served.hand_over->cache, .layers = served.hand_over->layers,
                            .layer_wise = scenario_.transfer.layer_wise, .latency = served.hand_over->latency, .half_size = {}, .min_tokens = scenario_.transfer.min_tokens});
}

std::int32_t PoolBuilder::pool_named(const std::string& name, const fleet::FleetSpec& spec, const config::Location& where, config::Diagnostics& diagnostics) const {
  if (name.empty()) return 0;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < spec.pools.size(); ++i) {
    if (spec.pools[i].name == name) return static_cast<std::int32_t>(i);
    names.push_back(spec.pools[i].name);
  }
  const auto near = config::nearest(name, names);
  diagnostics.error(where, fmt::format("there is no pool '{}'", name), fmt::format("the deployment has {}", fmt::join(names, ", ")), near.empty() ? "" : fmt::format("did you mean '{}'?", near));
  return -1;
}

// The chips that a failure names, first and one past the last of each unit.
std::vector<std::pair<std::int64_t, std::int64_t>> PoolBuilder::failed_chips(const ServeFailure& failure, const config::Location& where, config::Diagnostics& diagnostics) const {
  std::int64_t width = 1;
  if (!failure.units.empty()) {
    std::vector<std::string> levels;
    for (const auto& level : machine_.levels) levels.push_back(level.name);
    const auto found = std::find(levels.begin(), levels.end(), failure.unit);
    if (found == levels.end()) {
      diagnostics.error(where, fmt::format("a failure of units of '{}'", failure.unit), fmt::format("{} has the levels {}", machine_.name, fmt::join(levels, ", ")), "write unit, such as node, and units, such as 0-3");
      return {};
    }
    width = machine_.chips_within(static_cast<std::size_t>(found - levels.begin()) + 1);
  }
  std::vector<std::pair<std::int64_t, std::int64_t>> chips;
  for (const auto n : numbers_of(failure.units.empty() ? failure.chips : failure.units, where, diagnostics)) chips.emplace_back(n * width, (n + 1) * width);
  return chips;
}

// Instances on failed chips of the scenario's machine, pool by pool: pools lie one after the other, from whole instances on.
void PoolBuilder::fail_chips(const ServeFailure& failure, fleet::FleetSpec& spec, const config::Location& where, config::Diagnostics& diagnostics) const {
  const auto errors_before = diagnostics.error_count();
  const auto only = failure.pool.empty() ? -1 : pool_named(failure.pool, spec, where, diagnostics);
  const auto failed = failed_chips(failure, where, diagnostics);
  if (diagnostics.error_count() != errors_before) return;
  std::int64_t first = 0;
  std::int32_t p = -1;
  const auto failures_before = spec.failures.size();
  for (const auto& served : served_)
    for (const auto& pool : served.pools) {
      ++p;
      if (!pool.timer || pool.timer->about().machine.name != machine_.name) continue;
      first = (first + pool.chips_per_instance - 1) / pool.chips_per_instance * pool.chips_per_instance;
      std::set<std::int64_t> hit;
      for (const auto& [from, to] : failed)
        for (auto chip = from; chip < to; ++chip)
          if (const auto i = inference::instance_with(pool.timer->about().fabric, first, chip); i && *i < pool.instances) hit.insert(*i);
      first += pool.instances * pool.chips_per_instance;
      if (hit.empty() || (only >= 0 && p != only)) continue;
      auto one = failure.spec;
      one.pool = p;
      one.instances.assign(hit.begin(), hit.end());
      spec.failures.push_back(std::move(one));
    }
  if (spec.failures.size() == failures_before) diagnostics.error(where, "a failure of chips that no instance has", "pools lie on the machine one after the other, in the deployment's order");
}

// One scaled pool at its most, all others at their least, must lie on the machine.
void PoolBuilder::check_scaling(const fleet::FleetSpec& spec, const config::Location& where, config::Diagnostics& diagnostics) const {
  struct Lying {
    const fleet::PoolSpec* pool = nullptr;
    const hardware::Machine* machine = nullptr;  // null: the scenario's
    std::int64_t chips = 0, available = 0;
  };
  std::vector<Lying> all;
  for (const auto& served : served_)
    for (const auto& pool : served.pools) {
      if (!pool.timer) return;  // does not fit, which is said elsewhere
      const auto& machine = pool.timer->about().machine;
      const bool own = &machine == served.machine.get();
      all.push_back({.pool = &spec.pools[all.size()], .machine = own ? nullptr : &machine, .chips = pool.chips_per_instance,
                     .available = !own ? machine.chips() : scenario_.chips > 0 ? scenario_.chips : machine_.chips()});
    }
  for (const auto& one : all) {
    if (!one.pool->autoscaling) continue;
    std::int64_t others = 0;
    for (const auto& other : all)
      if (other.pool != one.pool && other.machine == one.machine) others += other.chips * (other.pool->autoscaling ? other.pool->autoscaling->min : other.pool->instances);
    const auto most = one.pool->autoscaling->max, room = std::max<std::int64_t>(0, one.available - others) / one.chips;
    if (most > room)
      diagnostics.error(where, fmt::format("autoscaling of '{}' up to {} instances of {} chips: there is room for {}", one.pool->name, most, one.chips, room),
                        fmt::format("of {} chips other pools have {} at least", one.available, others), "lower max, or set a larger size of the machine");
  }
}

bool PoolBuilder::complete(fleet::FleetSpec& spec, const config::Location& where, config::Diagnostics& diagnostics) {
  const auto errors_before = diagnostics.error_count();
  for (std::size_t i = 0; i < served_.size(); ++i) {
    add_pools(i, spec);
    spec.frontend_delay = std::max(spec.frontend_delay, served_[i].frontend);
  }
  spec.router = scenario_.router;
  spec.decode_router = scenario_.decode_router;
  spec.slo = scenario_.slo;
  spec.cache_pool = scenario_.cache_pool;
  spec.retry = scenario_.retry;
  for (const auto& scaling : scenario_.autoscaling) {
    const auto pool = pool_named(scaling.pool, spec, where, diagnostics);
    if (pool >= 0) spec.pools[static_cast<std::size_t>(pool)].autoscaling = scaling.autoscaling;
  }
  if (!scenario_.autoscaling.empty()) check_scaling(spec, where, diagnostics);
  for (const auto& failure : scenario_.failures) {
    if (!failure.chips.empty() || !failure.units.empty()) {
      fail_chips(failure, spec, failure.where, diagnostics);
      continue;
    }
    auto one = failure.spec;
    one.pool = pool_named(failure.pool, spec, failure.where, diagnostics);
    one.instances = numbers_of(failure.instances, failure.where, diagnostics);
    if (one.pool >= 0 && one.kind == fleet::FailureKind::instances) check_instances(one, spec.pools[static_cast<std::size_t>(one.pool)], failure.where, diagnostics);
    spec.failures.push_back(std::move(one));
  }
  return diagnostics.error_count() == errors_before;
}

}  // namespace zettatwin::api::detail
