// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>

#include "base/contract.hpp"
#include "requests/detail/shared_prefixes.hpp"
#include "requests/servegen.hpp"

namespace zettatwin::requests {
namespace {

std::vector<double> chosen(const std::vector<double>& rates, std::size_t first, std::size_t count, double scale) {
  std::vector<double> part(rates.begin() + static_cast<std::ptrdiff_t>(first), rates.begin() + static_cast<std::ptrdiff_t>(first + count));
  for (auto& rate : part) rate *= scale;
  return part;
}

// A client on its way: its next arrival is known.
struct Sender {
  const Client* client;
  RateProfile profile;
  std::optional<ProfileClock> clock;
  RandomStream gaps, marks;
  units::Picoseconds time;
};

class ClientStream final : public Stream {
 public:
  ClientStream(std::shared_ptr<const ClientPool> pool, const ClientOptions& options) : pool_(std::move(pool)), options_(options) {
    const auto windows = static_cast<std::int64_t>(pool_->windows());
    if (options_.windows == 0) options_.windows = windows - options_.first_window;
    ZT_EXPECT(options_.first_window >= 0 && options_.windows > 0 && options_.first_window + options_.windows <= windows,
              std::to_string(options_.windows) + " windows from " + std::to_string(options_.first_window) + " of " + std::to_string(windows));
    first_ = static_cast<std::size_t>(options_.first_window);
    const auto seed = static_cast<std::uint64_t>(options_.seed);
    senders_.reserve(pool_->clients.size());
    for (const auto& client : pool_->clients) {
      const auto entity = static_cast<std::uint64_t>(client.number);
      senders_.push_back({&client, RateProfile::windows(pool_->window, chosen(client.rates, first_, count(), options_.rate_scale), RateProfile::Repeat::no), std::nullopt,
                          RandomStream(seed, stream_of(detail::kArrivals, entity)), RandomStream(seed, stream_of(detail::kMarks, entity)), {}});
      start(senders_.size() - 1);
    }
    std::make_heap(heap_.begin(), heap_.end(), [this](std::size_t a, std::size_t b) { return later(a, b); });
  }
  ClientStream(const ClientStream&) = delete;
  ClientStream& operator=(const ClientStream&) = delete;

  bool next(Request& request) override {
    if (heap_.empty()) return false;
    const auto order = [this](std::size_t a, std::size_t b) { return later(a, b); };
    std::pop_heap(heap_.begin(), heap_.end(), order);
    auto& sender = senders_[heap_.back()];
    const auto& client = *sender.client;
    const auto window = first_ + sender.clock->window();
    const auto& lengths = client.lengths[client.lengths_of[window]];
    request.arrival = sender.time;
    request.input = lengths.input.sample(sender.marks);
    request.output = lengths.output.sample(sender.marks);
    request.model = 0;
    request.session = 0;
    request.blocks.clear();
    const auto time = sender.clock->advance(client.gaps[window].sum(sender.gaps, 1));
    if (!time) return heap_.pop_back(), true;
    sender.time = *time;
    std::push_heap(heap_.begin(), heap_.end(), order);
    return true;
  }
  std::unique_ptr<Stream> fresh() const override { return std::make_unique<ClientStream>(pool_, options_); }
  Means means() const override {
    double rates = 0, input = 0, output = 0;
    for (const auto& client : pool_->clients) {
      std::vector<double> weights(client.lengths.size());
      for (std::size_t w = first_; w < first_ + count(); ++w) weights[client.lengths_of[w]] += client.rates[w];
      for (std::size_t i = 0; i < weights.size(); ++i) {
        if (weights[i] == 0) continue;
        rates += weights[i];
        input += weights[i] * client.lengths[i].input.mean();
        output += weights[i] * client.lengths[i].output.mean();
      }
    }
    return {units::Hertz::from_si(rates / static_cast<double>(count()) * options_.rate_scale), input / rates, output / rates};
  }

 private:
  [[nodiscard]] std::size_t count() const { return static_cast<std::size_t>(options_.windows); }
  [[nodiscard]] bool later(std::size_t a, std::size_t b) const { return senders_[a].time != senders_[b].time ? senders_[a].time > senders_[b].time : a > b; }

  // The first gap is what remains of one, of the first window with requests; a client without any stays out of the heap.
  void start(std::size_t index) {
    auto& sender = senders_[index];
    sender.clock.emplace(sender.profile);
    const auto& rates = sender.client->rates;
    const auto begin = rates.begin() + static_cast<std::ptrdiff_t>(first_);
    const auto busy = std::find_if(begin, begin + static_cast<std::ptrdiff_t>(count()), [](double rate) { return rate > 0; });
    if (busy == begin + static_cast<std::ptrdiff_t>(count())) return;
    const auto time = sender.clock->advance(sender.client->gaps[static_cast<std::size_t>(busy - rates.begin())].residual(sender.gaps));
    if (!time) return;
    sender.time = *time;
    heap_.push_back(index);
  }

  std::shared_ptr<const ClientPool> pool_;
  ClientOptions options_;
  std::size_t first_ = 0;
  std::vector<Sender> senders_;  // does not move once clocks point into it
  std::vector<std::size_t> heap_;
};

}  // namespace

std::unique_ptr<Stream> client_stream(std::shared_ptr<const ClientPool> pool, const ClientOptions& options) {
  return std::make_unique<ClientStream>(std::move(pool), options);
}

}  // namespace zettatwin::requests
