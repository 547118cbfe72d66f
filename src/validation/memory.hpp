// SPDX-License-Identifier: Apache-2.0
// Measured memory: some rows' metric is memory, others state the peak in their notes. What each word means is data: catalog/validation/memory.yaml.
#pragma once

#include <optional>
#include <string_view>

#include "training/train.hpp"
#include "validation/lowering.hpp"

namespace zettatwin::validation {

enum class MemoryKind {
  states,       // of the first pipeline rank: parameters, gradients, optimizer
  activations,  // of the first pipeline rank
  layer_states,       // the same of its layers alone: without embedding and output projection
  layer_activations,  // without the embedding's
  allocated,    // of the fullest rank: what tensors hold at the peak (torch.cuda.max_memory_allocated)
  reserved,     // of the fullest rank: with what the allocator loses, without driver and communicators (max_memory_reserved)
};
[[nodiscard]] std::span<const config::Word> memory_words();

struct MemoryRule {
  std::string word;  // the metric, or what stands before the number in the notes
  MemoryKind is = MemoryKind::allocated;
  config::Node set;  // laid over the scenario
};
void describe(config::Schema& s, MemoryRule& rule);

struct MemoryVocabulary {
  std::vector<MemoryRule> metrics;
  std::vector<MemoryRule> notes;
};
void describe(config::Schema& s, MemoryVocabulary& vocabulary);
[[nodiscard]] std::optional<MemoryVocabulary> load_memory_vocabulary(const config::DocumentSource& source, config::Diagnostics& diagnostics);

struct MeasuredMemory {
  const MemoryRule* rule = nullptr;
  double gib = 0;
};
// Of the row's own metric; nothing if that is none of memory.
[[nodiscard]] const MemoryRule* memory_metric(const MemoryVocabulary& vocabulary, const Row& row);
// Stated beside another metric.
[[nodiscard]] std::optional<MeasuredMemory> memory_in_notes(const MemoryVocabulary& vocabulary, const Row& row);

// What the job needs of that kind, in GiB.
[[nodiscard]] double predicted_gib(MemoryKind kind, const training::TrainingResult& result);

}  // namespace zettatwin::validation
