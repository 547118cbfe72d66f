// SPDX-License-Identifier: Apache-2.0
#include "report/capacity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include <nlohmann/json.hpp>

#include "report/detail/number.hpp"
#include "report/detail/table.hpp"
#include "units/text.hpp"

namespace zettatwin::report {
namespace {

using Json = nlohmann::ordered_json;
using units::grouped;
using units::human;

// Of a few tokens/s the decimals count.
std::string rate_text(double rate) { return rate >= 100 ? grouped(static_cast<long long>(rate)) : fmt::format("{:.3g}", rate); }

constexpr std::size_t kShown = 24;  // points of the frontier on a terminal

std::string chips_text(double chips) { return chips == static_cast<double>(static_cast<long long>(chips)) ? grouped(static_cast<long long>(chips)) : fmt::format("{:.4g}", chips); }

void add(detail::Table& table, const CapacityPoint& p, const std::string& mark) {
  table.row({mark, fmt::format("{:.4g}", p.tokens_per_s_per_user), fmt::format("{:.4g}", p.tokens_per_s_per_chip), human(p.tpot, 3), human(p.ttft, 3), fmt::format("{:.4g}", p.concurrency), chips_text(p.chips),
             p.prefill_per_decode > 0 ? fmt::format("{:.3g}", p.prefill_per_decode) : "-", p.deployment});
}

detail::Table table() { return {"lrrrrrrrl", {"", "tokens/s/user", "tokens/s/chip", "TPOT", "TTFT", "in flight", "chips", "prefill:decode", "one unit"}}; }

bool same(const CapacityPoint& a, const std::optional<CapacityPoint>& b) { return b && a.deployment == b->deployment && a.concurrency == b->concurrency; }

void frontier(std::string& out, const CapacitySubject& s) {
  auto rows = table();
  // Evenly over the frontier if it is long; the best always.
  const auto n = s.frontier.size();
  const auto every = std::max<std::size_t>(1, (n + kShown - 1) / kShown);
  for (std::size_t i = 0; i < n; ++i)
    if (i % every == 0 || i + 1 == n || same(s.frontier[i], s.best)) add(rows, s.frontier[i], same(s.frontier[i], s.best) ? "*" : "");
  out += fmt::format("\nfrontier: nothing else is faster for a user and per chip ({} layouts tried, {} fit, {} states)\n", grouped(s.layouts), grouped(s.fitting), grouped(s.states)) + rows.text();
}

void best(std::string& out, const CapacitySubject& s) {
  if (!s.best_aggregated && !s.best_disaggregated) return;
  auto rows = table();
  if (s.best_aggregated) add(rows, *s.best_aggregated, same(*s.best_aggregated, s.best) ? "*" : "");
  if (s.best_disaggregated) add(rows, *s.best_disaggregated, same(*s.best_disaggregated, s.best) ? "*" : "");
  out += "\nmost per chip within the objectives, aggregated and with prefill apart\n" + rows.text();
}

void sizing(std::string& out, const CapacitySubject& s) {
  if (s.trials.empty()) return;
  detail::Table rows("rrlrrl", {"units", "chips", "verdict", "meet the objectives", "output tokens/s", "fleet"});
  for (const auto& t : s.trials) {
    const bool told = !std::isnan(t.attainment);
    rows.row({grouped(t.units), grouped(t.chips), t.verdict, told ? fmt::format("{:.2f} %", 100 * t.attainment) : "-", told ? rate_text(t.output_tokens_per_s) : "-", t.deployment});
  }
  out += "\nfleets simulated with this traffic\n" + rows.text();
  if (const auto part = std::find_if(s.trials.begin(), s.trials.end(), [](const auto& t) { return t.share < 1; }); part != s.trials.end())
    out += fmt::format("  of large fleets a part is simulated, whole units with their share of the traffic; of the first of these {:.2g} %\n", 100 * part->share);
  if (s.needed)
    out += fmt::format("\n  smallest   {} chips: {}\n             {:.2f} % of the requests meet the objectives ({:.4g} % are asked for)\n", grouped(s.needed->chips), s.needed->deployment, 100 * s.needed->attainment, 100 * s.attainment);
}

// The most that a stated deployment serves.
void rates(std::string& out, const CapacitySubject& s) {
  detail::Table rows("rlrrrr", {"requests/s", "verdict", "meet the objectives", "TTFT p99", "TPOT p99", "output tokens/s"});
  for (const auto& t : s.rates)
    rows.row({detail::number(t.offered_per_s), t.verdict, fmt::format("{:.2f} %", 100 * t.attainment), human(units::Seconds::from_si(t.ttft_p99), 3), human(units::Seconds::from_si(t.tpot_p99), 3),
              rate_text(t.output_tokens_per_s)});
  out += "\nthe deployment simulated at different rates\n" + rows.text();
  if (!s.most) return;
  out += fmt::format("\n  most       {} requests/s, {} output tokens/s, {} per chip\n", detail::number(s.most->offered_per_s), rate_text(s.most->output_tokens_per_s), detail::number(s.most->output_tokens_per_s_per_chip));
  if (s.slo.ttft.si() > 0 || s.slo.tpot.si() > 0 || s.slo.e2e.si() > 0)
    out += fmt::format("             {:.2f} % of the requests meet the objectives ({:.4g} % are asked for)\n", 100 * s.most->attainment, 100 * s.attainment);
}

Json rate_json(const RateTrial& t) {
  return {{"requests_per_s", t.offered_per_s}, {"good", t.good}, {"verdict", t.verdict}, {"slo_attainment", t.attainment}, {"ttft_p99_s", t.ttft_p99}, {"tpot_p99_s", t.tpot_p99},
          {"output_tokens_per_s", t.output_tokens_per_s}, {"output_tokens_per_s_per_chip", t.output_tokens_per_s_per_chip}};
}

Json point_json(const CapacityPoint& p) {
  return {{"deployment", p.deployment}, {"disaggregated", p.disaggregated}, {"concurrency", p.concurrency}, {"chips", p.chips}, {"prefill_per_decode", p.prefill_per_decode}, {"ttft_s", p.ttft.si()},
          {"tpot_s", p.tpot.si()}, {"output_tokens_per_s_per_user", p.tokens_per_s_per_user}, {"output_tokens_per_s_per_chip", p.tokens_per_s_per_chip}};
}

Json trial_json(const CapacityTrial& t) {
  return {{"deployment", t.deployment}, {"units", t.units}, {"chips", t.chips}, {"good", t.good}, {"verdict", t.verdict}, {"slo_attainment", t.attainment}, {"output_tokens_per_s", t.output_tokens_per_s}, {"simulated_share", t.share}};
}

}  // namespace

std::string text(const CapacitySubject& s) {
  std::string out;
  if (!s.title.empty()) out += s.title + "\n";
  out += fmt::format("machine     {}, up to {} chips\nmodel       {}{}\nsoftware    {}\n", s.machine_title.empty() ? s.machine : s.machine_title, grouped(s.chips), s.model,
                     s.narrowed ? ", in FP8, since no layout fits in bf16" : s.weights_as_published ? ", weights as published" : "", s.software);
  out += fmt::format("traffic     {}\n", s.traffic);
  if (s.infeasible) {
    const auto& i = *s.infeasible;
    out += fmt::format("\nCANNOT START: {}\n  {} needs {}, {} are there: {} too much; most of it {}\n", i.reason, i.role, human(i.needed, 4), human(i.available, 4), human(i.needed - i.available, 4), i.part);
    if (!i.suggestions.empty()) out += "  what would help:\n";
    for (const auto& suggestion : i.suggestions) out += fmt::format("    {}\n", suggestion);
    return out;
  }
  if (!s.rates.empty()) {
    out += fmt::format("deployment  {}\n", s.deployment);
    rates(out, s);
  } else {
    frontier(out, s);
    best(out, s);
    sizing(out, s);
  }
  if (!s.unmet.empty()) out += fmt::format("\nNOT MET: {}\n", s.unmet);
  return out;
}

std::string json(const CapacitySubject& s) {
  Json points = Json::array(), trials = Json::array();
  for (const auto& p : s.frontier) points.push_back(point_json(p));
  for (const auto& t : s.trials) trials.push_back(trial_json(t));
  Json results{{"feasible", s.needed.has_value()}, {"layouts", s.layouts}, {"fitting", s.fitting}, {"states", s.states}, {"frontier", std::move(points)}};
  if (s.best) results["best"] = point_json(*s.best);
  if (s.best_aggregated) results["best_aggregated"] = point_json(*s.best_aggregated);
  if (s.best_disaggregated) results["best_disaggregated"] = point_json(*s.best_disaggregated);
  results["trials"] = std::move(trials);
  if (s.needed) {
    results["needed"] = trial_json(*s.needed);
    results["chips"] = s.needed->chips;
  }
  if (!s.rates.empty()) {
    Json tried = Json::array();
    for (const auto& t : s.rates) tried.push_back(rate_json(t));
    results = Json{{"feasible", s.most.has_value()}, {"deployment", s.deployment}, {"chips", s.chips}, {"rates", std::move(tried)}};
    if (s.most) results["most"] = rate_json(*s.most);
  }
  if (!s.unmet.empty()) results["unmet"] = s.unmet;
  if (s.infeasible)
    results["infeasible"] = {{"limit", s.infeasible->limit}, {"role", s.infeasible->role}, {"part", s.infeasible->part}, {"needed", s.infeasible->needed.si()}, {"available", s.infeasible->available.si()}, {"reason", s.infeasible->reason}};
  return Json{{"schema", "zettatwin/capacity/1"},
              {"title", s.title},
              {"machine", {{"name", s.machine}, {"chips", s.chips}}},
              {"model", s.model},
              {"weights_as_published", s.weights_as_published},
              {"software", s.software},
              {"traffic", {{"text", s.traffic}, {"input_tokens", s.input}, {"output_tokens", s.output}}},
              {"slo", {{"ttft_s", s.slo.ttft.si()}, {"tpot_s", s.slo.tpot.si()}, {"e2e_s", s.slo.e2e.si()}, {"attainment", s.attainment}}},
              {"results", std::move(results)}}
             .dump(2) +
         "\n";
}

}  // namespace zettatwin::report
