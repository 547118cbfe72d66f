// SPDX-License-Identifier: Apache-2.0
// Serving results as files for other programs: tables of requests and of the time series, and a timeline.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "report/serving.hpp"

namespace zettatwin::report {
namespace {

using Json = nlohmann::ordered_json;

double microseconds(units::Picoseconds t) { return static_cast<double>(t.count()) * 1e-6; }

std::string_view name_of(fleet::RequestRecord::State state) {
  switch (state) {
    case fleet::RequestRecord::State::finished: return "finished";
    case fleet::RequestRecord::State::rejected: return "rejected";
    case fleet::RequestRecord::State::lost: return "lost";
    default: return "in_flight";
  }
}

// Empty where it never happened.
std::string seconds_or_nothing(units::Picoseconds t) { return t.count() < 0 ? "" : fmt::format("{:.9f}", static_cast<double>(t.count()) * 1e-12); }

Json counter(const char* name, double at_s, double value) { return {{"ph", "C"}, {"pid", 0}, {"name", name}, {"ts", at_s * 1e6}, {"args", {{name, value}}}}; }

// The phases of a request on one instance, nested in a slice of its own: one row per request.
void add_request(Json& events, const fleet::RequestRecord& r, std::int32_t instance, std::span<const std::pair<const char*, std::pair<units::Picoseconds, units::Picoseconds>>> phases) {
  const auto slice = [&](const char* phase, const std::string& name, units::Picoseconds at, Json args) {
    Json event{{"ph", phase}, {"cat", "request"}, {"id", r.number}, {"pid", instance + 1}, {"name", name}, {"ts", microseconds(at)}};
    if (!args.empty()) event["args"] = std::move(args);
    events.push_back(std::move(event));
  };
  units::Picoseconds begin(-1), end(-1);
  for (const auto& [name, times] : phases)
    if (times.first.count() >= 0 && times.second.count() >= times.first.count()) begin = begin.count() < 0 ? times.first : begin, end = times.second;
  if (begin.count() < 0) return;
  const auto title = fmt::format("request {}", r.number);
  slice("b", title, begin, {{"input_tokens", r.input}, {"output_tokens", r.output}, {"cached_tokens", r.cached}, {"retries", r.retries}, {"state", name_of(r.state)}});
  for (const auto& [name, times] : phases) {
    if (times.first.count() < 0 || times.second.count() < times.first.count()) continue;
    slice("b", name, times.first, {});
    slice("e", name, times.second, {});
  }
  slice("e", title, end, {});
}

void add_requests(Json& events, std::span<const fleet::RequestRecord> requests, const std::vector<std::int32_t>& shown) {
  const auto is_shown = [&](std::int32_t instance) { return std::find(shown.begin(), shown.end(), instance) != shown.end(); };
  for (const auto& r : requests) {
    using Phase = std::pair<const char*, std::pair<units::Picoseconds, units::Picoseconds>>;
    const bool apart = r.decode_instance >= 0 && r.decode_instance != r.instance;
    const Phase queue{"queued", {r.arrival, r.scheduled}}, prompt{apart ? "to the first token" : "prompt", {r.scheduled, r.first_token}}, answer{apart ? "from the first token" : "answer", {r.first_token, r.finish}};
    if (r.instance >= 0 && is_shown(r.instance)) {
      const std::array<Phase, 3> phases{queue, prompt, answer};
      add_request(events, r, r.instance, std::span(phases).first(apart ? 2 : 3));
    }
    if (apart && is_shown(r.decode_instance)) add_request(events, r, r.decode_instance, std::span(&answer, 1));
  }
}

}  // namespace

std::string request_csv_head() {
  return "number,model,input_tokens,output_tokens,cached_tokens,state,retries,instance,decode_instance,arrival_s,scheduled_s,first_token_s,finish_s,ttft_s,tpot_s,e2e_s\n";
}

std::string request_csv_line(const fleet::RequestRecord& r) {
  const auto between = [](units::Picoseconds from, units::Picoseconds to) { return to.count() < 0 ? std::string() : fmt::format("{:.9f}", static_cast<double>((to - from).count()) * 1e-12); };
  const bool done = r.state == fleet::RequestRecord::State::finished;
  const auto tpot = done && r.output > 1 ? fmt::format("{:.9f}", static_cast<double>((r.finish - r.first_token).count()) * 1e-12 / (r.output - 1)) : std::string();
  return fmt::format("{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}\n", r.number, r.model, r.input, r.output, r.cached, name_of(r.state), r.retries, r.instance, r.decode_instance,
                     seconds_or_nothing(r.arrival), seconds_or_nothing(r.scheduled), seconds_or_nothing(r.first_token), done ? seconds_or_nothing(r.finish) : "", between(r.arrival, r.first_token), tpot,
                     done ? between(r.arrival, r.finish) : "");
}

std::string series_csv(const ServingSubject& s) {
  const auto& series = s.result.series;
  std::string out = "time_s,arrived,finished,within_slo,failed,input_tokens_per_s,output_tokens_per_s,ttft_mean_s";
  for (const auto& p : s.pools) out += fmt::format(",{0}_instances,{0}_waiting,{0}_running,{0}_cache_used,{0}_busy", p.name);
  out += "\n";
  for (std::size_t i = 0; i < series.arrived.size(); ++i) {
    out += fmt::format("{:.6f},{},{},{},{},{:.6g},{:.6g},{:.6g}", static_cast<double>(i + 1) * series.interval_s, series.arrived[i], series.finished[i], series.within_slo[i], series.failed[i],
                       series.input_tokens[i] / series.interval_s, series.output_tokens[i] / series.interval_s, series.ttft_mean_s[i]);
    for (const auto& p : series.pools) out += fmt::format(",{:.6g},{:.6g},{:.6g},{:.6g},{:.6g}", p.on[i], p.waiting[i], p.running[i], p.cache_used[i], p.busy[i]);
    out += "\n";
  }
  return out;
}

std::string trace(const ServingSubject& s, std::span<const fleet::RequestRecord> requests) {
  Json events = Json::array();
  std::vector<std::int32_t> named;
  for (const auto& span : s.result.timeline) {
    if (std::find(named.begin(), named.end(), span.instance) == named.end()) {
      named.push_back(span.instance);
      events.push_back({{"ph", "M"}, {"pid", span.instance + 1}, {"name", "process_name"}, {"args", {{"name", fmt::format("{}: instance {}", s.pools[static_cast<std::size_t>(span.pool)].name, span.instance)}}}});
    }
    const auto name = span.prompt_tokens > 0 ? (span.decoding > 0 ? "prefill and decode" : "prefill") : "decode";
    events.push_back({{"ph", "X"}, {"pid", span.instance + 1}, {"tid", 1}, {"name", name}, {"ts", microseconds(span.begin)}, {"dur", microseconds(span.end - span.begin)},
                      {"args", {{"steps", span.steps}, {"decoding", span.decoding}, {"prompt_tokens", span.prompt_tokens}}}});
  }
  add_requests(events, requests, named);
  const auto& series = s.result.series;
  events.push_back({{"ph", "M"}, {"pid", 0}, {"name", "process_name"}, {"args", {{"name", "fleet"}}}});
  for (std::size_t i = 0; i < series.arrived.size(); ++i) {
    const double at = static_cast<double>(i) * series.interval_s;
    double waiting = 0, running = 0;
    for (const auto& p : series.pools) waiting += p.waiting[i], running += p.running[i];
    events.push_back(counter("arrivals/s", at, static_cast<double>(series.arrived[i]) / series.interval_s));
    events.push_back(counter("output tokens/s", at, series.output_tokens[i] / series.interval_s));
    events.push_back(counter("waiting", at, waiting));
    events.push_back(counter("running", at, running));
  }
  return Json{{"displayTimeUnit", "ms"}, {"traceEvents", std::move(events)}}.dump() + "\n";
}

}  // namespace zettatwin::report
