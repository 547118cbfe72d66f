// SPDX-License-Identifier: Apache-2.0
// Random jobs: catalog machines at random sizes, catalog models, plans whose fields are each plausible but need not fit together.
#pragma once

#include <map>

#include "random.hpp"
#include "toy.hpp"

namespace zettatwin::test {

// Catalog documents read once.
class JobMaker final {
 public:
  JobMaker() : machines_(source_.list("machines")), models_(source_.list("models")) {}

  [[nodiscard]] const std::vector<std::string>& machines() const { return machines_; }
  [[nodiscard]] const std::vector<std::string>& models() const { return models_; }

  // Nothing where the machine does not come in the size that was drawn.
  std::optional<training::Job> make(Random& r) {
    const auto& whole = machine(r.of(machines_));
    const auto chips = std::min<std::int64_t>(whole.chips(), r.one_in(4) ? r.between(1, 3000) : std::int64_t{1} << r.between(0, 13));
    config::Diagnostics ignored;
    auto sized = hardware::resized(whole, chips, config::location_in("test"), ignored);
    if (!sized) return std::nullopt;
    training::Job job{.machine = std::move(*sized), .architecture = model(r.of(models_)), .plan = plan(r, chips), .software = catalog_software()};
    job.sequence_length = r.one_in(8) ? r.between(1, 5000) : std::int64_t{512} << r.between(0, 5);
    job.plan.global_batch = job.plan.micro_batch * (r.one_in(4) ? r.between(1, 500) : std::int64_t{1} << r.between(0, 12));
    return job;
  }

  // Sizes up to `chips`, mostly powers of two.
  static plan::Plan plan(Random& r, std::int64_t chips) {
    plan::Plan p;
    std::int64_t left = chips;
    const auto size = [&](std::int64_t most) {
      const auto drawn = r.one_in(12) ? r.between(1, 12) : std::int64_t{1} << r.between(0, 5);
      const auto taken = r.one_in(2) ? 1 : std::min({drawn, most, r.one_in(20) ? drawn : std::max<std::int64_t>(1, left)});
      left /= std::max<std::int64_t>(1, taken);
      return taken;
    };
    p.tp = size(16);
    p.pp = size(32);
    p.cp = size(8);
    p.ep = r.one_in(2) ? 1 : std::int64_t{1} << r.between(0, 6);
    p.etp = r.one_in(5) ? r.of<std::int64_t>({2, 4}) : 1;
    p.micro_batch = r.of<std::int64_t>({1, 1, 1, 2, 4, 3});
    p.zero = r.between(0, 3);
    if (r.one_in(6)) p.zero_group = r.between(1, 16);
    p.recompute = r.of({plan::Recompute::none, plan::Recompute::selective, plan::Recompute::full});
    if (r.one_in(6)) p.recompute_layers = r.between(0, 4);
    p.sequence_parallel = !r.one_in(6);
    p.cp_kind = r.one_in(3) ? plan::ContextParallelKind::all_to_all : plan::ContextParallelKind::ring;
    p.recipe = r.of({plan::Recipe::bf16, plan::Recipe::bf16, plan::Recipe::fp8_block, plan::Recipe::mxfp8, plan::Recipe::fp4});
    if (p.pp > 1) {
      using plan::ScheduleKind;
      p.schedule = r.of({ScheduleKind::one_f_one_b, ScheduleKind::interleaved, ScheduleKind::zb_h1, ScheduleKind::zb_v, ScheduleKind::dualpipe, ScheduleKind::dualpipe_v});
      if (p.schedule == ScheduleKind::interleaved) p.vpp = r.between(1, 4);
    }
    for (auto* on : {&p.overlap.tp, &p.overlap.cp, &p.overlap.ep, &p.overlap.pp, &p.overlap.gradients, &p.overlap.parameters}) *on = r.one_in(2);
    for (auto i = p.placement.size(); i-- > 1;) {
      if (!r.one_in(3)) continue;
      std::swap(p.placement[i], p.placement[static_cast<std::size_t>(r.between(0, static_cast<std::int64_t>(i)))]);
    }
    p.optimizer = r.of({plan::OptimizerKind::adam, plan::OptimizerKind::adam, plan::OptimizerKind::sgd_momentum, plan::OptimizerKind::muon});
    p.gradient_type = p.reduce_type = r.of({plan::NumberType::fp32, plan::NumberType::bf16});
    if (r.one_in(5)) p.expert_imbalance = 1 + 0.25 * static_cast<double>(r.between(0, 8));
    return p;
  }

  const hardware::Machine& machine(const std::string& name) {
    auto at = loaded_machines_.find(name);
    if (at == loaded_machines_.end()) at = loaded_machines_.emplace(name, catalog_machine(name)).first;
    return at->second;
  }
  const model::Architecture& model(const std::string& name) {
    auto at = loaded_models_.find(name);
    if (at == loaded_models_.end()) at = loaded_models_.emplace(name, catalog_model(name)).first;
    return at->second;
  }

 private:
  CatalogFiles source_;
  std::vector<std::string> machines_, models_;
  std::map<std::string, hardware::Machine> loaded_machines_;
  std::map<std::string, model::Architecture> loaded_models_;
};

}  // namespace zettatwin::test
