// SPDX-License-Identifier: Apache-2.0
// Content of synthetic prompts: names of blocks that are equal where content is, and drawn so widely that nothing else is equal.
#pragma once

#include <cstdint>
#include <optional>

#include "base/random.hpp"
#include "requests/families.hpp"
#include "requests/traffic_spec.hpp"

namespace zettatwin::requests::detail {

// The numbers of streams, one per purpose.
enum Purpose : std::uint16_t { kArrivals = 1, kMarks = 2, kSessions = 3, kPrefixContent = 4, kSessionContent = 5, kShares = 6 };

// Names of the blocks of one piece of content: the SplitMix64 sequence from a start of its own.
class Content final {
 public:
  Content(std::uint64_t seed, Purpose purpose, std::uint64_t entity) : start_(RandomStream(seed, stream_of(purpose, entity)).bits()) {}
  [[nodiscard]] std::uint64_t block(std::int64_t k) const {
    std::uint64_t z = start_ + static_cast<std::uint64_t>(k) * 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }

 private:
  std::uint64_t start_;
};

class SharedPrefixes final {
 public:
  SharedPrefixes(const SharedPrefixSpec& spec, std::uint64_t seed, std::int64_t block_tokens)
      : share_(spec.share), count_(spec.count), tokens_(static_cast<std::int32_t>(spec.tokens)), blocks_(spec.tokens / block_tokens), seed_(seed), popularity_(spec.count, spec.zipf) {}

  // The rank of the prefix that a request begins with; 0: none.
  [[nodiscard]] std::int64_t choose(RandomStream& random) const { return share_ >= 1 || random.chance(share_) ? popularity_(random) : 0; }
  [[nodiscard]] std::int32_t tokens() const { return tokens_; }
  [[nodiscard]] std::int64_t whole_blocks() const { return blocks_; }
  [[nodiscard]] double mean_tokens() const { return share_ * tokens_; }
  // Whether all of them, whole, are in there.
  [[nodiscard]] bool are_in(const CommonContent& common) const {
    if (static_cast<double>(count_) * static_cast<double>(blocks_) > static_cast<double>(common.blocks().size())) return false;
    for (std::int64_t rank = 1; rank <= count_; ++rank) {
      const Content content(seed_, kPrefixContent, static_cast<std::uint64_t>(rank));
      for (std::int64_t k = 0; k < blocks_; ++k)
        if (!common.has(content.block(k))) return false;
    }
    return true;
  }
  // Appends the names of the whole blocks, at most `most`.
  void append(std::int64_t rank, std::int64_t most, std::vector<std::uint64_t>& blocks) const {
    const Content content(seed_, kPrefixContent, static_cast<std::uint64_t>(rank));
    for (std::int64_t k = 0; k < blocks_ && k < most; ++k) blocks.push_back(content.block(k));
  }

 private:
  double share_;
  std::int64_t count_;
  std::int32_t tokens_;
  std::int64_t blocks_;
  std::uint64_t seed_;
  Zipf popularity_;
};

}  // namespace zettatwin::requests::detail
