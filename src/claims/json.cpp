// SPDX-License-Identifier: Apache-2.0
// The audit as JSON. Values of readings are in the base unit that stands beside them, since claims of all kinds share one form.
#include <nlohmann/json.hpp>

#include "claims/report.hpp"
#include "units/text.hpp"

namespace zettatwin::claims {
namespace {

using Json = nlohmann::ordered_json;

Json inputs_json(const result::Node& node) {
  Json inputs = Json::array();
  for (const auto& i : node.inputs)
    inputs.push_back({{"name", i.name}, {"value", i.value}, {"source", i.source}, {"confidence", std::string(config::name_of(i.confidence))}, {"note", i.note}});
  return inputs;
}

Json value_json(const Value& v) {
  if (!v.known()) return {{"known", false}, {"missing", v.missing}};
  Json out{{"known", true}, {"value", v.si()}, {"unit", units::base_unit(v.node.dimension)}};
  if (v.has_range()) out["low"] = v.low, out["high"] = v.high;
  out["formula"] = v.node.formula;
  out["inputs"] = inputs_json(v.node);
  return out;
}

Json readings_json(const std::vector<ReadingResult>& readings, bool compared) {
  Json out = Json::array();
  for (const auto& r : readings) {
    Json one{{"reading", r.reading.name}};
    one.update(value_json(r.value));
    if (r.ratio > 0) one["ratio"] = r.ratio;
    if (compared) one["agrees"] = r.agrees;
    out.push_back(std::move(one));
  }
  return out;
}

Json claim_json(const ClaimResult& c) {
  Json out{{"name", c.claim.name()}, {"claim", c.claim.text}, {"kind", std::string(config::word_of(kind_words(), c.claim.kind))}, {"machine", c.claim.machine},
           {"verdict", std::string(name_of(c.verdict))}};
  if (c.holding >= 0) out["holds_in"] = c.readings[static_cast<std::size_t>(c.holding)].reading.name, out["rests_on_estimates"] = c.rests_on_estimates();
  if (!c.claim.not_published.empty()) out["not_published"] = c.claim.not_published;
  if (!c.claim.note.empty()) out["note"] = c.claim.note;
  const auto& s = c.claim.stated;
  if (s.present)
    out["stated"] = {{"value", s.si}, {"unit", units::base_unit(s.dimension)}, {"relation", std::string(config::word_of(relation_words(), c.claim.relation))},
                     {"source", s.provenance.source}, {"confidence", std::string(config::name_of(s.provenance.confidence))}, {"note", s.provenance.note}};
  out["readings"] = readings_json(c.readings, true);
  out["practice"] = readings_json(c.practice, false);
  out["availability"] = c.availability;
  return out;
}

Json training_json(const BatchResult& b) {
  const auto& s = *b.simulation;
  const auto& r = s.result;
  Json out{{"batch_times", b.times}, {"feasible", s.feasible}};
  if (!s.feasible) out["reason"] = s.reason;
  else
    out.update({{"tokens_per_step", r.tokens_per_step}, {"step_time_s", r.step_time.seconds().si()}, {"tokens_per_s", r.tokens_per_s},
                {"tokens_per_s_per_chip", r.tokens_per_s / static_cast<double>(r.chips + r.idle_chips)}, {"mfu", r.mfu}, {"idle_chips", r.idle_chips}, {"plan", s.plan_text}});
  return out;
}

// Null where the catalog has no figure.
Json number(const Value& v) { return v.known() ? Json(v.si()) : Json(nullptr); }

Json comparison_json(const std::string& file, const ComparisonResult& result) {
  Json machines = Json::array();
  for (const auto& m : result.machines) {
    Json training = Json::array();
    for (const auto& batch : m.batches) training.push_back(training_json(batch));
    Json one{{"machine", m.machine.name}, {"chips", m.machine.chips()}, {"racks", number(m.racks)}, {"fp8_flop_per_s", number(m.fp8)}, {"hbm_bytes", number(m.hbm)},
             {"hbm_bytes_per_s", number(m.hbm_bandwidth)}, {"it_power_w", number(m.it_power)}};
    if (m.it_power.has_range()) one["it_power_low_w"] = m.it_power.low, one["it_power_high_w"] = m.it_power.high;
    one["training"] = std::move(training);
    machines.push_back(std::move(one));
  }
  const auto& c = result.comparison;
  return {{"name", file + "." + c.id}, {"text", c.text}, {"note", c.note}, {"basis", std::string(config::word_of(basis_words(), c.basis))},
          {"reference", c.reference}, {"model", c.model}, {"machines", std::move(machines)}};
}

}  // namespace

std::string json(const Audit& audit) {
  Json claims = Json::array(), comparisons = Json::array();
  for (const auto& file : audit.files) {
    for (const auto& claim : file.claims) claims.push_back(claim_json(claim));
    for (const auto& comparison : file.comparisons) comparisons.push_back(comparison_json(file.name, comparison));
  }
  Json tally = Json::object();
  for (const auto v : {Verdict::holds_exactly, Verdict::holds_in_reading, Verdict::does_not_hold, Verdict::cannot_be_checked}) tally[std::string(name_of(v))] = audit.count(v);
  return Json{{"schema", "zettatwin/claims/1"}, {"verdicts", tally}, {"claims", claims}, {"comparisons", comparisons}}.dump(2) + "\n";
}

}  // namespace zettatwin::claims
