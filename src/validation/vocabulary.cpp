// SPDX-License-Identifier: Apache-2.0
#include "validation/vocabulary.hpp"

#include <algorithm>

#include "validation/run_words.hpp"

namespace zettatwin::validation {
void describe(config::Schema& s, Rule& rule) {
  s.texts("words", rule.words, "all of these occur, in any case of letters");
  s.texts("without", rule.without, "none of these occurs");
  s.text("is", rule.is, "what it is called here");
  s.node("set", rule.set, "machines: changes to the machine; software: fields of the plan that the framework sets");
  s.node("software", rule.software, "software and flags: changes to the profile");
  s.node("missing", rule.missing, "software: what the framework does where a column is blank, by column");
  s.node("int8", rule.int8, "machines: changes where products are of eight-bit integers");
  s.integer("node", rule.node, "machines: chips that share a node's network cards", {.range = {0, 1024}});
  s.boolean("guess", rule.guess, "software: the row does not name it, and the reader is told");
  s.text("note", rule.note, "why");
}

void describe(config::Schema& s, Vocabulary& v) {
  s.list("metrics", v.metrics, "what is measured, by the words of metric and unit");
  s.list("square_attention", v.square_attention, "whose model FLOP count attention over the full square, by the words of source; all others' count it causally");
  s.list("models", v.models, "other names of the catalog's models");
  s.list("machines", v.machines, "machines, by the words of the column chip");
  s.list("software", v.software, "frameworks, by the words of source, year, precision, attn_impl, notes, zero_or_fsdp and chip");
  s.list("flags", v.flags, "plan fields and profiles, by the words of model, notes and year; all rules that hold apply");
  s.list("precisions", v.precisions, "recipes, by the words of precision");
  s.list("sharding", v.sharding, "ZeRO stages, by the words of zero_or_fsdp");
  s.list("recompute", v.recompute, "recomputation, by the words of recompute");
}

std::optional<Vocabulary> load_vocabulary(const config::DocumentSource& source, config::Diagnostics& diagnostics) {
  constexpr const char* kPath = "validation/vocabulary.yaml";
  const auto text = source.read(kPath);
  if (!text) {
    diagnostics.error(config::location_in(kPath), "cannot be read", "the catalog is incomplete", "");
    return std::nullopt;
  }
  const auto document = config::parse_document(*text, kPath, diagnostics);
  if (!document) return std::nullopt;
  const auto errors_before = diagnostics.error_count();
  Vocabulary vocabulary;
  config::read(*document, "vocabulary", config::FigureForm::bare_allowed, diagnostics, vocabulary);
  if (diagnostics.error_count() != errors_before) return std::nullopt;
  return vocabulary;
}

bool holds(const std::vector<std::string>& words, const std::vector<std::string>& without, std::string_view text) {
  const auto in = lower_case(text);
  const auto occurs = [&](const std::string& word) { return in.find(lower_case(word)) != std::string::npos; };
  return std::all_of(words.begin(), words.end(), occurs) && std::none_of(without.begin(), without.end(), occurs);
}

const Rule* find_rule(const std::vector<Rule>& rules, std::string_view text) {
  const auto at = std::find_if(rules.begin(), rules.end(), [&](const Rule& rule) { return holds(rule, text); });
  return at == rules.end() ? nullptr : &*at;
}

}  // namespace zettatwin::validation
