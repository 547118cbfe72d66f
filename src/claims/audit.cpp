// SPDX-License-Identifier: Apache-2.0
#include "claims/audit.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "claims/agreement.hpp"
#include "claims/measure.hpp"

namespace zettatwin::claims {
namespace {

std::vector<std::string> known_names(const std::vector<ClaimFile>& files) {
  std::vector<std::string> names;
  for (const auto& file : files) {
    names.push_back(file.name);
    const auto add = [&](const std::string& id) { names.push_back(id), names.push_back(file.name + "." + id); };
    for (const auto& claim : file.claims) add(claim.id);
    for (const auto& comparison : file.comparisons) add(comparison.id);
  }
  return names;
}

void check_names(const std::vector<ClaimFile>& files, const std::vector<std::string>& names, config::Diagnostics& diagnostics) {
  const auto known = known_names(files);
  for (const auto& name : names) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    const auto near = config::nearest(name, known);
    diagnostics.error(config::location_in("claims"), fmt::format("no claim is named '{}'", name), "",
                      near.empty() ? "zettatwin claims without a name lists all" : fmt::format("did you mean '{}'?", near));
  }
}

bool asked(const std::vector<std::string>& names, const std::string& file, const std::string& id) {
  const auto is = [&](const std::string& name) { return name == file || name == id || name == file + "." + id; };
  return names.empty() || std::any_of(names.begin(), names.end(), is);
}

ReadingResult read(const Reading& reading, const Claim& claim, World& world, config::Diagnostics& diagnostics) {
  ReadingResult result{.reading = reading, .value = computed(reading, claim, world, diagnostics)};
  const auto& value = result.value;
  if (!value.known() || !claim.stated.present || value.node.dimension != claim.stated.dimension) return result;
  result.ratio = value.si() / claim.stated.si;
  result.agrees = agrees(claim.stated.si, claim.relation, value.si());
  return result;
}

void judge(ClaimResult& result) {
  for (std::size_t i = 0; i < result.readings.size() && result.holding < 0; ++i)
    if (result.readings[i].agrees) result.holding = static_cast<int>(i);
  if (!result.claim.not_published.empty()) result.verdict = Verdict::cannot_be_checked;
  else if (result.holding == 0) result.verdict = Verdict::holds_exactly;
  else result.verdict = result.holding > 0 ? Verdict::holds_in_reading : Verdict::does_not_hold;
}

std::string availability_of(const hardware::Machine& machine) {
  const auto& a = machine.availability;
  std::string text = a.status;
  const auto add = [&](std::string_view word, const std::string& value) {
    if (!value.empty()) text += fmt::format("{}{}{}", text.empty() ? "" : "; ", word, value);
  };
  if (a.status == "announced" && !a.announced.empty()) text += " " + a.announced;
  else add("announced ", a.announced);
  add("shipping ", a.shipping);
  add("revised ", a.revised);
  return text;
}

ClaimResult audited(const Claim& claim, World& world, config::Diagnostics& diagnostics) {
  ClaimResult result{.claim = claim, .readings = {}, .practice = {}, .availability = ""};
  const auto where = config::location_in(fmt::format("claims/{}.yaml: {}", claim.file, claim.id));
  if (const auto* machine = world.machine({.machine = claim.machine}, where, diagnostics)) result.availability = availability_of(*machine);
  for (const auto& reading : claim.readings) {
    result.readings.push_back(read(reading, claim, world, diagnostics));
    const auto& value = result.readings.back().value;
    if (value.known() && value.node.dimension != dimension_of(claim.kind))
      diagnostics.error(where, fmt::format("the reading '{}' gives {}", reading.name, shown(value.si(), value.node.dimension)),
                        fmt::format("a claim of the kind {} has another unit", config::word_of(kind_words(), claim.kind)), "move it to 'practice', or divide it by something");
  }
  for (const auto& reading : claim.practice) {
    result.practice.push_back(read(reading, claim, world, diagnostics));
    auto& r = result.practice.back();
    r.agrees = false;
    if (reading.over) r.ratio = 0;  // a share or a density is no part of the claim
  }
  judge(result);
  return result;
}

}  // namespace

std::string_view name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::holds_exactly: return "holds exactly";
    case Verdict::holds_in_reading: return "holds in a reading";
    case Verdict::does_not_hold: return "does not hold";
    case Verdict::cannot_be_checked: return "cannot be checked";
  }
  return "?";
}

int Audit::count(Verdict verdict) const {
  int n = 0;
  for (const auto& file : files)
    for (const auto& claim : file.claims) n += claim.verdict == verdict ? 1 : 0;
  return n;
}

Audit audit(const std::vector<ClaimFile>& files, const std::vector<std::string>& names, World& world, config::Diagnostics& diagnostics) {
  Audit result;
  check_names(files, names, diagnostics);
  if (diagnostics.has_errors()) return result;
  for (const auto& file : files) {
    AuditedFile audited_file{.name = file.name, .title = file.title, .claims = {}, .comparisons = {}};
    for (const auto& claim : file.claims)
      if (asked(names, file.name, claim.id)) audited_file.claims.push_back(audited(claim, world, diagnostics));
    for (const auto& c : file.comparisons)
      if (asked(names, file.name, c.id))
        audited_file.comparisons.push_back(compared(c, world, config::location_in(fmt::format("claims/{}.yaml: {}", file.name, c.id)), diagnostics));
    if (!audited_file.claims.empty() || !audited_file.comparisons.empty()) result.files.push_back(std::move(audited_file));
  }
  return result;
}

}  // namespace zettatwin::claims
