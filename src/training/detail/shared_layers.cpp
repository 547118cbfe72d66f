// SPDX-License-Identifier: Apache-2.0
// Layers that other messages meet: played operation by operation.
#include <algorithm>

#include "training/detail/shared_run.hpp"

namespace zettatwin::training::detail {

// Calls f(who, ports) for each message beside the rank's pass that is under way.
template <class F>
void SharedRun::for_each_rival(std::size_t r, F&& f) {
  const auto& rank = ranks_[r];
  if (const auto* ports = rank.gathers.ports()) f(Rival::gather, ports);
  if (const auto* ports = rank.reductions.ports()) f(Rival::reduction, ports);
  for (const auto c : channels_of_[r])
    if (const auto* ports = channels_[c].ports(step_.channels[c])) f(Rival::send, ports);
}

bool SharedRun::meets(const SharedBlock& block, const Footprint* ports) {
  const auto [at, added] = meets_.try_emplace({&block, ports}, false);
  if (added)
    for (const auto& script : block.scripts)
      for (const auto& message : script.messages) at->second = at->second || have_ports_in_common(message.traffic.ports, ports);
  return at->second;
}

bool SharedRun::met(std::size_t r, const SharedBlock& block) {
  bool any = false;
  for_each_rival(r, [&](Rival, const Footprint* ports) { any = any || meets(block, ports); });
  return any;
}

void SharedRun::begin_played(std::size_t r) {
  auto& rank = ranks_[r];
  const auto& block = *pass_at(r).blocks[rank.run].block;
  rank.state = State::played;
  rank.wake = kNever;
  rank.reaching = rank.reached + block.time;
  rank.beside = {};
  rank.counted = now_;
  --rank.left;
  rank.player.start(block.scripts, now_);
  (void)rank.player.advance(now_);
  change(r);
  if (rank.player.ended()) end_block(r);
}

// So far its messages had the ports for themselves.
void SharedRun::open(std::size_t r) {
  auto& rank = ranks_[r];
  const auto& block = *pass_at(r).blocks[rank.run].block;
  const std::int64_t count = (rank.reaching - rank.reached).count() / block.time.count(), under_way = (now_ - rank.segment).count() / block.time.count();
  if (under_way >= count) return;  // it ends now
  rank.reached += block.time * under_way;
  rank.segment += block.time * under_way;
  rank.reaching = rank.reached + block.time;
  rank.left += count - under_way - 1;
  rank.player.start(block.scripts, rank.segment);
  (void)rank.player.advance(rank.segment);
  rerate_alone(r, rank.segment);
  while (rank.player.next() < now_) {
    const auto at = rank.player.next();
    if (rank.player.advance(at)) rerate_alone(r, at);
  }
  const bool over = rank.player.ended();
  rank.state = over ? State::settling : State::played;
  rank.wake = over ? rank.segment + block.time : kNever;
  rank.beside = {};
  rank.counted = now_;
}

void SharedRun::rerate_alone(std::size_t r, Picoseconds at) {
  auto& player = ranks_[r].player;
  const auto* activations = player.ports(0);
  const auto* parameters = player.ports(1);
  const auto own = static_cast<std::int32_t>(r);
  const auto rates = activations && parameters ? ports_.rates({{own, own, activations}, {own, own, parameters}}) : std::vector<double>{1, 1};
  for (std::size_t s = 0; s < StreamPlayer::kStreams; ++s) player.set_rate(s, at, rates[s]);
}

void SharedRun::end_block(std::size_t r) {
  auto& rank = ranks_[r];
  const auto& block = *pass_at(r).blocks[rank.run].block;
  count_rivals(r);
  // Of two passes together another order may be faster by chance (Graham 1966); sharing is not credited with it.
  const auto time = std::max(block.time, block.time_if(now_ - rank.segment));
  auto loss = time - block.time;
  Picoseconds all;
  for (const auto beside : rank.beside) all += beside;
  for (std::size_t i = 0; i < kRivals && loss.count() > 0; ++i) {  // in proportion; each takes its share of what is left
    if (rank.beside[i].count() == 0) continue;
    const Picoseconds share = rank.beside[i] == all ? loss : Picoseconds::from(loss.seconds() * (rank.beside[i].seconds() / all.seconds()));
    rank.lost[i] += share;
    loss -= share;
    all -= rank.beside[i];
  }
  rank.state = State::settling;
  rank.wake = rank.segment + time;
  change(r);
}

void SharedRun::count_rivals(std::size_t r) {
  auto& rank = ranks_[r];
  std::array<bool, kRivals> there{};
  const auto& block = *pass_at(r).blocks[rank.run].block;
  for_each_rival(r, [&](Rival rival, const Footprint* ports) {
    const auto i = static_cast<std::size_t>(rival);
    there[i] = there[i] || meets(block, ports);
  });
  for (std::size_t i = 0; i < kRivals; ++i)
    if (there[i]) rank.beside[i] += now_ - rank.counted;
  rank.counted = now_;
}

void SharedRun::rival_changes(std::size_t r) {
  if (ranks_[r].state == State::played) count_rivals(r);
}

void SharedRun::rival_began(std::size_t r, const Footprint* ports) {
  if (!ports) return;
  change(r);
  if (ranks_[r].state == State::opaque && meets(*pass_at(r).blocks[ranks_[r].run].block, ports)) open(r);
}

}  // namespace zettatwin::training::detail
