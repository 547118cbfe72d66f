// SPDX-License-Identifier: Apache-2.0
#include "validation/document_tables.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace zettatwin::validation {
namespace {

std::string share(std::int64_t part, std::int64_t all) { return all > 0 ? fmt::format("{:.0f} %", 100 * static_cast<double>(part) / static_cast<double>(all)) : ""; }

const GroupNote* note_of(const GroupNotes& notes, const std::string& group) {
  const auto at = std::find_if(notes.groups.begin(), notes.groups.end(), [&](const GroupNote& n) { return n.group == group; });
  return at == notes.groups.end() ? nullptr : &*at;
}

}  // namespace

std::string table_cell(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '|' ? "\\|" : c == '\n' || c == '\r' ? " " : std::string(1, c);
  return out;
}

std::string group_rows(const Judgements& judgements, const GroupNotes& notes) {
  std::string out = "| group | what | rows | coverage | median | mean | p90 | max | bias | tau (sweeps) | inside 80 % interval |\n|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n";
  for (const auto& s : scores(judgements)) {
    const auto* note = note_of(notes, s.group);
    out += fmt::format("| {} | {} | {} | {:.0f} % |", s.group, note ? table_cell(note->title) : "", s.rows, 100 * s.coverage());
    if (s.predicted == 0) out += " | | | | | | |\n";
    else out += fmt::format(" {:.1f} | {:.1f} | {:.1f} | {:.1f} | {:+.1f} | {} | {} |\n", s.median, s.mean, s.p90, s.max, s.bias, s.order.tau ? fmt::format("{:.2f} ({})", *s.order.tau, s.order.sweeps) : "", share(s.inside, s.with_interval));
  }
  return out + "\n";
}

std::string bar_rows(const Judgements& judgements, const GroupNotes& notes) {
  std::string out = "| what | rows | bar | is | |\n|---|--:|---|---|---|\n";
  for (const auto& r : held_against(notes.bars, judgements)) {
    const auto words = words_of(r, "<=");
    out += fmt::format("| {} | {} | {} | {} | {} |\n", table_cell(r.bar.name), r.score.predicted, words.bar, words.is, r.met ? "met" : "**missed**");
  }
  return out + "\n";
}

namespace {

std::string order_rows(const BarResult& r) {
  std::string out = "| order within | sweeps | pairs | tau | of pairs more than 10 % apart |\n|---|--:|--:|--:|--:|\n";
  std::vector<std::string> groups;
  for (const auto* j : r.rows)
    if (std::find(groups.begin(), groups.end(), j->group) == groups.end()) groups.push_back(j->group);
  groups.emplace_back();
  for (const auto& group : groups) {
    std::vector<const Judgement*> rows;
    for (const auto* j : r.rows)
      if (group.empty() || j->group == group) rows.push_back(j);
    const auto order = rank_agreement(rows);
    if (order.tau) out += fmt::format("| {} | {} | {} | {:.2f} | {} in order |\n", group.empty() ? "all" : group, order.sweeps, order.pairs, *order.tau, order.apart > 0 ? share(order.apart_in_order, order.apart) : "none");
  }
  return out + "\n";
}

}  // namespace

std::string missed_bars(const Judgements& judgements, const GroupNotes& notes) {
  constexpr std::size_t kShown = 12;
  std::string out;
  for (const auto& r : held_against(notes.bars, judgements)) {
    if (r.met || r.score.predicted == 0) continue;
    const auto words = words_of(r, "<=");
    out += fmt::format("### {}: {}, bar {}\n\n", r.bar.name, words.is, words.bar);
    out += (r.bar.missing.empty() ? "Not explained." : r.bar.missing) + "\n\n";
    if (r.bar.tau > 0) out += order_rows(r);
    if (r.bar.mean <= 0 && r.bar.max <= 0) continue;
    const auto groups = subgroups(r);
    out += "| residuals of | rows | bias | mean | from | to |\n|---|--:|--:|--:|--:|--:|\n";
    for (std::size_t i = 0; i < std::min(kShown, groups.size()); ++i) {
      const auto& g = groups[i];
      out += fmt::format("| {} | {} | {:+.1f} % | {:.1f} % | {:+.1f} % | {:+.1f} % |\n", table_cell(g.name), g.rows, g.bias, g.mean, g.least, g.most);
    }
    if (groups.size() > kShown) out += fmt::format("| {} others, each adding less to the mean | | | | | |\n", groups.size() - kShown);
    out += "\n";
  }
  return out.empty() ? out : "## Bars that are missed\n\nWhich physics is missing, as far as the residuals tell, and the residuals by what the rows have in common, those that add most to the mean first.\n\n" + out;
}

std::string worst_rows(const std::vector<const Judgement*>& rows, const GroupNotes& notes, std::size_t most) {
  std::string out = "| row | model | chip | chips | measured | predicted | error | why |\n|---|---|---|--:|--:|--:|--:|---|\n";
  const auto worst = farthest_off(rows);
  for (std::size_t i = 0; i < std::min(most, worst.size()); ++i) {
    const auto& j = *worst[i];
    const auto* note = note_of(notes, j.group);
    out += fmt::format("| {} | {} | {} | {} | {:.4g} {} | {:.4g} | {:+.1f} % | {}{} |\n", j.id, table_cell(j.model), table_cell(j.chip), j.chips, j.measured, table_cell(j.unit), *j.predicted, *j.signed_error(), j.status == Status::infeasible ? "predicted not to fit; " : "",
                       note && !note->why.empty() ? table_cell(note->why) : "not explained");
  }
  return out + "\n";
}

std::string count_rows(const std::vector<Count>& list, std::size_t most) {
  std::string out = "| rows | what |\n|--:|---|\n";
  for (std::size_t i = 0; i < std::min(most, list.size()); ++i) out += fmt::format("| {} | {} |\n", list[i].rows, table_cell(list[i].text));
  if (list.size() > most) {
    std::int64_t rest = 0;
    for (std::size_t i = most; i < list.size(); ++i) rest += list[i].rows;
    out += fmt::format("| {} | {} other reasons |\n", rest, list.size() - most);
  }
  return out + "\n";
}

std::string apart_rows(const std::vector<const Judgement*>& rows) {
  std::string out = "| row | reason | measured | predicted | error |\n|---|---|--:|--:|--:|\n";
  bool any = false;
  for (const auto* j : rows) {
    if (j->excluded.empty()) continue;
    any = true;
    out += fmt::format("| {} | {} | {:.4g} {} | {} | {} |\n", j->id, table_cell(j->excluded), j->measured, table_cell(j->unit), j->predicted ? fmt::format("{:.4g}", *j->predicted) : "not predicted", j->signed_error() ? fmt::format("{:+.1f} %", *j->signed_error()) : "");
  }
  return any ? out + "\n" : "No row is scored apart.\n\n";
}

}  // namespace zettatwin::validation
