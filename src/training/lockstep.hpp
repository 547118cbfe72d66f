// SPDX-License-Identifier: Apache-2.0
// Ranks in lockstep: what jitter costs one pass of a microbatch, operation by operation (docs/math/jitter.md).
// Model: groups that synchronise are nested. At a synchronisation of a group all ranks of it and of the groups inside it go on with the slowest. Time between
// two synchronisations is lognormal with the mean and variance of its operations. Assumption: messages are waited for, also those that could hide.
// One rank may be slower than all others (a fault): at each synchronisation the member that it belongs to waits with the others, which are alike.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <utility>

#include "training/jitter.hpp"
#include "training/operation_timer.hpp"
#include "training/streams.hpp"

namespace zettatwin::training {

// From the innermost groups out: tensor, context, expert parallel; shards and replicas where each microbatch reduces or gathers parameters.
inline constexpr std::size_t kLockstepLevels = 5;

// Ranks that have waited for each other after a synchronisation at each level: those of its groups and of all inside.
using LockstepSizes = std::array<std::int64_t, kLockstepLevels>;
[[nodiscard]] LockstepSizes lockstep_sizes(const OperationTimer& timer, const plan::Plan& plan);

struct PassNoise {                               // s
  std::array<double, kLockstepLevels> waiting{}; // expected, at synchronisations of each level
  double each = 0;                               // deviation, independent from pass to pass
  double lasting = 0;                            // deviation that all passes of a step share
};

class Lockstep final {
 public:
  Lockstep(const LockstepSizes& sizes, const Jitter& jitter);

  // A pass is played from its first operation to its end, which all ranks of the stage that ever wait for each other reach together.
  void play(const TimedOperation& op);
  // The same where one rank is slower: its operation, and that of all others. Waiting is then that of the slow one.
  void play(const TimedOperation& op, const TimedOperation& of_others);
  [[nodiscard]] PassNoise end();

 private:
  struct Pending {          // of one member of a level since that level's last synchronisation, s
    double time = 0;
    double variance = 0;    // independent from operation to operation
    double lasting = 0;     // deviation that lasts for the step: adds up linearly
    double waited = 0;      // expected, inside; needed where members are unlike
    [[nodiscard]] double deviation() const;
    void add(const Pending& inner);
    void keep(double deviation);  // of what was waited for
  };
  struct Slowest {
    double mean = 0, deviation = 0;  // relative to one member's time
  };
  void synchronise(std::size_t level);
  void wait_with_others(std::size_t level, Pending& slow, const Pending& other);
  void wait(std::size_t level, Pending& member);
  [[nodiscard]] Slowest slowest(std::int64_t members, double variation);

  std::array<std::int64_t, kLockstepLevels> members_{};  // of a level that are not in lockstep inside
  Jitter jitter_;
  std::array<Pending, kLockstepLevels + 1> pending_{}, others_{};
  bool unlike_ = false;  // in this pass one rank is slower
  PassNoise pass_;
  std::map<std::pair<std::int64_t, double>, Slowest> known_;
  std::map<std::array<double, 5>, std::array<double, 2>> known_unlike_;  // mean and deviation
};

}  // namespace zettatwin::training
