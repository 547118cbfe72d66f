// SPDX-License-Identifier: Apache-2.0
#include "validation/model_names.hpp"

#include <cctype>

namespace zettatwin::validation {
namespace {

bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }
bool counts(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

// A point inside a number: 1.3b is not 13b.
bool is_point(std::string_view text, std::size_t at) { return (text[at] == '.' || text[at] == '_') && at > 0 && at + 1 < text.size() && is_digit(text[at - 1]) && is_digit(text[at + 1]); }

std::string plain(std::string_view text) {
  std::string result;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (counts(text[at])) result += static_cast<char>(std::tolower(static_cast<unsigned char>(text[at])));
    else if (text[at] == '.' && is_point(text, at)) result += '.';
  }
  return result;
}

// Whether the name, without its separators, stands at `at`, and no digit of a number of its own is left before or behind.
bool stands(std::string_view text, std::size_t at, const std::string& name) {
  if (at > 0 && is_digit(name.front()) && is_digit(text[at - 1])) return false;
  std::size_t matched = 0;
  for (; matched < name.size() && at < text.size(); ++at) {
    if (!counts(text[at])) {
      if (matched == 0) return false;
      const bool point = is_point(text, at);
      if (point && name[matched] == '.') ++matched;
      else if (point && text[at] == '.') return false;
      continue;
    }
    if (std::tolower(static_cast<unsigned char>(text[at])) != name[matched]) return false;
    ++matched;
  }
  if (matched < name.size()) return false;
  if (at >= text.size()) return true;
  if (is_digit(text[at])) return false;
  return !(text[at] == '.' && is_digit(name.back()) && at + 1 < text.size() && is_digit(text[at + 1]));
}

}  // namespace

void describe(config::Schema& s, NameRule& rule) {
  s.texts("names", rule.names, "other names, in any case of letters and with any separators");
  s.text("is", rule.is, "a model of the catalog; empty: it has none");
  s.text("note", rule.note, "what that takes for granted, or why there is none");
}

ModelNames::ModelNames(const std::vector<std::string>& presets, const std::vector<NameRule>& rules) : rules_(rules) {
  for (std::size_t r = 0; r < rules.size(); ++r)
    for (const auto& name : rules[r].names) names_.push_back({plain(name), r});
  for (const auto& preset : presets) {
    names_.push_back({plain(preset), rules_.size()});
    rules_.push_back({.names = {preset}, .is = preset, .note = {}});
  }
}

const NameRule* ModelNames::find(std::string_view text) const {
  const Name* best = nullptr;
  for (const auto& name : names_) {
    if (name.plain.empty() || (best && name.plain.size() <= best->plain.size())) continue;
    for (std::size_t at = 0; at < text.size(); ++at)
      if (stands(text, at, name.plain)) {
        best = &name;
        break;
      }
  }
  return best ? &rules_[best->rule] : nullptr;
}

}  // namespace zettatwin::validation
