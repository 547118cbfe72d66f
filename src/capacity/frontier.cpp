// SPDX-License-Identifier: Apache-2.0
#include "capacity/frontier.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

#include "capacity/layouts.hpp"

namespace zettatwin::capacity {
namespace {

using inference::Role;
using inference::Served;

constexpr std::int64_t kRoom = 16;             // mean requests that the cache of an instance holds which nobody chose: with less of it, longer ones are rejected
constexpr double kGrid = 1.41421356237309515;  // between numbers of requests in flight
constexpr double kBusy = 0.8;                  // of prefill instances, so that their queues stay short

bool meets(units::Seconds value, units::Seconds limit) { return limit.si() <= 0 || value <= limit; }
bool meets(const Point& p, const fleet::Slo& slo, std::int64_t output) {
  return meets(p.ttft, slo.ttft) && meets(p.tpot, slo.tpot) && meets(p.ttft + p.tpot * static_cast<double>(output - 1), slo.e2e);
}

class Search final {
 public:
  explicit Search(const Question& question) : q_(question) {}

  // Without pipeline stages if that can be: they let a sequence wait for each. Of equally many chips those that work on the same sequences.
  std::optional<inference::Pool> smallest() {
    std::optional<inference::Pool> best;
    bool best_has_room = false;
    const auto rank = [](const inference::Pool& pool) { return std::tuple(pool.pp, pool.chips(), pool.dp); };
    for (const auto& layout : with_stages(layouts(q_.machine, q_.model, q_.base, q_.chips), q_.model, q_.chips)) {
      if (best_has_room && rank(layout) >= rank(*best)) continue;
      const auto unit = alone(layout);
      if (!unit) continue;
      const bool has_room = unit->pools.front().memory.tokens >= kRoom * (q_.input + q_.output);
      if (best && (has_room == best_has_room ? rank(layout) >= rank(*best) : best_has_room)) continue;
      best = layout;
      best_has_room = has_room;
    }
    return best;
  }

  Frontier run() {
    fitting_ = fitting_alone();
    if (q_.aggregated) aggregated();
    if (q_.disaggregated && q_.output > 1) disaggregated();  // an answer of one token leaves nothing to decode
    keep_unbeaten();
    return std::move(found_);
  }

 private:
  // One instance of each pool; nothing if the layout does not suit the model.
  [[nodiscard]] std::optional<Served> built(const inference::Deployment& deployment) const {
    config::Diagnostics ignored;
    const config::Location where = config::location_in("search");
    for (const auto& pool : deployment.pools)
      if (!inference::check(pool, q_.model, where, ignored)) return std::nullopt;
    return inference::serve({.machine = q_.machine, .model = q_.model, .deployment = deployment, .software = q_.software, .chips = q_.chips, .sequence = q_.input + q_.output}, where, ignored);
  }

  // Counted; nothing if it does not fit into memory either.
  std::optional<Served> served(const inference::Deployment& deployment) {
    ++found_.layouts;
    auto out = built(deployment);
    if (!out) return std::nullopt;
    if (out->infeasible) {
      const auto& miss = *out->infeasible;
      if (!found_.nearest_miss || miss.needed - miss.available < found_.nearest_miss->needed - found_.nearest_miss->available) found_.nearest_miss = miss;
      return std::nullopt;
    }
    ++found_.fitting;
    return out;
  }

  // Every layout in every number of pipeline stages whose one instance fits, computing prompts and answers.
  std::vector<Served> fitting_alone() {
    std::vector<Served> out;
    for (const auto& layout : with_stages(layouts(q_.machine, q_.model, q_.base, q_.chips), q_.model, q_.chips))
      if (auto unit = alone(layout)) out.push_back(std::move(*unit));
    return out;
  }

  std::optional<Served> alone(inference::Pool pool) {
    pool.role = Role::aggregated;
    pool.instances = 1;
    return served(of({pool}));
  }

