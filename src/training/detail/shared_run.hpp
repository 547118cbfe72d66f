// SPDX-License-Identifier: Apache-2.0
// The simulation of a whole step, event by event. Events of one picosecond are one batch, after which rates are shared anew among those that they concern.
// Cost: of an event, what it concerns, and one look at the time of each rank's next event.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <utility>

#include "training/detail/shared_rank.hpp"
#include "training/shared_ports.hpp"

namespace zettatwin::training::detail {

class SharedRun final {
 public:
  SharedRun(const SharedStep& step, const SharedOptions& options);
  SharedOutcome run();

 private:
  static constexpr std::int64_t kParts = 64;
  using State = RankState::State;
  using Section = RankState::Section;

  [[nodiscard]] Picoseconds next_event();
  [[nodiscard]] Picoseconds next_event_of(std::size_t rank) const;
  bool batch();
  bool batch_of(std::size_t rank);
  // Something that the rank waits for, or that its next event depends on, may be there or has changed.
  void touch(std::size_t rank) { touched_[rank] = outdated_[rank] = 1; }
  // It has other messages than before.
  void change(std::size_t rank) {
    changed_[rank] = any_changed_ = true;
    touch(rank);
  }

  // Steps of ranks (shared_run.cpp).
  [[nodiscard]] const engine::Process& process(std::size_t rank) const { return step_.network.processes[rank]; }
  [[nodiscard]] const engine::Step& step_at(std::size_t rank) const { return *ranks_[rank].step; }
  [[nodiscard]] const SharedPass& pass_at(std::size_t rank) const { return *ranks_[rank].pass; }
  bool move(std::size_t rank);
  [[nodiscard]] bool may_start(std::size_t rank);
  void start(std::size_t rank);
  void next_block(std::size_t rank);
  void end_block(std::size_t rank);
  void end_pass(std::size_t rank);
  void end_step(std::size_t rank);
  [[nodiscard]] Picoseconds done_beside(std::size_t rank) const;  // by all messages beside its passes, so far
  void next_step(std::size_t rank);
  void find_section(std::size_t rank);

  // Layers that are played (shared_layers.cpp).
  void begin_played(std::size_t rank);
  void open(std::size_t rank);  // an opaque layer that a message meets now
  void rerate_alone(std::size_t rank, Picoseconds at);
  void count_rivals(std::size_t rank);
  [[nodiscard]] bool meets(const SharedBlock& block, const Footprint* ports);
  [[nodiscard]] bool met(std::size_t rank, const SharedBlock& block);
  template <class F>
  void for_each_rival(std::size_t rank, F&& f);
  void rival_changes(std::size_t rank);  // to be called before one begins or ends
  void rival_began(std::size_t rank, const Footprint* ports);

  // Messages beside passes (shared_messages.cpp).
  bool end_sends(std::size_t channel);
  void send(std::size_t rank, const engine::Step& step, std::size_t record);
  void begin_send(std::size_t channel);
  bool end_background(std::size_t rank, Background& background);
  void begin_background(std::size_t rank, Background& background);
  void enqueue(std::size_t rank, Background& background, const SharedBucket& bucket, std::size_t number);
  bool make_final(std::size_t rank);
  [[nodiscard]] Picoseconds next_final(std::size_t rank) const;
  [[nodiscard]] Picoseconds release_of(std::size_t rank, std::int32_t chunk) const;
  [[nodiscard]] bool parameters_missing(std::size_t rank) const;
  void rerate();

  // Iterations that repeat (shared_period.cpp).
  template <class Visitor>
  void visit(Visitor& visitor);
  void look_for_period();
  void assume_period();
  void jump(const std::vector<std::int64_t>& from, Picoseconds period_begin, std::int64_t period);
  [[nodiscard]] SharedOutcome outcome();

  const SharedStep& step_;
  SharedOptions options_;
  Picoseconds now_;
  std::vector<RankState> ranks_;
  std::vector<ChannelState> channels_;
  std::vector<std::vector<std::size_t>> channels_of_;  // by rank, either end, with ports
  SharedPorts ports_;
  std::vector<std::size_t> busy_;                      // channels that send, in order
  std::vector<std::uint8_t> touched_;                  // ranks to look at, though their next event is later
  std::vector<std::uint8_t> outdated_;                 // ranks whose next event is to be found anew
  std::vector<Picoseconds> due_;                       // next events of ranks
  std::vector<std::uint8_t> changed_;                  // ranks with other messages than before
  bool any_changed_ = false;
  std::map<std::pair<const SharedBlock*, const Footprint*>, bool> meets_;  // only looked up
  std::int64_t events_ = 0;

  struct Cut {
    std::vector<std::int64_t> iterations;  // by rank
    Picoseconds time;
  };
  bool iteration_ended_ = false;           // of the first rank
  bool folding_ = true;
  std::int64_t send_parts_ = 0;  // of kParts
  std::map<std::vector<std::int64_t>, Cut> cuts_;
  std::deque<Cut> last_cuts_;
  struct Period {
    std::vector<std::int64_t> from;        // iteration of each rank at the first of the two cuts
    std::int64_t iterations = 0, times = 0;  // jumped over
  };
  std::optional<Period> period_;
  bool assumed_ = false;
};

}  // namespace zettatwin::training::detail
