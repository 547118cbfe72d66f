// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "report/report.hpp"

namespace zettatwin::report {

std::string trace(const Subject& s) {
  using Json = nlohmann::ordered_json;
  constexpr double kPicosecondsPerMicrosecond = 1e6;  // the format counts microseconds
  Json events = Json::array();
  for (const auto& role : s.result.roles) {
    events.push_back({{"ph", "M"}, {"pid", role.pipeline_rank}, {"name", "process_name"},
                      {"args", {{"name", "pipeline rank " + std::to_string(role.pipeline_rank) + " (" + role.layers + ", x" + std::to_string(role.chips) + " chips)"}}}});
    events.push_back({{"ph", "M"}, {"pid", role.pipeline_rank}, {"tid", 0}, {"name", "thread_name"}, {"args", {{"name", "compute"}}}});
    events.push_back({{"ph", "M"}, {"pid", role.pipeline_rank}, {"tid", 1}, {"name", "thread_name"}, {"args", {{"name", "communication"}}}});
  }
  for (const auto& i : s.result.trace)
    events.push_back({{"ph", "X"}, {"pid", i.pipeline_rank}, {"tid", i.stream == "compute" ? 0 : 1}, {"name", i.name},
                      {"ts", static_cast<double>(i.start.count()) / kPicosecondsPerMicrosecond},
                      {"dur", static_cast<double>((i.finish - i.start).count()) / kPicosecondsPerMicrosecond}});
  return Json{{"displayTimeUnit", "ms"}, {"traceEvents", std::move(events)}}.dump() + "\n";
}

}  // namespace zettatwin::report
