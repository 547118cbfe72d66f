// SPDX-License-Identifier: Apache-2.0
#include "calibration/calibrate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/stable_hash.hpp"

namespace zettatwin::calibration {
namespace {

using hardware::Chip;

struct Parts {
  std::vector<Sample> fitted, judged;
};

// Half of the groups of shapes, by a stable hash.
Parts parts_of(const std::vector<Sample>& samples, bool hold_out) {
  if (!hold_out) return {samples, samples};
  Parts parts;
  for (const auto& s : samples) (StableHash().add(s.group).value() >> 32 & 1 ? parts.judged : parts.fitted).push_back(s);
  return parts;
}

// Evenly spaced ones: what a few thousand samples say, ten times as many do not change.
std::vector<Sample> thinned(const std::vector<Sample>& samples) {
  constexpr std::size_t kMost = 4000;
  if (samples.size() <= kMost) return samples;
  std::vector<Sample> few;
  for (std::size_t i = 0; i < kMost; ++i) few.push_back(samples[i * samples.size() / kMost]);
  return few;
}

// The figures of the families that are not to be kept. A family that is kept whole gets no entry that the chip had not.
std::vector<Parameter> free_parameters(Chip& chip, const std::vector<Family>& families, const Options& options) {
  const auto kept = [&](const Parameter& p) { return std::any_of(options.keep.begin(), options.keep.end(), [&](const auto& prefix) { return p.path.starts_with(prefix); }); };
  std::vector<Parameter> free;
  for (const auto& family : families) {
    const Chip before = chip;
    auto own = parameters_of(chip, family);
    std::erase_if(own, kept);
    if (own.empty()) chip = before;
    for (auto& p : own) free.push_back(std::move(p));
  }
  return free;
}

// What the memory was measured to stream, carried to families without timings whose shares of its bandwidth only follow a rule: they move as that of streams
// did. Measured ones stay. Half of the spread that the rule allows for remains.
class MemoryShares final {
 public:
  MemoryShares(Calibration& result, const std::vector<FamilySamples>& timed, const Options& options, double ratio) : result_(result), timed_(timed), options_(options), ratio_(ratio) {}

  template <class Entry>
  void carry(const char* kind, std::map<hardware::Precision, Entry>& table) const {
    for (auto& [precision, entry] : table) {
      const Family family{kind, precision};
      if (std::none_of(timed_.begin(), timed_.end(), [&](const auto& t) { return t.family == family; })) carry("efficiency." + family.name() + ".memory", entry.memory);
    }
  }

