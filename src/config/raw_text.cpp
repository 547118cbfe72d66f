// SPDX-License-Identifier: Apache-2.0
#include "config/raw_text.hpp"

#include <fmt/format.h>

#include <charconv>
#include <vector>

namespace zettatwin::config {
namespace {

TextPlace place_of(std::string_view text, std::size_t offset) {
  TextPlace place;
  for (std::size_t i = 0; i < offset; ++i) {
    if (text[i] == '\n')
      place = {place.line + 1, 1};
    else
      ++place.column;
  }
  return place;
}

bool is_continuation(unsigned char c) { return (c & 0xC0) == 0x80; }

// Bytes of the UTF-8 sequence at the start of `text`; 0 if there is none. Overlong forms and surrogates are
// none.
std::size_t sequence_length(std::string_view text) {
  const auto byte = [text](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : static_cast<unsigned char>(0);
  };
  const unsigned char first = byte(0), second = byte(1);
  if (first != 0 && first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return is_continuation(second) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const bool overlong = first == 0xE0 && second < 0xA0, surrogate = first == 0xED && second >= 0xA0;
    return is_continuation(second) && is_continuation(byte(2)) && !overlong && !surrogate ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const bool overlong = first == 0xF0 && second < 0x90, beyond = first == 0xF4 && second >= 0x90;
    return is_continuation(second) && is_continuation(byte(2)) && is_continuation(byte(3)) && !overlong &&
                   !beyond
               ? 4
               : 0;
  }
  return 0;
}

// The value of "\uXXXX" at the start of `text`.
std::optional<std::uint32_t> escape_at(std::string_view text) {
  std::uint32_t value = 0;
  if (text.size() < 6 || !text.starts_with("\\u")) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data() + 2, text.data() + 6, value, 16);
  return error == std::errc{} && end == text.data() + 6 ? std::optional(value) : std::nullopt;
}

}  // namespace

std::optional<TextPlace> first_bad_byte(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto length = sequence_length(text.substr(i));
    if (length == 0) return place_of(text, i);
    i += length;
  }
  return std::nullopt;
}

std::string join_surrogate_pairs(std::string_view text) {
  std::string joined;
  joined.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const auto high = escape_at(text.substr(i));
    const auto low = high ? escape_at(text.substr(i + 6)) : std::nullopt;
    if (high && low && *high >= 0xD800 && *high < 0xDC00 && *low >= 0xDC00 && *low < 0xE000) {
      joined += fmt::format("\\U{:08X}", 0x10000 + ((*high - 0xD800) << 10) + (*low - 0xDC00));
      i += 12;
      continue;
    }
    const std::size_t step =
        text[i] == '\\' && i + 1 < text.size() ? 2 : 1;  // an escaped backslash starts no escape
    joined += text.substr(i, step);
    i += step;
  }
  return joined;
}

std::optional<TextPlace> unclosed_bracket(std::string_view text) {
  const auto start = text.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos || (text[start] != '{' && text[start] != '[')) return std::nullopt;
  std::vector<std::size_t> open;
  char quote = 0, before = ',';  // the last character that was no space
  for (std::size_t i = start; i < text.size(); ++i) {
    const char c = text[i];
    if (quote != 0) {
      if (c == '\\' && quote == '"')
        ++i;
      else if (c == quote)
        quote = 0;
      continue;
    }
    const bool token_start = before == '{' || before == '[' || before == ',' || before == ':';
    if ((c == '"' || c == '\'') && token_start) quote = c;
    if (c == '{' || c == '[') open.push_back(i);
    if ((c == '}' || c == ']') && !open.empty()) open.pop_back();
    if (c != ' ' && c != '\t' && c != '\r' && c != '\n') before = c;
  }
  return quote == 0 && !open.empty() ? std::optional(place_of(text, open.back())) : std::nullopt;
}

}  // namespace zettatwin::config