  static inference::Deployment of(std::vector<inference::Pool> pools) {
    inference::Deployment deployment;
    deployment.pools = std::move(pools);
    return deployment;
  }

  // Numbers of requests in flight, from one up to where no more of them run.
  template <class Answer>
  void sweep(Answer answer) {
    double before = 0;
    std::optional<Point> fullest;
    constexpr std::int64_t kMost = 10'000'000;
    for (std::int64_t n = 1; n < kMost; n = std::max(n + 1, static_cast<std::int64_t>(static_cast<double>(n) * kGrid))) {
      const std::optional<Point> point = answer(static_cast<double>(n));
      if (!point) break;
      ++found_.states;
      if (offer(*point) && (!fullest || point->per_chip() > fullest->per_chip())) fullest = point;
      if (point->running <= before * (1 + 1e-9) && n > 1) break;
      before = point->running;
    }
    if (fullest) found_.fullest.push_back(std::move(*fullest));
  }

  // Whether it meets the objectives.
  bool offer(const Point& point) {
    if (!(point.ttft.si() > 0) || !(point.tokens_per_s > 0)) return false;
    const bool good = meets(point, q_.slo, q_.output);
    if (good) {
      if (!found_.best || point.per_chip() > found_.best->per_chip()) found_.best = point;
      auto& alike = point.disaggregated() ? found_.best_disaggregated : found_.best_aggregated;
      if (!alike || point.per_chip() > alike->per_chip()) alike = point;
      if (point.disaggregated()) offer_decode(point);
    }
    found_.points.push_back(point);
    return good;
  }

  // The decode instance of a unit by itself.
  void offer_decode(const Point& unit) {
    auto alone = unit;
    std::erase_if(alone.deployment.pools, [](const inference::Pool& pool) { return pool.role == Role::prefill; });
    alone.chips = static_cast<double>(alone.deployment.pools.front().chips());
    alone.prefill_per_decode = 0;
    if (!found_.best_decode || alone.per_chip() > found_.best_decode->per_chip()) found_.best_decode = alone;
  }

  void aggregated() {
    for (const auto& unit : fitting_) {
      const auto& pool = unit.pools.front();
      sweep([&](double n) -> std::optional<Point> {
        const auto s = inference::steady_aggregated(pool, q_.software, {.concurrency = n, .input = q_.input, .output = q_.output});
        Point point{.deployment = of({pool.pool}), .concurrency = n, .running = s.running, .chips = static_cast<double>(pool.chips_per_instance), .prefill_per_decode = 0, .ttft = s.ttft, .tpot = s.tpot,
                    .tokens_per_s = s.output_tokens_per_s};
        if (q_.output == 1) point.ttft = std::max(point.ttft, units::Seconds::from_si(n / s.output_tokens_per_s));  // Little: nothing but the prompt's time is in flight
        return point;
      });
    }
  }

