// SPDX-License-Identifier: Apache-2.0
// Families: requests that may find each other's content in a cache. They begin with the same block that is not common to all; whoever keeps or drops
// whole families keeps the reuse of content as it is (spatial sampling: Waldspurger et al., SHARDS, FAST'15). Content that very many requests begin with
// (a system prompt) would put them all into one family: it is common, and families are formed below it, at the first block that is not.
//   family of a request = its first block that is not common; without one its conversation; without that itself
// Requests of different families share common content only. (The first turn of a conversation may be shorter than a block: then it shares nothing.)
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <unordered_set>
#include <vector>

#include "requests/request.hpp"
#include "requests/stream.hpp"

namespace zettatwin::requests {

class CommonContent final {
 public:
  struct Block {
    std::uint64_t name = 0;
    std::int32_t model = 0;  // of the first request with it
  };
  CommonContent() = default;
  explicit CommonContent(std::vector<Block> blocks);

  [[nodiscard]] bool has(std::uint64_t block) const { return !names_.empty() && names_.contains(block); }
  [[nodiscard]] const std::vector<Block>& blocks() const { return blocks_; }  // by name

 private:
  std::vector<Block> blocks_;
  std::unordered_set<std::uint64_t> names_;
};

// The content that more than `share` of the requests of one of the streams begin with, as far as the first `most` requests of each tell. A conversation repeats its
// own content: a block is common only if at least 4 requests went different ways from it on. O(1) per request beside drawing it; exact up to
// log2(depth) requests for a block at that depth of a chain.
[[nodiscard]] std::shared_ptr<const CommonContent> common_content(std::span<const std::shared_ptr<const Stream>> streams, double share, std::int64_t most);

// `number`: of the request in its stream. `common` may be null: nothing is.
[[nodiscard]] std::uint64_t family_of(const Request& request, std::uint64_t number, const CommonContent* common);
// 0 ... of-1, each equally likely, the same for all requests of a family.
[[nodiscard]] std::uint64_t class_of(std::uint64_t family, std::uint64_t of, std::uint64_t seed);
// Whether a request belongs to a part by its family. Expects Split::families.
[[nodiscard]] bool is_of(const Part& part, const Request& request, std::uint64_t number);

}  // namespace zettatwin::requests
