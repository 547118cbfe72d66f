// SPDX-License-Identifier: Apache-2.0
// One instance of a fleet: the engine, whether it is on, and what its pool's result needs.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "fleet/detail/event_tree.hpp"
#include "fleet/result.hpp"
#include "fleet/spec.hpp"
#include "serving/instance.hpp"

namespace zettatwin::fleet {

// Steps that only decode take longer while caches arrive through the ports that the exchange between chips uses: with the share u of a port's rate
// taken by transfers, exchange x becomes x / (1 - u). Transfers in turn get what exchange leaves: 1 - x / step of the rate (docs/math/fleet.md).
class ContendedTimer final : public serving::StepTimer {
 public:
  explicit ContendedTimer(const serving::StepTimer& alone) : alone_(alone) {}
  [[nodiscard]] serving::DecodePiece decode(std::int64_t sequences, std::int64_t cached) const override {
    serving::DecodePiece piece = alone_.decode(sequences, cached);
    exchange_share_ = piece.base.count() > 0 ? static_cast<double>(piece.exchange.count()) / static_cast<double>(piece.base.count()) : 0;
    if (used_ > 0) {
      const units::Picoseconds more(static_cast<std::int64_t>(static_cast<double>(piece.exchange.count()) * used_ / (1 - used_)));
      piece.base += more;
      piece.exchange += more;
    }
    return piece;
  }
  [[nodiscard]] units::Picoseconds step(const serving::StepLoad& load) const override {
    if (!load.chunks.empty() || load.sequences == 0) return alone_.step(load);
    const serving::DecodePiece piece = decode(load.sequences, load.cached);
    return piece.base + units::Picoseconds(piece.slope * (load.cached - piece.from));
  }
  void set_used(double share) { used_ = share; }
  [[nodiscard]] double used() const { return used_; }
  [[nodiscard]] double exchange_share() const { return exchange_share_; }  // of the step that was asked for last, without transfers

 private:
  const serving::StepTimer& alone_;
  double used_ = 0;
  mutable double exchange_share_ = 0;
};

enum class Power : std::uint8_t { off, starting, on, draining, down };

struct Member {
  std::size_t pool = 0;
  std::int64_t index = 0;         // in the pool
  Power power = Power::off;
  std::unique_ptr<ContendedTimer> timer;  // of decode instances with ports
  std::unique_ptr<serving::Observer> observer;
  std::unique_ptr<serving::Instance> instance;
  std::int64_t inside = 0;        // requests: computing, held, reserved or decoding
  std::int64_t routed = 0;
  std::int64_t routed_id = 0;     // its number, where not all instances are there
  std::uint64_t epoch = 0;        // of its power; events of earlier ones are stale
  units::Picoseconds since;       // of its power
  units::Picoseconds on_time, paid_time;           // until `since`
  units::Picoseconds on_at_window, paid_at_window;
  serving::Statistics at_window;
  // Where the window closes before the end.
  bool closed = false;
  units::Picoseconds on_at_close, paid_at_close;
  serving::Statistics at_close;

  [[nodiscard]] bool works() const { return power == Power::on || power == Power::draining; }
  [[nodiscard]] units::Picoseconds on_until(units::Picoseconds at) const { return works() ? on_time + (at - since) : on_time; }
  [[nodiscard]] units::Picoseconds paid_until(units::Picoseconds at) const { return power != Power::off ? paid_time + (at - since) : paid_time; }
  void set_power(Power next, units::Picoseconds at) {
    on_time = on_until(at);
    paid_time = paid_until(at);
    since = at;
    power = next;
    ++epoch;
  }
  void open_window(units::Picoseconds at) {
    on_at_window = on_until(at);
    paid_at_window = paid_until(at);
    if (instance) at_window = instance->statistics();
  }
  void close_window(units::Picoseconds at) {
    closed = true;
    on_at_close = on_until(at);
    paid_at_close = paid_until(at);
    if (instance) at_close = instance->statistics();
  }
};

// Sums over members into a pool's result.
class PoolTotals final {
 public:
  // `store`: there is a cache pool.
  explicit PoolTotals(const PoolSpec& pool, bool store = false);
  // A member until the end of the run, which began to be measured at `from`.
  void add(const Member& member, units::Picoseconds from, units::Picoseconds to);
  // So many that were on all the time and had nothing to do.
  void add_idle(std::int64_t members, units::Picoseconds from, units::Picoseconds to);
  // `scale`: instances of the pool over those added.
  [[nodiscard]] PoolResult result(const PoolSpec& pool, double scale, double measured_s) const;

 private:
  PoolResult sum_;
  double on_s_ = 0, paid_window_s_ = 0, busy_s_ = 0, sequence_s_ = 0, waiting_s_ = 0, block_s_ = 0;
  double routed_ = 0, most_routed_ = 0, members_ = 0;
  std::int64_t blocks_ = 0;
};

}  // namespace zettatwin::fleet
