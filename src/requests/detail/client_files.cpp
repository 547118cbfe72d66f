// SPDX-License-Identifier: Apache-2.0
#include "requests/detail/client_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

namespace zettatwin::requests::detail {
namespace {

using Json = nlohmann::json;

template <class T>
std::optional<T> number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

constexpr std::size_t kCells = 6;
constexpr double kHighestRate = 1e9;
constexpr std::int64_t kLongestSpan = 9'000'000;  // s, what Picoseconds can hold
constexpr std::int64_t kMostWindows = 1'000'000;

// Gamma and Weibull with a shape; nothing: Poisson.
std::optional<GapLaw> gaps_of(std::string_view name, std::string_view shape_text) {
  if (name.empty()) return GapLaw::exponential();
  const auto shape = number<double>(shape_text);
  constexpr double kBluntest = 0.002, kSharpest = 1e6, kBluntestWeibull = 0.05;
  if (!shape || !(*shape >= kBluntest && *shape <= kSharpest)) return std::nullopt;
  if (name == "Gamma") return GapLaw::gamma(*shape);
  if (name == "Weibull" && *shape >= kBluntestWeibull) return GapLaw::weibull(*shape);
  return std::nullopt;
}

std::optional<RateWindow> read_window(std::string_view line, std::uint32_t at, Problems& problems) {
  std::array<std::string_view, kCells> cells;
  std::array<std::size_t, kCells> columns{};
  std::size_t count = 0;
  for (std::size_t begin = 0;; ++count) {
    const auto end = std::min(line.find(',', begin), line.size());
    if (count < kCells) cells[count] = line.substr(begin, end - begin), columns[count] = begin + 1;
    if (end == line.size()) break;
    begin = end + 1;
  }
  if (++count != kCells) {
    problems.error(at, 1, fmt::format("{} cells instead of {}", count, kCells), "a window has start, rate, cv, distribution, shape, scale");
    return std::nullopt;
  }
  const auto start = number<std::int64_t>(cells[0]);
  const auto rate = number<double>(cells[1]);
  const auto gaps = gaps_of(cells[3], cells[4]);
  if (!start || *start < 0 || *start > kLongestSpan) problems.error(at, columns[0], "not the start of a window", fmt::format("a whole number of seconds, at most {}", kLongestSpan));
  if (!rate || !(*rate >= 0 && *rate <= kHighestRate)) problems.error(at, columns[1], "not a rate", "requests per second, not negative");
  if (!gaps) problems.error(at, columns[3], "not a distribution of gaps", "Gamma or Weibull with a positive shape, or nothing");
  if (!start || *start < 0 || *start > kLongestSpan || !rate || !(*rate >= 0 && *rate <= kHighestRate) || !gaps) return std::nullopt;
  return RateWindow{*start, *rate, *gaps};
}

// "{45: 0.0097, 46: 0.0117}" as Python prints it. Problems are told by their offset in the text.
struct Broken { std::size_t offset; const char* why; };
std::optional<Broken> read_histogram(std::string_view text, std::vector<LengthBin>& bins) {
  std::size_t at = 0;
  const auto blank = [&] { while (at < text.size() && (text[at] == ' ' || text[at] == '\n' || text[at] == '\t')) ++at; };
  const auto token = [&] {
    blank();
    const auto end = std::min(text.find_first_of(" :,}", at), text.size());
    const auto part = text.substr(at, end - at);
    at = end;
    blank();
    return part;
  };
  const auto skip = [&](char c) { return at < text.size() && text[at] == c ? (++at, true) : false; };
  blank();
  if (!skip('{')) return Broken{at, "it begins with {"};
  blank();
  if (skip('}')) return std::nullopt;
  for (;;) {
    const auto place = at;
    const auto tokens = number<std::int64_t>(token());
    if (!tokens || *tokens < 0 || *tokens > LengthLaw::kLongest) return Broken{place, "lengths are whole numbers of tokens"};
    if (!skip(':')) return Broken{at, "a colon divides length and probability"};
    const auto weight_place = at;
    const auto weight = number<double>(token());
    if (!weight || !(*weight >= 0 && *weight <= 1e12)) return Broken{weight_place, "probabilities are not negative"};
    bins.push_back({*tokens, *weight});
    if (skip('}')) return std::nullopt;
    if (!skip(',')) return Broken{at, "a comma divides entries"};
  }
}

void error_at(std::string_view text, std::size_t offset, Problems& problems, std::string problem, std::string why) {
  const auto before = text.substr(0, std::min(offset, text.size()));
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const auto start = before.rfind('\n');
  problems.error(static_cast<std::uint32_t>(line), start == std::string_view::npos ? before.size() + 1 : before.size() - start, std::move(problem), std::move(why));
}

// One field of a window; false if it is broken. No bin: the window has no requests.
bool read_field(std::string_view text, const std::string& start, const Json& window, const char* name, Problems& problems, std::vector<LengthBin>& bins) {
  const auto key = text.find("\"" + start + "\"");
  const auto offset = key == std::string_view::npos ? 0 : key;
  const auto field = window.find(name);
  if (field == window.end() || !field->is_string()) {
    error_at(text, offset, problems, fmt::format("no {} in window {}", name, start), "a window gives it as text, {length: probability, ...}");
    return false;
  }
  const auto& histogram = field->get_ref<const std::string&>();
  if (const auto broken = read_histogram(histogram, bins)) {
    const auto found = text.find(histogram, offset);
    error_at(text, found == std::string_view::npos ? offset : found + broken->offset, problems, fmt::format("{} of window {} cannot be read", name, start), broken->why);
    return false;
  }
  return true;
}

}  // namespace

std::optional<std::vector<RateWindow>> read_rates(TextSource& text, Problems& problems) {
  Lines lines(text, problems);
  std::vector<RateWindow> windows;
  std::string_view line;
  bool good = true;
  while (lines.next(line)) {
    if (line.find_first_not_of(" \t") == std::string_view::npos) continue;
    const auto window = read_window(line, lines.number(), problems);
    good = good && window.has_value();
    if (!good) continue;
    windows.push_back(*window);
    const auto n = static_cast<std::int64_t>(windows.size()) - 1;
    const auto length = n > 0 ? windows[1].start - windows[0].start : 0;
    if (windows[0].start != 0 || (n > 0 && (length <= 0 || window->start != n * length)) || n >= kMostWindows) {
      problems.error(lines.number(), 1, fmt::format("a window that starts at {} s", window->start), "windows start at 0 and follow each other in equal steps");
      good = false;
    }
  }
  if (good && windows.size() < 2) problems.error(0, 0, "fewer than two windows", "the step from one to the next is their length"), good = false;
  return good ? std::optional(std::move(windows)) : std::nullopt;
}

std::optional<std::vector<LengthWindow>> read_lengths(std::string_view text, Problems& problems) {
  Json document;
  try {
    document = Json::parse(text.begin(), text.end());
  } catch (const Json::parse_error& error) {
    error_at(text, error.byte > 0 ? error.byte - 1 : 0, problems, "not JSON", "a dataset is an object of windows");
    return std::nullopt;
  } catch (const Json::exception&) {  // a number that no double holds
    error_at(text, 0, problems, "a number out of range", "no figure of a dataset is that large");
    return std::nullopt;
  }
  if (!document.is_object()) return error_at(text, 0, problems, "not an object", "a dataset is an object of windows"), std::nullopt;
  std::vector<LengthWindow> windows;
  bool good = true;
  for (const auto& [start_text, window] : document.items()) {
    const auto start = number<std::int64_t>(start_text);
    if (!start || *start < 0 || *start > kLongestSpan || !window.is_object()) {
      const auto key = text.find("\"" + start_text + "\"");
      error_at(text, key == std::string_view::npos ? 0 : key, problems, "not a window", "windows are objects, named by their start in seconds");
      good = false;
      continue;
    }
    std::vector<LengthBin> input, output;
    const bool both = read_field(text, start_text, window, "input_tokens", problems, input);
    good = read_field(text, start_text, window, "output_tokens", problems, output) && both && good;
    const auto weighs = [](const std::vector<LengthBin>& bins) { return std::any_of(bins.begin(), bins.end(), [](const LengthBin& bin) { return bin.weight > 0; }); };
    if (good && weighs(input) && weighs(output)) windows.push_back({*start, {LengthLaw::histogram(std::move(input)), LengthLaw::histogram(std::move(output))}});
  }
  std::sort(windows.begin(), windows.end(), [](const LengthWindow& a, const LengthWindow& b) { return a.start < b.start; });
  return good ? std::optional(std::move(windows)) : std::nullopt;
}

}  // namespace zettatwin::requests::detail
