// SPDX-License-Identifier: Apache-2.0
#include "api/answer.hpp"

#include <fmt/format.h>

#include <cmath>

#include "api/detail/positions.hpp"
#include "search/auto_plan.hpp"
#include "uncertainty/interval.hpp"
#include "units/text.hpp"

namespace zettatwin::api {
namespace {

// A batch this many times the published one is warned about.
constexpr double kTolerated = 1.5;

std::optional<report::PublishedPractice> at_published_practice(const Answer& answer) {
  const double times = static_cast<double>(answer.result.tokens_per_step) / search::kPublishedTokensPerStep;
  if (times <= kTolerated) return std::nullopt;
  report::PublishedPractice practice{.times_larger = times};
  training::Job job = answer.prepared.job;
  job.trace_limit = 0;
  job.unfold.reset();
  job.faults.clear();
  job.plan = plan::Plan{};
  job.plan.recipe = answer.prepared.job.plan.recipe;
  config::Diagnostics ignored;
  const search::Freedom freedom{.sizes = true, .recipe_given = true, .given = {}};
  const auto choice = search::choose_plan(job, freedom, answer.prepared.where, ignored);
  if (!choice) return practice;
  job.plan = choice->plan;
  const auto result = training::estimate(job, answer.prepared.where, ignored);
  if (!result) return practice;
  const bool comparable = static_cast<double>(result->tokens_per_step) <= kTolerated * search::kPublishedTokensPerStep;
  practice.tokens_per_step = result->tokens_per_step;
  practice.feasible = result->feasible && comparable;
  practice.tokens_per_s = result->tokens_per_s;
  practice.mfu = result->mfu;
  practice.plan = report::plan_text(job.plan, result->data_parallel);
  return practice;
}

std::optional<report::StepInterval> interval_of(const Answer& answer, const config::DocumentSource& source, config::Diagnostics& diagnostics) {
  if (answer.prepared.job.fidelity == training::Fidelity::bound) return std::nullopt;
  const auto intervals = uncertainty::load_intervals(source, diagnostics);
  const auto width = intervals ? uncertainty::half_width(*intervals, uncertainty::traits_of(answer.prepared.job, answer.result)) : std::nullopt;
  if (!width) return std::nullopt;
  const double time = answer.result.step_time.seconds().si();
  const auto at = [&](double log) { return units::Picoseconds::from(units::Seconds::from_si(time * std::exp(log))); };
  return report::StepInterval{.share = intervals->share, .low = at(-width->log), .high = at(width->log), .rests_on = width->basis};
}

}  // namespace

std::unique_ptr<Answer> train(const config::Node& scenario, const config::DocumentSource& source, const TrainOptions& options,
                              config::Diagnostics& diagnostics) {
  auto prepared = prepare(scenario, source, options.unfold ? Looks::at_single_chips : options.looks, diagnostics);
  if (!prepared) return nullptr;
  auto answer = std::make_unique<Answer>(Answer{.prepared = std::move(*prepared), .result = {}, .practice = std::nullopt, .interval = std::nullopt});
  answer->prepared.job.trace_limit = options.trace_limit;
  answer->prepared.job.unfold = options.unfold;
  auto result = training::train(answer->prepared.job, answer->prepared.where, diagnostics);
  if (!result) return nullptr;
  answer->result = std::move(*result);
  if (options.published_practice) answer->practice = at_published_practice(*answer);
  answer->interval = interval_of(*answer, source, diagnostics);
  if (diagnostics.has_errors()) return nullptr;
  detail::warn_of_positions(answer->prepared.job.architecture, answer->prepared.job.sequence_length, "a sequence has", answer->prepared.where, diagnostics);
  if (answer->practice)
    diagnostics.warning(answer->prepared.where, fmt::format("{} tokens per step are {:.1f} times the largest published batches", units::grouped(answer->result.tokens_per_step), answer->practice->times_larger),
                        "models have been pre-trained with up to about 67 M tokens per step", "the report shows what the machine reaches with that");
  return answer;
}

}  // namespace zettatwin::api
