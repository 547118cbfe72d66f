// SPDX-License-Identifier: Apache-2.0
#include "claims/claim.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

namespace zettatwin::claims {
namespace {

constexpr config::FieldOptions kNeeded{.presence = config::Presence::required};
constexpr config::FieldOptions kCount{.range = {0, 1e12}};

// Calls `f` with the dimension of a kind as its template argument.
template <class F>
auto with_dimension(Kind kind, F&& f) {
  switch (kind) {
    case Kind::compute: return f.template operator()<units::kComputeRate>();
    case Kind::memory: return f.template operator()<units::kBytes>();
    case Kind::bandwidth: return f.template operator()<units::kBandwidth>();
    case Kind::floor_area: return f.template operator()<units::kArea>();
    case Kind::training:
    case Kind::inference: return f.template operator()<units::kTokenRate>();
    case Kind::power: return f.template operator()<units::kPower>();
    case Kind::cost: return f.template operator()<units::kMoney>();
    case Kind::chips:
    case Kind::cabinets:
    case Kind::model_size:
    case Kind::ratio:
    case Kind::other: break;
  }
  return f.template operator()<units::kDimensionless>();
}

void describe_stated(config::Schema& s, Kind kind, Stated& stated) {
  with_dimension(kind, [&]<units::Dimension D>() {
    config::Figure<units::Quantity<D>> figure{units::Quantity<D>::from_si(stated.si), stated.provenance, stated.present};
    s.figure("stated", figure, "the value as stated, in a unit of the claim's kind; absent if none was given");
    stated = {figure.si(), D, figure.provenance, figure.present};
  });
}

void check_unique(config::Schema& s, std::set<std::string>& seen, const std::string& id) {
  s.check(seen.insert(id).second, fmt::format("'{}' is there twice", id), "ids are unique in a file");
}

}  // namespace

units::Dimension dimension_of(Kind kind) {
  return with_dimension(kind, []<units::Dimension D>() { return D; });
}

void describe(config::Schema& s, Measure& m) {
  s.choice("measure", m.kind, measure_words(), "which figure", kNeeded);
  s.text("machine", m.machine, "machine of the catalog; the claim's if absent");
  s.integer("chips", m.chips, "chips of that machine; all if absent", kCount);
  s.text("chip", m.chip, "chip of the catalog in place of the machine's own");
  s.text("model", m.model, "model of the catalog");
  s.choice("precision", m.precision, hardware::precision_words(), "number format of peaks, of simulated training and of served weights; fp8 if absent");
  s.integer("input", m.input, "of serving: tokens of a prompt", kCount);
  s.integer("output", m.output, "of serving: tokens of an answer", kCount);
  s.quantity("tpot", m.tpot, "of serving: the most time per output token", {.range = config::kPositive});
  s.number("mfu", m.mfu, "assumed share of the peak", {.range = config::kUnitInterval});
  s.integer("digits", m.digits, "significant digits that the figure per chip is rounded to; 0: not rounded", {.range = {0, 15}});
  s.boolean("both_directions", m.both_directions, "count a bandwidth in both directions");
  s.boolean("binary_step", m.binary_step, "divide by 1,024 instead of 1,000 between the chip's unit and the machine's");
  const bool modelled = m.kind >= MeasureKind::parameters && m.kind <= MeasureKind::serving_flop_rate && m.kind != MeasureKind::parameters_fitting;
  s.check(!modelled || !m.model.empty(), "the measure lacks 'model'", "it is a property of a model");
  s.check(m.kind != MeasureKind::implied_active_parameters || m.mfu > 0, "the measure lacks 'mfu'", "the size follows from the share of the peak that is assumed");
}

void describe(config::Schema& s, Reading& r) {
  s.text("name", r.name, "what is read into the claim", kNeeded);
  describe(s, r.measure);
  s.optional_object("times", r.times, "multiplied by this figure");
  s.optional_object("over", r.over, "divided by this figure");
  s.text("note", r.note, "why, or what it leaves out");
}

void describe(config::Schema& s, Claim& c) {
  s.text("id", c.id, "name of the claim, unique in its file", kNeeded);
  s.text("text", c.text, "the claim in our words", kNeeded);
  s.choice("kind", c.kind, kind_words(), "what it is about", kNeeded);
  s.text("machine", c.machine, "machine of the catalog that it is about", kNeeded);
  s.choice("relation", c.relation, relation_words(), "how the value is meant");
  describe_stated(s, c.kind, c.stated);
  s.text("not_published", c.not_published, "what is not published without which the claim cannot be checked");
  s.text("note", c.note, "what the audit leaves out");
  s.list("readings", c.readings, "figures compared with the stated value; first what the words say to an engineer");
  s.list("practice", c.practice, "what follows from the claim, and what a real model gets of it; not compared");
  s.check(c.stated.present || !c.not_published.empty(), fmt::format("claim '{}' lacks 'stated'", c.id), "a claim states a value or says what is not published");
  s.check(!c.readings.empty() || !c.not_published.empty(), fmt::format("claim '{}' has no readings", c.id), "it can be checked, since nothing is said to be unpublished");
}

void describe(config::Schema& s, Comparison& c) {
  s.text("id", c.id, "name of the comparison, unique in its file", kNeeded);
  s.text("text", c.text, "what is compared", kNeeded);
  s.choice("basis", c.basis, basis_words(), "what all machines have as much of as the reference", kNeeded);
  s.text("reference", c.reference, "machine of the catalog", kNeeded);
  s.texts("machines", c.machines, "the machines built to that size", kNeeded);
  s.text("model", c.model, "model that is trained on each", kNeeded);
  s.integer("sequence_length", c.sequence_length, "tokens per sequence", {.range = {1, 1e9}});
  s.integer("global_batch", c.global_batch, "sequences per step", {.range = {1, 1e9}});
  s.text("note", c.note, "what to know about the result");
  s.integer("larger_batch", c.larger_batch, "also with so many times the batch; 0: not", {.range = {0, 1e4}});
}

void describe(config::Schema& s, ClaimFile& f) {
  s.text("title", f.title, "whose claims these are", kNeeded);
  s.list("claims", f.claims, "the claims");
  s.list("comparisons", f.comparisons, "machines side by side");
  std::set<std::string> seen;
  for (const auto& claim : f.claims) check_unique(s, seen, claim.id);
  for (const auto& comparison : f.comparisons) check_unique(s, seen, comparison.id);
}

std::optional<ClaimFile> load_claim_file(const config::DocumentSource& source, const std::string& name, config::Diagnostics& diagnostics) {
  const auto path = fmt::format("claims/{}.yaml", name);
  const auto text = source.read(path);
  const auto document = text ? config::parse_document(*text, path, diagnostics) : std::nullopt;
  if (!document) return std::nullopt;
  const auto errors_before = diagnostics.error_count();
  ClaimFile file{.name = name, .title = "", .claims = {}, .comparisons = {}};
  config::read(*document, "claims file", config::FigureForm::provenance_required, diagnostics, file);
  for (auto& claim : file.claims) claim.file = name;
  if (diagnostics.error_count() != errors_before) return std::nullopt;
  return file;
}

std::vector<ClaimFile> load_claims(const config::DocumentSource& source, config::Diagnostics& diagnostics) {
  std::vector<ClaimFile> files;
  for (const auto& name : source.list("claims"))
    if (auto file = load_claim_file(source, name, diagnostics)) files.push_back(std::move(*file));
  return files;
}

}  // namespace zettatwin::claims
