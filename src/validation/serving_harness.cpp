// SPDX-License-Identifier: Apache-2.0
#include "validation/serving_harness.hpp"

#include <algorithm>
#include <cmath>

#include "model/parameters.hpp"
#include "validation/node_text.hpp"

namespace zettatwin::validation {
namespace {

constexpr double kGi = 1024.0 * 1024.0 * 1024.0;

std::int64_t up(double value, std::int64_t step) { return step * static_cast<std::int64_t>(std::ceil(value / static_cast<double>(step))); }

std::int64_t rounded_sequences(double raw) {
  constexpr std::int64_t kLeast = 64;
  return raw < 256 ? std::max(kLeast, up(raw, 32)) : raw < 1024 ? up(raw, 128) : up(raw, 256);
}

std::int64_t rounded_tokens(double raw) {
  constexpr std::int64_t kLeast = 2048;
  return raw < 4096 ? std::max(kLeast, up(raw, 256)) : raw < 8192 ? up(raw, 512) : up(raw, 1024);
}

// As the tool sees caches: heads of latent attention as if each had keys of its own.
double cache_gib(const HarnessSubject& s) {
  const auto& attention = s.model->kinds.front().attention;
  const bool latent = attention.kind == model::AttentionKind::multi_latent;
  const auto heads = std::max(s.chips / s.pp, latent ? attention.heads : attention.kv_heads);
  const double head = latent ? static_cast<double>(s.model->hidden) / static_cast<double>(attention.heads) : static_cast<double>(attention.head_dim);
  return 2 * static_cast<double>(s.model->layers() * heads) * head * s.cache_bytes / kGi;
}

}  // namespace

void describe(config::Schema& s, HarnessFormat& format) {
  s.text("is", format.is, "of the deployment's weights", {.presence = config::Presence::required});
  s.number("bytes", format.bytes, "that the tool counts for one stored element", config::kRequired);
  s.number("elements", format.elements, "stored for one weight");
}

void describe(config::Schema& s, HarnessRule& rule) {
  s.texts("words", rule.words, "all of these occur");
  s.list("formats", rule.formats, "formats of weights that the tool sets the engine for; others leave the engine's own settings");
  s.number("share", rule.share, "of the memory that weights leave", {.range = config::kUnitInterval});
  s.integer("most_sequences", rule.most_sequences, "of a batch", {.range = config::kPositive});
  s.integer("most_tokens", rule.most_tokens, "of a step", {.range = config::kPositive});
  s.integer("usual_sequences", rule.usual_sequences, "the engine's own batch", {.range = config::kPositive});
  s.integer("usual_tokens", rule.usual_tokens, "the engine's own tokens of a step", {.range = config::kPositive});
  s.text("note", rule.note, "what is assumed");
}

HarnessSettings harness_settings(const HarnessRule& rule, const HarnessSubject& subject) {
  HarnessSettings settings{.sequences = rule.usual_sequences, .tokens = rule.usual_tokens};
  const auto known = std::find_if(rule.formats.begin(), rule.formats.end(), [&](const HarnessFormat& f) { return f.is == subject.weights; });
  if (known != rule.formats.end()) {
    const auto lengths = static_cast<double>(subject.input + subject.output);
    const double engine = static_cast<double>(model::parameters_of(*subject.model).total) * known->elements * known->bytes / kGi;
    const double left = std::max(0.0, subject.memory.si() / kGi * static_cast<double>(subject.chips) - engine);
    const double requests = rule.share * left / (cache_gib(subject) * lengths);
    const double sequences = std::min(requests, static_cast<double>(rule.most_sequences)) / static_cast<double>(subject.pp);
    const double tokens = std::min(sequences * (1 + static_cast<double>(subject.input) / static_cast<double>(std::max<std::int64_t>(1, subject.output))), static_cast<double>(rule.most_tokens));
    settings = {.sequences = rounded_sequences(sequences), .tokens = rounded_tokens(tokens)};
  }
  settings.tokens = std::max(settings.tokens, subject.input + settings.sequences);
  return settings;
}

config::Node harness_node(const HarnessSettings& settings, const config::Location& where) {
  config::Node engine = empty_mapping(where), changes = empty_mapping(where);
  put(engine, "max_sequences", text_node(std::to_string(settings.sequences), where));
  put(engine, "max_tokens", text_node(std::to_string(settings.tokens), where));
  put(engine, "chunked_prefill", text_node("false", where));
  put(changes, "engine", std::move(engine));
  return changes;
}

}  // namespace zettatwin::validation
