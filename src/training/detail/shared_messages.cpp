// SPDX-License-Identifier: Apache-2.0
// Messages beside passes: sends, gathers of parameters, reductions of gradients; and the rates of all.
#include <algorithm>

#include "training/detail/shared_run.hpp"

namespace zettatwin::training::detail {

bool SharedRun::end_sends(std::size_t c) {
  auto& channel = channels_[c];
  if (channel.sent.empty() || channel.flow.finish() > now_) return false;
  const auto from = static_cast<std::size_t>(step_.channels[c].from), to = static_cast<std::size_t>(step_.channels[c].to);
  rival_changes(from);
  rival_changes(to);
  const auto sent = channel.sent.front();
  channel.sent.pop_front();
  channel.done += sent.work;
  ++channel.tokens;
  auto& sender = ranks_[from];
  sender.losses[sent.record].delays[sent.slot] = now_ - sent.left - sent.work;
  if (sender.unsent > 0) --sender.unsent;
  change(from);
  change(to);
  if (channel.sent.empty()) busy_.erase(std::lower_bound(busy_.begin(), busy_.end(), c));
  else begin_send(c);
  return true;
}

void SharedRun::send(std::size_t r, const engine::Step& step, std::size_t record) {
  for (std::size_t slot = 0; slot < step.puts.size(); ++slot) {
    if (step.puts[slot] == engine::kNone) continue;
    const auto c = static_cast<std::size_t>(step.puts[slot]);
    auto& channel = channels_[c];
    if (step.delays[slot].count() == 0) {
      ++channel.tokens;
      touch(static_cast<std::size_t>(step_.channels[c].to));
      continue;
    }
    rival_changes(r);
    rival_changes(static_cast<std::size_t>(step_.channels[c].to));
    if (step.occupancy.count() > 0) ++ranks_[r].unsent;
    channel.sent.push_back({record, slot, step.delays[slot], now_});
    if (channel.sent.size() > 1) continue;
    busy_.insert(std::lower_bound(busy_.begin(), busy_.end(), c), c);
    begin_send(c);
  }
}

void SharedRun::begin_send(std::size_t c) {
  auto& channel = channels_[c];
  channel.flow = MessageFlow(now_, channel.sent.front().work);
  rival_began(static_cast<std::size_t>(step_.channels[c].from), step_.channels[c].ports);
  rival_began(static_cast<std::size_t>(step_.channels[c].to), step_.channels[c].ports);
}

void SharedRun::enqueue(std::size_t r, Background& background, const SharedBucket& bucket, std::size_t number) {
  rival_changes(r);
  const bool busy = background.busy();
  for (const auto& traffic : bucket) background.items.push_back({traffic, number});
  if (bucket.empty()) background.items.push_back({{}, number});
  background.buckets.push_back({kNever, kNever});
  if (!busy) begin_background(r, background);
}

void SharedRun::begin_background(std::size_t r, Background& background) {
  const auto& item = background.items[background.next];
  background.flow = MessageFlow(now_, item.traffic.time);
  background.buckets[item.bucket].start = std::min(background.buckets[item.bucket].start, now_);
  rival_began(r, item.traffic.ports);
}

bool SharedRun::end_background(std::size_t r, Background& background) {
  if (!background.busy() || background.flow.finish() > now_) return false;
  rival_changes(r);
  background.done += background.items[background.next].traffic.time;
  const auto bucket = background.items[background.next++].bucket;
  change(r);
  if (!background.busy() || background.items[background.next].bucket != bucket) {
    background.buckets[bucket].finish = now_;
    ++background.ended;
  }
  if (background.busy()) begin_background(r, background);
  return true;
}

namespace {

// Where a pass is when it makes bucket i of n final, or needs it.
Picoseconds place_of(Picoseconds pass, std::size_t i, std::size_t n) { return Picoseconds(pass.count() * static_cast<std::int64_t>(i) / static_cast<std::int64_t>(n)); }

}  // namespace

// When the pass makes the next gradients final; kNever if not before the end of what it does now.
Picoseconds SharedRun::next_final(std::size_t r) const {
  const auto& rank = ranks_[r];
  if (rank.state == State::waiting || rank.state == State::ended || rank.state == State::slowed || rank.state == State::sending) return kNever;
  const auto chunk = pass_at(r).last_backward;
  if (chunk == kNoChunk) return kNever;
  const auto buckets = step_.ranks[r].reductions[static_cast<std::size_t>(chunk)].size();
  if (rank.bucket == buckets) return kNever;
  const auto place = place_of(step_at(r).duration, rank.bucket + 1, buckets);
  if (place <= rank.reached) return now_;
  return place < rank.reaching ? std::max(now_, rank.segment + (place - rank.reached)) : kNever;
}

bool SharedRun::make_final(std::size_t r) {
  if (next_final(r) > now_) return false;
  auto& rank = ranks_[r];
  const auto& buckets = step_.ranks[r].reductions[static_cast<std::size_t>(pass_at(r).last_backward)];
  const auto i = rank.bucket++;
  enqueue(r, rank.reductions, buckets[i], rank.reductions.buckets.size());
  return true;
}

// When the chunk's first forward pass may start: each layer's parameters are there when the pass reaches it, if all goes on at full speed.
Picoseconds SharedRun::release_of(std::size_t r, std::int32_t chunk) const {
  const auto& gathers = ranks_[r].gathers;
  const auto c = static_cast<std::size_t>(chunk);
  const auto end = ranks_[r].gathers_until[c], begin = end - step_.ranks[r].gathers[c].size();
  Picoseconds release, at = now_;
  const auto needed = [&](std::size_t bucket, Picoseconds gathered) {
    if (bucket >= begin && bucket < end) release = std::max(release, gathered - place_of(step_.ranks[r].forward[c], bucket - begin, end - begin));
  };
  for (std::size_t b = begin; b < std::min(end, gathers.ended); ++b) needed(b, gathers.buckets[b].finish);
  for (std::size_t i = gathers.next; i < gathers.items.size() && gathers.items[i].bucket < end; ++i) {
    at += i == gathers.next ? gathers.flow.left_at(now_) : gathers.items[i].traffic.time;
    needed(gathers.items[i].bucket, at);
  }
  return release;
}

bool SharedRun::parameters_missing(std::size_t r) const {
  const auto& rank = ranks_[r];
  const auto chunk = pass_at(r).first_forward;
  if (chunk == kNoChunk || !rank.gathers.busy()) return false;
  const auto c = static_cast<std::size_t>(chunk);
  const auto end = rank.gathers_until[c], begin = end - step_.ranks[r].gathers[c].size();
  const auto missing = std::max(begin, rank.gathers.ended);
  return missing < end && place_of(step_.ranks[r].forward[c], missing - begin, end - begin) <= rank.reached;
}

// Shares ports anew among ranks whose messages have changed and those that sends connect to them.
void SharedRun::rerate() {
  if (!std::exchange(any_changed_, false)) return;
  std::vector<PortMessage> messages;
  std::vector<std::pair<MessageFlow*, std::pair<StreamPlayer*, std::size_t>>> flows;
  std::vector<std::size_t> connected;
  std::vector<std::uint8_t> seen(ranks_.size());
  std::vector<std::uint8_t> channel_seen(channels_.size());
  for (std::size_t first = 0; first < ranks_.size(); ++first) {
    if (!changed_[first] || seen[first]) continue;
    messages.clear();
    flows.clear();
    connected.assign(1, first);
    seen[first] = 1;
    for (std::size_t i = 0; i < connected.size(); ++i)
      for (const auto c : channels_of_[connected[i]]) {
        if (channels_[c].sent.empty()) continue;
        for (const auto end : {step_.channels[c].from, step_.channels[c].to})
          if (!std::exchange(seen[static_cast<std::size_t>(end)], std::uint8_t{1})) connected.push_back(static_cast<std::size_t>(end));
      }
    std::sort(connected.begin(), connected.end());
    const auto add = [&](std::int32_t from, std::int32_t to, const Footprint* ports, MessageFlow* flow, StreamPlayer* player, std::size_t stream) {
      messages.push_back({from, to, ports});
      flows.push_back({flow, {player, stream}});
    };
    for (const auto r : connected) {
      auto& rank = ranks_[r];
      const auto own = static_cast<std::int32_t>(r);
      if (rank.state == State::played)
        for (std::size_t s = 0; s < StreamPlayer::kStreams; ++s)
          if (const auto* ports = rank.player.ports(s)) add(own, own, ports, nullptr, &rank.player, s);
      for (auto* background : {&rank.gathers, &rank.reductions})
        if (const auto* ports = background->ports()) add(own, own, ports, &background->flow, nullptr, 0);
      for (const auto c : channels_of_[r])
        if (!channels_[c].sent.empty() && !std::exchange(channel_seen[c], std::uint8_t{1})) add(step_.channels[c].from, step_.channels[c].to, step_.channels[c].ports, &channels_[c].flow, nullptr, 0);
    }
    if (messages.empty()) continue;
    for (const auto r : connected) touch(r);
    const auto& rates = ports_.rates(messages);
    for (std::size_t i = 0; i < flows.size(); ++i) {
      if (flows[i].first) flows[i].first->set_rate(now_, rates[i]);
      else flows[i].second.first->set_rate(flows[i].second.second, now_, rates[i]);
    }
  }
  std::fill(changed_.begin(), changed_.end(), std::uint8_t{0});
}

}  // namespace zettatwin::training::detail
