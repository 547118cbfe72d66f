// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "report/report.hpp"

namespace zettatwin::report {

namespace {

using Json = nlohmann::ordered_json;

constexpr double kPicosecondsPerMicrosecond = 1e6;  // the format counts microseconds

Json slice(std::int64_t process, std::int64_t thread, const std::string& name, units::Picoseconds start, units::Picoseconds finish) {
  return {{"ph", "X"}, {"pid", process}, {"tid", thread}, {"name", name}, {"ts", static_cast<double>(start.count()) / kPicosecondsPerMicrosecond},
          {"dur", static_cast<double>((finish - start).count()) / kPicosecondsPerMicrosecond}};
}

// One chip: its instructions, and a thread per stream.
Json chip_events(const training::ChipTimeline& chip) {
  Json events = Json::array();
  const auto name = [&](std::int64_t thread, const std::string& text) { events.push_back({{"ph", "M"}, {"pid", chip.rank}, {"tid", thread}, {"name", "thread_name"}, {"args", {{"name", text}}}}); };
  events.push_back({{"ph", "M"}, {"pid", chip.rank}, {"name", "process_name"}, {"args", {{"name", "rank " + std::to_string(chip.rank) + " (" + chip.place + ")"}}}});
  name(0, "instructions");
  for (const auto stream : {training::Stream::computation, training::Stream::activations, training::Stream::parameters, training::Stream::sends})
    name(1 + static_cast<std::int64_t>(stream), std::string(name_of(stream)));
  for (const auto& i : chip.instructions) events.push_back(slice(chip.rank, 0, i.name, i.start, i.finish));
  for (const auto& op : chip.operations) {
    events.push_back(slice(chip.rank, 1 + static_cast<std::int64_t>(op.stream), (op.waiting ? "waits: " : "") + op.name, op.start, op.finish));
    events.back()["cat"] = op.group;
  }
  return events;
}

std::string written(Json events) { return Json{{"displayTimeUnit", "ms"}, {"traceEvents", std::move(events)}}.dump() + "\n"; }

}  // namespace

std::string trace(const Subject& s) {
  if (s.result.unfolded) return written(chip_events(*s.result.unfolded));
  Json events = Json::array();
  for (const auto& role : s.result.roles) {
    events.push_back({{"ph", "M"}, {"pid", role.pipeline_rank}, {"name", "process_name"},
                      {"args", {{"name", "pipeline rank " + std::to_string(role.pipeline_rank) + " (" + role.layers + ", x" + std::to_string(role.chips) + " chips)"}}}});
    events.push_back({{"ph", "M"}, {"pid", role.pipeline_rank}, {"tid", 0}, {"name", "thread_name"}, {"args", {{"name", "compute"}}}});
    events.push_back({{"ph", "M"}, {"pid", role.pipeline_rank}, {"tid", 1}, {"name", "thread_name"}, {"args", {{"name", "communication"}}}});
  }
  for (const auto& i : s.result.trace)
    events.push_back(slice(i.pipeline_rank, i.stream == "compute" ? 0 : 1, i.name, i.start, i.finish));
  return written(std::move(events));
}

}  // namespace zettatwin::report
