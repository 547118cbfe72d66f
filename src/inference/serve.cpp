// SPDX-License-Identifier: Apache-2.0
#include "inference/serve.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "inference/placement.hpp"
#include "units/text.hpp"

namespace zettatwin::inference {
namespace {

struct Placed {
  topology::Fabric fabric;
  std::int64_t whole = 0;  // instances that the request's chips hold
};

std::optional<serving::EngineSettings> engine_of(const Pool& pool, const Software& software, config::Diagnostics& diagnostics) {
  const auto before = diagnostics.error_count();
  auto engine = software.engine;
  engine.max_sequences *= pool.dp;
  engine.max_tokens *= pool.dp;
  if (pool.engine.kind == config::Node::Kind::mapping) config::read(pool.engine, "engine settings", config::FigureForm::bare_allowed, diagnostics, engine);
  if (diagnostics.error_count() != before) return std::nullopt;
  return engine;
}

// Pools that say 0 share what the others leave: each gets as many instances as the one whose instance is largest gives them all.
bool share_out(const ServeRequest& request, std::int64_t available, std::vector<ServedPool>& pools, const std::vector<Placed>& placed, const config::Location& where,
               config::Diagnostics& diagnostics) {
  std::int64_t fixed = 0, open = 0;
  for (const auto& pool : pools) (pool.pool.instances > 0 ? fixed : open) += (pool.pool.instances > 0 ? pool.pool.instances : 1) * pool.pool.chips();
  if (fixed > available || (open > 0 && fixed + open > available)) {
    diagnostics.error(where, fmt::format("the deployment needs {} chips, there are {}", fixed + open, available), "an instance has tp x dp x pp chips, and those of its feed-forwards",
                      "fewer or smaller instances, or more chips");
    return false;
  }
  const std::int64_t rounds = open > 0 ? (available - fixed) / open : 0;
  for (std::size_t i = 0; i < pools.size(); ++i) {
    auto& pool = pools[i];
    pool.instances = pool.pool.instances > 0 ? pool.pool.instances : rounds;
    if (pools.size() == 1 && pool.pool.instances == 0) pool.instances = placed[i].whole;
    if (pool.instances > placed[i].whole) {
      diagnostics.error(where, fmt::format("pool '{}' asks for {} instances, {} fit", pool.pool.name, pool.instances, placed[i].whole),
                        fmt::format("each lies whole inside the units of {}", request.machine.name), fmt::format("try instances={}", placed[i].whole));
      return false;
    }
  }
  return true;
}

void set_transfers(Served& served, const ServeRequest& request) {
  const ServedPool* prefill = nullptr;
  const ServedPool* decode = nullptr;
  for (const auto& pool : served.pools) {
    if (pool.pool.role == Role::prefill) prefill = &pool;
    if (pool.pool.role == Role::decode) decode = &pool;
  }
  if (!prefill || !decode) return;
  const auto link = between(prefill->timer->about().fabric, decode->timer->about().fabric);
  const auto cache = decode->memory.cache;
  served.hand_over = HandOver{.bytes_per_token = cache.token_in_instance,
                              .bytes_per_sequence = cache.sequence_in_instance,
                              .latency = link.latency + request.software.transfer_latency.value,
                              .layers = request.model.layers(),
                              .level = request.machine.levels[link.level].name};
  for (auto& pool : served.pools) {
    if (pool.pool.role == Role::aggregated) continue;
    // Chips that hold different parts of one sequence's cache: those of a rank, over all stages; copies of latent caches move once.
    bool copies = false;
    for (const auto& kind : request.model.kinds) copies |= kind.attention.kind == model::AttentionKind::multi_latent;
    const auto senders = static_cast<double>(pool.pool.pp * (copies ? 1 : pool.pool.tp) * pool.pool.dp);
    pool.port_rate = link.per_chip * (request.software.transfer_share.si() * senders);
  }
}

}  // namespace

std::optional<Served> serve(const ServeRequest& request, const config::Location& where, config::Diagnostics& diagnostics) {
  const auto before = diagnostics.error_count();
  Served served;
  served.machine = std::make_unique<hardware::Machine>(request.machine);
  served.model = std::make_unique<model::Architecture>(request.model);
  served.software = std::make_unique<Software>(request.software);
  const auto available = request.chips > 0 ? request.chips : request.machine.chips();
  if (available > request.machine.chips())
    diagnostics.error(where, fmt::format("{} chips are asked for, {} has {}", available, request.machine.name, request.machine.chips()), "", "set a larger size of the machine");
  std::vector<Placed> placed;
  for (const auto& pool : request.deployment.pools) {
    if (!check(pool, request.model, where, diagnostics)) continue;
    auto engine = engine_of(pool, request.software, diagnostics);
    auto fabric = place_instance(*served.machine, pool.chips(), pool.tp);
    if (!fabric) diagnostics.error(where, fmt::format("pool '{}': an instance of {} chips cannot be placed on {}", pool.name, pool.chips(), request.machine.name), "it takes equally many chips of each unit", "choose tp x dp x pp from sizes of the machine's units");
    if (!engine || !fabric) continue;
    placed.push_back({*fabric, instances_on(*fabric, available)});
    served.pools.push_back({.pool = pool, .chips_per_instance = pool.chips(), .engine = *engine});
  }
  if (diagnostics.error_count() != before) return std::nullopt;
  if (!share_out(request, available, served.pools, placed, where, diagnostics)) return std::nullopt;
  for (std::size_t i = 0; i < served.pools.size(); ++i) {
    auto& pool = served.pools[i];
    InstanceModel about{*served.machine, *served.model, *served.software, pool.pool, pool.engine, placed[i].fabric, serving_chip(served.machine->chip, pool.pool)};
    pool.memory = memory_of(about);
    served.chips += pool.instances * pool.chips_per_instance;
    if (auto failure = does_not_fit(about, pool.memory, request.sequence)) {
      if (!served.infeasible) served.infeasible = std::move(failure);
      continue;
    }
    pool.engine.blocks = about.engine.blocks = pool.memory.blocks;
    pool.start_up = request.software.start_up.value + pool.memory.weights / request.software.loading.value;
    pool.timer = make_timer(std::move(about));
  }
  served.idle_chips = available - served.chips;
  served.frontend = request.software.frontend.value;
  if (!served.infeasible) set_transfers(served, request);
  return served;
}

}  // namespace zettatwin::inference
