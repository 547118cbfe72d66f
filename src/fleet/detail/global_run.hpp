// SPDX-License-Identifier: Apache-2.0
// All instances on one clock. What happens at one picosecond happens in this order: instances (by index), transfers, failures and other planned events,
// arrivals. Instances tell what happened while they advance; it is acted upon when they are done, so that no instance is called from within itself.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <queue>
#include <string>
#include <vector>

#include "fleet/detail/books.hpp"
#include "fleet/detail/event_tree.hpp"
#include "fleet/detail/member.hpp"
#include "fleet/result.hpp"
#include "fleet/router.hpp"
#include "fleet/spec.hpp"
#include "fleet/transfer_network.hpp"

namespace zettatwin::fleet {

class GlobalRun final {
 public:
  // `factor`: every request stands for so many of a larger fleet; 1 if it is simulated whole.
  explicit GlobalRun(const FleetSpec& spec, double factor = 1);
  [[nodiscard]] FleetResult run();
  // Afterwards: what happened to each request, and to the instances of each pool.
  [[nodiscard]] const Books& books() const { return books_; }
  void add_to(std::vector<PoolTotals>& totals) const;
  [[nodiscard]] units::Picoseconds end() const { return end_; }

 private:
  using Id = std::uint64_t;
  enum class Told : std::uint8_t { scheduled, first_token, finished, rejected, cancelled };
  struct Note {
    Told what;
    Id id;
    units::Picoseconds at;
    std::int32_t cached = 0;
    std::size_t member = 0;
  };
  enum class Planned : std::uint8_t { window, window_end, sample, scale, failure, recovery, ready, retry, next_of_loop, transfer };
  struct Event {
    units::Picoseconds at;
    std::uint64_t order;
    Planned what;
    std::uint64_t subject;  // failure, pool, member, request or source
    std::uint64_t epoch = 0;
    friend bool operator<(const Event& a, const Event& b) { return a.at != b.at ? a.at > b.at : a.order > b.order; }  // earliest on top
  };
  struct Source {
    std::unique_ptr<requests::Stream> stream;
    requests::Request next;
    bool has_next = false;
    std::int64_t concurrency = 0;
    std::int64_t waiting_users = 0;  // closed loop: their next request is planned
  };
  // Instances that may get a model's requests, as one router sees them.
  struct Choice {
    std::vector<std::size_t> members;
    std::optional<Balancer> balancer;
  };
  struct Model {
    Choice compute, decode;
    const TransferSpec* transfer = nullptr;
    std::size_t transfer_index = 0;
    std::deque<Id> homeless;
    std::deque<Id> blocked;   // for blocks of a decode instance: stages unreserved and blocked
    std::int64_t transferring = 0;
    std::int64_t largest_decode = 0;  // tokens that the largest decode instance can hold
    serving::FirstToken first_token = serving::FirstToken::prompt;  // of its decode pools, which agree
  };
  struct Outage {
    std::vector<std::size_t> members;
    FailureResult result;
    units::Picoseconds begin, until, before;
    std::int64_t ended = 0, good = 0, ended_before = 0, good_before = 0;
    std::int64_t unanswered = 0;  // that wait for it for good
  };
  struct Traffic {  // of one TransferSpec
    std::int64_t transfers = 0;
    double bytes = 0, window_bytes = 0;
    LogHistogram duration, blocked;
    std::size_t at_once = 0;
  };
  friend class MemberObserver;

  // global_run.cpp
  void make_members();
  void make_models();
  void plan(units::Picoseconds at, Planned what, std::uint64_t subject = 0, std::uint64_t epoch = 0);
  bool step();
  void arrive_next();
  void pull(Source& source);
  [[nodiscard]] Source* next_source();
  void request_arrives(Source& source, units::Picoseconds client);
  void handle_notes();
  void handle(const Note& note);
  void handle(const Event& event);
  [[nodiscard]] bool over() const;
  [[nodiscard]] FleetResult result();
  [[nodiscard]] TransferResult transfer_result(std::size_t index, units::Picoseconds from, units::Picoseconds to) const;

