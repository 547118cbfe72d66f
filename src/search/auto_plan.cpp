// SPDX-License-Identifier: Apache-2.0
#include "search/auto_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <tuple>

#include "plan/placement.hpp"
#include "search/moves.hpp"

namespace zettatwin::search {
namespace {

using plan::Plan;

// Smaller is better, in this order.
struct Score {
  bool infeasible = true;
  bool beyond_practice = true;       // of a batch that we choose
  double memory_excess = 0;          // bytes, when infeasible
  double seconds_per_token = 0;
  [[nodiscard]] auto key() const { return std::tuple(infeasible, infeasible ? memory_excess : 0.0, beyond_practice, seconds_per_token); }
};

enum class Sharing { in_passes, in_whole_step };  // of ports

class Search final {
 public:
  Search(const training::Job& job, const Freedom& freedom, const config::Location& where) : job_(job), freedom_(freedom), where_(where) {}

  // Chooses dp and the global batch where they are free, so that every replica gets whole microbatches.
  bool complete(Plan& plan, config::Diagnostics& diagnostics) const {
    const bool free_dp = !freedom_.given.contains("dp");
    if (free_dp) plan.dp = 0;
    plan.global_batch = job_.plan.global_batch;
    const auto placement = plan::place(plan, job_.machine, job_.chips, where_, diagnostics);
    if (!placement) return false;
    const bool by_pipeline = plan.schedule == plan::ScheduleKind::interleaved;
    const std::int64_t multiple = by_pipeline ? plan.pp : plan.schedule == plan::ScheduleKind::dualpipe ? 2 : 1;
    if (plan.global_batch == 0) {
      const double unit = static_cast<double>(placement->dp * plan.micro_batch * multiple);
      const double practice = kPublishedTokensPerStep / static_cast<double>(job_.sequence_length);
      const bool dual = plan::pairs_passes(plan.schedule);
      const std::int64_t least = dual ? 2 * plan.pp / multiple : 1;  // dualpipe fills from both ends
      plan.global_batch = std::max<std::int64_t>(least, std::llround(practice / unit)) * placement->dp * plan.micro_batch * multiple;
      return true;
    }
    const std::int64_t per_microbatch = plan.micro_batch * multiple;
    if (!free_dp || plan.global_batch % (placement->dp * per_microbatch) == 0) return true;
    if (plan.global_batch % per_microbatch != 0) return free_dp && freedom_.sizes ? false : true;  // the checks say why
    const std::int64_t groups = plan.global_batch / per_microbatch;
    for (std::int64_t dp = std::min(placement->dp, groups); dp >= 1; --dp)
      if (groups % dp == 0 && (plan.etp * plan.ep <= plan.tp * plan.cp * dp && (plan.tp * plan.cp * dp) % (plan.etp * plan.ep) == 0)) {
        plan.dp = dp;
        return true;
      }
    return false;
  }

  // Evaluates all starts and walks downhill from the most promising ones.
  void rank_and_descend(std::vector<Plan> plans) {
    constexpr std::size_t kDescents = 5;
    add_unstraddled(plans);
    std::vector<std::pair<Score, std::size_t>> ranked;
    for (std::size_t i = 0; i < plans.size(); ++i)
      if (const auto score = visit(plans[i])) ranked.emplace_back(*score, i);
    std::stable_sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) { return a.first.key() < b.first.key(); });
    for (std::size_t i = 0; i < std::min(kDescents, ranked.size()); ++i) descend(plans[ranked[i].second]);
  }

  // What is wrong with the simplest plan, when none is valid.
  void say_why(Plan plan, config::Diagnostics& diagnostics) { (void)evaluate(plan, Sharing::in_passes, diagnostics); }

 private:
  // Idle chips may cost less than groups that borders of units cut.
  void add_unstraddled(std::vector<Plan>& plans) const {
    if (freedom_.given.contains("straddle")) return;
    for (std::size_t i = 0, count = plans.size(); i < count; ++i) {
      Plan whole = plans[i];
      config::Diagnostics ignored;
      const auto placement = plan::place(whole, job_.machine, job_.chips, where_, ignored);
      if (!placement || !placement->straddles()) continue;
      whole.straddle = false;
      plans.push_back(std::move(whole));
    }
  }

