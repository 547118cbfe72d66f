// SPDX-License-Identifier: Apache-2.0
// Tables of the documents of validation, in Markdown.
#pragma once

#include <string>
#include <vector>

#include "validation/show.hpp"

namespace zettatwin::validation {

// Text inside a table's cell.
[[nodiscard]] std::string table_cell(const std::string& text);
[[nodiscard]] std::string group_rows(const Judgements& judgements, const GroupNotes& notes);
[[nodiscard]] std::string bar_rows(const Judgements& judgements, const GroupNotes& notes);
[[nodiscard]] std::string worst_rows(const std::vector<const Judgement*>& rows, const GroupNotes& notes, std::size_t most);
[[nodiscard]] std::string count_rows(const std::vector<Count>& list, std::size_t most);
// Of each bar that is missed: which physics is missing, and its residuals by subgroup.
[[nodiscard]] std::string missed_bars(const Judgements& judgements, const GroupNotes& notes);
// Those that are scored apart.
[[nodiscard]] std::string apart_rows(const std::vector<const Judgement*>& rows);

// Of serving results (show.hpp: document()).
[[nodiscard]] std::vector<DocumentFile> serving_document(const Judgements& judgements, const GroupNotes& notes);

}  // namespace zettatwin::validation
