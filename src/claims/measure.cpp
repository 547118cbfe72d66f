// SPDX-License-Identifier: Apache-2.0
#include "claims/measure.hpp"

#include <fmt/format.h>

#include "claims/detail/machine_values.hpp"
#include "units/text.hpp"

namespace zettatwin::claims {
namespace {

constexpr double kFlopPerParameterAndToken = 6;  // forward 2, backward 4
constexpr units::Dimension kFlopPerToken = units::kFlop / units::kTokens;

// One figure of one claim.
class Computation final {
 public:
  Computation(const Claim& claim, World& world, config::Diagnostics& diagnostics)
      : claim_(claim), world_(world), diagnostics_(diagnostics), where_(config::location_in(fmt::format("claims/{}.yaml: {}", claim.file, claim.id))) {}

  Value value(const Measure& m) {
    switch (m.kind) {
      case MeasureKind::stated: return stated();
      case MeasureKind::parameters:
      case MeasureKind::model_states: return of_model(m);
      case MeasureKind::parameters_trained:
      case MeasureKind::training_rate:
      case MeasureKind::model_flop_rate:
      case MeasureKind::flop_per_token: return simulated(m);
      case MeasureKind::serving_rate:
      case MeasureKind::serving_decode_rate:
      case MeasureKind::serving_flop_rate: return served(m);
      default: break;
    }
    const auto* machine = world_.machine(key_of(m), where_, diagnostics_);
    if (!machine) return missing_value("no such machine");
    if (m.kind == MeasureKind::parameters_fitting) return detail::machine_value({.kind = MeasureKind::hbm_capacity}, *machine) / state_bytes();
    if (m.kind == MeasureKind::implied_active_parameters) return implied_parameters(m, *machine);
    return detail::machine_value(m, *machine);
  }

 private:
  MachineKey key_of(const Measure& m) const { return {m.machine.empty() ? claim_.machine : m.machine, m.chips, m.chip}; }

  Value stated() const {
    return figure_value("stated value", claim_.name(), claim_.stated.si, claim_.stated.dimension, claim_.stated.provenance, claim_.stated.present);
  }

  // Bytes of model states per parameter: what an Adam optimizer keeps in mixed precision.
  static Value state_bytes() {
    const plan::Plan plan;
    const auto bytes = [](const std::string& name, double each) {
      Value value = counted(name, each, "a plan's default");
      value.node.dimension = units::kBytes;
      value.node.inputs.back().value = fmt::format("{} B", each);
      return value;
    };
    return bytes("weights", plan::bytes_of(plan.parameter_type)) + bytes("gradients", plan::bytes_of(plan.gradient_type)) +
           bytes("master weights", plan::bytes_of(plan.master_type)) + bytes("moments", 2 * plan::bytes_of(plan.moment_type));
  }

  Value of_model(const Measure& m) {
    const auto* model = world_.model(m.model, where_, diagnostics_);
    if (!model) return missing_value("no such model");
    Value count = counted(fmt::format("parameters of {}", m.model), static_cast<double>(model->parameters.total), "layers of its config");
    return m.kind == MeasureKind::parameters ? count : count * state_bytes();
  }

  Value simulated(const Measure& m) {
    const SimulationKey key{.machine = key_of(m), .model = m.model, .precision = m.precision};
    const auto s = world_.simulation(key, where_, diagnostics_);
    if (!s) return missing_value("no simulation");
    if (!s->feasible) return missing_value(fmt::format("no plan found for {}: {}", m.model, s->reason));
    const auto& r = s->result;
    Value value;
    if (m.kind == MeasureKind::parameters_trained) value = of_model({.kind = MeasureKind::parameters, .model = m.model});
    const auto set = [&](double si, units::Dimension dimension, std::string formula) {
      value.node.si = value.low = value.high = si;
      value.node.dimension = dimension;
      value.node.formula = std::move(formula);
    };
    if (m.kind == MeasureKind::training_rate) set(r.tokens_per_s, units::kTokenRate, "tokens per step / simulated step time");
    if (m.kind == MeasureKind::flop_per_token) set(r.model_flop_per_token.si(), kFlopPerToken, "model FLOP per token, forward and backward");
    if (m.kind == MeasureKind::model_flop_rate) set(r.model_rate_per_chip.si() * static_cast<double>(r.chips), units::kComputeRate, "model FLOP per step / simulated step time");
    add_inputs(value, key, *s);
    return value;
  }

