// SPDX-License-Identifier: Apache-2.0
#include "validation/memory.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "validation/catalog_data.hpp"

namespace zettatwin::validation {
namespace {

constexpr std::array kKinds{config::Word{"states", static_cast<int>(MemoryKind::states), "parameters, gradients and optimizer of the first pipeline rank"},
                            config::Word{"activations", static_cast<int>(MemoryKind::activations), "activations of the first pipeline rank"},
                            config::Word{"layer_states", static_cast<int>(MemoryKind::layer_states), "states of the first pipeline rank's layers, without the embedding"},
                            config::Word{"layer_activations", static_cast<int>(MemoryKind::layer_activations), "activations of the first pipeline rank's layers, without the embedding's"},
                            config::Word{"allocated", static_cast<int>(MemoryKind::allocated), "held by tensors at the fullest rank's peak"},
                            config::Word{"reserved", static_cast<int>(MemoryKind::reserved), "the same with what the allocator loses"}};

// "mem82.4GiB", "mem 83.9 GiB", "peak alloc 66.55 GiB": the number behind the word.
std::optional<double> number_after(std::string_view text, std::string_view word) {
  for (auto at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
    auto begin = at + word.size();
    while (begin < text.size() && text[begin] == ' ') ++begin;
    double value = 0;
    const auto [end, error] = std::from_chars(text.data() + begin, text.data() + text.size(), value);
    if (error == std::errc{} && value > 0) return value;
  }
  return std::nullopt;
}

bool is_state(std::string_view part) { return part == "weights" || part == "quantised weights" || part == "gradients" || part == "master weights" || part == "optimizer moments"; }

// Whether a part of the breakdown belongs to a kind.
bool counts(MemoryKind kind, std::string_view part) {
  switch (kind) {
    case MemoryKind::states: return is_state(part);
    case MemoryKind::activations: return part == "activations";
    case MemoryKind::layer_states:
    case MemoryKind::layer_activations: return false;
    case MemoryKind::allocated: return part != "fragmentation" && part != "workspace";
    case MemoryKind::reserved: return part != "workspace";
  }
  return false;
}

}  // namespace

std::span<const config::Word> memory_words() { return kKinds; }

void describe(config::Schema& s, MemoryRule& rule) {
  s.text("word", rule.word, "the metric, or what stands before the number", {.presence = config::Presence::required});
  s.choice("is", rule.is, memory_words(), "what was measured");
  s.node("set", rule.set, "laid over the scenario");
}

void describe(config::Schema& s, MemoryVocabulary& v) {
  s.list("metrics", v.metrics, "metrics that are memory");
  s.list("notes", v.notes, "words of notes that stand before a peak in GiB");
}

std::optional<MemoryVocabulary> load_memory_vocabulary(const config::DocumentSource& source, config::Diagnostics& diagnostics) {
  return load_data<MemoryVocabulary>(source, "validation/memory.yaml", diagnostics);
}

const MemoryRule* memory_metric(const MemoryVocabulary& vocabulary, const Row& row) {
  const auto at = std::find_if(vocabulary.metrics.begin(), vocabulary.metrics.end(), [&](const MemoryRule& rule) { return rule.word == row.text("metric"); });
  return at == vocabulary.metrics.end() ? nullptr : &*at;
}

std::optional<MeasuredMemory> memory_in_notes(const MemoryVocabulary& vocabulary, const Row& row) {
  for (const auto& rule : vocabulary.notes)
    if (const auto value = number_after(row.text("notes"), rule.word)) return MeasuredMemory{&rule, *value};
  return std::nullopt;
}

double predicted_gib(MemoryKind kind, const training::TrainingResult& result) {
  constexpr double kGib = 1024.0 * 1024.0 * 1024.0;
  const auto of = [&](const workload::MemoryBreakdown& rank) {
    double bytes = 0;
    for (const auto& part : rank.parts)
      if (counts(kind, part.name)) bytes += part.bytes.si();
    return bytes;
  };
  if (result.memory.empty()) return 0;
  if (kind == MemoryKind::layer_states) return result.memory.front().layer_states.si() / kGib;
  if (kind == MemoryKind::layer_activations) return result.memory.front().layer_activations.si() / kGib;
  double most = of(result.memory.front());
  if (kind == MemoryKind::allocated || kind == MemoryKind::reserved)
    for (const auto& rank : result.memory) most = std::max(most, of(rank));
  return most / kGib;
}

}  // namespace zettatwin::validation
