// SPDX-License-Identifier: Apache-2.0
// The duration of every step of one instance, from the chip's operators and the machine's network (docs/math/inference.md).
// A decoding step is priced once per size of its batch and on a grid of sixteen points per octave of cached tokens, between which it is linear; then a question
// costs some tens of nanoseconds. Steps with prompts cost about a microsecond. The tables fill as they are asked: one thread at a time.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "hardware/machine.hpp"
#include "inference/deployment.hpp"
#include "inference/software.hpp"
#include "model/architecture.hpp"
#include "result/tree.hpp"
#include "serving/step_timer.hpp"
#include "topology/fabric.hpp"

namespace zettatwin::inference {

// What a timer is about. The references outlive it.
struct InstanceModel {
  const hardware::Machine& machine;
  const model::Architecture& model;
  const Software& software;
  Pool pool;                         // checked
  serving::EngineSettings engine;    // of the whole instance
  topology::Fabric fabric;           // of one instance, as placed
  hardware::Chip chip;               // as it runs here: see serving_chip()
  std::int64_t handing_chips = 0;    // of all instances on the machine that hand caches to each other, this one among them; 0: it does not
};

// The machine's chip as a pool runs it. What long runs of products lose to the clock (efficiency.sustained) is lost where prompts are all that is computed;
// decoding, which waits for memory most of the time, leaves the power for the products between.
// A limit below the design power slows products in proportion.
[[nodiscard]] hardware::Chip serving_chip(const hardware::Chip& chip, const Pool& pool);

// Where the time of a step goes.
enum class Part { projections, attention, dense, router, experts, kernels, head, sampling, draft, all_reduce, exchange, pipeline, idle, host };
inline constexpr std::size_t kParts = 14;
[[nodiscard]] std::string_view name_of(Part part);
[[nodiscard]] std::string_view label_of(Part part);

using Parts = std::array<double, kParts>;  // seconds

class InstanceTimer : public serving::StepTimer {
 public:
  // Where a step's time goes; the parts sum to step() but for rounding and interpolation (below 0.1 %).
  [[nodiscard]] virtual Parts parts(const serving::StepLoad& load) const = 0;
  // The same as a tree: every part with its operators, their formulas, sizes and the sources of their figures.
  [[nodiscard]] virtual result::Node explain(const serving::StepLoad& load) const = 0;
  // Half width in the logarithm that residuals of the chip's kernels alone give the step (compute/kernel_times.hpp).
  [[nodiscard]] virtual double kernel_width(const serving::StepLoad& load) const = 0;
  [[nodiscard]] virtual const InstanceModel& about() const = 0;
};

[[nodiscard]] std::unique_ptr<InstanceTimer> make_timer(InstanceModel about);

}  // namespace zettatwin::inference
