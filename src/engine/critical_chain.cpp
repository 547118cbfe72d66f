// SPDX-License-Identifier: Apache-2.0
#include "engine/critical_chain.hpp"

#include <algorithm>
#include <optional>
#include <tuple>
#include <vector>

#include "base/contract.hpp"

namespace zettatwin::engine {

namespace {

std::int64_t count(const std::vector<std::int32_t>& codes) { return static_cast<std::int64_t>(codes.size()); }

// Positions in program order at which something happens, loops counted.
class Positions final {
 public:
  template <class Happens>
  Positions(const Process& p, Happens&& happens) : prologue_(count(p.prologue)), body_(count(p.body)), repeats_(p.repeats) {
    const auto collect = [&](const std::vector<std::int32_t>& codes, std::vector<std::int64_t>& at) {
      for (std::size_t i = 0; i < codes.size(); ++i)
        if (happens(p.steps[static_cast<std::size_t>(codes[i])])) at.push_back(static_cast<std::int64_t>(i));
    };
    collect(p.prologue, in_prologue_);
    collect(p.body, in_body_);
    collect(p.epilogue, in_epilogue_);
  }

  // How often it has happened before `position`.
  [[nodiscard]] std::int64_t before(std::int64_t position) const {
    if (position < prologue_) return below(in_prologue_, position);
    std::int64_t sum = size(in_prologue_);
    position -= prologue_;
    if (position < body_ * repeats_) return sum + position / body_ * size(in_body_) + below(in_body_, position % body_);
    return sum + repeats_ * size(in_body_) + below(in_epilogue_, position - body_ * repeats_);
  }
  [[nodiscard]] std::int64_t at(std::int64_t n) const {
    if (n < size(in_prologue_)) return in_prologue_[static_cast<std::size_t>(n)];
    n -= size(in_prologue_);
    if (n < repeats_ * size(in_body_)) return prologue_ + n / size(in_body_) * body_ + in_body_[static_cast<std::size_t>(n % size(in_body_))];
    n -= repeats_ * size(in_body_);
    return prologue_ + repeats_ * body_ + in_epilogue_.at(static_cast<std::size_t>(n));
  }

 private:
  static std::int64_t size(const std::vector<std::int64_t>& v) { return static_cast<std::int64_t>(v.size()); }
  static std::int64_t below(const std::vector<std::int64_t>& v, std::int64_t position) { return std::lower_bound(v.begin(), v.end(), position) - v.begin(); }

  std::int64_t prologue_, body_, repeats_;
  std::vector<std::int64_t> in_prologue_, in_body_, in_epilogue_;
};

struct Ends {
  std::size_t producer = 0, consumer = 0;
};

class Chain final {
 public:
  Chain(const TokenNetwork& network, const Run& run) : network_(network), run_(run), ends_(static_cast<std::size_t>(network.channels)) {
    for (std::size_t p = 0; p < network.processes.size(); ++p)
      for (const Step& step : network.processes[p].steps) {
        for (const auto channel : step.takes) if (channel != kNone) ends_[static_cast<std::size_t>(channel)].consumer = p;
        for (const auto channel : step.puts) if (channel != kNone) ends_[static_cast<std::size_t>(channel)].producer = p;
      }
  }

  [[nodiscard]] const Step& step_at(std::size_t process, std::int64_t position) const {
    const Process& p = network_.processes[process];
    const std::int64_t prologue = count(p.prologue), loop = count(p.body) * p.repeats;
    std::int32_t code = 0;
    if (position < prologue) code = p.prologue[static_cast<std::size_t>(position)];
    else if (position < prologue + loop) code = p.body[static_cast<std::size_t>((position - prologue) % count(p.body))];
    else code = p.epilogue[static_cast<std::size_t>(position - prologue - loop)];
    return p.steps[static_cast<std::size_t>(code)];
  }

  [[nodiscard]] std::uint8_t winner(std::size_t process, std::int64_t position) const {
    const Process& p = network_.processes[process];
    const std::int64_t prologue = count(p.prologue), body = count(p.body);
    std::int64_t played = position;
    if (position >= prologue && body > 0) {
      const std::int64_t iteration = (position - prologue) / body, loop = std::min(iteration, p.repeats);
      played = prologue + played_iteration(loop) * body + (position - prologue - loop * body);
    }
    return run_.winners[process][static_cast<std::size_t>(played)];
  }

  [[nodiscard]] ChainLink link(std::size_t process, std::int64_t position) const {
    const Step& step = step_at(process, position);
    ChainLink link{.process = process, .position = position, .step = &step};
    switch (winner(process, position)) {
      case kClockWon:
        if (position == 0) return link;
        link.cause = Cause::clock;
        link.gap = step_at(process, position - 1).occupancy;
        return link;
      case kEarliestWon:
        link.cause = Cause::earliest;
        link.gap = step.earliest;
        return link;
      default: link.cause = Cause::token; return link;
    }
  }

  // The step that made the token which the link's step waited for last; fills in the gap.
  std::pair<std::size_t, std::int64_t> producer_of(ChainLink& link) {
    const auto channel = link.step->takes[static_cast<std::size_t>(winner(link.process, link.position) - kTokenWon)];
    const auto producer = ends_[static_cast<std::size_t>(channel)].producer;
    const auto n = takes(channel).before(link.position);
    const auto position = puts(channel).at(n);
    const Step& made = step_at(producer, position);
    link.gap = made.delays[made.puts[0] == channel ? 0 : 1];
    return {producer, position};
  }

 private:
  // Iterations that were jumped over repeat the period before the jump.
  [[nodiscard]] std::int64_t played_iteration(std::int64_t iteration) const {
    for (const Jump& jump : run_.jumps) {
      if (iteration < jump.after) return iteration;
      const std::int64_t skipped = jump.period * jump.times;
      if (iteration < jump.after + skipped) return jump.after - jump.period + (iteration - jump.after) % jump.period;
      iteration -= skipped;
    }
    return iteration;
  }

  static bool has(const std::array<std::int32_t, 2>& channels, std::int32_t channel) { return channels[0] == channel || channels[1] == channel; }
  const Positions& takes(std::int32_t channel) { return known(takes_, channel, ends_[static_cast<std::size_t>(channel)].consumer, [channel](const Step& s) { return has(s.takes, channel); }); }
  const Positions& puts(std::int32_t channel) { return known(puts_, channel, ends_[static_cast<std::size_t>(channel)].producer, [channel](const Step& s) { return has(s.puts, channel); }); }
  template <class Happens>
  const Positions& known(std::vector<std::optional<Positions>>& table, std::int32_t channel, std::size_t process, Happens&& happens) {
    table.resize(ends_.size());
    auto& entry = table[static_cast<std::size_t>(channel)];
    if (!entry) entry.emplace(network_.processes[process], happens);
    return *entry;
  }

  const TokenNetwork& network_;
  const Run& run_;
  std::vector<Ends> ends_;
  std::vector<std::optional<Positions>> takes_, puts_;
};

}  // namespace

void visit_critical_chain(const TokenNetwork& network, const Run& run, std::size_t process, std::int64_t position, const std::function<void(const ChainLink&)>& visit) {
  ZT_EXPECT(run.winners.size() == network.processes.size(), "a run that recorded its winners");
  Chain chain(network, run);
  while (true) {
    auto link = chain.link(process, position);
    if (link.cause == Cause::token) std::tie(process, position) = chain.producer_of(link);
    else if (link.cause == Cause::clock) --position;
    visit(link);
    if (link.cause == Cause::nothing || link.cause == Cause::earliest) return;
  }
}

}  // namespace zettatwin::engine
