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

Traits traits_of(const training::Job& job, const std::string& quantity) {
  const auto& kinds = job.architecture.kinds;
  const bool experts = std::any_of(kinds.begin(), kinds.end(), [](const auto& kind) { return kind.experts.has_value(); });
  const bool measured = !job.machine.chip.efficiency.status.starts_with("unmeasured");
  return {.family = fmt::format("{}/{}/{}", quantity, experts ? "experts" : "dense", job.software.name.substr(0, job.software.name.find('@'))), .chip_measured = measured, .assumed = 0};
}

void describe(config::Schema& s, Family& family) {
  s.text("name", family.name, "path of the family, from the general to the special");
  s.number("width", family.width, "half width of ln(measured / predicted)", {.range = {0, 10}});
  s.number("assumed", family.assumed, "knobs that its runs left open, on average", {.range = {0, 100}});
  s.integer("rows", family.rows, "measured runs");
  s.integer("campaigns", family.campaigns, "sources and chips among them");
}

void describe(config::Schema& s, Intervals& intervals) {
  s.number("share", intervals.share, "of measured values that lie inside", {.range = config::kFraction});
  s.list("families", intervals.families, "half widths, parents before children");
  s.figure("knob", intervals.knob, "half width of one knob that had to be assumed", {.range = config::kNonNegative});
  s.figure("unmeasured_chip", intervals.unmeasured_chip, "half width of a chip whose kernels nobody has measured", {.range = config::kNonNegative});
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
  if (!traits.chip_measured) {
    square += intervals.unmeasured_chip.si() * intervals.unmeasured_chip.si();
    width.basis += ", a chip without kernel measurements";
  }
  width.log = std::sqrt(square);
  return width;
}

}  // namespace zettatwin::uncertainty
