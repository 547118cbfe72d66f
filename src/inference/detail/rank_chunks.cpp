// SPDX-License-Identifier: Apache-2.0
#include "inference/detail/rank_chunks.hpp"

#include <algorithm>

namespace zettatwin::inference::detail {
namespace {

using serving::Chunk;

double pairs_of(const Chunk& c) { return static_cast<double>(c.tokens) * (c.context + c.tokens / 2.0); }

template <class F>
void for_each_rank(std::span<const Chunk> chunks, F&& take) {
  for (std::size_t begin = 0, end = 0; begin < chunks.size(); begin = end) {
    while (end < chunks.size() && chunks[end].rank == chunks[begin].rank) ++end;
    take(chunks.subspan(begin, end - begin));
  }
}

}  // namespace

std::int64_t most_tokens_of_rank(std::span<const Chunk> chunks) {
  std::int64_t most = 0;
  for_each_rank(chunks, [&](std::span<const Chunk> own) {
    std::int64_t tokens = 0;
    for (const auto& chunk : own) tokens += chunk.tokens;
    most = std::max(most, tokens);
  });
  return most;
}

std::span<const Chunk> busiest_rank(std::span<const Chunk> chunks) {
  std::span<const Chunk> busiest;
  double most = -1;
  for_each_rank(chunks, [&](std::span<const Chunk> own) {
    double pairs = 0;
    for (const auto& chunk : own) pairs += pairs_of(chunk);
    if (pairs > most) most = pairs, busiest = own;
  });
  return busiest;
}

}  // namespace zettatwin::inference::detail
