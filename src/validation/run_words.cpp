// SPDX-License-Identifier: Apache-2.0
#include "validation/run_words.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace zettatwin::validation {
namespace {

bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }
bool is_letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; }

// A whole number at `at`, which moves behind it.
std::int64_t whole_at(std::string_view text, std::size_t& at) {
  std::int64_t value = 0;
  for (std::size_t digits = 0; at < text.size() && is_digit(text[at]) && digits < 12; ++at, ++digits) value = 10 * value + (text[at] - '0');
  return value;
}

// The digits of `text` from `begin` on; empty if there are none.
std::string_view digits(std::string_view text, std::size_t begin) {
  std::size_t end = std::min(begin, text.size());
  while (end < text.size() && end - begin < 9 && std::isdigit(static_cast<unsigned char>(text[end]))) ++end;
  return text.substr(std::min(begin, text.size()), end - std::min(begin, text.size()));
}

// The digits that end right before `end`.
std::string_view digits_before(std::string_view text, std::size_t end) {
  std::size_t begin = end;
  while (begin > 0 && end - begin < 9 && std::isdigit(static_cast<unsigned char>(text[begin - 1]))) --begin;
  return text.substr(begin, end - begin);
}

// Reads words from left to right; a marker of a phase decides whose the words behind it are.
class ParallelReader final {
 public:
  explicit ParallelReader(std::string_view text) : text_(lower_case(text)) {}

  ParallelWords run() {
    while (at_ < text_.size()) {
      if (is_digit(text_[at_])) number();
      else if (is_letter(text_[at_])) word();
      else ++at_;
    }
    const auto in = [&](std::string_view phrase) { return text_.find(phrase) != std::string::npos; };
    result_.two_batches = in("two-microbatch") || in("2-microbatch") || in("two-batch") || in("tbo");
    result_.apart = result_.apart || in("disagg") || result_.prefill.instances > 0 || result_.decode.instances > 0;
    return result_;
  }

 private:
  [[nodiscard]] char here() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  // "5x(": instances. "1p1d": instances of both phases.
  void number() {
    const auto value = whole_at(text_, at_);
    if (here() == 'x' && at_ + 1 < text_.size() && text_[at_ + 1] == '(') pool_->instances = value;
    else if (here() == 'p' && at_ + 1 < text_.size() && is_digit(text_[at_ + 1])) both(value);
    while (is_letter(here())) ++at_;
  }

  void both(std::int64_t prefill) {
    auto at = at_ + 1;
    const auto decode = whole_at(text_, at);
    if (at >= text_.size() || text_[at] != 'd') return;
    result_.prefill.instances = prefill;
    result_.decode.instances = decode;
    at_ = at + 1;
  }

  void word() {
    const auto begin = at_;
    while (is_letter(here())) ++at_;
    const auto name = std::string_view(text_).substr(begin, at_ - begin);
    if (name == "prefill" || (name == "p" && here() == ':')) pool_ = &result_.prefill;
    else if (name == "decode" || (name == "d" && here() == ':')) pool_ = &result_.decode;
    else if (name == "pd" || name == "pdc") result_.apart = true;
    else if (name == "mtp" || name == "eagle") speculate();
    else size(name);
  }

  void speculate() {
    result_.speculates = true;
    if (is_digit(here())) result_.draft = whole_at(text_, at_);
  }

  // "tensor_parallel=8", "expert parallel 64".
  [[nodiscard]] std::string_view short_name(std::string_view name) const {
    if (name != "parallel" && name != "parallelism" && name != "size") return name;
    for (const auto& [word, size] : {std::pair{"tensor", "tp"}, {"expert", "ep"}, {"data", "dp"}, {"pipeline", "pp"}})
      if (before_ == word) return size;
    return name;
  }

  void size(std::string_view written) {
    const auto name = short_name(written);
    if (name == written) before_ = written;
    if (name == "dp" && text_.compare(at_, 5, " attn") == 0) pool_->data_attention = true;
    if (name == "dp" && text_.compare(at_, 10, " attention") == 0) pool_->data_attention = true;
    auto digit = at_;
    while (digit < text_.size() && digit < at_ + 3 && std::string_view("=: -").find(text_[digit]) != std::string_view::npos) ++digit;
    if (digit >= text_.size() || !is_digit(text_[digit])) return;
    if (digit > at_ && !is_size(name)) return;
    at_ = digit;
    const auto value = whole_at(text_, at_);
    if (name == "tp") pool_->tp = value;
    else if (name == "dp") pool_->dp = value;
    else if (name == "ep") experts(value);
    else if (name == "pp") pool_->pp = value;
    else if (name == "moetp") pool_->expert_tp = value;
    else if (name == "bs") pool_->batch = value;
    else if (name == "tep") pool_->tp = pool_->ep = value;
    else if (name == "dep") {
      pool_->dp = pool_->ep = value;
      pool_->data_attention = true;
    }
  }

  static bool is_size(std::string_view name) { return name == "tp" || name == "dp" || name == "ep" || name == "pp" || name == "tep" || name == "dep"; }

