// SPDX-License-Identifier: Apache-2.0
// Judgements for people and programs.
#pragma once

#include <string>
#include <vector>

#include "validation/bars.hpp"
#include "validation/judge.hpp"

namespace zettatwin::validation {

// One line per judgement, in order.
[[nodiscard]] std::string csv(const std::vector<Judgement>& judgements);
[[nodiscard]] std::string json(const Judgements& judgements);
[[nodiscard]] std::string text(const Judgements& judgements);
// One page that needs nothing else: tables that can be sorted, plots, rows.
[[nodiscard]] std::string html(const Judgements& judgements, const GroupNotes& notes);

// The document of validation in Markdown and the plots that it shows.
struct DocumentFile {
  std::string path;  // relative to the folder of the document
  std::string text;
};
[[nodiscard]] std::vector<DocumentFile> document(const Judgements& judgements, const GroupNotes& notes);

// Predicted rows, the largest |signed error| first; without those that are scored apart.
[[nodiscard]] std::vector<const Judgement*> farthest_off(const std::vector<const Judgement*>& judgements);
[[nodiscard]] std::vector<const Judgement*> all_of(const Judgements& judgements);

struct Count {
  std::string text;
  std::int64_t rows = 0;
};
// Why rows were not predicted, and what was assumed of those that were, most frequent first.
[[nodiscard]] std::vector<Count> reasons_of(const std::vector<const Judgement*>& judgements);
[[nodiscard]] std::vector<Count> assumptions_of(const std::vector<const Judgement*>& judgements);

}  // namespace zettatwin::validation
