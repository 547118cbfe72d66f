// SPDX-License-Identifier: Apache-2.0
// Which preset a model's name means: "meta-llama/Meta-Llama-3-70B-Instruct" is llama-3.1-70b, whose shape it has. Names are the catalog's own and those of the
// vocabulary; letters and digits count, and a number ends where its digits do: "DeepSeek-V3.2" is no deepseek-v3, "DeepSeek-V3-0324" is one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/schema.hpp"

namespace zettatwin::validation {

// Other names of a preset.
struct NameRule {
  std::vector<std::string> names;
  std::string is;    // a preset; empty: the catalog has none, and why is in the note
  std::string note;  // what it takes for granted
};
void describe(config::Schema& s, NameRule& rule);

class ModelNames final {
 public:
  ModelNames(const std::vector<std::string>& presets, const std::vector<NameRule>& rules);

  // The longest name that occurs in the text; null if none does.
  [[nodiscard]] const NameRule* find(std::string_view text) const;

 private:
  struct Name {
    std::string plain;
    std::size_t rule;
  };
  std::vector<NameRule> rules_;
  std::vector<Name> names_;
};

}  // namespace zettatwin::validation
