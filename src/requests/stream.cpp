// SPDX-License-Identifier: Apache-2.0
#include "requests/stream.hpp"

#include <string>

#include "base/contract.hpp"
#include "base/random.hpp"
#include "requests/families.hpp"

namespace zettatwin::requests {
namespace {

// Reads the whole and passes on what belongs to one instance. Under a random split the owner of request n is the n-th number of one stream,
// under one by families what its family hashes to.
class PassingOver final : public Stream {
 public:
  PassingOver(std::unique_ptr<Stream> whole, Part part) : whole_(std::move(whole)), part_(std::move(part)), owners_(part_.seed, 0) {}

  bool next(Request& request) override {
    while (whole_->next(request)) {
      if (part_.split == Split::families) {
        if (is_of(part_, request, static_cast<std::uint64_t>(count_++))) return true;
        continue;
      }
      const auto of = static_cast<std::uint64_t>(part_.of);
      const auto owner = part_.split == Split::random ? owners_.below(of) : static_cast<std::uint64_t>(count_++) % of;
      if (owner == static_cast<std::uint64_t>(part_.instance)) return true;
    }
    return false;
  }
  std::unique_ptr<Stream> fresh() const override { return std::make_unique<PassingOver>(whole_->fresh(), part_); }
  std::optional<std::int64_t> size() const override {
    const auto all = whole_->size();
    if (!all || part_.split != Split::round_robin) return std::nullopt;
    return (*all - part_.instance + part_.of - 1) / part_.of;
  }
  std::int64_t block_tokens() const override { return whole_->block_tokens(); }
  std::int64_t concurrency() const override { return share_of_concurrency(whole_->concurrency(), part_); }
  Means means() const override {
    auto means = whole_->means();
    means.rate = means.rate / static_cast<double>(part_.of);
    return means;
  }

 private:
  // N clients over K instances: the first N mod K have one more.
  static std::int64_t share_of_concurrency(std::int64_t all, const Part& part) {
    return all / part.of + (part.instance < all % part.of ? 1 : 0);
  }

  std::unique_ptr<Stream> whole_;
  Part part_;
  RandomStream owners_;
  std::int64_t count_ = 0;
};

}  // namespace

std::unique_ptr<Stream> Stream::part(Part part) const {
  ZT_EXPECT(part.of >= 1 && part.instance >= 0 && part.instance < part.of, std::to_string(part.instance) + " of " + std::to_string(part.of));
  auto whole = fresh();
  if (part.of == 1) return whole;
  return std::make_unique<PassingOver>(std::move(whole), std::move(part));
}

}  // namespace zettatwin::requests