  static void add_inputs(Value& value, const SimulationKey& key, const Simulation& s) {
    auto& inputs = value.node.inputs;
    const auto command = fmt::format("zettatwin train --machine {} --model {} --precision {}", key.machine.machine, key.model, name_of(key.precision));
    const auto add = [&](const std::string& name, const std::string& text, config::Confidence confidence, const std::string& note) {
      inputs.push_back({name, text, "simulation", confidence, note});
    };
    add("plan", s.plan_text, config::Confidence::derived, fmt::format("best of {} tried", s.candidates));
    add("tokens per step", units::grouped(s.result.tokens_per_step), config::Confidence::derived, "the largest published batches, adapted to the machine");
    add("step time", units::human(s.result.step_time, 4), config::Confidence::estimated, fmt::format("all that it rests on: {} --explain", command));
    add("MFU", fmt::format("{:.2f} %", 100 * s.result.mfu), config::Confidence::derived, fmt::format("of the dense {} matrix peak", name_of(s.result.peak_precision)));
  }

  Value served(const Measure& m) {
    const ServingKey key{.machine = key_of(m), .model = m.model, .precision = m.precision, .input = m.input, .output = m.output, .tpot_s = m.tpot.si(), .decode_only = m.kind == MeasureKind::serving_decode_rate};
    const auto s = world_.serving(key, where_, diagnostics_);
    if (!s) return missing_value("no simulation");
    if (!s->feasible) return missing_value(fmt::format("{} cannot be served so: {}", m.model, s->reason));
    Value value;
    const bool flop = m.kind == MeasureKind::serving_flop_rate;
    value.node.si = value.low = value.high = s->output_tokens_per_s * (flop ? s->flop_per_output_token.si() : 1);
    value.node.dimension = flop ? units::kComputeRate : units::kTokenRate;
    value.node.formula = flop ? "output tokens/s x model FLOP of prompt and answer per output token" : "output tokens/s per chip of one unit in its steady state x chips";
    auto& inputs = value.node.inputs;
    const auto add = [&](const std::string& name, const std::string& text, config::Confidence confidence, const std::string& note) { inputs.push_back({name, text, "simulation", confidence, note}); };
    std::string deployment;  // with spaces, where lines may break
    for (const char c : s->deployment) deployment += c == ',' ? ", " : std::string(1, c);
    add("deployment of one unit", deployment, config::Confidence::derived, fmt::format("most output per chip among {} layouts", s->layouts));
    add("requests in flight per unit", fmt::format("{:.4g}", s->unit.concurrency), config::Confidence::derived, fmt::format("{} prompt and {} output tokens each", units::grouped(m.input), units::grouped(m.output)));
    add("time per output token", units::human(s->unit.tpot, 3), config::Confidence::estimated, fmt::format("{}; limit {}", s->software, units::human(m.tpot, 3)));
    return value;
  }

  Value implied_parameters(const Measure& m, const hardware::Machine& machine) {
    Value peak = detail::machine_value({.kind = MeasureKind::matrix_peak, .precision = m.precision}, machine);
    Value value = scaled(scaled(std::move(peak), m.mfu, fmt::format("x MFU of {:g} %", 100 * m.mfu)) / stated(), 1 / kFlopPerParameterAndToken,
                         fmt::format("/ {:g} FLOP per parameter and token", kFlopPerParameterAndToken));
    value.node.dimension = units::kDimensionless;
    return value;
  }

  const Claim& claim_;
  World& world_;
  config::Diagnostics& diagnostics_;
  config::Location where_;
};

}  // namespace

Value computed(const Reading& reading, const Claim& claim, World& world, config::Diagnostics& diagnostics) {
  Computation computation(claim, world, diagnostics);
  Value value = computation.value(reading.measure);
  if (reading.times) value = value * computation.value(*reading.times);
  if (reading.over) value = value / computation.value(*reading.over);
  value.node.label = reading.name;
  return value;
}

}  // namespace zettatwin::claims
