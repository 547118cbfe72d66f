// SPDX-License-Identifier: Apache-2.0
#include "uncertainty/fit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/contract.hpp"

namespace zettatwin::uncertainty {
namespace {

using Samples = std::vector<const Sample*>;

bool within(const std::string& path, const std::string& family) { return path == family || (path.starts_with(family) && path[family.size()] == '/'); }

// Each campaign weighs 1.
std::vector<std::pair<double, double>> weighted(const Samples& samples, const std::vector<double>& values) {
  std::map<std::string, double> rows;
  for (const auto* s : samples) ++rows[s->campaign];
  std::vector<std::pair<double, double>> result;
  for (std::size_t i = 0; i < samples.size(); ++i) result.emplace_back(values[i], 1 / rows[samples[i]->campaign]);
  return result;
}

Family own_figures(const std::string& name, const Samples& all, double share) {
  Family family{.name = name};
  Samples own;
  std::vector<double> errors;
  std::set<std::string> campaigns;
  for (const auto* s : all) {
    if (!within(s->traits.family, name)) continue;
    own.push_back(s);
    errors.push_back(std::abs(s->log_error));
    campaigns.insert(s->campaign);
    family.assumed += static_cast<double>(s->traits.assumed);
    family.kernels += s->traits.kernels * s->traits.kernels;
  }
  family.rows = static_cast<std::int64_t>(own.size());
  family.campaigns = static_cast<std::int64_t>(campaigns.size());
  family.assumed /= static_cast<double>(own.size());
  family.kernels = std::sqrt(family.kernels / static_cast<double>(own.size()));
  family.width = weighted_quantile(weighted(own, errors), share);
  return family;
}

// All families, parents first, each drawn towards its parent.
std::vector<Family> families(const Samples& samples, double share) {
  std::set<std::string> names;
  for (const auto* s : samples)
    for (auto end = s->traits.family.find('/');; end = s->traits.family.find('/', end + 1)) {
      names.insert(s->traits.family.substr(0, end));
      if (end == std::string::npos) break;
    }
  std::vector<Family> result;
  for (const auto& name : names) {  // sorted, so a parent comes first
    auto family = own_figures(name, samples, share);
    const auto parent = std::find_if(result.begin(), result.end(), [&, up = name.substr(0, name.rfind('/'))](const Family& f) { return f.name == up; });
    const auto campaigns = static_cast<double>(family.campaigns);
    if (parent != result.end()) family.width = (campaigns * family.width + parent->width) / (campaigns + 1);
    result.push_back(std::move(family));
  }
  return result;
}

// Slope of r^2 over assumed knobs, each family about its own means.
double knob_variance(const Samples& samples) {
  std::map<std::string, Samples> leaves;
  for (const auto* s : samples) leaves[s->traits.family].push_back(s);
  double product = 0, square = 0;
  for (const auto& [name, rows] : leaves) {
    double knobs = 0, errors = 0;
    for (const auto* s : rows) {
      knobs += static_cast<double>(s->traits.assumed) / static_cast<double>(rows.size());
      errors += s->log_error * s->log_error / static_cast<double>(rows.size());
    }
    for (const auto* s : rows) {
      const double more = static_cast<double>(s->traits.assumed) - knobs;
      product += more * (s->log_error * s->log_error - errors);
      square += more * more;
    }
  }
  return square > 0 ? std::max(0.0, product / square) : 0;
}

// By how much widths must grow to hold the share of campaigns that they were not fitted to.
double growth(const Samples& samples, double share) {
  std::set<std::string> campaigns;
  for (const auto* s : samples) campaigns.insert(s->campaign);
  Samples judged;
  std::vector<double> ratios;
  for (const auto& left_out : campaigns) {
    Samples others;
    for (const auto* s : samples)
      if (s->campaign != left_out) others.push_back(s);
    const Intervals without{.share = share, .families = families(others, share), .knob = {}, .provenance = {}};
    for (const auto* s : samples) {
      if (s->campaign != left_out) continue;
      const auto width = half_width(without, {.family = s->traits.family, .chip_measured = true, .kernels = s->traits.kernels, .assumed = 0});
      if (!width || width->log <= 0) continue;
      judged.push_back(s);
      ratios.push_back(std::abs(s->log_error) / width->log);
    }
  }
  return judged.empty() ? 1 : std::max(1.0, weighted_quantile(weighted(judged, ratios), share));
}

}  // namespace

double weighted_quantile(std::vector<std::pair<double, double>> values, double share) {
  ZT_EXPECT(!values.empty(), "a quantile of nothing");
  std::sort(values.begin(), values.end());
  double total = 0, below = 0;
  for (const auto& [value, weight] : values) total += weight;
  for (const auto& [value, weight] : values) {
    below += weight;
    if (below >= share * total * (1 - 1e-12)) return value;
  }
  return values.back().first;
}

Intervals fitted(Intervals intervals, const std::vector<Sample>& samples) {
  constexpr double kNormal80 = 1.2816;  // half width of a normal's central 80 % in standard deviations
  std::map<std::string, Samples> by_quantity;  // what is not comparable shares no parent
  for (const auto& s : samples)
    if (s.traits.chip_measured) by_quantity[s.traits.family.substr(0, s.traits.family.find('/'))].push_back(&s);
  intervals.families.clear();
  std::string grown;
  for (const auto& [quantity, rows] : by_quantity) {
    const double factor = growth(rows, intervals.share);
    grown += fmt::format("{}{} {:.2f}", grown.empty() ? "" : ", ", quantity, factor);
    for (auto family : families(rows, intervals.share)) {
      family.width *= factor;
      intervals.families.push_back(std::move(family));
    }
    if (quantity != kStepTime) continue;
    intervals.knob.value = units::Ratio::from_si(kNormal80 * std::sqrt(knob_variance(rows)));
    intervals.knob.provenance = {.source = "ZT", .confidence = config::Confidence::derived, .note = "slope of squared residuals over assumed knobs within families of calibration runs"};
    intervals.knob.present = true;
  }
  intervals.provenance = fmt::format("residuals of {} calibration runs; widths grown so that campaigns left out are covered: {}", samples.size(), grown);
  return intervals;
}

std::string yaml(const Intervals& intervals) {
  const auto figure = [](const char* key, const config::Figure<units::Ratio>& f) {
    return fmt::format("{}: {{value: {:.4f}, source: {}, confidence: {}, note: '{}'}}\n", key, f.si(), f.provenance.source, config::name_of(f.provenance.confidence), f.provenance.note);
  };
  std::string text = "# SPDX-License-Identifier: Apache-2.0\n"
                     "# Half widths of intervals around predictions (docs/math/uncertainty.md). Written by a program; fit again with\n"
                     "#   zettatwin validate --rows ROWS.csv --set calibration --fit-intervals catalog/validation/intervals.yaml\n";
  text += fmt::format("provenance: '{}'\nshare: {:g}\n", intervals.provenance, intervals.share);
  text += figure("knob", intervals.knob) + figure("served_knob", intervals.served_knob) + "served:  # estimates\n";
  for (const auto& s : intervals.served) text += fmt::format("  - {{name: {}, width: {:g}, note: '{}'}}\n", s.name, s.width, s.note);
  text += "families:\n";
  for (const auto& f : intervals.families)
    text += fmt::format("  - {{name: {}, width: {:.4f}, assumed: {:.3f}, kernels: {:.4f}, rows: {}, campaigns: {}}}\n", f.name, f.width, f.assumed, f.kernels, f.rows, f.campaigns);
  return text;
}

}  // namespace zettatwin::uncertainty
