// SPDX-License-Identifier: Apache-2.0
#include "fleet/detail/collector.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>

#include "base/contract.hpp"

namespace zettatwin::fleet {

using units::Picoseconds;

double student_t95(std::size_t degrees) {
  constexpr double kTable[] = {12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
                               2.120,  2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042};
  if (degrees == 0) return 0;
  if (degrees <= std::size(kTable)) return kTable[degrees - 1];
  return 1.95996 + 2.4 / static_cast<double>(degrees);
}

Estimate estimate_of(const std::vector<double>& values) {
  Estimate e;
  if (values.empty()) return e;
  const auto n = static_cast<double>(values.size());
  for (const double v : values) e.value += v / n;
  if (values.size() < 2) return e;
  double squares = 0;
  for (const double v : values) squares += (v - e.value) * (v - e.value);
  e.half_width = student_t95(values.size() - 1) * std::sqrt(squares / (n - 1) / n);
  return e;
}

LatencySummary summary_of(const LogHistogram& h) {
  LatencySummary s;
  s.count = h.count();
  s.least = h.least().si();
  s.greatest = h.greatest().si();
  s.mean.value = h.mean().si();
  s.p50.value = h.quantile(0.5).si();
  s.p90.value = h.quantile(0.9).si();
  s.p95.value = h.quantile(0.95).si();
  s.p99.value = h.quantile(0.99).si();
  return s;
}

Met met(const Slo& slo, Picoseconds ttft, Picoseconds tpot, Picoseconds e2e) {
  const auto within = [](units::Seconds limit, Picoseconds value) { return limit.si() <= 0 || value.seconds() <= limit; };
  return {within(slo.ttft, ttft), within(slo.tpot, tpot), within(slo.e2e, e2e)};
}

void Collector::Cell::merge(const Cell& o) {
  ttft.merge(o.ttft), tpot.merge(o.tpot), itl.merge(o.itl), e2e.merge(o.e2e), queueing.merge(o.queueing), transfer.merge(o.transfer);
  requests.arrived += o.requests.arrived, requests.finished += o.requests.finished, requests.rejected += o.requests.rejected, requests.lost += o.requests.lost;
  unanswered += o.unanswered;
  met_ttft += o.met_ttft, met_tpot += o.met_tpot, met_e2e += o.met_e2e, met_all += o.met_all;
  input_tokens += o.input_tokens, output_tokens += o.output_tokens, cached_tokens += o.cached_tokens;
  window_finished += o.window_finished, window_good += o.window_good, window_input += o.window_input, window_output += o.window_output;
}

Collector::Collector(const Slo& slo, Picoseconds frontend_delay, std::size_t models, std::size_t groups)
    : slo_(slo), frontend_(frontend_delay), groups_(groups), cells_(models + 1) {
  for (auto& batches : cells_) batches.resize(groups > 0 ? groups : 1);
}

void Collector::merge_pairs() {
  batch_size_ *= 2;
  for (auto& batches : cells_) {
    for (std::size_t i = 0; i + 1 < batches.size(); i += 2) {
      batches[i].merge(batches[i + 1]);
      if (i > 0) batches[i / 2] = std::move(batches[i]);
    }
    if (batches.size() % 2 == 1 && batches.size() > 1) batches[batches.size() / 2] = std::move(batches.back());
    batches.resize((batches.size() + 1) / 2);
  }
}

Collector::Cell& Collector::cell(const Flight& flight) {
  const std::size_t unknown = cells_.size() - 1;
  auto& batches = cells_[flight.model >= 0 ? std::min(static_cast<std::size_t>(flight.model), unknown) : unknown];
  if (groups_ > 0) return batches[static_cast<std::size_t>(std::max(0, flight.instance)) % groups_];
  while (flight.number / batch_size_ >= kBatches) merge_pairs();
  const auto batch = static_cast<std::size_t>(flight.number / batch_size_);
  if (batch >= batches.size()) batches.resize(batch + 1);
  return batches[batch];
}

void Collector::arrived(const Flight& flight) {
  if (flight.measured) ++cell(flight).requests.arrived;
}

bool Collector::finished(const Flight& flight, Picoseconds at) {
  const Picoseconds ttft = flight.first_token - flight.arrival, e2e = at - flight.arrival;
  const Picoseconds tpot = flight.output > 1 ? Picoseconds((at - flight.first_token).count() / (flight.output - 1)) : Picoseconds(0);
  const Met m = met(slo_, ttft, tpot, e2e);
  Cell& c = cell(flight);
  if (is_open(at)) {
    ++c.window_finished;
    c.window_good += m.all() ? 1 : 0;
    c.window_input += flight.input;
    c.window_output += flight.output;
  }
  if (!flight.measured) return m.all();
  c.ttft.add(ttft);
  if (flight.output > 1) c.tpot.add(tpot);
  c.e2e.add(e2e);
  c.queueing.add(flight.scheduled - flight.arrival - frontend_);
  ++c.requests.finished;
  c.met_ttft += m.ttft, c.met_tpot += m.tpot, c.met_e2e += m.e2e, c.met_all += m.all();
  c.input_tokens += flight.input;
  c.output_tokens += flight.output;
  c.cached_tokens += flight.cached;
  return m.all();
}

void Collector::rejected(const Flight& flight) {
  if (flight.measured) ++cell(flight).requests.rejected;
}
void Collector::lost(const Flight& flight) {
  if (flight.measured) ++cell(flight).requests.lost;
}
void Collector::unanswered(const Flight& flight) {
  if (flight.measured) ++cell(flight).unanswered;
}
void Collector::transferred(const Flight& flight, Picoseconds at) {
  if (flight.measured) cell(flight).transfer.add(at - flight.prompt_done);
}
void Collector::gaps(std::size_t model, std::size_t group, Picoseconds duration, std::int64_t tokens) {
  cells_[model][groups_ > 0 ? group % groups_ : 0].itl.add(duration, tokens);
}

namespace {

// Value and half width: the latter from the batches that have a fair part of the values.
LatencySummary summary_of(const LogHistogram& h, const std::vector<const LogHistogram*>& batches) {
  LatencySummary s = summary_of(h);
  const auto interval = [&](Estimate& estimate, const std::function<double(const LogHistogram&)>& f) {
    std::vector<double> values;
    for (const LogHistogram* part : batches)
      if (part->count() > 0 && part->count() * static_cast<std::int64_t>(4 * batches.size()) >= h.count()) values.push_back(f(*part));
    if (values.size() >= 4) estimate.half_width = estimate_of(values).half_width;
  };
  interval(s.mean, [](const LogHistogram& x) { return x.mean().si(); });
  interval(s.p50, [](const LogHistogram& x) { return x.quantile(0.5).si(); });
  interval(s.p90, [](const LogHistogram& x) { return x.quantile(0.9).si(); });
  interval(s.p95, [](const LogHistogram& x) { return x.quantile(0.95).si(); });
  interval(s.p99, [](const LogHistogram& x) { return x.quantile(0.99).si(); });
  return s;
}

double share(std::int64_t part, std::int64_t whole, double of_nothing) { return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : of_nothing; }

}  // namespace

Metrics Collector::metrics_of(const std::vector<const Cell*>& batches, Picoseconds to, double chips, double scale) const {
  Cell sum;
  for (const Cell* c : batches) sum.merge(*c);
  const auto summary = [&](LogHistogram Cell::* member) {
    std::vector<const LogHistogram*> parts;
    for (const Cell* c : batches) parts.push_back(&(c->*member));
    return summary_of(sum.*member, parts);
  };
  Metrics m;
  m.requests = sum.requests;
  m.requests.in_flight = sum.requests.arrived - sum.requests.finished - sum.requests.rejected - sum.requests.lost;
  m.ttft = summary(&Cell::ttft), m.tpot = summary(&Cell::tpot), m.itl = summary(&Cell::itl), m.e2e = summary(&Cell::e2e);
  m.queueing = summary(&Cell::queueing), m.transfer = summary(&Cell::transfer);
  const double seconds = (to - from_).seconds().si();
  const auto rate = [&](const std::function<double(const Cell&)>& f, double divisor) {
    Estimate e;
    if (seconds <= 0) return e;
    e.value = f(sum) * scale / seconds / divisor;
    if (groups_ == 0) return e;
    std::vector<double> values;
    for (const Cell* c : batches) values.push_back(f(*c) * static_cast<double>(batches.size()) * scale / seconds / divisor);
    e.half_width = estimate_of(values).half_width;
    return e;
  };
  const auto count = [](std::int64_t Cell::* member) { return [member](const Cell& c) { return static_cast<double>(c.*member); }; };
  const auto tokens = [](const Cell& c) { return static_cast<double>(c.window_input + c.window_output); };
  m.requests_per_s = rate(count(&Cell::window_finished), 1);
  m.input_tokens_per_s = rate(count(&Cell::window_input), 1);
  m.output_tokens_per_s = rate(count(&Cell::window_output), 1);
  m.total_tokens_per_s = rate(tokens, 1);
  if (chips > 0) {
    m.output_tokens_per_s_per_chip = rate(count(&Cell::window_output), chips);
    m.total_tokens_per_s_per_chip = rate(tokens, chips);
  }
  m.goodput_per_s = rate(count(&Cell::window_good), 1);
  const auto ended = [](const Cell& c) { return c.requests.finished + c.requests.rejected + c.requests.lost + c.unanswered; };
  std::vector<double> attainments;
  for (const Cell* c : batches)
    if (ended(*c) > 0) attainments.push_back(share(c->met_all, ended(*c), 1));
  m.slo_attainment = {share(sum.met_all, ended(sum), 1), attainments.size() >= 4 ? estimate_of(attainments).half_width : std::nullopt};
  m.ttft_attainment = share(sum.met_ttft, sum.requests.finished, 1);
  m.tpot_attainment = share(sum.met_tpot, sum.requests.finished, 1);
  m.e2e_attainment = share(sum.met_e2e, sum.requests.finished, 1);
  m.input_tokens_mean = share(sum.input_tokens, sum.requests.finished, 0);
  m.output_tokens_mean = share(sum.output_tokens, sum.requests.finished, 0);
  std::vector<double> found;
  for (const Cell* c : batches)
    if (c->input_tokens > 0) found.push_back(share(c->cached_tokens, c->input_tokens, 0));
  m.cached_share = {share(sum.cached_tokens, sum.input_tokens, 0), found.size() >= 4 ? estimate_of(found).half_width : std::nullopt};
  return m;
}

Metrics Collector::metrics(std::size_t model, Picoseconds to, double chips, double scale) const {
  std::vector<const Cell*> batches;
  for (const Cell& c : cells_[model]) batches.push_back(&c);
  return metrics_of(batches, to, chips, scale);
}

Metrics Collector::all(Picoseconds to, double chips, double scale) const {
  std::vector<Cell> merged;
  for (const auto& batches : cells_)
    for (std::size_t b = 0; b < batches.size(); ++b) {
      if (b >= merged.size()) merged.resize(b + 1);
      merged[b].merge(batches[b]);
    }
  std::vector<const Cell*> pointers;
  for (const Cell& c : merged) pointers.push_back(&c);
  return metrics_of(pointers, to, chips, scale);
}

void Collector::absorb(std::size_t group, const Collector& other) {
  ZT_EXPECT(group < groups_ && cells_.size() == other.cells_.size(), "a group of " + std::to_string(groups_));
  for (std::size_t m = 0; m < cells_.size(); ++m)
    for (const Cell& c : other.cells_[m]) cells_[m][group].merge(c);
}

void Collector::histograms(LogHistogram& ttft, LogHistogram& tpot, LogHistogram& e2e) const {
  for (const auto& batches : cells_)
    for (const Cell& c : batches) ttft.merge(c.ttft), tpot.merge(c.tpot), e2e.merge(c.e2e);
}

}  // namespace zettatwin::fleet
