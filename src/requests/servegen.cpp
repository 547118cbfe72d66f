// SPDX-License-Identifier: Apache-2.0
#include "requests/servegen.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <numeric>
#include <optional>

#include "base/contract.hpp"
#include "requests/detail/client_files.hpp"

namespace zettatwin::requests {
namespace {

using detail::LengthWindow;
using detail::Problems;
using detail::RateWindow;

constexpr std::string_view kBefore = "chunk-", kRates = "-trace.csv", kLengths = "-dataset.json";
constexpr std::size_t kLargestDataset = 256u << 20;

// N of "chunk-N-trace.csv".
std::optional<std::int64_t> client_number(std::string_view file) {
  if (!file.starts_with(kBefore) || !file.ends_with(kRates) || file.size() <= kBefore.size() + kRates.size()) return std::nullopt;
  const auto digits = file.substr(kBefore.size(), file.size() - kBefore.size() - kRates.size());
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc{} || end != digits.data() + digits.size() || number < 0) return std::nullopt;
  return number;
}

std::optional<std::string> whole_text(TextSource& source, Problems& problems) {
  std::string text;
  for (auto piece = source.piece(); !piece.empty(); piece = source.piece()) {
    text += piece;
    if (text.size() > kLargestDataset) return problems.error(0, 0, fmt::format("more than {} bytes", kLargestDataset), "a dataset of one client is smaller"), std::nullopt;
  }
  return text;
}

// The dataset window that holds the time, or the nearest to it.
std::uint32_t nearest_lengths(const std::vector<LengthWindow>& windows, std::int64_t time) {
  const auto after = std::upper_bound(windows.begin(), windows.end(), time, [](std::int64_t t, const LengthWindow& w) { return t < w.start; });
  return static_cast<std::uint32_t>(after == windows.begin() ? 0 : after - windows.begin() - 1);
}

Client client_of(std::int64_t number, const std::vector<RateWindow>& rates, std::vector<LengthWindow> lengths) {
  Client client;
  client.number = number;
  for (const auto& window : rates) {
    client.rates.push_back(window.rate);
    client.gaps.push_back(window.gaps);
    client.lengths_of.push_back(nearest_lengths(lengths, window.start));
  }
  for (auto& window : lengths) client.lengths.push_back(std::move(window.lengths));
  return client;
}

// Reads one client into the pool. False if a file is broken.
bool read_client(const TraceFiles& files, const std::string& folder, std::int64_t number, config::Diagnostics& diagnostics, ClientPool& pool, double& left_out) {
  const auto path = [&](std::string_view ending) { return fmt::format("{}/{}{}{}", folder, kBefore, number, ending); };
  const auto rates_text = files.open(path(kRates));
  if (!rates_text) return diagnostics.error(config::location_in(path(kRates)), "the file cannot be read"), false;
  Problems rate_problems(path(kRates), diagnostics);
  const auto rates = detail::read_rates(*rates_text, rate_problems);
  if (!rate_problems.finish() || !rates) return false;
  const auto window = units::Picoseconds((*rates)[1].start * 1'000'000'000'000);
  const auto known = pool.window.count() == 0 ? rates->size() : pool.windows();
  if (pool.window.count() > 0 && (pool.window != window || (known > 0 && known != rates->size()))) {
    diagnostics.error(config::location_in(path(kRates)), fmt::format("{} windows of {} s", rates->size(), (*rates)[1].start), "all clients have the same windows");
    return false;
  }
  pool.window = window;
  const auto lengths_text = files.open(path(kLengths));
  std::optional<std::vector<LengthWindow>> lengths(std::in_place);
  if (lengths_text) {
    Problems problems(path(kLengths), diagnostics);
    const auto text = whole_text(*lengths_text, problems);
    if (text) lengths = detail::read_lengths(*text, problems);
    if (!problems.finish() || !text || !lengths) return false;
  }
  if (lengths->empty()) {
    pool.without_lengths.push_back(number);
    for (const auto& w : *rates) left_out += w.rate;
    return true;
  }
  pool.clients.push_back(client_of(number, *rates, std::move(*lengths)));
  return true;
}

}  // namespace

double Client::mean_rate() const { return std::accumulate(rates.begin(), rates.end(), 0.0) / static_cast<double>(rates.size()); }

std::shared_ptr<const ClientPool> read_servegen(const TraceFiles& files, const std::string& folder, config::Diagnostics& diagnostics) {
  auto pool = std::make_shared<ClientPool>();
  std::vector<std::int64_t> numbers;
  for (const auto& file : files.list(folder))
    if (const auto number = client_number(file)) numbers.push_back(*number);
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  const auto where = config::location_in(folder);
  if (numbers.empty()) return diagnostics.error(where, "no clients", "a client has files chunk-N-trace.csv and chunk-N-dataset.json"), nullptr;
  double left_out = 0, all = 0;
  bool good = true;
  for (const auto number : numbers) good = read_client(files, folder, number, diagnostics, *pool, left_out) && good;
  if (!good) return nullptr;
  for (const auto& client : pool->clients) all += client.mean_rate() * static_cast<double>(pool->windows());
  if (all == 0) return diagnostics.error(where, "no client with both rates and lengths", "there is nothing to draw requests from"), nullptr;
  pool->share_left_out = left_out / (left_out + all);
  if (!pool->without_lengths.empty())
    diagnostics.warning(where, fmt::format("clients {} have no lengths and are left out", fmt::join(pool->without_lengths, ", ")),
                        fmt::format("their dataset.json is absent or empty; they send {:.1f} % of the requests", 100 * pool->share_left_out));
  return pool;
}

}  // namespace zettatwin::requests
