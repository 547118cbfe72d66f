// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cmath>

#include "requests/adapted.hpp"
#include "requests/servegen.hpp"
#include "requests/traffic_spec.hpp"
#include "units/text.hpp"

namespace zettatwin::requests {
namespace {

std::unique_ptr<Stream> clients(const TrafficSpec& spec, const TraceFiles& files, config::Diagnostics& diagnostics) {
  const auto& trace = *spec.trace;
  const auto pool = read_servegen(files, trace.file, diagnostics);
  if (!pool) return nullptr;
  const auto window = static_cast<double>(pool->window.count()) * 1e-12;
  ClientOptions options{.first_window = static_cast<std::int64_t>(std::floor(trace.start.si() / window)), .seed = spec.seed};
  if (options.first_window >= static_cast<std::int64_t>(pool->windows())) {
    diagnostics.error(config::location_in(trace.file), fmt::format("start is behind the end of the clients' windows, {}", units::human(units::Seconds::from_si(window * static_cast<double>(pool->windows())))));
    return nullptr;
  }
  options.rate_scale = trace.rate_scale;
  if (spec.rate.si() > 0) {
    const auto rate = client_stream(pool, options)->means().rate;
    if (!(rate.si() > 0)) return diagnostics.error(config::location_in(trace.file), "no requests after start"), nullptr;
    options.rate_scale = spec.rate / rate;
  }
  return adapted(client_stream(pool, options), {.requests = spec.requests, .duration = spec.duration, .concurrency = spec.concurrency});
}

}  // namespace

std::unique_ptr<Stream> open_traffic(const TrafficSpec& spec, const TraceFiles& files, const std::vector<std::string>& models, config::Diagnostics& diagnostics) {
  if (!spec.trace) return synthetic(spec);
  const auto& trace = *spec.trace;
  if (trace.format == TraceFormat::servegen) return clients(spec, files, diagnostics);
  const auto text = files.open(trace.file);
  if (!text) return diagnostics.error(config::location_in(trace.file), "the file cannot be read"), nullptr;
  const auto list = read_trace(*text, trace.file, trace.format, {.block_tokens = trace.block_tokens, .models = models}, diagnostics);
  if (!list) return nullptr;
  double scale = trace.rate_scale;
  if (spec.rate.si() > 0) {
    const auto rate = list->means().rate;
    if (!(rate.si() > 0)) return diagnostics.error(config::location_in(trace.file), "all requests come at one time", "such a trace has no rate that could be changed", "remove rate"), nullptr;
    scale = spec.rate / rate;
  }
  return adapted(std::make_unique<ListStream>(list), {.start = trace.start, .rate_scale = scale, .requests = spec.requests, .duration = spec.duration, .concurrency = spec.concurrency});
}

}  // namespace zettatwin::requests
