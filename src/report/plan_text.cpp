// SPDX-License-Identifier: Apache-2.0
// A plan as text: sizes and policies always, everything else where it differs from the default, so that the text makes the same plan again.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "report/report.hpp"

namespace zettatwin::report {
namespace {

class Writer final {
 public:
  explicit Writer(char separator) : separator_(separator) {}

  void add(std::string_view key, std::string_view value) {
    if (!text_.empty()) text_ += separator_;
    text_ += fmt::format("{}={}", key, value);
  }
  void add(std::string_view key, std::int64_t value) { add(key, std::to_string(value)); }
  template <class E>
  void add(std::string_view key, std::span<const config::Word> words, E value) { add(key, config::word_of(words, value)); }

  void unless(std::string_view key, std::int64_t value, std::int64_t usual) {
    if (value != usual) add(key, value);
  }
  void unless(std::string_view key, bool value, bool usual) {
    if (value != usual) add(key, value ? "true" : "false");
  }
  template <class E>
  void unless(std::string_view key, std::span<const config::Word> words, E value, E usual) {
    if (value != usual) add(key, words, value);
  }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  char separator_;
  std::string text_;
};

void add_overlap(Writer& w, const plan::Overlap& o) {
  const plan::Overlap usual;
  w.unless("overlap.tp", o.tp, usual.tp);
  w.unless("overlap.cp", o.cp, usual.cp);
  w.unless("overlap.ep", o.ep, usual.ep);
  w.unless("overlap.pp", o.pp, usual.pp);
  w.unless("overlap.gradients", o.gradients, usual.gradients);
  w.unless("overlap.parameters", o.parameters, usual.parameters);
}

void add_states(Writer& w, const plan::Plan& p, const plan::Plan& usual) {
  const auto types = plan::number_words();
  w.unless("optimizer", plan::optimizer_words(), p.optimizer, usual.optimizer);
  w.unless("parameter_type", types, p.parameter_type, usual.parameter_type);
  w.unless("gradient_type", types, p.gradient_type, usual.gradient_type);
  w.unless("reduce_type", types, p.reduce_type, usual.reduce_type);
  w.unless("master_type", types, p.master_type, usual.master_type);
  w.unless("moment_type", types, p.moment_type, usual.moment_type);
}

}  // namespace

std::string plan_text(const plan::Plan& p, std::int64_t dp, char separator) {
  const plan::Plan usual;
  Writer w(separator);
  w.add("tp", p.tp);
  w.unless("cp", p.cp, 1);
  w.unless("ep", p.ep, 1);
  w.unless("etp", p.etp, 1);
  w.add("pp", p.pp);
  w.unless("vpp", p.vpp, 1);
  w.add("dp", dp);
  w.unless("sequence_parallel", p.sequence_parallel, usual.sequence_parallel);
  w.unless("cp_kind", plan::context_parallel_words(), p.cp_kind, usual.cp_kind);
  w.add("zero", p.zero);
  w.unless("zero_group", p.zero_group, usual.zero_group);
  w.add("micro_batch", p.micro_batch);
  w.add("recompute", plan::recompute_words(), p.recompute);
  w.unless("compress_activations", p.compress_activations, usual.compress_activations);
  w.unless("frozen_weights", p.frozen_weights, usual.frozen_weights);
  w.unless("recompute_layers", p.recompute_layers, usual.recompute_layers);
  if (p.pp > 1) w.add("schedule", plan::schedule_words(), p.schedule);
  else w.unless("schedule", plan::schedule_words(), p.schedule, usual.schedule);
  w.add("recipe", plan::recipe_words(), p.recipe);
  add_states(w, p, usual);
  add_overlap(w, p.overlap);
  std::vector<std::string_view> order;
  for (const auto axis : p.placement) order.push_back(config::word_of(plan::axis_words(), axis));
  w.add("placement", fmt::format("{}", fmt::join(order, "+")));
  w.unless("straddle", p.straddle, usual.straddle);
  if (!p.layers_per_chunk.empty()) w.add("layers_per_chunk", fmt::format("{}", fmt::join(p.layers_per_chunk, "+")));
  if (p.expert_imbalance != usual.expert_imbalance) w.add("expert_imbalance", fmt::format("{}", p.expert_imbalance));
  return w.take();
}

}  // namespace zettatwin::report
