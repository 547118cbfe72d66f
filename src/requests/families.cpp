// SPDX-License-Identifier: Apache-2.0
#include "requests/families.hpp"

#include <algorithm>
#include <string>
#include <unordered_map>

#include "base/contract.hpp"

namespace zettatwin::requests {

namespace {

constexpr std::int64_t kWays = 4;  // that requests take from common content on, at least

std::uint64_t mixed(std::uint64_t z) {  // SplitMix64's finaliser
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

// Requests by their leading blocks: a tree, known only as far down as it matters. A request goes down the blocks that are known and adds one more, or
// below a leaf as many as have come to that leaf: so a chain that all share is known after log2(its length) of them.
class Tree final {
 public:
  void add(const Request& request) {
    Node* last = nullptr;
    std::size_t depth = 0;
    for (; depth < request.blocks.size(); ++depth) {
      const auto found = nodes_.find(request.blocks[depth]);
      if (found == nodes_.end()) break;
      last = &found->second;
      ++last->count;
    }
    const bool grows = last != nullptr && !last->inner && depth < request.blocks.size();
    if (!grows)  // another way than those before, or the same to its end
      for (std::size_t i = 0; i < depth; ++i) ++nodes_[request.blocks[i]].ways;
    const auto more = grows ? static_cast<std::size_t>(last->count) : std::size_t{1};
    if (last != nullptr && depth < request.blocks.size()) last->inner = true;
    for (std::size_t i = depth; i < std::min(request.blocks.size(), depth + more); ++i)
      nodes_[request.blocks[i]] = {.count = 1, .ways = 0, .model = request.model, .inner = i + 1 < std::min(request.blocks.size(), depth + more)};
  }
  void common(double least, std::vector<CommonContent::Block>& blocks) const {
    for (const auto& [name, node] : nodes_)  // sorted by whoever asks
      if (static_cast<double>(node.count) > least && node.ways >= kWays) blocks.push_back({name, node.model});
  }

 private:
  struct Node {
    std::int64_t count = 0, ways = 0;
    std::int32_t model = 0;
    bool inner = false;  // something below is known
  };
  std::unordered_map<std::uint64_t, Node> nodes_;
};

}  // namespace

CommonContent::CommonContent(std::vector<Block> blocks) : blocks_(std::move(blocks)) {
  std::sort(blocks_.begin(), blocks_.end(), [](const Block& a, const Block& b) { return a.name < b.name; });
  blocks_.erase(std::unique(blocks_.begin(), blocks_.end(), [](const Block& a, const Block& b) { return a.name == b.name; }), blocks_.end());
  for (const Block& block : blocks_) names_.insert(block.name);
}

std::shared_ptr<const CommonContent> common_content(std::span<const std::shared_ptr<const Stream>> streams, double share, std::int64_t most) {
  ZT_EXPECT(share > 0, "a share of " + std::to_string(share));
  std::vector<CommonContent::Block> blocks;
  for (const auto& whole : streams) {
    if (whole->block_tokens() == 0) continue;
    const auto stream = whole->fresh();
    Tree tree;
    Request request;
    std::int64_t count = 0;
    while (count < most && stream->next(request)) {
      tree.add(request);
      ++count;
    }
    tree.common(share * static_cast<double>(count), blocks);
  }
  return std::make_shared<const CommonContent>(std::move(blocks));
}

std::uint64_t family_of(const Request& request, std::uint64_t number, const CommonContent* common) {
  for (const std::uint64_t block : request.blocks)
    if (common == nullptr || !common->has(block)) return block;
  // Numbers and names of blocks are apart: both are mixed before they choose a class.
  return request.session != 0 ? mixed(request.session * 0x9e3779b97f4a7c15ULL) : mixed(~number * 0xd1342543de82ef95ULL);
}

std::uint64_t class_of(std::uint64_t family, std::uint64_t of, std::uint64_t seed) {
  ZT_EXPECT(of > 0, "no classes");
  const std::uint64_t bits = mixed(mixed(family + 0x9e3779b97f4a7c15ULL) ^ mixed(seed + 0xbf58476d1ce4e5b9ULL));
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>((static_cast<Wide>(bits) * of) >> 64);
}

bool is_of(const Part& part, const Request& request, std::uint64_t number) {
  return class_of(family_of(request, number, part.common.get()), static_cast<std::uint64_t>(part.of), part.seed) == static_cast<std::uint64_t>(part.instance);
}

}  // namespace zettatwin::requests
