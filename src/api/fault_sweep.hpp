// SPDX-License-Identifier: Apache-2.0
// What each single fault would cost a job.
#pragma once

#include <memory>
#include <string>

#include "api/answer.hpp"
#include "search/fault_sweep.hpp"

namespace zettatwin::api {

struct SweepAnswer {
  std::unique_ptr<Answer> healthy;   // the job without faults
  search::FaultSweep sweep;          // empty if the job itself does not fit
};

[[nodiscard]] std::unique_ptr<SweepAnswer> sweep_faults(const config::Node& scenario, const config::DocumentSource& source, double remaining,
                                                        const std::function<void(std::int64_t, std::int64_t)>& progress, config::Diagnostics& diagnostics);

[[nodiscard]] std::string text(const SweepAnswer& answer);
[[nodiscard]] std::string json(const SweepAnswer& answer);

}  // namespace zettatwin::api