  // "ep8x2": eight on each of two nodes.
  void experts(std::int64_t value) {
    pool_->ep = value;
    if (here() != 'x' || at_ + 1 >= text_.size() || !is_digit(text_[at_ + 1])) return;
    ++at_;
    pool_->nodes = whole_at(text_, at_);
    pool_->ep = value * pool_->nodes;
  }

  std::string text_;
  std::size_t at_ = 0;
  std::string_view before_;  // the word before
  ParallelWords result_;
  PoolWords* pool_ = &result_.whole;
};

// A number at `at`, with a range's other end; moves behind it.
std::optional<double> number_at(std::string_view text, std::size_t& at) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data() + at, text.data() + text.size(), value);
  if (error != std::errc{}) return std::nullopt;
  at = static_cast<std::size_t>(end - text.data());
  const auto group = [&] { return at + 3 < text.size() && text[at] == ',' && is_digit(text[at + 1]) && is_digit(text[at + 2]) && is_digit(text[at + 3]) && (at + 4 >= text.size() || !is_digit(text[at + 4])); };
  while (value >= 1 && value == static_cast<double>(static_cast<std::int64_t>(value)) && group()) {  // "1,024"
    constexpr double kThousand = 1000;
    auto behind = at + 1;
    value = value * kThousand + static_cast<double>(whole_at(text, behind));
    at = behind;
  }
  if (at + 1 < text.size() && text[at] == '-' && is_digit(text[at + 1])) {
    double other = 0;
    const auto [last, wrong] = std::from_chars(text.data() + at + 1, text.data() + text.size(), other);
    if (wrong == std::errc{} && other > value) {
      at = static_cast<std::size_t>(last - text.data());
      value = (value + other) / 2;
    }
  }
  return value;
}

}  // namespace

std::string lower_case(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

std::string_view digits_after(std::string_view text, std::string_view word) {
  const auto at = text.find(word);
  return at == std::string_view::npos ? std::string_view{} : digits(text, at + word.size());
}

double gigabits_per_node(std::string_view written) {
  const auto lower = lower_case(written);
  const std::string_view text = lower;
  for (auto x = text.find('x'); x != std::string_view::npos; x = text.find('x', x + 1)) {
    const auto cards = digits_before(text, x);
    if (cards.empty()) continue;
    for (const std::string_view kind : {"hdr", "ndr", "edr", ""}) {
      if (text.substr(x + 1, kind.size()) != kind) continue;
      const auto rate = digits(text, x + 1 + kind.size());
      const auto behind = x + 1 + kind.size() + rate.size();
      const bool named = !kind.empty() || (behind < text.size() && text[behind] == 'g');  // "8x2" alone is no rate
      if (!rate.empty() && named) return std::stod(std::string(cards)) * std::stod(std::string(rate));
    }
  }
  return 0;
}

ParallelWords parallel_words(std::string_view text) { return ParallelReader(text).run(); }

std::optional<ProductWords> product_words(std::string_view text) {
  const auto lower = lower_case(text);
  const auto side = [&](char name) -> std::int64_t {
    for (std::size_t at = lower.find(name); at != std::string::npos; at = lower.find(name, at + 1)) {
      if (at > 0 && is_letter(lower[at - 1])) continue;
      auto behind = at + 1;
      while (behind < lower.size() && (lower[behind] == '=' || lower[behind] == ' ' || (is_letter(lower[behind]) && lower[behind - 1] == '='))) ++behind;
      if (behind < lower.size() && is_digit(lower[behind])) return whole_at(lower, behind);
    }
    return 0;
  };
  const ProductWords words{.m = side('m'), .n = side('n'), .k = side('k')};
  return words.m > 0 && words.n > 0 && words.k > 0 ? std::optional(words) : std::nullopt;
}

std::optional<FigureWords> figure_after(std::string_view text, std::string_view word) {
  for (auto at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
    auto begin = at + word.size();
    while (begin < text.size() && (text[begin] == ' ' || text[begin] == '~' || text[begin] == '<' || text[begin] == '=')) ++begin;
    const auto value = begin < text.size() && is_digit(text[begin]) ? number_at(text, begin) : std::nullopt;
    if (!value) continue;
    while (begin < text.size() && text[begin] == ' ') ++begin;
    const auto end = std::min(text.find_first_of(" ,;)", begin), text.size());
    return FigureWords{*value, std::string(text.substr(begin, end - begin))};
  }
  return std::nullopt;
}

std::optional<double> number_before(std::string_view text, std::string_view phrase) {
  const auto end = text.find(phrase);
  if (end == std::string_view::npos) return std::nullopt;
  auto begin = end;
  while (begin > 0 && (is_digit(text[begin - 1]) || text[begin - 1] == '.')) --begin;
  return begin < end ? number_at(text, begin) : std::nullopt;
}

std::optional<double> first_number(std::string_view text) {
  const auto first = std::find_if(text.begin(), text.end(), is_digit);
  if (first == text.end()) return std::nullopt;
  auto at = static_cast<std::size_t>(first - text.begin());
  auto value = number_at(text, at);
  constexpr double kBinaryThousand = 1024;
  if (value && at < text.size() && (text[at] == 'K' || text[at] == 'k') && (at + 1 >= text.size() || !is_letter(text[at + 1]))) *value *= kBinaryThousand;
  return value;
}

}  // namespace zettatwin::validation
