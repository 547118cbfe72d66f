// SPDX-License-Identifier: Apache-2.0
#include "calibration/fit.hpp"

#include <algorithm>
#include <cmath>

#include "base/contract.hpp"
#include "calibration/estimate.hpp"

namespace zettatwin::calibration {
namespace {

using hardware::Chip;

std::vector<Unknown> unknowns_of(const Chip& chip, const std::vector<Parameter>& parameters) {
  std::vector<Unknown> unknowns;
  for (const auto& p : parameters) unknowns.push_back({p.get(chip), p.low, p.high, p.spread});
  return unknowns;
}

// Changes a chip of its own.
Residuals residuals_of(const Chip& chip, const std::vector<Sample>& samples, const std::vector<Parameter>& parameters) {
  return [own = chip, &samples, &parameters](const std::vector<double>& values) mutable {
    for (std::size_t j = 0; j < values.size(); ++j) parameters[j].set(own, values[j]);
    std::vector<double> residuals;
    residuals.reserve(samples.size());
    for (const auto& s : samples) residuals.push_back(std::log(predicted(own, s) / s.seconds));
    return residuals;
  };
}

}  // namespace

std::vector<Parameter> worth_fitting(const Chip& chip, const std::vector<Sample>& samples, std::vector<Parameter> all) {
  if (samples.size() >= all.size()) return all;
  std::vector<Parameter> chosen;
  for (const auto j : most_telling(unknowns_of(chip, all), residuals_of(chip, samples, all), samples.size())) chosen.push_back(all[j]);
  return chosen;
}

std::vector<Fitted> fit(Chip& chip, const std::vector<Sample>& samples, const std::vector<Parameter>& parameters) {
  ZT_EXPECT(!samples.empty() && std::all_of(samples.begin(), samples.end(), [](const Sample& s) { return s.seconds > 0; }), "timings are positive");
  const auto unknowns = unknowns_of(chip, parameters);
  const auto estimates = estimate(unknowns, residuals_of(chip, samples, parameters));
  std::vector<Fitted> fitted;
  for (std::size_t j = 0; j < parameters.size(); ++j) {
    const auto& p = parameters[j];
    fitted.push_back({p.path, p.dimension, unknowns[j].before, estimates[j].value, estimates[j].low, estimates[j].high});
    p.set(chip, estimates[j].value);
  }
  return fitted;
}

}  // namespace zettatwin::calibration
