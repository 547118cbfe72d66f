// SPDX-License-Identifier: Apache-2.0
// The audit for a terminal.
#include <fmt/format.h>

#include "claims/agreement.hpp"
#include "claims/detail/comparison_text.hpp"
#include "claims/report.hpp"
#include "units/text.hpp"

namespace zettatwin::claims {
namespace {

constexpr std::size_t kColumns = 120;
constexpr std::size_t kRowColumns = 98;  // of a reading without remark

// Breaks at spaces; continuation lines are indented.
std::string wrapped(const std::string& text, std::size_t indent) {
  std::string out(indent, ' ');
  std::size_t column = indent, at = 0;
  while (at < text.size()) {
    const auto end = std::min(text.find(' ', at), text.size());
    const auto length = end - at;
    if (column > indent && column + 1 + length > kColumns) {
      out += "\n" + std::string(indent, ' ');
      column = indent;
    } else if (column > indent) {
      out += ' ';
      ++column;
    }
    out.append(text, at, length);
    column += length;
    at = end + 1;
  }
  return out + "\n";
}

std::string value_text(const Value& v) {
  if (!v.known()) return "-";
  return shown(v.si(), v.node.dimension);
}

std::string remark(const ReadingResult& r) {
  if (!r.value.known()) return r.value.missing;
  if (r.value.has_range()) return range_text(r.value);
  return r.value.rests_on(config::Confidence::estimated) ? "estimated" : "";
}

void details(std::string& out, const ReadingResult& r) {
  const auto& v = r.value;
  if (!v.known()) return;
  out += wrapped("= " + v.node.formula, 8);
  for (const auto& input : v.node.inputs)
    out += wrapped(fmt::format("{}: {} [{}: {}]{}", input.name, input.value, config::name_of(input.confidence), input.source,
                               input.note.empty() ? "" : " " + input.note), 10);
  if (!r.reading.note.empty()) out += wrapped(r.reading.note, 10);
}

// mark, reading, value, ratio to the stated value, remark
void row(std::string& out, const ReadingResult& r, char mark, bool with_details) {
  const auto& name = r.reading.name;
  const auto ratio = r.ratio >= 100 ? fmt::format("{:.0f}", r.ratio) : r.ratio > 0 ? fmt::format("{:.3f}", r.ratio) : "";
  const auto note = remark(r);
  out += fmt::format("    {} {:<66}{:>18}{:>8}", mark, name, value_text(r.value), ratio);
  const bool beside = kRowColumns + 2 + note.size() <= kColumns;
  out += beside && !note.empty() ? "  " + note : "";
  out.erase(out.find_last_not_of(' ') + 1);
  out += "\n";
  if (!beside) out += wrapped(note, 8);
  if (with_details) details(out, r);
}

std::string verdict_text(const ClaimResult& c) {
  const auto* estimated = c.rests_on_estimates() ? ", on estimated figures" : "";
  switch (c.verdict) {
    case Verdict::holds_exactly: return fmt::format("HOLDS EXACTLY{}", estimated);
    case Verdict::holds_in_reading: return fmt::format("HOLDS IN THE READING: {}{}", c.readings[static_cast<std::size_t>(c.holding)].reading.name, estimated);
    case Verdict::does_not_hold: return "DOES NOT HOLD in any reading tried";
    case Verdict::cannot_be_checked: return fmt::format("CANNOT BE CHECKED: not published: {}", c.claim.not_published);
  }
  return "";
}

std::string stated_text(const Claim& claim) {
  if (!claim.stated.present) return "no value stated";
  const auto& s = claim.stated;
  return fmt::format("stated {}{} [{}: {}]", claim.relation == Relation::at_least ? "more than " : "", shown(s.si, s.dimension, significant_digits(s.si)),
                     config::name_of(s.provenance.confidence), s.provenance.source);
}

void claim_text(std::string& out, const ClaimResult& c, bool with_details) {
  out += "\n" + wrapped(fmt::format("{}: {}", c.claim.name(), c.claim.text), 0);
  out += wrapped(fmt::format("{} -> {}", stated_text(c.claim), verdict_text(c)), 2);
  for (const auto& r : c.readings) row(out, r, r.agrees ? '=' : ' ', with_details);
  if (!c.practice.empty() && !c.readings.empty()) out += "    what follows, and what a real model gets\n";
  for (const auto& r : c.practice) row(out, r, '.', with_details);
  if (!c.claim.note.empty()) out += wrapped(c.claim.note, 4);
  if (c.readings.empty() && c.practice.empty() && !c.availability.empty()) out += wrapped("the catalog's latest: " + c.availability, 4);
}

std::string_view plural(Verdict verdict) {
  switch (verdict) {
    case Verdict::holds_exactly: return "hold exactly";
    case Verdict::holds_in_reading: return "hold in a reading";
    case Verdict::does_not_hold: return "do not hold";
    case Verdict::cannot_be_checked: break;
  }
  return name_of(verdict);
}

void tally(std::string& out, const Audit& audit) {
  std::string parts;
  int all = 0;
  for (const auto v : {Verdict::holds_exactly, Verdict::holds_in_reading, Verdict::does_not_hold, Verdict::cannot_be_checked}) {
    const int n = audit.count(v);
    all += n;
    parts += fmt::format("{}{} {}", parts.empty() ? "" : ", ", n, n == 1 ? name_of(v) : plural(v));
  }
  if (all > 0) out += fmt::format("\nof {} claim{}: {}\n", all, all == 1 ? "" : "s", parts);
}

}  // namespace

std::string text(const Audit& audit, bool with_details) {
  std::string out;
  for (const auto& file : audit.files) {
    out += fmt::format("{}{}\n{}\n", out.empty() ? "" : "\n", file.title, std::string(file.title.size(), '='));
    if (!file.claims.empty()) out += fmt::format("      {:<66}{:>18}{:>8}\n", "reading (= agrees with the stated value)", "recomputed", "ratio");
    for (const auto& claim : file.claims) claim_text(out, claim, with_details);
    for (const auto& comparison : file.comparisons) out += "\n" + detail::comparison_text(comparison);
  }
  tally(out, audit);
  return out;
}

}  // namespace zettatwin::claims