 private:
  void carry(const std::string& path, config::Figure<units::Ratio>& share) const {
    constexpr double kMost = 1, kFirm = 0.98;
    auto& p = share.provenance;
    const bool kept = std::any_of(options_.keep.begin(), options_.keep.end(), [&](const auto& prefix) { return path.starts_with(prefix); });
    if (!share.present || p.confidence != config::Confidence::estimated || kept) return;
    const auto moved = [&](double value) { return std::min(kMost * kFirm, value * ratio_); };
    const double before = share.si();
    share.value = units::Ratio::from_si(moved(before));
    const double low = p.low_si < p.high_si ? moved((p.low_si + before) / 2) : 0, high = p.low_si < p.high_si ? moved((p.high_si + before) / 2) : 0;
    p = {options_.source, config::Confidence::derived, "by rule, times what streams were measured to reach over what the rule had them reach", low < high ? low : 0, low < high ? high : 0};
    result_.made.insert(path);
  }
  Calibration& result_;
  const std::vector<FamilySamples>& timed_;
  const Options& options_;
  double ratio_;
};

void carry_memory(Calibration& result, const Chip& before, const std::vector<FamilySamples>& timed, const Options& options) {
  if (!result.made.contains("efficiency.stream.memory")) return;
  auto& e = result.chip.efficiency;
  const MemoryShares shares(result, timed, options, e.stream.memory.si() / before.efficiency.stream.memory.si());
  shares.carry("gemm", e.gemm);
  shares.carry("attention", e.attention);
  shares.carry("served_attention", e.served_attention);
  shares.carry("decode", e.decode);
  shares.carry("decode_multi_head", e.decode_multi_head);
  shares.carry("decode_windowed", e.decode_windowed);
  shares.carry("decode_latent", e.decode_latent);
  shares.carry("expert_layer", e.expert_layer);
  shares.carry("served_experts", e.served_experts);
}

// The status of a chip without measurements: which families have some now.
void say_what_was_measured(Calibration& result, const Chip& before, const Options& options) {
  std::string names;
  for (const auto& f : result.families)
    if (!f.figures.empty()) names += (names.empty() ? "" : ", ") + f.name;
  if (names.empty()) return;
  result.chip.efficiency.status = fmt::format("measured in part: {} by {}; all else {}", names, options.source, before.efficiency.status);
  result.made.insert("efficiency.status");
}

void keep_residual(Calibration& result, const FamilyReport& report, const Options& options) {
  constexpr std::size_t kEnough = 10;
  if (report.after.count < kEnough) return;
  const auto figure = [&](double value) {
    const auto note = fmt::format("{} {}timings", report.after.count, options.hold_out ? "held-out " : "");
    return config::Figure<units::Ratio>{units::Ratio::from_si(std::round(value * 1e3) / 1e3), {options.source, config::Confidence::derived, note, 0, 0}, true};
  };
  const bool served = report.name.starts_with("attention.") && !result.chip.efficiency.served_attention.empty();
  const auto name = (served ? "served_" : "") + report.name;
  result.chip.efficiency.uncertainty[name] = {figure(report.after.low), figure(report.after.high)};
  for (const auto* side : {"low", "high"}) result.made.insert("efficiency.uncertainty." + name + "." + side);
}

bool has_figures(const std::set<std::string>& paths, const std::string& family) {
  const auto begins = [&](const std::string& prefix) {
    const auto at = paths.lower_bound(prefix);
    return at != paths.end() && at->starts_with(prefix);
  };
  return begins("efficiency." + family + ".") || begins("efficiency.served_" + family + ".");
}

}  // namespace

config::Provenance provenance_of(const Fitted& figure, const Options& options) {
  constexpr double kWide = 1.02;  // a narrower interval says nothing
  const bool wide = figure.high > kWide * figure.value;
  return {options.source, config::Confidence::derived, options.note, wide ? figure.low : 0, wide ? figure.high : 0};
}

Calibration calibrate(const Chip& chip, const std::vector<FamilySamples>& families, const Options& options) {
  Calibration result{isolated(chip), {}, {}};
  std::set<std::string> had;
  for (const auto& row : config::values_of(chip)) had.insert(row.path);
  for (const auto& f : families) {
    if (options.judge) {
      for (const auto& family : f.fitted) (void)parameters_of(result.chip, family);  // a start where the chip has no figures
      const auto found = goodness(result.chip, f.samples);
      result.families.push_back({.name = f.family.name(), .before = found, .after = found, .figures = {}, .started = !has_figures(had, f.family.name())});
      continue;
    }
    const auto parts = parts_of(f.samples, options.hold_out);
    if (parts.fitted.empty() || parts.judged.empty()) continue;
    const auto parameters = free_parameters(result.chip, f.fitted, options);
    FamilyReport report{f.family.name(), parameters.empty() ? 0 : parts.fitted.size(), goodness(result.chip, parts.judged), {}, {}};
    for (const auto& p : parameters)
      if (options.afresh) p.set(result.chip, p.typical);
    const auto used = thinned(parts.fitted);
    const auto worth = parameters.empty() ? std::vector<Parameter>{} : worth_fitting(result.chip, used, parameters);
    if (!worth.empty()) report.figures = fit(result.chip, used, worth);
    report.after = goodness(result.chip, parts.judged);
    for (std::size_t i = 0; i < worth.size(); ++i) {
      worth[i].provenance(result.chip) = provenance_of(report.figures[i], options);
      result.made.insert(worth[i].path);
    }
    keep_residual(result, report, options);
    result.families.push_back(std::move(report));
  }
  if (!options.judge) carry_memory(result, chip, families, options);
  if (!options.judge && chip.efficiency.status.starts_with("unmeasured")) say_what_was_measured(result, chip, options);
  result.chip.efficiency.sustained = chip.efficiency.sustained;
  for (const auto table : {&hardware::Efficiency::attention, &hardware::Efficiency::served_attention})
    for (auto& [precision, attention] : result.chip.efficiency.*table)
      if (const auto before = (chip.efficiency.*table).find(precision); before != (chip.efficiency.*table).end()) attention.sustained = before->second.sustained;
  if (options.judge) return result;
  for (const auto& row : config::values_of(result.chip))
    if (!had.contains(row.path)) result.made.insert(row.path);
  return result;
}

}  // namespace zettatwin::calibration
