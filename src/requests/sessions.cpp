// SPDX-License-Identifier: Apache-2.0
// Conversations: they begin as a renewal process of their own, each has a random stream of its own, and the one whose next request comes first is at
// the top of a heap. In memory are the conversations under way.
#include <algorithm>
#include <string>
#include <vector>

#include "base/contract.hpp"
#include "requests/detail/laws.hpp"

namespace zettatwin::requests::detail {
namespace {

struct Conversation {
  units::Picoseconds time;  // of the next request
  std::uint64_t id;         // from 1, in order of beginning
  std::int32_t turns_left;
  std::int32_t context = 0;  // tokens said so far
  std::int64_t prefix = 0;   // rank; 0: none
  RandomStream random;
};

// Of the sum of 1 ... T for T turns: what one conversation repeats is that often its mean turn.
double mean_triangle(const LengthLaw& turns) {
  double sum = 0;
  for (std::int64_t k = 1; k <= 1'000'000; ++k) {
    const double still = turns.at_least(k);
    if (still < 1e-12) break;
    sum += static_cast<double>(k) * still;
  }
  return sum;
}

class SessionStream final : public Stream {
 public:
  // `part`: of conversations, drawn at random; the limit of requests is shared as they are.
  SessionStream(std::shared_ptr<const Laws> laws, Part part)
      : laws_(std::move(laws)), part_(part), seed_(laws_->seed_of(part)), turns_(laws_->spec.sessions->turns), think_(GapLaw::gamma_of_cv(laws_->spec.sessions->think_cv)),
        profile_(laws_->profile->scaled(1 / turns_.mean())), arrivals_(laws_->gaps, profile_, part),
        gaps_(seed_, stream_of(kArrivals, 0)), end_(laws_->end()), limit_((laws_->spec.requests + part.of - 1) / part.of) {
    begin_next();
  }
  SessionStream(const SessionStream&) = delete;
  SessionStream& operator=(const SessionStream&) = delete;

  bool next(Request& request) override {
    if (limit_ > 0 && given_ == limit_) return false;
    if (heap_.empty()) return false;
    std::pop_heap(heap_.begin(), heap_.end(), later);
    Conversation talk = heap_.back();
    heap_.pop_back();
    if (talk.time > end_) return heap_.clear(), false;
    if (talk.id == begun_ && !last_begun_) begin_next();
    say(talk, request);
    ++given_;
    return true;
  }
  std::unique_ptr<Stream> fresh() const override { return std::make_unique<SessionStream>(laws_, part_); }
  std::unique_ptr<Stream> part(Part part) const override {
    if (part_.of > 1 || part.of == 1 || part.split != Split::families || !laws_->are_families(part)) return Stream::part(part);
    ZT_EXPECT(part.instance >= 0 && part.instance < part.of, std::to_string(part.instance) + " of " + std::to_string(part.of));
    part.split = Split::random;
    return std::make_unique<SessionStream>(laws_, part);
  }
  std::optional<std::int64_t> size() const override { return limit_ > 0 && laws_->spec.duration.si() == 0 ? std::optional(limit_) : std::nullopt; }
  std::int64_t block_tokens() const override { return laws_->block_tokens(); }
  Means means() const override {
    auto means = laws_->means(1 / static_cast<double>(part_.of));
    const double own = laws_->input.mean(), prefix = means.input - own, triangle = mean_triangle(turns_) / turns_.mean();
    means.input = prefix + own * triangle + means.output * (triangle - 1);
    return means;
  }

 private:
  static bool later(const Conversation& a, const Conversation& b) { return a.time != b.time ? a.time > b.time : a.id > b.id; }

  void push(Conversation talk) {
    heap_.push_back(talk);
    std::push_heap(heap_.begin(), heap_.end(), later);
  }

  // The next conversation waits in the heap, so that the top is always the next request.
  void begin_next() {
    const auto time = arrivals_.next(gaps_);
    last_begun_ = !time;
    if (last_begun_) return;
    Conversation talk{.time = *time, .id = ++begun_, .turns_left = 1, .random = RandomStream(seed_, stream_of(kSessions, begun_))};
    talk.turns_left = turns_.sample(talk.random);
    if (laws_->prefixes) talk.prefix = laws_->prefixes->choose(talk.random);
    if (talk.prefix > 0) talk.context = laws_->prefixes->tokens();
    push(talk);
  }

  void say(Conversation& talk, Request& request) {
    const auto most = static_cast<std::int32_t>(laws_->spec.sessions->max_context);
    request.arrival = talk.time;
    request.session = talk.id;
    request.model = 0;
    // The first turn is cut where it does not fit; a later one is not begun.
    request.input = std::clamp(talk.context + laws_->input.sample(talk.random), 1, std::max(1, most - 1));
    request.output = std::clamp(laws_->output.sample(talk.random), 1, std::max(1, most - request.input));
    name_blocks(talk, request);
    talk.context = request.input + request.output;
    if (--talk.turns_left <= 0 || talk.context >= most - 1) return;
    const auto& think = laws_->spec.sessions->think;
    if (think.si() > 0) {
      const double wait = think_.sum(talk.random, 1) * think.si() * 1e12;
      if (!(wait + static_cast<double>(talk.time.count()) < 9.2e18)) return;
      talk.time += units::Picoseconds(static_cast<std::int64_t>(wait));
    }
    push(talk);
  }

  // All whole blocks of prompt and answer: the next turn repeats both.
  void name_blocks(const Conversation& talk, Request& request) const {
    const std::int64_t count = (static_cast<std::int64_t>(request.input) + request.output) / laws_->spec.block_tokens;
    request.blocks.clear();
    request.blocks.reserve(static_cast<std::size_t>(count));
    if (talk.prefix > 0) laws_->prefixes->append(talk.prefix, count, request.blocks);
    const Content content(seed_, kSessionContent, talk.id);
    for (auto k = static_cast<std::int64_t>(request.blocks.size()); k < count; ++k) request.blocks.push_back(content.block(k));
  }

  std::shared_ptr<const Laws> laws_;
  Part part_;
  std::uint64_t seed_;
  LengthLaw turns_;
  GapLaw think_;
  RateProfile profile_;
  Arrivals arrivals_;
  RandomStream gaps_;
  units::Picoseconds end_;
  std::int64_t limit_;  // of requests; 0: none
  std::vector<Conversation> heap_;
  std::uint64_t begun_ = 0;
  bool last_begun_ = false;
  std::int64_t given_ = 0;
};

}  // namespace

std::unique_ptr<Stream> session_stream(std::shared_ptr<const Laws> laws, Part part) { return std::make_unique<SessionStream>(std::move(laws), part); }

}  // namespace zettatwin::requests::detail
