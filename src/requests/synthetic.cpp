// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>

#include "base/contract.hpp"
#include "base/stable_hash.hpp"
#include "requests/detail/laws.hpp"

namespace zettatwin::requests {
namespace detail {
namespace {

GapLaw gaps_of(const TrafficSpec& spec) {
  switch (spec.arrivals) {
    case ArrivalShape::poisson: return GapLaw::exponential();
    case ArrivalShape::gamma: return GapLaw::gamma_of_cv(spec.cv);
    case ArrivalShape::deterministic: return GapLaw::deterministic();
  }
  return GapLaw::exponential();
}

std::optional<RateProfile> profile_of(const TrafficSpec& spec) {
  if (spec.concurrency > 0) return std::nullopt;
  if (!spec.diurnal) return RateProfile::constant(spec.rate);
  return RateProfile::diurnal(spec.rate, spec.diurnal->peak_to_mean, spec.diurnal->period, spec.diurnal->peak);
}

// Requests i, i + K, ... of n.
std::int64_t every_kth(std::int64_t n, const Part& part) { return n <= part.instance ? 0 : (n - part.instance - 1) / part.of + 1; }

class OpenStream final : public Stream {
 public:
  OpenStream(std::shared_ptr<const Laws> laws, Part part)
      : laws_(std::move(laws)), part_(part), arrivals_(laws_->gaps, *laws_->profile, part), gaps_(laws_->seed_of(part), stream_of(kArrivals, 0)),
        marks_(laws_->seed_of(part), stream_of(kMarks, 0)), end_(laws_->end()) {}

  bool next(Request& request) override {
    if (ended_) return false;
    const auto time = arrivals_.next(gaps_);
    ended_ = !time || *time > end_ || (laws_->spec.requests > 0 && arrivals_.number() >= laws_->spec.requests);
    if (ended_) return false;
    request.arrival = *time;
    laws_->draw(marks_, request);
    return true;
  }
  std::unique_ptr<Stream> fresh() const override { return std::make_unique<OpenStream>(laws_, part_); }
  std::unique_ptr<Stream> part(Part part) const override {
    const bool by_law = part.split != Split::families || laws_->are_families(part);
    if (part_.of > 1 || part.of == 1 || !by_law) return Stream::part(part);
    ZT_EXPECT(part.instance >= 0 && part.instance < part.of, std::to_string(part.instance) + " of " + std::to_string(part.of));
    if (part.split == Split::families) part.split = Split::random;
    return std::make_unique<OpenStream>(laws_, part);
  }
  std::optional<std::int64_t> size() const override {
    const auto& spec = laws_->spec;
    if (spec.requests == 0 || spec.duration.si() > 0 || (part_.of > 1 && part_.split == Split::random)) return std::nullopt;
    return every_kth(spec.requests, part_);
  }
  std::int64_t block_tokens() const override { return laws_->block_tokens(); }
  Means means() const override { return laws_->means(1 / static_cast<double>(part_.of)); }

 private:
  std::shared_ptr<const Laws> laws_;
  Part part_;
  Arrivals arrivals_;
  RandomStream gaps_, marks_;
  units::Picoseconds end_;
  bool ended_ = false;
};

class ClosedStream final : public Stream {
 public:
  // `part` of the clients and of the requests; which requests a client gets does not matter, as all are drawn alike.
  ClosedStream(std::shared_ptr<const Laws> laws, Part part)
      : laws_(std::move(laws)), part_(part), marks_(laws_->seed_of(part), stream_of(kMarks, 0)), left_(every_kth(laws_->spec.requests, part)) {}

  bool next(Request& request) override {
    if (left_ == 0) return false;
    --left_;
    request.arrival = units::Picoseconds(0);
    laws_->draw(marks_, request);
    return true;
  }
  std::unique_ptr<Stream> fresh() const override { return std::make_unique<ClosedStream>(laws_, part_); }
  std::unique_ptr<Stream> part(Part part) const override {
    if (part_.of > 1 || part.of == 1 || part.split == Split::families) return Stream::part(part);
    ZT_EXPECT(part.instance >= 0 && part.instance < part.of, std::to_string(part.instance) + " of " + std::to_string(part.of));
    return std::make_unique<ClosedStream>(laws_, part);
  }
  std::optional<std::int64_t> size() const override { return every_kth(laws_->spec.requests, part_); }
  std::int64_t block_tokens() const override { return laws_->block_tokens(); }
  std::int64_t concurrency() const override { return every_kth(laws_->spec.concurrency, part_); }
  Means means() const override { return laws_->means(0); }

 private:
  std::shared_ptr<const Laws> laws_;
  Part part_;
  RandomStream marks_;
  std::int64_t left_;
};

}  // namespace

Laws::Laws(const TrafficSpec& s)
    : spec(s), gaps(gaps_of(s)), profile(profile_of(s)), input(s.input), output(s.output) {
  if (s.shared_prefixes) prefixes.emplace(*s.shared_prefixes, seed(), s.block_tokens);
}

std::uint64_t Laws::seed_of(const Part& part) const {
  if (part.of == 1) return seed();
  StableHash hash;
  hash.add(spec.seed).add(part.instance).add(part.of).add(static_cast<std::uint64_t>(part.split)).add(part.seed);
  return RandomStream(hash.value(), stream_of(kShares, 0)).bits();
}

bool Laws::are_families(const Part& part) const { return !prefixes || prefixes->whole_blocks() == 0 || (part.common && prefixes->are_in(*part.common)); }

units::Picoseconds Laws::end() const { return spec.duration.si() > 0 ? units::Picoseconds::from(spec.duration) : units::Picoseconds(INT64_MAX); }

void Laws::draw(RandomStream& random, Request& request) const {
  request.input = input.sample(random);
  request.output = output.sample(random);
  request.model = 0;
  request.session = 0;
  request.blocks.clear();
  if (!prefixes) return;
  const auto rank = prefixes->choose(random);
  if (rank == 0) return;
  request.input += prefixes->tokens();
  prefixes->append(rank, prefixes->whole_blocks(), request.blocks);
}

Means Laws::means(double share_of_rate) const {
  return {units::Hertz::from_si(profile ? profile->mean().si() * share_of_rate : 0), input.mean() + (prefixes ? prefixes->mean_tokens() : 0), output.mean()};
}

std::unique_ptr<Stream> open_stream(std::shared_ptr<const Laws> laws, Part part) { return std::make_unique<OpenStream>(std::move(laws), part); }
std::unique_ptr<Stream> closed_stream(std::shared_ptr<const Laws> laws, Part part) { return std::make_unique<ClosedStream>(std::move(laws), part); }

}  // namespace detail

std::unique_ptr<Stream> synthetic(const TrafficSpec& spec) {
  ZT_EXPECT(!spec.trace, "a trace is no law");
  auto laws = std::make_shared<const detail::Laws>(spec);
  if (spec.concurrency > 0) return detail::closed_stream(std::move(laws), {});
  return spec.sessions ? detail::session_stream(std::move(laws), {}) : detail::open_stream(std::move(laws), {});
}

}  // namespace zettatwin::requests
