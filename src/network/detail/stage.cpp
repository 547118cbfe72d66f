// SPDX-License-Identifier: Apache-2.0
#include "network/detail/stage.hpp"

#include <algorithm>
#include <array>
#include <bit>

#include "base/contract.hpp"

namespace zettatwin::network::detail {
namespace {

constexpr std::array kStageAlgorithms{Algorithm::ring, Algorithm::direct, Algorithm::tree, Algorithm::halving_doubling, Algorithm::bruck};

double ceil_log2(std::int64_t n) { return static_cast<double>(std::bit_width(static_cast<std::uint64_t>(n - 1))); }

bool is_torus(const Link& link) { return link.level->network.kind == hardware::NetworkKind::torus; }

bool moves_parts(Collective op) { return op == Collective::all_reduce || op == Collective::all_gather || op == Collective::reduce_scatter; }

Stage make(Algorithm algorithm, const Link& link, double steps, units::Bytes bytes, units::BytesPerSecond datasheet) {
  return {algorithm, steps * link.latency(), bytes, achieved(link, datasheet, bytes), datasheet};
}

units::Seconds gaps(const Link& link) { return static_cast<double>(link.fanout - 2) * link.level->network.message_gap.value; }

std::optional<Stage> ring(Collective op, const Link& link, units::Bytes message) {
  const double f = static_cast<double>(link.fanout);
  const double steps = static_cast<double>(link.ring_steps);
  if (moves_parts(op)) return make(Algorithm::ring, link, passes(op) * steps, passes(op) * ((f - 1) / f) * message, link.bandwidth);
  if (op == Collective::broadcast) return make(Algorithm::ring, link, steps, message, link.bandwidth);
  return std::nullopt;
}

std::optional<Stage> direct(Collective op, const Link& link, units::Bytes message) {
  if (op == Collective::point_to_point) return make(Algorithm::direct, link, 1, message, link.stream_bandwidth);
  const double f = static_cast<double>(link.fanout);
  const units::Bytes part = ((f - 1) / f) * message;
  if (op == Collective::all_to_all) {
    const double hops = is_torus(link) ? static_cast<double>(link.ring_steps) : 1;  // to the farthest
    auto stage = make(Algorithm::direct, link, hops, part, link.all_to_all_bandwidth);
    stage.latency += gaps(link);
    return stage;
  }
  if (is_torus(link)) return std::nullopt;
  const double rounds = op == Collective::broadcast ? 2 : passes(op);  // broadcast: scatter, then all-gather
  auto stage = make(Algorithm::direct, link, rounds, rounds * part, link.direct_bandwidth);
  stage.latency += rounds * gaps(link);
  return stage;
}

std::optional<Stage> tree(Collective op, const Link& link, units::Bytes message) {
  if (is_torus(link) || (op != Collective::all_reduce && op != Collective::broadcast)) return std::nullopt;
  return make(Algorithm::tree, link, passes(op) * ceil_log2(link.fanout), passes(op) * message, link.stream_bandwidth);
}

std::optional<Stage> halving_doubling(Collective op, const Link& link, units::Bytes message) {
  if (is_torus(link) || !moves_parts(op) || !std::has_single_bit(static_cast<std::uint64_t>(link.fanout))) return std::nullopt;
  const double f = static_cast<double>(link.fanout);
  return make(Algorithm::halving_doubling, link, passes(op) * ceil_log2(link.fanout), passes(op) * ((f - 1) / f) * message, link.stream_bandwidth);
}

std::optional<Stage> bruck(Collective op, const Link& link, units::Bytes message) {
  if (is_torus(link) || op != Collective::all_to_all) return std::nullopt;
  const double rounds = ceil_log2(link.fanout);
  return make(Algorithm::bruck, link, rounds, (rounds / 2) * message, link.stream_bandwidth);
}

// Each member has the switch add up its share of M/f and sends it to all: M + M/f through a port in each direction.
std::optional<Stage> in_network(Collective op, const Link& link, units::Bytes message) {
  const auto& network = link.level->network;
  if (!network.in_network_reduction || op != Collective::all_reduce) return std::nullopt;
  const double f = static_cast<double>(link.fanout);
  const units::Bytes bytes = (1 + 1 / f) * message;
  const units::Seconds pass = network.reduction_latency.present ? network.reduction_latency.value : link.latency();
  return Stage{Algorithm::in_network, 2 * pass, bytes,
               achieved(link.bandwidth, network.reduction_efficiency.value, f * network.reduction_half_message.value, bytes), link.bandwidth};
}

}  // namespace

bool in_library(Algorithm algorithm, Collective op, const Link& link) {
  const bool pairwise = algorithm == Algorithm::direct && (op == Collective::all_to_all || op == Collective::point_to_point);
  return pairwise || (link.library >> static_cast<unsigned>(algorithm) & 1u) != 0;
}

std::optional<Stage> stage_with(Algorithm algorithm, Collective op, const Link& link, units::Bytes message) {
  switch (algorithm) {
    case Algorithm::ring: return ring(op, link, message);
    case Algorithm::direct: return direct(op, link, message);
    case Algorithm::tree: return tree(op, link, message);
    case Algorithm::halving_doubling: return halving_doubling(op, link, message);
    case Algorithm::bruck: return bruck(op, link, message);
    case Algorithm::in_network: return in_network(op, link, message);
    case Algorithm::automatic:
    case Algorithm::hierarchical:
    case Algorithm::rotated: return std::nullopt;
  }
  return std::nullopt;
}

Stage best_stage(Algorithm forced, Collective op, const Link& link, units::Bytes message) {
  if (const auto stage = stage_with(forced, op, link, message)) return *stage;
  std::optional<Stage> best = in_network(op, link, message);
  const auto consider = [&](bool library_only) {
    for (const auto algorithm : kStageAlgorithms) {
      if (library_only && !in_library(algorithm, op, link)) continue;
      const auto stage = stage_with(algorithm, op, link, message);
      if (stage && (!best || stage->time() < best->time())) best = stage;
    }
  };
  consider(true);
  if (!best) consider(false);  // the library has none for this collective: any that fits the network
  ZT_ENSURE(best.has_value(), std::string(name_of(op)));
  return *best;
}

std::string_view formula_of(Algorithm algorithm, Collective op) {
  const bool twice = op == Collective::all_reduce;
  switch (algorithm) {
    case Algorithm::ring:
      if (op == Collective::broadcast) return "(f-1) a + M/B";
      return twice ? "2 (f-1) a + 2 M (f-1)/(f B)" : "(f-1) a + M (f-1)/(f B)";
    case Algorithm::direct:
      if (op == Collective::point_to_point) return "a + M/B";
      return twice || op == Collective::broadcast ? "2 (a + (f-2) gap) + 2 M (f-1)/(f B)" : "a + (f-2) gap + M (f-1)/(f B)";
    case Algorithm::tree: return twice ? "2 ceil(log2 f) a + 2 M/B" : "ceil(log2 f) a + M/B";
    case Algorithm::halving_doubling: return twice ? "2 log2(f) a + 2 M (f-1)/(f B)" : "log2(f) a + M (f-1)/(f B)";
    case Algorithm::bruck: return "ceil(log2 f) a + M ceil(log2 f)/(2 B)";
    case Algorithm::in_network: return "2 a + M (1 + 1/f)/B";
    case Algorithm::automatic:
    case Algorithm::hierarchical:
    case Algorithm::rotated: break;
  }
  return "";
}

}  // namespace zettatwin::network::detail
