// SPDX-License-Identifier: Apache-2.0
// The vocabularies of claims.
#include <array>

#include "claims/claim.hpp"

namespace zettatwin::claims {
namespace {

template <class E>
constexpr config::Word word(std::string_view name, E value, std::string_view doc) {
  return {name, static_cast<int>(value), doc};
}

}  // namespace

std::span<const config::Word> kind_words() {
  static constexpr std::array words{
      word("chips", Kind::chips, "number of chips"),
      word("compute", Kind::compute, "rate of computation, FLOP/s"),
      word("memory", Kind::memory, "memory capacity"),
      word("bandwidth", Kind::bandwidth, "bandwidth of the interconnect"),
      word("floor_area", Kind::floor_area, "floor area"),
      word("cabinets", Kind::cabinets, "number of cabinets"),
      word("model_size", Kind::model_size, "parameters of a model"),
      word("training", Kind::training, "tokens per second in training"),
      word("inference", Kind::inference, "tokens per second in inference"),
      word("ratio", Kind::ratio, "ratio to another machine"),
      word("power", Kind::power, "power"),
      word("cost", Kind::cost, "price"),
      word("other", Kind::other, "anything without a unit, or without a value")};
  return words;
}

std::span<const config::Word> relation_words() {
  static constexpr std::array words{word("about", Relation::about, "the value, rounded or cut to the digits given"),
                                    word("at_least", Relation::at_least, "more than the value")};
  return words;
}

std::span<const config::Word> basis_words() {
  static constexpr std::array words{word("chips", Basis::chips, "number of chips"), word("fp8", Basis::fp8, "sum of the FP8 peaks of the matrix units")};
  return words;
}

std::span<const config::Word> measure_words() {
  using M = MeasureKind;
  static constexpr std::array words{
      word("chips", M::chips, "chips of the machine"),
      word("racks", M::racks, "compute and interconnect racks"),
      word("matrix_peak", M::matrix_peak, "chips x dense peak of the matrix unit"),
      word("total_peak", M::total_peak, "chips x (matrix unit + vector unit in fp16)"),
      word("headline_peak", M::headline_peak, "chips x peak as marketed"),
      word("hbm_capacity", M::hbm_capacity, "chips x memory capacity"),
      word("all_memory", M::all_memory, "chips x (memory capacity + further memory tiers)"),
      word("hbm_bandwidth", M::hbm_bandwidth, "chips x memory bandwidth"),
      word("port_bandwidth", M::port_bandwidth, "chips x all scale-up ports, per direction"),
      word("fabric_bandwidth", M::fabric_bandwidth, "chips x ports into the outermost network of the memory fabric, per direction"),
      word("bisection", M::bisection, "what one half of the machine can send to the other through its outermost network, per direction"),
      word("bisection_achieved", M::bisection_achieved, "the same for long messages of real collectives"),
      word("floor_area", M::floor_area, "area of the racks, aisles included"),
      word("floor_area_with_scale_out", M::floor_area_with_scale_out, "with racks for the scale-out network, filled to the power of an interconnect rack"),
      word("it_power", M::it_power, "chips x (power inside the racks + scale-out network)"),
      word("facility_power", M::facility_power, "IT power x PUE"),
      word("chip_cost", M::chip_cost, "chips x price of a chip"),
      word("published_chips", M::published_chips, "chips as the vendor counts them"),
      word("published_fp8", M::published_fp8, "FP8 rate as published"),
      word("published_fp4", M::published_fp4, "FP4 rate as published"),
      word("published_memory", M::published_memory, "memory as published"),
      word("published_interconnect", M::published_interconnect, "interconnect bandwidth as published"),
      word("parameters", M::parameters, "parameters of the model"),
      word("model_states", M::model_states, "weights, gradients, master weights and Adam moments of the model, held once"),
      word("parameters_fitting", M::parameters_fitting, "parameters whose model states fill the memory, held once"),
      word("parameters_trained", M::parameters_trained, "parameters of the model, if a plan for training it is found that fits"),
      word("training_rate", M::training_rate, "simulated training throughput with the automatic plan"),
      word("model_flop_rate", M::model_flop_rate, "model FLOP/s of that training"),
      word("flop_per_token", M::flop_per_token, "model FLOP per trained token"),
      word("serving_rate", M::serving_rate, "simulated output tokens per second of the machine when it serves a model, chips for prompts included, within the time per output token"),
      word("serving_decode_rate", M::serving_decode_rate, "the same of decoding alone: all chips decode, prompts come computed"),
      word("serving_flop_rate", M::serving_flop_rate, "model FLOP/s of serving, prompts included"),
      word("implied_active_parameters", M::implied_active_parameters, "active parameters at which the stated throughput takes the share mfu of the matrix peak, at 6 FLOP per parameter and token"),
      word("stated", M::stated, "the stated value itself")};
  return words;
}

}  // namespace zettatwin::claims
