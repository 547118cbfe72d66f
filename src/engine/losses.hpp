// SPDX-License-Identifier: Apache-2.0
// Steps of a token network that take longer at one time than at another: the same network with its loops written out as far as the losses differ.
#pragma once

#include "engine/token_network.hpp"

namespace zettatwin::engine {

struct StepLoss {
  Picoseconds duration;
  std::array<Picoseconds, 2> delays;
  Picoseconds occupancy;
  friend bool operator==(const StepLoss&, const StepLoss&) = default;
};

// Per process the losses of its steps in the order in which they run: prologue, `before` iterations, one period of `period` iterations that comes
// `times` times, the other iterations, epilogue.
struct Losses {
  std::int64_t before = 0, period = 0, times = 0;
  std::vector<std::vector<StepLoss>> steps;  // empty: none at all

  // Calls f(index in steps[process], how often) for each.
  template <class F>
  void for_each_counted(const Process& process, std::size_t index_of_process, F&& f) const {
    const auto body = process.body.size();
    const auto from = process.prologue.size() + body * static_cast<std::size_t>(before), to = from + body * static_cast<std::size_t>(period);
    for (std::size_t i = 0; i < steps[index_of_process].size(); ++i) f(i, i >= from && i < to ? times : std::int64_t{1});
  }
  // Which of steps[process] the step at a position in program order, loops unrolled, has.
  [[nodiscard]] std::size_t index_at(const Process& process, std::int64_t position) const;
};

// Expects as many losses as the loops need.
[[nodiscard]] TokenNetwork with_losses(const TokenNetwork& network, const Losses& losses);

}  // namespace zettatwin::engine
