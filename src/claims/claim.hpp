// SPDX-License-Identifier: Apache-2.0
// Published claims as catalog data: what was stated, by whom, of which machine, and the readings that may make it true. A reading names
// figures of the catalog and how to combine them; no result is written down.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/document.hpp"
#include "config/figure.hpp"
#include "config/schema.hpp"
#include "hardware/precision.hpp"
#include "units/quantity.hpp"

namespace zettatwin::claims {

// What a claim is about; decides the unit of the stated value.
enum class Kind { chips, compute, memory, bandwidth, floor_area, cabinets, model_size, training, inference, ratio, power, cost, other };
[[nodiscard]] std::span<const config::Word> kind_words();
[[nodiscard]] units::Dimension dimension_of(Kind kind);

// How the stated value is meant.
enum class Relation { about, at_least };
[[nodiscard]] std::span<const config::Word> relation_words();

// A figure that can be computed from the catalog; measure_words() says how.
enum class MeasureKind {
  chips, racks, matrix_peak, total_peak, headline_peak, hbm_capacity, all_memory, hbm_bandwidth, port_bandwidth, fabric_bandwidth, bisection,
  bisection_achieved,
  floor_area, floor_area_with_scale_out, it_power, facility_power, chip_cost,
  published_chips, published_fp8, published_fp4, published_memory, published_interconnect,
  parameters, model_states, parameters_fitting,
  parameters_trained, training_rate, model_flop_rate, flop_per_token,
  serving_rate, serving_decode_rate, serving_flop_rate,
  implied_active_parameters, stated,
};
[[nodiscard]] std::span<const config::Word> measure_words();

struct Measure {
  MeasureKind kind = MeasureKind::chips;
  std::string machine;      // "": the claim's
  std::int64_t chips = 0;   // of that machine; 0: all
  std::string chip;         // in place of the machine's own; ""
  std::string model;
  hardware::Precision precision = hardware::Precision::fp8;
  double mfu = 0;           // assumed, of implied_active_parameters
  std::int64_t input = 4096;   // of serving: tokens of a prompt and of an answer
  std::int64_t output = 1024;
  units::Seconds tpot = 50 * units::millisecond;  // of serving: the most time per output token
  std::int64_t digits = 0;  // the figure per chip rounded to so many significant digits, as marketing does; 0: as it is
  bool both_directions = false;  // bandwidths counted twice
  bool binary_step = false;      // 1,024 GB called one TB
};

// measure * times / over.
struct Reading {
  std::string name;
  Measure measure;
  std::optional<Measure> times;
  std::optional<Measure> over;
  std::string note;
};

struct Stated {
  double si = 0;
  units::Dimension dimension;
  config::Provenance provenance;
  bool present = false;
};

struct Claim {
  std::string id;    // unique in its file
  std::string file;  // name of the document: "atlas-950"
  std::string text;  // in our words
  Kind kind = Kind::other;
  std::string machine;
  Relation relation = Relation::about;
  Stated stated;
  std::string not_published;       // what one would need to know to check the claim; "": it can be checked
  std::vector<Reading> readings;   // compared with the stated value; the first is what the words say to an engineer
  std::string note;                // what the audit leaves out
  std::vector<Reading> practice;   // what follows from it, and what a real model gets of it; not compared

  [[nodiscard]] std::string name() const { return file + "." + id; }
};

// Machines side by side, each built to the size at which it has as many chips, or as much of the fp8 matrix peak, as the reference.
enum class Basis { chips, fp8 };
[[nodiscard]] std::span<const config::Word> basis_words();
struct Comparison {
  std::string id;
  std::string text;
  Basis basis = Basis::chips;
  std::string reference;
  std::vector<std::string> machines;  // the others
  std::string model;
  std::int64_t sequence_length = 4096;
  std::int64_t global_batch = 16384;  // sequences; adapted to machines that are not built by powers of two
  std::string note;                   // what to know about the result
  std::int64_t larger_batch = 0;      // also simulated with so many times the batch; 0: not
};

struct ClaimFile {
  std::string name;
  std::string title;
  std::vector<Claim> claims;
  std::vector<Comparison> comparisons;
};

void describe(config::Schema& s, Measure& measure);
void describe(config::Schema& s, Reading& reading);
void describe(config::Schema& s, Claim& claim);
void describe(config::Schema& s, Comparison& comparison);
void describe(config::Schema& s, ClaimFile& file);

// One document of the catalog's folder "claims", by name; nothing, and diagnostics, if it cannot be read.
[[nodiscard]] std::optional<ClaimFile> load_claim_file(const config::DocumentSource& source, const std::string& name, config::Diagnostics& diagnostics);
// All documents of the catalog's folder "claims". Problems are diagnostics; files with errors are left out.
[[nodiscard]] std::vector<ClaimFile> load_claims(const config::DocumentSource& source, config::Diagnostics& diagnostics);

}  // namespace zettatwin::claims
