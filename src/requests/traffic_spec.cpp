// SPDX-License-Identifier: Apache-2.0
#include "requests/traffic_spec.hpp"

#include <array>

namespace zettatwin::requests {
namespace {

using config::Word;

constexpr std::array kArrivalWords{Word{"poisson", static_cast<int>(ArrivalShape::poisson), "independent of each other"},
                                   Word{"gamma", static_cast<int>(ArrivalShape::gamma), "gamma gaps of a given cv: bursts above 1, evenly below"},
                                   Word{"deterministic", static_cast<int>(ArrivalShape::deterministic), "equal gaps, the first request at 0"}};

// `input: 1024` as {mean: 1024}, wherever a length is described.
void spell_out_length(config::Node* node) {
  if (node == nullptr || node->kind != config::Node::Kind::scalar) return;
  config::Node mapping;
  mapping.kind = config::Node::Kind::mapping;
  mapping.where = node->where;
  mapping.entries.push_back({"mean", node->where, *node});
  *node = std::move(mapping);
}

constexpr std::int64_t kRounds = 10;  // of a closed loop, as benchmark harnesses run it

void check_loop(config::Schema& s, const TrafficSpec& spec) {
  const bool closed = spec.concurrency > 0, open = spec.rate.si() > 0;
  s.check(!(closed && open), "traffic has both a rate and a concurrency", "requests come at a rate, or a fixed number of them is served at a time", "keep one of them");
  s.check(closed || open || spec.trace, "traffic has neither a rate nor a concurrency",
          "requests come at a rate, or a fixed number of them is served at a time, as benchmark harnesses do", "give rate, such as 10 requests/s");
  if (!closed) return;
  s.check(!spec.diurnal && !spec.sessions && spec.duration.si() == 0, "diurnal, sessions and duration belong to traffic with a rate",
          "in a closed loop the next request comes when one finishes");
}

bool given(const LengthSpec& spec) { return spec.mean > 0 || spec.high > 0 || !spec.bins.empty(); }

void check_source(config::Schema& s, const TrafficSpec& spec) {
  if (!spec.trace) {
    s.check(given(spec.input), "no length of prompts", "requests that are drawn need one", "give input, such as 1024 or {mean: 1024, cv: 0.5}");
    s.check(given(spec.output), "no length of answers", "requests that are drawn need one", "give output, such as 256");
    return;
  }
  const bool laws = spec.diurnal || spec.sessions || spec.shared_prefixes || given(spec.input) || given(spec.output) || spec.arrivals != ArrivalShape::poisson;
  s.check(!laws, "traffic has both a trace and laws", "a trace says when requests come and how long they are", "remove arrivals, diurnal, input, output, shared_prefixes and sessions");
  s.check(spec.trace->rate_scale == 1 || (spec.rate.si() == 0 && spec.concurrency == 0), "traffic has a rate_scale and a rate or concurrency", "both say how fast requests come", "keep one of them");
}

}  // namespace

std::span<const Word> arrival_words() { return kArrivalWords; }

void describe(config::Schema& s, DiurnalSpec& spec) {
  s.number("peak_to_mean", spec.peak_to_mean, "highest rate over the mean", {.range = {1, 2}});
  s.quantity("period", spec.period, "time from peak to peak", {.range = {1, 1e7}});
  s.quantity("peak", spec.peak, "time of the highest rate, from the start");
}

void describe(config::Schema& s, SharedPrefixSpec& spec) {
  s.number("share", spec.share, "share of the requests that begin with one of the prefixes", {.range = config::kUnitInterval});
  s.integer("count", spec.count, "number of different prefixes", {.range = {1, 1e9}});
  s.integer("tokens", spec.tokens, "length of a prefix, in front of what input draws", {.presence = config::Presence::required, .range = {1, LengthLaw::kLongest}});
  s.number("zipf", spec.zipf, "popularity of the prefix of rank r is proportional to r^-zipf", {.range = {0, 20}});
}

void describe(config::Schema& s, SessionSpec& spec) {
  s.object("turns", spec.turns, "requests of a conversation");
  s.quantity("think", spec.think, "mean time from one request of a conversation to the next", {.range = {0, 1e7}});
  s.number("think_cv", spec.think_cv, "standard deviation of that time over its mean", {.range = {0, 100}});
  s.integer("max_context", spec.max_context, "a conversation ends before prompt and answer exceed this", {.range = {1, LengthLaw::kLongest}});
}

void describe(config::Schema& s, TraceSpec& spec) {
  s.text("file", spec.file, "the file, plain or gzipped; of servegen a folder", config::kRequired);
  s.choice("format", spec.format, trace_words(), "what its lines mean");
  s.number("rate_scale", spec.rate_scale, "arrivals come that many times as fast", {.range = {1e-6, 1e6}});
  s.quantity("start", spec.start, "what comes before is left out", {.range = {0, 9e6}});
  s.integer("block_tokens", spec.block_tokens, "tokens of the blocks that format requests names", {.range = {0, 1e6}});
}

void describe(config::Schema& s, TrafficSpec& spec) {
  s.optional_object("trace", spec.trace, "requests of a file instead of laws");
  s.choice("arrivals", spec.arrivals, arrival_words(), "how requests follow each other");
  s.quantity("rate", spec.rate, "mean rate of requests", {.range = {0, 1e12}});
  s.number("cv", spec.cv, "standard deviation of the gaps over their mean, of gamma arrivals", {.range = {0, 100}});
  s.optional_object("diurnal", spec.diurnal, "how the rate changes over the day");
  s.integer("concurrency", spec.concurrency, "closed loop: this many requests are in the system, the next comes when one finishes", {.range = {0, 1e9}});
  s.object("input", spec.input, "tokens of prompts");
  s.object("output", spec.output, "tokens of answers");
  s.optional_object("shared_prefixes", spec.shared_prefixes, "common beginnings of prompts");
  s.optional_object("sessions", spec.sessions, "conversations of several requests");
  s.integer("requests", spec.requests, "end after so many; 0: no limit, of a closed loop ten rounds");
  if (spec.concurrency > 0 && spec.requests == 0 && !spec.trace) spec.requests = kRounds * spec.concurrency;
  s.quantity("duration", spec.duration, "end after this time; 0: no limit", {.range = {0, 9e6}});
  s.integer("block_tokens", spec.block_tokens, "tokens of the blocks by which requests share content", {.range = {1, 1e6}});
  s.integer("seed", spec.seed, "of all random numbers");
  check_loop(s, spec);
  check_source(s, spec);
  s.check(spec.cv == 1 || spec.arrivals == ArrivalShape::gamma, "cv is given, but the arrivals do not use it", "only gamma arrivals have a cv of their own", "say arrivals: gamma");
}

std::optional<TrafficSpec> read_traffic(const config::Node& node, config::Diagnostics& diagnostics) {
  const auto errors_before = diagnostics.error_count();
  auto spelled = node;
  for (const auto* key : {"input", "output"}) spell_out_length(spelled.find(key));
  if (auto* sessions = spelled.find("sessions"); sessions != nullptr && sessions->is_mapping()) spell_out_length(sessions->find("turns"));
  TrafficSpec spec;
  config::read(spelled, "traffic", config::FigureForm::bare_allowed, diagnostics, spec);
  if (diagnostics.error_count() != errors_before) return std::nullopt;
  return spec;
}

}  // namespace zettatwin::requests