  // global_requests.cpp
  void route(Flight& flight);
  void send(Flight& flight, Choice& choice);
  void release_held(Flight& flight);
  void submit(Flight& flight, std::size_t member, serving::Work work, bool hold);
  [[nodiscard]] bool reserve_decode(Flight& flight);
  [[nodiscard]] bool reserve_on(Flight& flight, std::size_t choice);
  void computed(Flight& flight, units::Picoseconds at);
  [[nodiscard]] bool reserve_instead(Flight& flight);
  void give_back_blocks(Flight& flight);
  void block(Flight& flight, Stage stage);
  void serve_blocked(std::size_t member);
  void start_transfer(Flight& flight);
  void begin_transfer(Flight& flight);
  [[nodiscard]] std::int64_t ranks_of(std::int32_t member) const { return spec_.pools[members_[static_cast<std::size_t>(member)].pool].ranks; }
  void take_transfer();
  void transfer_done(Flight& flight);
  void refresh_ports(std::size_t decode_member);
  void leave(Flight& flight);          // gives back what it holds on instances but a job that runs
  void end(Flight& flight, Told how, units::Picoseconds at);
  [[nodiscard]] units::Picoseconds next_timeout();
  void timeout(Id id);
  void send_again(Id id);
  void serve_homeless(std::size_t model);
  [[nodiscard]] Choice& choice_of(std::size_t member);

  // global_failures.cpp
  void plan_failures();
  void failure(std::size_t index);
  void recovery(std::size_t index);
  void fail_member(std::size_t member, Outage& outage);
  void serve_again();
  void retry(Flight& flight, std::int32_t generated, Outage& outage);
  void change_rates(const FailureSpec& failure, const Outage& outage, double factor);
  void turn_on(std::size_t member);
  void ready(std::size_t member, std::uint64_t epoch);
  void turn_off(std::size_t member);
  void take_if_drained(std::size_t member);
  void scale(std::size_t pool);
  [[nodiscard]] double measure(std::size_t pool) const;
  void count_outages(bool good, units::Picoseconds at);
  [[nodiscard]] FailureResult finish_outage(const Outage& outage) const;

  void sample();
  [[nodiscard]] std::int64_t waiting_outside(std::size_t pool) const;

  const FleetSpec& spec_;
  double factor_;
  Books books_;
  std::optional<serving::ContentStore> store_;
  std::vector<Member> members_;
  std::vector<std::size_t> first_of_pool_;  // and one past the last
  std::vector<std::size_t> place_;          // of each member in its choice
  std::vector<LastRun> last_runs_;
  EventTree clocks_;
  std::vector<Model> models_;
  std::vector<Source> sources_;
  std::priority_queue<Event> planned_;
  std::uint64_t orders_ = 0;
  std::int64_t lasting_ = 0;                // planned events that something will come of, whatever the others do
  std::optional<TransferNetwork> network_;
  std::vector<Id> owner_;                   // of transfers; 0: bytes that were moved before
  std::vector<std::size_t> port_;           // of members
  std::vector<std::size_t> decode_member_;  // of ingress ports
  std::vector<double> full_ingress_, full_egress_;  // rates of ports, after failures of ports
  double network_factor_ = 1;
  std::deque<std::pair<units::Picoseconds, Id>> timeouts_;  // in order of arrival; those of requests that have left are dropped at the front
  std::vector<Id> to_serve_;
  std::vector<Traffic> traffic_;
  std::vector<Outage> outages_;
  std::vector<ScalingEvent> scaling_;
  std::vector<std::deque<std::pair<units::Picoseconds, std::int64_t>>> wanted_;  // per pool, for down_delay
  std::vector<std::int64_t> on_now_, on_peak_;
  std::vector<Note> notes_;
  std::vector<std::size_t> freed_;          // members with fewer requests than before
  units::Picoseconds now_, horizon_, end_;
  std::int64_t most_inside_;
  bool arrivals_over_ = false;
  bool cut_short_ = false;
  std::int64_t idle_plans_ = 0;             // events since something happened, at busy_until_
  units::Picoseconds busy_until_;
  bool scales_ = false;                     // the number of instances follows the load
  std::int64_t events_ = 0;
};

}  // namespace zettatwin::fleet
