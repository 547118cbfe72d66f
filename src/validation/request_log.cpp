// SPDX-License-Identifier: Apache-2.0
#include "validation/request_log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "api/serve.hpp"
#include "validation/scores.hpp"
#include "validation/serving_scenario.hpp"

namespace zettatwin::validation {
namespace {

using Json = nlohmann::ordered_json;

// The log alone.
class OneLog final : public requests::TraceFiles {
 public:
  OneLog(const std::string& name, const std::string& text) : name_(name), text_(text) {}
  [[nodiscard]] std::unique_ptr<requests::TextSource> open(const std::string& path) const override { return path == name_ ? std::make_unique<requests::StringSource>(text_) : nullptr; }
  [[nodiscard]] std::vector<std::string> list(const std::string&) const override { return {}; }

 private:
  const std::string& name_;
  const std::string& text_;
};

std::optional<LoggedRequest> request_of(const std::string& line, std::string& problem) {
  const auto row = Json::parse(line, nullptr, false);
  if (!row.is_object()) return problem = "is no JSON object", std::nullopt;
  const auto number = [&](const char* key) -> double {
    const auto at = row.find(key);
    if (at != row.end() && at->is_number()) return at->get<double>();
    if (problem.empty()) problem = fmt::format("has no number '{}'", key);
    return 0;
  };
  LoggedRequest r{.input = static_cast<std::int64_t>(std::clamp(number("input_toks"), 0.0, 1e9)), .output = static_cast<std::int64_t>(std::clamp(number("output_toks"), 0.0, 1e9)), .queued = number("queued_ts"),
                  .first_token = number("first_token_ts"), .last_token = number("last_token_ts")};
  if (problem.empty() && (r.input < 1 || r.output < 1)) problem = "has no tokens";
  if (problem.empty() && !(r.queued <= r.first_token && r.first_token <= r.last_token)) problem = "has its first token before it was queued, or its last before its first";
  return problem.empty() ? std::optional(r) : std::nullopt;
}

struct Times {
  std::vector<double> measured, predicted;  // of the same requests
};

LogFigure figure_of(std::string name, Times times) {
  LogFigure f{.name = std::move(name)};
  if (times.measured.empty()) return f;
  std::vector<double> errors;
  for (std::size_t i = 0; i < times.measured.size(); ++i) {
    f.measured += times.measured[i];
    f.predicted += times.predicted[i];
    if (times.measured[i] > 0) errors.push_back(100 * std::abs(times.predicted[i] / times.measured[i] - 1));
  }
  const auto n = static_cast<double>(times.measured.size());
  f.measured /= n;
  f.predicted /= n;
  for (auto* list : {&times.measured, &times.predicted, &errors}) std::sort(list->begin(), list->end());
  f.measured_p50 = quantile(times.measured, 0.5);
  f.predicted_p50 = quantile(times.predicted, 0.5);
  f.measured_p99 = quantile(times.measured, 0.99);
  f.predicted_p99 = quantile(times.predicted, 0.99);
  if (!errors.empty()) f.request_error = quantile(errors, 0.5);
  return f;
}

}  // namespace

std::optional<std::vector<LoggedRequest>> read_request_log(const std::string& text, const std::string& name, config::Diagnostics& diagnostics) {
  std::vector<LoggedRequest> log;
  std::uint32_t line = 0;
  const auto errors = diagnostics.error_count();
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = std::min(text.find('\n', begin), text.size());
    const auto row = text.substr(begin, end - begin);
    begin = end + 1;
    ++line;
    if (row.find_first_not_of(" \t\r") == std::string::npos) continue;
    std::string problem;
    if (const auto request = request_of(row, problem)) log.push_back(*request);
    else diagnostics.error(config::location_in(fmt::format("{}:{}", name, line)), fmt::format("the request {}", problem), "", "");
    constexpr std::size_t kShown = 20;
    if (diagnostics.error_count() - errors >= kShown) break;
  }
  if (diagnostics.error_count() != errors) return std::nullopt;
  if (log.empty()) {
    diagnostics.error(config::location_in(name), "no requests", "the file has no row", "");
    return std::nullopt;
  }
  std::stable_sort(log.begin(), log.end(), [](const auto& a, const auto& b) { return a.queued < b.queued; });
  return log;
}

