// SPDX-License-Identifier: Apache-2.0
// What the words of published results mean in the catalog's terms: chips, precisions, frameworks, sharding. Data, not code:
// catalog/validation/vocabulary.yaml. A rule holds for every row whose cell has all of its words; the first that does decides.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/document.hpp"
#include "config/schema.hpp"
#include "validation/model_names.hpp"

namespace zettatwin::validation {

struct Rule {
  std::vector<std::string> words;   // all must occur, letters of either case
  std::vector<std::string> without; // and none of these
  std::string is;                   // a name of the catalog, or a word of a plan
  config::Node set;                 // machines: changes laid over; others: plan fields that follow
  config::Node software;            // software and flags: changes to the profile
  config::Node missing;             // software: what the framework does where a column is blank
  config::Node int8;                // machines: changes where products are of eight-bit integers, which the chip multiplies and plans do not name
  std::int64_t node = 0;            // machines: chips that share a node's network cards; 0: not known
  bool guess = false;               // software: not named by the row, to be listed as assumed
  std::string note;
};
void describe(config::Schema& s, Rule& rule);

struct Vocabulary {
  std::vector<Rule> metrics;      // by "metric=... unit=..."
  std::vector<Rule> square_attention;  // by source: counts attention over the full square in the model's own FLOP; others count it causally
  std::vector<NameRule> models;   // other names of presets
  std::vector<Rule> machines;     // by chip
  std::vector<Rule> software;     // by source, year, precision, attention, notes, sharding and chip
  std::vector<Rule> flags;        // by notes; all that hold apply
  std::vector<Rule> precisions;   // recipe
  std::vector<Rule> sharding;     // zero stage
  std::vector<Rule> recompute;
};
void describe(config::Schema& s, Vocabulary& vocabulary);

[[nodiscard]] std::optional<Vocabulary> load_vocabulary(const config::DocumentSource& source, config::Diagnostics& diagnostics);

// Whether all words occur in the text, in any case of letters, and none of the others.
[[nodiscard]] bool holds(const std::vector<std::string>& words, const std::vector<std::string>& without, std::string_view text);
[[nodiscard]] inline bool holds(const Rule& rule, std::string_view text) { return holds(rule.words, rule.without, text); }
// The first rule that holds for the text; null if none does.
[[nodiscard]] const Rule* find_rule(const std::vector<Rule>& rules, std::string_view text);

}  // namespace zettatwin::validation
