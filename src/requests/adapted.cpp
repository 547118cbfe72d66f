// SPDX-License-Identifier: Apache-2.0
#include "requests/adapted.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/contract.hpp"

namespace zettatwin::requests {
namespace {

class Adapted final : public Stream {
 public:
  Adapted(std::unique_ptr<Stream> stream, const Adaptation& adaptation)
      : stream_(std::move(stream)), to_(adaptation), start_(units::Picoseconds::from(to_.start)),
        end_(to_.duration.si() > 0 ? units::Picoseconds::from(to_.duration) : units::Picoseconds(INT64_MAX)) {}

  bool next(Request& request) override {
    if (to_.requests > 0 && given_ >= to_.requests) return false;
    do {
      if (ended_ || !stream_->next(request)) return false;
    } while (request.arrival < start_);
    ended_ = !move(request);
    if (ended_) return false;
    if (to_.model) request.model = *to_.model;
    ++given_;
    return true;
  }
  std::unique_ptr<Stream> fresh() const override { return std::make_unique<Adapted>(stream_->fresh(), to_); }
  // Cutting by count or from a later start changes which request is the n-th of the whole.
  std::unique_ptr<Stream> part(Part part) const override {
    if (to_.requests > 0 || to_.start.si() > 0 || to_.concurrency > 0) return Stream::part(part);
    return std::make_unique<Adapted>(stream_->part(part), to_);
  }
  std::optional<std::int64_t> size() const override {
    const auto all = stream_->size();
    if (!all || to_.duration.si() > 0 || to_.start.si() > 0) return std::nullopt;
    return to_.requests > 0 ? std::min(*all, to_.requests) : *all;
  }
  std::int64_t block_tokens() const override { return stream_->block_tokens(); }
  std::int64_t concurrency() const override { return to_.concurrency > 0 ? to_.concurrency : stream_->concurrency(); }
  Means means() const override {
    auto means = stream_->means();
    means.rate = to_.concurrency > 0 ? units::Hertz() : means.rate * to_.rate_scale;
    return means;
  }

 private:
  // Its new time; false if that is beyond the end.
  [[nodiscard]] bool move(Request& request) const {
    const auto since = request.arrival - start_;
    if (to_.concurrency > 0) return request.arrival = units::Picoseconds(0), true;
    if (to_.rate_scale == 1) {
      request.arrival = since;
    } else {
      const double scaled = std::floor(static_cast<double>(since.count()) / to_.rate_scale + 0.5);
      if (!(scaled < 9.2e18)) return false;
      request.arrival = units::Picoseconds(static_cast<std::int64_t>(scaled));
    }
    return request.arrival <= end_;
  }

  std::unique_ptr<Stream> stream_;
  Adaptation to_;
  units::Picoseconds start_, end_;
  std::int64_t given_ = 0;
  bool ended_ = false;
};

}  // namespace

std::unique_ptr<Stream> adapted(std::unique_ptr<Stream> stream, const Adaptation& adaptation) {
  ZT_EXPECT(adaptation.rate_scale > 0 && std::isfinite(adaptation.rate_scale), "rate times " + std::to_string(adaptation.rate_scale));
  return std::make_unique<Adapted>(std::move(stream), adaptation);
}

}  // namespace zettatwin::requests
