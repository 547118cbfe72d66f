// SPDX-License-Identifier: Apache-2.0
#include "requests/detail/lines.hpp"

#include <fmt/format.h>

#include "requests/trace.hpp"

namespace zettatwin::requests::detail {

void Problems::error(std::uint32_t line, std::size_t column, std::string problem, std::string why, std::string suggestion) {
  if (++count_ > kProblemsShown) return;
  diagnostics_.error({name_, line, static_cast<std::uint32_t>(column)}, std::move(problem), std::move(why), std::move(suggestion));
}

bool Problems::finish() {
  if (count_ > kProblemsShown)
    diagnostics_.error({name_, 0, 0}, fmt::format("{} more problems", count_ - kProblemsShown), fmt::format("{} in all; the first {} are shown", count_, kProblemsShown));
  return count_ == 0;
}

bool Lines::refill() {
  if (!ended_ && piece_.empty()) piece_ = source_.piece();
  ended_ = piece_.empty();
  return !ended_;
}

bool Lines::too_long() {
  problems_.error(number_, 1, fmt::format("a line of more than {} bytes", kLongest), "a request is one line of text", "is this the right format?");
  ended_ = true;
  piece_ = {};
  return false;
}

// A line that goes on in the next piece, or ends with the text.
bool Lines::join() {
  joined_.clear();
  while (refill()) {
    const auto end = piece_.find('\n');
    const auto part = piece_.substr(0, end);
    if (joined_.size() + part.size() > kLongest) return too_long();
    joined_.append(part);
    piece_.remove_prefix(end == std::string_view::npos ? piece_.size() : end + 1);
    if (end != std::string_view::npos) break;
  }
  return true;
}

bool Lines::next(std::string_view& line) {
  if (!refill()) return false;
  const bool first = number_ == 0;
  ++number_;
  if (const auto end = piece_.find('\n'); end != std::string_view::npos) {
    if (end > kLongest) return too_long();
    line = piece_.substr(0, end);
    piece_.remove_prefix(end + 1);
  } else {
    if (!join()) return false;
    line = joined_;
  }
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (first && line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
  if (line.ends_with('\r')) line.remove_suffix(1);
  return true;
}

}  // namespace zettatwin::requests::detail