  // Walks downhill from `plan`: takes the first move that helps, until none does.
  void descend(Plan plan) {
    auto here = visit(plan);
    if (!here) return;
    for (bool moved = true; moved;) {
      moved = false;
      for (auto& next : neighbours(plan, job_, freedom_)) {
        const auto score = visit(next);
        if (!score || !(score->key() < here->key())) continue;
        plan = next;
        here = score;
        moved = true;
        break;
      }
    }
  }

 public:
  [[nodiscard]] bool found() const { return !ranked_.empty(); }
  // Of the best few with the passes simulated alone, the best with the whole step simulated: of equals the one that was better before.
  [[nodiscard]] std::optional<Choice> best() {
    constexpr std::size_t kFinalists = 4;
    std::stable_sort(ranked_.begin(), ranked_.end(), [](const auto& a, const auto& b) { return a.second.key() < b.second.key(); });
    std::optional<std::pair<Plan, Score>> best;
    for (std::size_t i = 0; i < std::min(kFinalists, ranked_.size()); ++i) {
      config::Diagnostics ignored;
      auto plan = ranked_[i].first;
      const auto score = evaluate(plan, Sharing::in_whole_step, ignored);
      if (score && (!best || score->key() < best->second.key())) best = {plan, *score};
    }
    if (!best) return std::nullopt;
    return Choice{.plan = best->first, .candidates = evaluated_, .feasible = !best->second.infeasible};
  }

 private:
  // The plan completed with batch and dp, if it is valid at all.
  std::optional<Score> evaluate(Plan& plan, Sharing sharing, config::Diagnostics& diagnostics) {
    if (!complete(plan, diagnostics)) return std::nullopt;
    training::Job job = job_;  // machines are small; nothing is per chip
    job.plan = plan;
    job.fidelity = training::Fidelity::folded;
    job.whole_step = sharing == Sharing::in_whole_step;
    if (!job.whole_step) ++evaluated_;
    const auto result = training::estimate(job, where_, diagnostics);
    if (!result) return std::nullopt;
    Score score{.infeasible = !result->feasible};
    score.beyond_practice = job_.plan.global_batch == 0 && static_cast<double>(result->tokens_per_step) > 1.5 * kPublishedTokensPerStep;
    score.memory_excess = result->memory_peak.si() - job.machine.chip.memory.capacity.si();
    // Idle chips of the request are paid for too: compare by time per token of the whole request.
    score.seconds_per_token = result->step_time.seconds().si() / static_cast<double>(result->tokens_per_step);
    return score;
  }

  // Memoised evaluation that remembers the plans seen.
  std::optional<Score> visit(Plan& plan) {
    const auto key = identity(plan);
    if (const auto known = seen_.find(key); known != seen_.end()) return known->second;
    config::Diagnostics ignored;
    const auto score = evaluate(plan, Sharing::in_passes, ignored);
    seen_.emplace(key, score);
    if (score) ranked_.emplace_back(plan, *score);
    return score;
  }

  const training::Job& job_;
  const Freedom& freedom_;
  const config::Location& where_;
  std::map<std::string, std::optional<Score>> seen_;
  std::vector<std::pair<Plan, Score>> ranked_;  // once the search is over
  std::int64_t evaluated_ = 0;
};

}  // namespace

std::optional<Choice> choose_plan(const training::Job& job, const Freedom& f, const config::Location& where, config::Diagnostics& diagnostics) {
  Plan given = job.plan;
  Freedom freedom = f;
  if (freedom.given.contains("vpp") && given.vpp > 1 && freedom.given.insert("schedule").second) given.schedule = plan::ScheduleKind::interleaved;  // the one that has vpp
  if (!freedom.recipe_given && freedom.sizes)
    given.recipe = job.machine.chip.matrix_peak.contains(hardware::Precision::fp8) ? plan::Recipe::fp8_block : plan::Recipe::bf16;
  Search search(job, freedom, where);
  if (!freedom.sizes) {
    if (!search.complete(given, diagnostics)) return std::nullopt;
    return Choice{.plan = given, .candidates = 1, .feasible = true};
  }
  search.rank_and_descend(starts(given, job, freedom));
  if (!search.found()) search.rank_and_descend(starts(given, job, freedom, Starts::all));
  auto choice = search.best();
  if (!choice) {
    search.say_why(given, diagnostics);
    diagnostics.error(where, "no automatic plan is valid for this model, machine and batch", "", "set plan fields, another number of chips or another global batch");
  }
  return choice;
}

}  // namespace zettatwin::search