  // Time of a prompt alone on a prefill instance, and prompts per second when it is full.
  struct Prefill {
    inference::Pool pool;
    bool in_time = false;     // with the queue in front of it, not only alone
    double chip_seconds = 0;  // of a prompt
    double prompts_per_s = 0;
  };
  // The fewest chip-seconds of those that are in time, else of those that would be without a queue.
  std::optional<Prefill> best_prefill() {
    constexpr double kQueue = kBusy / (2 * (1 - kBusy));  // prompts that one waits for (M/D/1)
    std::optional<Prefill> best;
    for (const auto& fits : fitting_) {
      auto layout = fits.pools.front().pool;
      layout.role = Role::prefill;  // its chips compute at another clock than those that decode
      const auto unit = built(of({layout}));
      if (!unit || unit->infeasible) continue;
      const auto& pool = unit->pools.front();
      const auto alone = inference::steady_aggregated(pool, q_.software, {.concurrency = 1, .input = q_.input, .output = 1}).ttft;
      if (!meets(alone, q_.slo.ttft)) continue;
      const bool in_time = meets(alone + (alone - q_.software.frontend.value) * kQueue, q_.slo.ttft);
      const double rate = prompt_rate(pool);
      const double cost = static_cast<double>(pool.chips_per_instance) / rate;
      if (!best || (in_time == best->in_time ? cost < best->chip_seconds : in_time)) best = Prefill{.pool = pool.pool, .in_time = in_time, .chip_seconds = cost, .prompts_per_s = rate};
    }
    return best;
  }
  // As many prompts in a step as its budget takes.
  double prompt_rate(const inference::ServedPool& pool) const {
    const auto longest = pool.engine.longest_chunk();
    const auto fit = std::max<std::int64_t>(1, pool.engine.max_tokens / std::clamp<std::int64_t>(q_.input, 1, longest));
    std::vector<serving::Chunk> chunks;
    double seconds = 0;
    for (std::int64_t done = 0; done < q_.input; done += longest) {
      const auto tokens = std::min(longest, q_.input - done);
      chunks.assign(static_cast<std::size_t>(fit), {.tokens = static_cast<std::int32_t>(tokens), .context = static_cast<std::int32_t>(done), .last = done + tokens >= q_.input});
      seconds += pool.timer->step({.sequences = 0, .cached = 0, .chunks = chunks}).seconds().si();
    }
    return static_cast<double>(fit) / seconds;
  }

  void disaggregated() {
    const auto prefill = best_prefill();
    if (!prefill) return;
    for (const auto& alone : fitting_) {
      auto first = prefill->pool, second = alone.pools.front().pool;
      first.role = Role::prefill;
      first.name = "prefill";
      second.role = Role::decode;
      second.name = "decode";
      first.instances = second.instances = 1;
      if (first.chips() + second.chips() > q_.chips) continue;
      const auto unit = served(of({first, second}));
      if (!unit || !unit->hand_over) continue;
      sweep([&](double n) -> std::optional<Point> { return apart(*unit, *prefill, n); });
    }
  }

  std::optional<Point> apart(const Served& unit, const Prefill& prefill, double n) const {
    const auto& first = unit.pools[0];
    const auto& second = unit.pools[1];
    const inference::Workload load{.concurrency = n, .input = q_.input, .output = q_.output};
    // As many prefill instances as keep up when their queues stay short.
    const auto plenty = inference::steady_disaggregated(first, second, *unit.hand_over, q_.software, 1e6, load);
    const double ratio = std::max(1e-6, plenty.output_tokens_per_s / static_cast<double>(q_.output) / (prefill.prompts_per_s * kBusy));
    const auto s = inference::steady_disaggregated(first, second, *unit.hand_over, q_.software, ratio, load);
    const double chips = static_cast<double>(second.chips_per_instance) + ratio * static_cast<double>(first.chips_per_instance);
    return Point{.deployment = of({first.pool, second.pool}), .concurrency = n, .running = s.running, .chips = chips, .prefill_per_decode = ratio, .ttft = s.ttft, .tpot = s.tpot, .tokens_per_s = s.output_tokens_per_s};
  }

  // Points that no other beats in both figures, fastest per user first.
  void keep_unbeaten() {
    auto& points = found_.points;
    std::stable_sort(points.begin(), points.end(), [](const Point& a, const Point& b) { return a.per_user() > b.per_user() || (a.per_user() == b.per_user() && a.per_chip() > b.per_chip()); });
    double most = 0;
    std::erase_if(points, [&most](const Point& p) {
      if (p.per_chip() <= most) return true;
      most = p.per_chip();
      return false;
    });
  }

  const Question& q_;
  std::vector<Served> fitting_;  // one instance of each layout that fits by itself
  Frontier found_;
};

}  // namespace

std::optional<inference::Pool> smallest_instance(const Question& question) { return Search(question).smallest(); }

Frontier frontier(const Question& question) {
  ZT_EXPECT(question.input >= 1 && question.output >= 1 && question.chips >= 1, "a question has tokens and chips");
  return Search(question).run();
}

}  // namespace zettatwin::capacity
