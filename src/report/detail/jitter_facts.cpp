// SPDX-License-Identifier: Apache-2.0
#include "report/detail/jitter_facts.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "units/text.hpp"

namespace zettatwin::report::detail {

using units::human;

std::string jitter_text(const training::Job& job, const training::TrainingResult& result) {
  if (!result.jitter) return "";
  const auto& j = *result.jitter;
  const auto share = [&](units::Picoseconds cost) { return 100 * cost.seconds().si() / result.step_time.seconds().si(); };
  std::string out = fmt::format("\njitter of {:.3g} % per operation and {:.3g} % per step on each chip: the step takes {} on average, {:+.2f} %\n", 100 * job.jitter.operation,
                                100 * job.jitter.step, human(j.mean, 5), share(j.cost));
  out += fmt::format("  standard deviation {}; half of the steps take up to {}, 90 % up to {}, 99 % up to {}\n", human(j.deviation, 3), human(j.p50, 5), human(j.p90, 5), human(j.p99, 5));
  for (const auto& b : j.barriers) out += fmt::format("  {:+7.2f} %  {:>10}  waiting for {} ({} ranks together)\n", share(b.cost), human(b.cost, 3), b.who, units::grouped(b.members));
  return out;
}

nlohmann::ordered_json jitter_json(const training::Job& job, const training::TrainingResult& result) {
  using Json = nlohmann::ordered_json;
  const auto& j = *result.jitter;
  Json barriers = Json::array();
  for (const auto& b : j.barriers) barriers.push_back({{"barrier", b.key}, {"members", b.members}, {"cost_s", b.cost.seconds().si()}});
  return {{"operation", job.jitter.operation},
          {"step", job.jitter.step},
          {"step_time_mean_s", j.mean.seconds().si()},
          {"step_time_deviation_s", j.deviation.seconds().si()},
          {"step_time_p50_s", j.p50.seconds().si()},
          {"step_time_p90_s", j.p90.seconds().si()},
          {"step_time_p99_s", j.p99.seconds().si()},
          {"cost_s", j.cost.seconds().si()},
          {"cost", j.cost.seconds().si() / result.step_time.seconds().si()},
          {"barriers", std::move(barriers)}};
}

}  // namespace zettatwin::report::detail