std::optional<LogComparison> compare_log(const std::vector<LoggedRequest>& log, const std::string& text, const std::string& name, const config::Node& scenario, const config::DocumentSource& source,
                                         config::Diagnostics& diagnostics) {
  config::Node asked = scenario, traffic = empty_mapping(scenario.where);
  put(traffic, "trace", log_node(name, scenario.where));
  if (asked.find("traffic")) diagnostics.warning(scenario.where, "the scenario's traffic is not used", "the log's requests are replayed");
  std::erase_if(asked.entries, [](const config::Entry& e) { return e.key == "traffic"; });
  put(asked, "traffic", std::move(traffic));
  Times latency, ttft, tpot;
  const auto note = [&](const fleet::RequestRecord& r) {
    if (r.state != fleet::RequestRecord::State::finished || r.number >= log.size()) return;
    const auto& m = log[r.number];
    const double arrival = r.arrival.seconds().si(), first = r.first_token.seconds().si(), last = r.finish.seconds().si();
    latency.measured.push_back(m.latency());
    latency.predicted.push_back(last - arrival);
    ttft.measured.push_back(m.ttft());
    ttft.predicted.push_back(first - arrival);
    if (m.output < 2) return;
    tpot.measured.push_back(m.tpot());
    tpot.predicted.push_back((last - first) / static_cast<double>(m.output - 1));
  };
  const OneLog files(name, text);
  const auto served = api::serve(asked, source, files, {.on_request = note, .series = false}, diagnostics);
  if (!served) return std::nullopt;
  const auto& subject = served->subject;
  LogComparison c{.log = name, .deployment = fmt::format("{} on {} with {}", subject.deployment, subject.machine, subject.software), .requests = static_cast<std::int64_t>(latency.measured.size())};
  c.infeasible = !subject.feasible();
  if (c.infeasible) c.why = subject.infeasible ? subject.infeasible->reason : subject.result.judgement.reason;
  else c.figures = {figure_of("latency", std::move(latency)), figure_of("ttft", std::move(ttft)), figure_of("tpot", std::move(tpot))};
  return c;
}

std::string text(const LogComparison& c) {
  std::string out = fmt::format("{}: {} requests, {}\n", c.log, c.requests, c.deployment);
  if (c.infeasible) return out + fmt::format("predicted not to fit: {}\n", c.why);
  out += fmt::format("{:<8} {:>12} {:>12} {:>9} {:>12} {:>12} {:>12} {:>12} {:>16}\n", "", "mean", "predicted", "error", "p50", "predicted", "p99", "predicted", "median request");
  for (const auto& f : c.figures)
    out += fmt::format("{:<8} {:>10.4g} s {:>10.4g} s {:>+7.1f} % {:>10.4g} s {:>10.4g} s {:>10.4g} s {:>10.4g} s {:>14.1f} %\n", f.name, f.measured, f.predicted, f.error(), f.measured_p50, f.predicted_p50, f.measured_p99,
                       f.predicted_p99, f.request_error);
  return out;
}

std::string json(const LogComparison& c) {
  Json figures = Json::object();
  for (const auto& f : c.figures)
    figures[f.name] = {{"measured_s", {{"mean", f.measured}, {"p50", f.measured_p50}, {"p99", f.measured_p99}}}, {"predicted_s", {{"mean", f.predicted}, {"p50", f.predicted_p50}, {"p99", f.predicted_p99}}},
                       {"signed_error_pct", f.error()}, {"median_request_error_pct", f.request_error}};
  Json out{{"schema", "zettatwin/validate-requests/1"}, {"log", c.log}, {"requests", c.requests}, {"deployment", c.deployment}, {"status", c.infeasible ? "infeasible" : "ok"}, {"note", c.why}, {"figures", std::move(figures)}};
  return out.dump(2) + "\n";
}

}  // namespace zettatwin::validation
