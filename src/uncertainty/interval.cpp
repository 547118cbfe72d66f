// SPDX-License-Identifier: Apache-2.0
#include "uncertainty/interval.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "units/text.hpp"

namespace zettatwin::uncertainty {
namespace {

// The most special known family on the path.
const Family* nearest_family(const Intervals& intervals, const std::string& path) {
  for (std::string name = path;;) {
    const auto at = std::find_if(intervals.families.begin(), intervals.families.end(), [&](const Family& f) { return f.name == name; });
    if (at != intervals.families.end()) return &*at;
    const auto slash = name.rfind('/');
    if (slash == std::string::npos) return nullptr;
    name.resize(slash);
  }
}

}  // namespace

Traits traits_of(const training::Job& job, const training::TrainingResult& result, const std::string& quantity) {
  const auto& kinds = job.architecture.kinds;
  const bool experts = std::any_of(kinds.begin(), kinds.end(), [](const auto& kind) { return kind.experts.has_value(); });
  const bool measured = !job.machine.chip.efficiency.status.starts_with("unmeasured");
  const double time = result.step_time.seconds().si();
  const double kernels = quantity == kStepTime && time > 0 ? result.kernels.half_width(job.machine.chip, time) : 0;
  return {.family = fmt::format("{}/{}/{}", quantity, experts ? "experts" : "dense", job.software.name.substr(0, job.software.name.find('@'))), .chip_measured = measured, .kernels = kernels, .assumed = 0};
}

void describe(config::Schema& s, Family& family) {
  s.text("name", family.name, "path of the family, from the general to the special");
  s.number("width", family.width, "half width of ln(measured / predicted)", {.range = {0, 10}});
  s.number("assumed", family.assumed, "knobs that its runs left open, on average", {.range = {0, 100}});
  s.number("kernels", family.kernels, "half width that the residuals of kernels alone would give its runs, root mean square", {.range = {0, 10}});
  s.integer("rows", family.rows, "measured runs");
  s.integer("campaigns", family.campaigns, "sources and chips among them");
}

void describe(config::Schema& s, ServedWidth& served) {
  s.text("name", served.name, "figure of a serving system");
  s.number("width", served.width, "half width of ln(measured / predicted) that kernels leave out", {.range = {0, 10}});
  s.text("note", served.note, "why it is so wide");
}

void describe(config::Schema& s, Intervals& intervals) {
  s.number("share", intervals.share, "of measured values that lie inside", {.range = config::kFraction});
  s.list("families", intervals.families, "half widths, parents before children");
  s.figure("knob", intervals.knob, "half width of one knob that had to be assumed", {.range = config::kNonNegative});
  s.list("served", intervals.served, "half widths of figures of serving systems, without kernels");
  s.figure("served_knob", intervals.served_knob, "half width of one knob of a serving run that had to be assumed", {.range = config::kNonNegative});
  s.text("provenance", intervals.provenance, "what was fitted, and how to do it again");
}

std::optional<Intervals> load_intervals(const config::DocumentSource& source, config::Diagnostics& diagnostics) {
  constexpr const char* kPath = "validation/intervals.yaml";
  const auto text = source.read(kPath);
  if (!text) return std::nullopt;
  const auto document = config::parse_document(*text, kPath, diagnostics);
  if (!document) return std::nullopt;
  const auto errors_before = diagnostics.error_count();
  Intervals intervals;
  config::read(*document, "intervals", config::FigureForm::provenance_required, diagnostics, intervals);
  return diagnostics.error_count() == errors_before ? std::optional(std::move(intervals)) : std::nullopt;
}

std::optional<HalfWidth> half_width(const Intervals& intervals, const Traits& traits) {
  const auto* family = nearest_family(intervals, traits.family);
  if (!family) return std::nullopt;
  const double unusual = std::max(0.0, static_cast<double>(traits.assumed) - family->assumed);  // knobs beyond those that the family's runs left open as well
  double square = family->width * family->width + unusual * intervals.knob.si() * intervals.knob.si();
  HalfWidth width{.log = 0, .basis = fmt::format("{} measured runs of {}", units::grouped(family->rows), family->name)};
  if (unusual > 0) width.basis += fmt::format(", {} assumed knob{}", traits.assumed, traits.assumed == 1 ? "" : "s");
  if (traits.kernels > family->kernels) {
    square += traits.kernels * traits.kernels - family->kernels * family->kernels;
    width.basis += fmt::format(", kernels of the chip known to {:.0f} %", 100 * traits.kernels);
    if (!traits.chip_measured) width.basis += " as nobody has measured them";
  }
  width.log = std::sqrt(square);
  return width;
}

std::optional<double> served_half_width(const Intervals& intervals, const std::string& name, double kernels, std::int64_t assumed) {
  const auto at = std::find_if(intervals.served.begin(), intervals.served.end(), [&](const ServedWidth& s) { return s.name == name; });
  if (at == intervals.served.end()) return std::nullopt;
  const double knob = intervals.served_knob.si();
  return std::sqrt(at->width * at->width + static_cast<double>(assumed) * knob * knob + kernels * kernels);
}

}  // namespace zettatwin::uncertainty
