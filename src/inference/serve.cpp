// SPDX-License-Identifier: Apache-2.0
#include "inference/serve.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "inference/detail/engine.hpp"
#include "inference/placement.hpp"
#include "units/text.hpp"

namespace zettatwin::inference {
namespace detail {

std::optional<serving::EngineSettings> engine_of(const Pool& pool, const Software& software, config::Diagnostics& diagnostics) {
  const auto before = diagnostics.error_count();
  auto engine = software.engine;
  engine.max_sequences *= pool.dp * (software.stage_sequences ? pool.pp : 1);
  engine.max_tokens *= pool.dp * pool.pp;  // each stage works on a part of the batch, which the engine composed as a step of its own
  engine.hold.prompts *= pool.dp;
  if (pool.engine.kind == config::Node::Kind::mapping) config::read(pool.engine, "engine settings", config::FigureForm::bare_allowed, diagnostics, engine);
  if (diagnostics.error_count() != before) return std::nullopt;
  // Each rank of data-parallel attention has a scheduler of its own, and a sequence stays on its rank and in its part of the batch.
  if (const auto parts = pool.dp * pool.pp; engine.max_chunk == 0 && parts > 1) engine.max_chunk = std::max<std::int64_t>(1, engine.max_tokens / parts);
  if (software.random_ranks && pool.role == Role::prefill && pool.pp == 1 && pool.dp > 1) {
    engine.bound_ranks = pool.dp;
    engine.max_chunk = std::min(engine.max_chunk, std::max<std::int64_t>(1, engine.max_tokens / pool.dp));  // a prompt that is not cut must fit into its rank's part
  }
  return engine;
}

}  // namespace detail
namespace {

struct Placed {
  const hardware::Machine* machine = nullptr;
  topology::Fabric fabric;
  std::int64_t whole = 0;  // instances that the request's chips hold
};

// Pools that say 0 share what the others leave on their machine: each gets as many instances as the one whose instance is largest gives them all.
bool share_out(const hardware::Machine& machine, std::int64_t available, std::vector<ServedPool>& pools, const std::vector<Placed>& placed, const config::Location& where,
               config::Diagnostics& diagnostics) {
  std::int64_t fixed = 0, open = 0, here = 0;
  for (std::size_t i = 0; i < pools.size(); ++i) {
    if (placed[i].machine != &machine) continue;
    const auto& pool = pools[i].pool;
    (pool.instances > 0 ? fixed : open) += (pool.instances > 0 ? pool.instances : 1) * pool.chips();
    ++here;
  }
  if (fixed > available || (open > 0 && fixed + open > available)) {
    diagnostics.error(where, fmt::format("the deployment needs {} chips, there are {}", fixed + open, available), "an instance has tp x dp x pp chips, and those of its feed-forwards",
                      "fewer or smaller instances, or more chips");
    return false;
  }
  const std::int64_t rounds = open > 0 ? (available - fixed) / open : 0;
  for (std::size_t i = 0; i < pools.size(); ++i) {
    if (placed[i].machine != &machine) continue;
    auto& pool = pools[i];
    pool.instances = pool.pool.instances > 0 ? pool.pool.instances : rounds;
    if (here == 1 && pool.pool.instances == 0) pool.instances = placed[i].whole;
    if (pool.instances > placed[i].whole) {
      diagnostics.error(where, fmt::format("pool '{}' asks for {} instances, {} fit", pool.pool.name, pool.instances, placed[i].whole),
                        fmt::format("each lies whole inside the units of {}", machine.name), fmt::format("try instances={}", placed[i].whole));
      return false;
    }
  }
  return true;
}

units::BytesPerSecond outermost_port(const hardware::Machine& machine) { return machine.levels.back().port_bandwidth() * machine.levels.back().network.efficiency.si(); }

// From a pool's chips to the other role's: on one machine the level that joins all of both, since any instance may send to any; else the machine's outermost ports and the link.
struct Way {
  units::BytesPerSecond per_chip;
  units::Seconds latency;
  std::string level;
};
Way way_between(const ServedPool& from, const ServedPool& to, const Link& link) {
  const auto& mine = from.timer->about();
  const auto& theirs = to.timer->about();
  if (&mine.machine != &theirs.machine) {
    return {outermost_port(mine.machine), link.latency, "link"};
  }
  const auto inside = between(mine.machine, mine.handing_chips);
  return {inside.per_chip, inside.latency, mine.machine.levels[inside.level].name};
}

// What moves caches: chips that hold different parts of one sequence's, those of a rank over all stages; copies of latent caches move once.
units::BytesPerSecond port_rate(const ServeRequest& request, const Pool& pool, units::BytesPerSecond per_chip) {
  bool copies = false;
  for (const auto& kind : request.model.kinds) copies |= kind.attention.kind == model::AttentionKind::multi_latent || kind.attention.kind == model::AttentionKind::compressed;
  return per_chip * (request.software.transfer_share.si() * static_cast<double>(pool.pp * (copies ? 1 : pool.tp) * pool.dp));
}

void set_transfers(Served& served, const ServeRequest& request) {
  for (auto& from : served.pools)
    for (auto& to : served.pools) {
      if (from.pool.role != Role::prefill || to.pool.role != Role::decode) continue;
      const auto cache = to.memory.cache;
      const auto there = way_between(from, to, request.link), back = way_between(to, from, request.link);
      HandOver hand_over{.cache = cache.in_instance,
                         .latency = there.latency + request.software.transfer_latency.value,
                         .layers = request.model.layers(),
                         .level = there.level,
                         .network = there.level == "link" ? request.link.bandwidth : units::BytesPerSecond{}};
      if (served.hand_over) hand_over.latency = std::max(hand_over.latency, served.hand_over->latency);
      if (served.hand_over && served.hand_over->network.si() > 0) hand_over.network = served.hand_over->network;
      served.hand_over = std::move(hand_over);
      const auto limit = [&](ServedPool& pool, const Way& way) {
        const auto rate = port_rate(request, pool.pool, way.per_chip);
        pool.port_rate = pool.port_rate.si() > 0 ? std::min(pool.port_rate, rate) : rate;
      };
      limit(from, there);
      limit(to, back);
    }
}

// Chips of the pools with which this one exchanges caches on its machine, its own included.
std::int64_t handing_chips(const std::vector<ServedPool>& pools, const std::vector<Placed>& placed, std::size_t pool) {
  if (pools[pool].pool.role == Role::aggregated) return 0;
  std::int64_t chips = 0;
  for (std::size_t i = 0; i < pools.size(); ++i)
    if (pools[i].pool.role != Role::aggregated && placed[i].machine == placed[pool].machine) chips += pools[i].instances * pools[i].chips_per_instance;
  return chips;
}

// Pools of both roles on different machines hand caches over a link.
bool has_link(const ServeRequest& request, const std::vector<ServedPool>& pools, const std::vector<Placed>& placed, const config::Location& where, config::Diagnostics& diagnostics) {
  for (std::size_t i = 0; i < pools.size(); ++i)
    for (std::size_t j = 0; j < pools.size(); ++j) {
      if (pools[i].pool.role != Role::prefill || pools[j].pool.role != Role::decode || placed[i].machine == placed[j].machine || request.link.bandwidth.si() > 0) continue;
      diagnostics.error(where, fmt::format("nothing joins {} and {}", placed[i].machine->name, placed[j].machine->name), fmt::format("caches travel from pool '{}' to pool '{}'", pools[i].pool.name, pools[j].pool.name),
                        "write transfer: {link: {bandwidth: 400 GB/s, latency: 20 us}}: bytes per second in one direction, all together");
      return false;
    }
  return true;
}

// Tiers that are given in bytes, in tokens of this model's cache.
void size_tiers(ServedPool& pool) {
  const double token = pool.memory.cache.token_in_instance.si();
  for (auto& tier : pool.engine.tiers) {
    if (tier.capacity.si() > 0 && token > 0) tier.blocks = static_cast<std::int64_t>(tier.capacity.si() / (token * static_cast<double>(pool.engine.block_tokens)));
    if (tier.bandwidth.si() > 0 && token > 0) tier.tokens_per_s = tier.bandwidth.si() / token;
  }
}

// The machine of each pool, held by `served`, in the deployment's order.
std::vector<const hardware::Machine*> machines_of(const ServeRequest& request, Served& served) {
  std::vector<const hardware::Machine*> given, machines;
  for (std::size_t i = 0; i < request.deployment.pools.size(); ++i) {
    const auto* own = i < request.machines.size() ? request.machines[i].machine : nullptr;
    const auto known = std::find(given.begin(), given.end(), own);
    if (!own || own == &request.machine) {
      machines.push_back(served.machine.get());
    } else if (known != given.end()) {
      machines.push_back(machines[static_cast<std::size_t>(known - given.begin())]);
    } else {
      served.others.push_back(std::make_unique<hardware::Machine>(*own));
      machines.push_back(served.others.back().get());
    }
    given.push_back(own);
  }
  return machines;
}

}  // namespace

void describe(config::Schema& s, Link& link) {
  s.quantity("bandwidth", link.bandwidth, "between the machines, of all caches together, one direction", {.presence = config::Presence::required, .range = config::kPositive});
  s.quantity("latency", link.latency, "of one message", {.range = {0, 3600}});
}

std::optional<Served> serve(const ServeRequest& request, const config::Location& where, config::Diagnostics& diagnostics) {
  const auto before = diagnostics.error_count();
  Served served;
  served.machine = std::make_unique<hardware::Machine>(request.machine);
  served.model = std::make_unique<model::Architecture>(request.model);
  served.software = std::make_unique<Software>(request.software);
  const auto available = request.chips > 0 ? request.chips : request.machine.chips();
  if (available > request.machine.chips())
    diagnostics.error(where, fmt::format("{} chips are asked for, {} has {}", available, request.machine.name, request.machine.chips()), "", "set a larger size of the machine");
  const auto machines = machines_of(request, served);
  std::vector<std::int64_t> chips;  // for the pools on each pool's machine
  for (std::size_t i = 0; i < machines.size(); ++i)
    chips.push_back(machines[i] == served.machine.get() ? available : request.machines[i].chips > 0 ? request.machines[i].chips : machines[i]->chips());
  std::vector<Placed> placed;
  for (std::size_t i = 0; i < machines.size(); ++i) {
    const auto pool = with_published_formats(request.deployment.pools[i], request.model);
    if (!check(pool, request.model, where, diagnostics)) continue;
    auto engine = detail::engine_of(pool, request.software, diagnostics);
    auto fabric = place_instance(*machines[i], pool.chips(), pool.tp);
    if (!fabric && pool.chips() > machines[i]->chips())
      diagnostics.error(where, fmt::format("pool '{}': an instance has {} chips, there are {}", pool.name, pool.chips(), machines[i]->chips()), "it is tp x dp x pp chips, and those of its feed-forwards", "ask for more chips, or lower tp, dp or pp");
    else if (!fabric) diagnostics.error(where, fmt::format("pool '{}': an instance of {} chips cannot be placed on {}", pool.name, pool.chips(), machines[i]->name), "it takes equally many chips of each unit", "choose tp x dp x pp from sizes of the machine's units");
    if (!engine || !fabric) continue;
    placed.push_back({machines[i], *fabric, instances_on(*fabric, chips[i])});
    served.pools.push_back({.pool = pool, .chips_per_instance = pool.chips(), .engine = *engine});
  }
  if (diagnostics.error_count() != before) return std::nullopt;
  for (std::size_t i = 0; i < machines.size(); ++i)
    if (std::find(machines.begin(), machines.begin() + static_cast<std::ptrdiff_t>(i), machines[i]) == machines.begin() + static_cast<std::ptrdiff_t>(i) &&
        !share_out(*machines[i], chips[i], served.pools, placed, where, diagnostics))
      return std::nullopt;
  if (!has_link(request, served.pools, placed, where, diagnostics)) return std::nullopt;
  for (std::size_t i = 0; i < served.pools.size(); ++i) {
    auto& pool = served.pools[i];
    InstanceModel about{*placed[i].machine, *served.model, *served.software, pool.pool, pool.engine, placed[i].fabric, serving_chip(placed[i].machine->chip, pool.pool), handing_chips(served.pools, placed, i)};
    pool.memory = memory_of(about);
    served.chips += pool.instances * pool.chips_per_instance;
    if (placed[i].machine == served.machine.get()) served.own_chips += pool.instances * pool.chips_per_instance;
    if (auto failure = does_not_fit(about, pool.memory, request.sequence)) {
      if (!served.infeasible) served.infeasible = std::move(failure);
      continue;
    }
    pool.engine.blocks = about.engine.blocks = pool.memory.blocks;
    size_tiers(pool);
    pool.start_up = request.software.start_up.value + pool.memory.weights / request.software.loading.value;
    pool.outer_rate = port_rate(request, pool.pool, outermost_port(*placed[i].machine));
    pool.timer = make_timer(std::move(about));
  }
  served.idle_chips = available - served.own_chips;
  served.frontend = request.software.frontend.value;
  if (!served.infeasible) set_transfers(served, request);
  return served;
}

}  // namespace zettatwin::inference
