// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "validation/plot.hpp"
#include "validation/show.hpp"

namespace zettatwin::validation {
namespace {

constexpr const char* kHead = R"(<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"/><title>Predicted and measured runs</title><style>
body{font:14px/1.45 system-ui,sans-serif;margin:24px auto;max-width:1240px;padding:0 16px;color:#1c2733;background:#fff}
h1{font-size:22px;margin:0 0 4px}h2{font-size:17px;margin:30px 0 8px}p{margin:4px 0 8px;max-width:900px}
.wide{overflow-x:auto}#groups td:nth-child(2){min-width:230px}table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{padding:3px 9px;border-bottom:1px solid #e3e8ee;text-align:left;vertical-align:top}td.n,th.n{text-align:right;white-space:nowrap}
thead th{position:sticky;top:0;background:#f4f6f9;cursor:pointer;user-select:none}
tr.off td.e{color:#b03a2e;font-weight:600}td.ok{color:#2c7a39}td.no{color:#b03a2e}tr.apart{color:#8a94a0}
.plots{display:grid;grid-template-columns:repeat(auto-fill,minmax(286px,1fr));gap:8px}svg{max-width:100%;height:auto}
td:nth-child(2){min-width:90px}input{font:inherit;padding:4px 8px;width:320px;margin:4px 0 8px}#rows td:last-child{min-width:220px;color:#56626f;font-size:12px}
</style></head><body>
)";

// Sorts a table by the column that is pressed; numbers by value. Filters rows by what is typed.
constexpr const char* kScript = R"(<script>
document.querySelectorAll('table.sort').forEach(function(t){t.tHead.querySelectorAll('th').forEach(function(h,c){h.onclick=function(){
 var up=h.dataset.up!=='1';t.tHead.querySelectorAll('th').forEach(function(o){o.dataset.up=''});h.dataset.up=up?'1':'0';
 var v=function(r){var d=r.cells[c],x=d.dataset.v!==undefined?d.dataset.v:d.textContent;return x===''?null:isNaN(x)?x:+x};
 Array.from(t.tBodies[0].rows).map(function(r){return[v(r),r]}).sort(function(a,b){var x=a[0],y=b[0];if(x===null)return y===null?0:1;if(y===null)return -1;
 if(typeof x!==typeof y){x=''+x;y=''+y}return (x<y?-1:x>y?1:0)*(up?1:-1)}).forEach(function(p){t.tBodies[0].appendChild(p[1])})}})});
var f=document.getElementById('filter');if(f)f.oninput=function(){var q=f.value.toLowerCase();Array.from(document.getElementById('rows').tBodies[0].rows).forEach(function(r){
 r.style.display=r.textContent.toLowerCase().indexOf(q)<0?'none':''})};
</script></body></html>
)";

std::string cell(const std::string& text, const char* kind = "") { return fmt::format("<td{}>{}</td>", *kind ? fmt::format(" class=\"{}\"", kind) : "", escaped(text)); }
std::string number(double value, int digits, const char* kind = "n") { return fmt::format("<td class=\"{}\" data-v=\"{:.6g}\">{:.{}f}</td>", kind, value, value, digits); }
std::string figure(const std::optional<double>& value, const char* kind = "n") { return value ? fmt::format("<td class=\"{}\" data-v=\"{:.6g}\">{:.4g}</td>", kind, *value, *value) : fmt::format("<td class=\"{}\"></td>", kind); }

std::string head(std::initializer_list<const char*> titles, std::size_t text_columns) {
  std::string out = "<thead><tr>";
  std::size_t column = 0;
  for (const char* title : titles) out += fmt::format("<th{}>{}</th>", column++ < text_columns ? "" : " class=\"n\"", title);
  return out + "</tr></thead>";
}

std::string group_table(const Judgements& judgements, const GroupNotes& notes) {
  std::string out = "<div class=\"wide\"><table class=\"sort\" id=\"groups\">" + head({"group", "what", "rows", "predicted", "coverage %", "median %", "mean %", "p90 %", "max %", "bias %", "tau", "sweeps", "in 80 %"}, 2) + "<tbody>\n";
  for (const auto& s : scores(judgements)) {
    const auto note = std::find_if(notes.groups.begin(), notes.groups.end(), [&](const GroupNote& n) { return n.group == s.group; });
    out += "<tr>" + cell(s.group) + cell(note == notes.groups.end() ? "" : note->title) + number(static_cast<double>(s.rows), 0) + number(static_cast<double>(s.predicted), 0) + number(100 * s.coverage(), 0);
    if (s.predicted > 0)
      out += number(s.median, 1) + number(s.mean, 1) + number(s.p90, 1) + number(s.max, 1) + fmt::format("<td class=\"n\" data-v=\"{0:.6g}\">{0:+.1f}</td>", s.bias) + (s.order.tau ? number(*s.order.tau, 2) : cell("")) + number(static_cast<double>(s.order.sweeps), 0) +
             (s.with_interval > 0 ? fmt::format("<td class=\"n\" data-v=\"{0:.4g}\">{0:.0f} %</td>", 100 * static_cast<double>(s.inside) / static_cast<double>(s.with_interval)) : cell(""));
    else out += "<td></td><td></td><td></td><td></td><td></td><td></td><td></td><td></td>";
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

std::string bar_table(const Judgements& judgements, const GroupNotes& notes) {
  std::string rows;
  for (const auto& r : held_against(notes.bars, judgements)) {
    if (r.score.rows == 0) continue;
    const auto words = words_of(r, "&#8804;");
    rows += "<tr>" + cell(r.bar.name) + number(static_cast<double>(r.score.predicted), 0) + fmt::format("<td>{}</td><td>{}</td>", words.bar, words.is) + (r.met ? cell("met", "ok") : cell("missed", "no")) + "</tr>\n";
  }
  if (rows.empty()) return "";
  return "<h2>Bars</h2>\n<table class=\"sort\"><thead><tr><th>what</th><th class=\"n\">rows</th><th>bar</th><th>is</th><th></th></tr></thead><tbody>\n" + rows + "</tbody></table>\n";
}

std::string row_cells(const Judgement& j) {
  const auto error = j.signed_error();
  const bool off = error && std::abs(*error) > 20;
  return fmt::format("<tr{}>", !j.excluded.empty() ? " class=\"apart\"" : off ? " class=\"off\"" : "") + cell(j.id) + cell(j.set) + cell(j.group) + cell(j.model) + cell(j.chip) + number(static_cast<double>(j.chips), 0) +
         cell(std::string(name_of(j.status))) + cell(j.metric) + cell(j.unit) + figure(j.measured > 0 ? std::optional(j.measured) : std::nullopt) + figure(j.predicted) + (error ? number(*error, 1, "n e") : cell("", "n e")) +
         figure(j.low()) + figure(j.high()) + cell(fmt::format("{}{}{}{}{}", fmt::join(j.assumed, "; "), j.assumed.empty() || j.note.empty() ? "" : ". ", j.note, j.excluded.empty() ? "" : " Scored apart: ", j.excluded)) + "</tr>\n";
}

std::string row_table(const std::vector<const Judgement*>& rows, const char* id) {
  std::string out = fmt::format("<div class=\"wide\"><table class=\"sort\" id=\"{}\"><thead><tr>", id);
  for (const char* title : {"id", "set", "group", "model", "chip"}) out += fmt::format("<th>{}</th>", title);
  out += "<th class=\"n\">chips</th><th>status</th><th>metric</th><th>unit</th>";
  for (const char* title : {"measured", "predicted", "error %", "low", "high"}) out += fmt::format("<th class=\"n\">{}</th>", title);
  out += "<th>assumed, notes</th></tr></thead><tbody>\n";
  for (const auto* j : rows) out += row_cells(*j);
  return out + "</tbody></table></div>\n";
}

std::string counts(const char* title, const std::vector<Count>& list) {
  if (list.empty()) return "";
  std::string out = fmt::format("<h2>{}</h2>\n<table class=\"sort\">", title) + "<thead><tr><th class=\"n\">rows</th><th>what</th></tr></thead><tbody>\n";
  for (const auto& c : list) out += "<tr>" + number(static_cast<double>(c.rows), 0) + cell(c.text) + "</tr>\n";
  return out + "</tbody></table>\n";
}

}  // namespace

std::string html(const Judgements& judgements, const GroupNotes& notes) {
  const auto all = all_of(judgements);
  const auto groups = plot_groups(all);
  std::string out = kHead;
  out += fmt::format("<h1>Predicted and measured runs</h1>\n<p>{} rows. Error: (predicted / measured - 1). Low and high: ends of the interval that should hold 80 % of measured values. Coverage: fully specified rows that were predicted. tau: Kendall's, "
                     "within sweeps over plans of one model on one machine. Blue: public rows, grey: calibration rows, red: scored apart. Press a column's title to sort.</p>\n",
                     judgements.rows.size());
  out += "<h2>Groups</h2>\n" + group_table(judgements, notes) + bar_table(judgements, notes) + "<h2>Signed errors by group</h2>\n" + errors_svg(groups, true) + "<h2>Predicted over measured</h2>\n<div class=\"plots\">\n";
  for (const auto& group : groups) out += scatter_svg(group, true);
  out += "</div>\n";
  auto worst = farthest_off(all);
  worst.resize(std::min<std::size_t>(worst.size(), 20));
  out += "<h2>Farthest off</h2>\n" + row_table(worst, "worst") + counts("Not predicted", reasons_of(all)) + counts("What was assumed", assumptions_of(all));
  out += "<h2>All rows</h2>\n<input id=\"filter\" placeholder=\"show rows with these letters\"/>\n" + row_table(all, "rows") + kScript;
  return out;
}

}  // namespace zettatwin::validation
