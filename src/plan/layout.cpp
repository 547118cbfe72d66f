// SPDX-License-Identifier: Apache-2.0
#include "plan/layout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include "base/contract.hpp"
#include "model/parameters.hpp"

namespace zettatwin::plan {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Weights of layers as prefix sums, with what the ends add to the first and last chunk.
struct Line {
  std::vector<double> prefix{0};
  double first = 0;
  double last = 0;

  [[nodiscard]] std::size_t layers() const { return prefix.size() - 1; }
  // Weight of chunk `c` of `chunks` holding layers [from, to).
  [[nodiscard]] double weight(std::size_t from, std::size_t to, std::size_t c, std::size_t chunks) const {
    return prefix[to] - prefix[from] + (c == 0 ? first : 0) + (c + 1 == chunks ? last : 0);
  }
};

Line line_of(const model::Architecture& architecture, const LayerWeights& weights) {
  Line line;
  for (const auto& run : architecture.runs)
    for (std::int64_t i = 0; i < run.count; ++i) line.prefix.push_back(line.prefix.back() + weights.kinds[run.kind]);
  line.first = weights.embedding;
  line.last = weights.head + static_cast<double>(architecture.mtp_depth) * weights.mtp;
  return line;
}

// best[c][i]: least cost of cutting the first i layers into c+1 chunks of at least one layer each; cost is `combine`d over the chunks.
// `bound` forbids heavier chunks, which keeps the inner loop as short as the widest chunk.
template <class Combine>
std::vector<std::vector<double>> solve(const Line& line, std::size_t chunks, double bound, Combine combine) {
  const auto layers = line.layers();
  std::vector<std::vector<double>> best(chunks, std::vector<double>(layers + 1, kInfinity));
  for (std::size_t i = 1; i <= layers; ++i)
    if (const double w = line.weight(0, i, 0, chunks); w <= bound) best[0][i] = combine(0.0, w);
  for (std::size_t c = 1; c < chunks; ++c)
    for (std::size_t i = c + 1; i <= layers; ++i)
      for (std::size_t from = i - 1; from >= c; --from) {
        const double w = line.weight(from, i, c, chunks);
        if (w > bound) break;
        if (best[c - 1][from] < kInfinity) best[c][i] = std::min(best[c][i], combine(best[c - 1][from], w));
      }
  return best;
}

// An upper bound of the optimal maximum: the cut into even counts.
double even_cut(const Line& line, std::size_t chunks) {
  double worst = 0;
  for (std::size_t c = 0; c < chunks; ++c)
    worst = std::max(worst, line.weight(c * line.layers() / chunks, (c + 1) * line.layers() / chunks, c, chunks));
  return worst;
}

// Layers per chunk: least maximum, then least sum of squares. Walking back from the last chunk, ties take most layers for the later chunk.
std::vector<std::int64_t> balanced(const Line& line, std::size_t chunks) {
  const auto layers = line.layers();
  const double maximum = solve(line, chunks, even_cut(line, chunks), [](double a, double w) { return std::max(a, w); })[chunks - 1][layers];
  ZT_ASSERT(maximum < kInfinity, fmt::format("{} layers, {} chunks", layers, chunks));
  const auto sum = [](double a, double w) { return a + w * w; };
  const auto best = solve(line, chunks, maximum, sum);
  std::vector<std::int64_t> counts(chunks);
  std::size_t end = layers;
  for (std::size_t c = chunks - 1; c > 0; --c) {
    std::size_t from = c;  // earliest start: most layers
    while (line.weight(from, end, c, chunks) > maximum || !(sum(best[c - 1][from], line.weight(from, end, c, chunks)) <= best[c][end])) {
      ++from;
      ZT_ASSERT(from < end, fmt::format("chunk {}", c));
    }
    counts[c] = static_cast<std::int64_t>(end - from);
    end = from;
  }
  counts[0] = static_cast<std::int64_t>(end);
  return counts;
}

std::vector<LayerSpan> spans(const model::Architecture& architecture, std::int64_t first, std::int64_t count) {
  std::vector<LayerSpan> result;
  std::int64_t begin = 0;
  for (const auto& run : architecture.runs) {
    const auto from = std::max(first, begin);
    const auto to = std::min(first + count, begin + run.count);
    if (from < to && !result.empty() && result.back().kind == run.kind) result.back().count += to - from;
    else if (from < to) result.push_back({run.kind, to - from, from});
    begin += run.count;
  }
  return result;
}

Layout layout_of(const Plan& plan, const model::Architecture& architecture, const std::vector<std::int64_t>& counts) {
  Layout layout;
  std::int64_t first = 0;
  for (const auto count : counts) {
    layout.chunks.push_back({.layers = spans(architecture, first, count)});
    first += count;
  }
  layout.chunks.front().has_embedding = true;
  layout.chunks.back().has_head = true;
  layout.chunks.back().mtp = architecture.mtp_depth;
  const auto per_rank = chunks_per_rank(plan);
  for (std::int64_t rank = 0; rank < plan.pp; ++rank) {
    auto& held = layout.held.emplace_back();
    for (std::int64_t local = 0; local < per_rank; ++local) {
      std::int64_t chunk = local * plan.pp + rank;
      if (plan.schedule != ScheduleKind::interleaved && local == 1)
        chunk = static_cast<std::int64_t>(layout.chunks.size()) - 1 - rank;  // the way back of a V, or DualPipe's other direction
      held.push_back(static_cast<std::int32_t>(chunk));
    }
  }
  return layout;
}

bool explicit_counts_fit(const Plan& plan, std::int64_t layers, const config::Location& where, config::Diagnostics& diagnostics) {
  const auto chunks = model_chunks(plan);
  const auto entries = static_cast<std::int64_t>(plan.layers_per_chunk.size());
  const auto sum = std::accumulate(plan.layers_per_chunk.begin(), plan.layers_per_chunk.end(), std::int64_t{0});
  if (entries != chunks)
    diagnostics.error(where, fmt::format("layers_per_chunk has {} entries for {} model chunks", entries, chunks),
                      fmt::format("pp {} x {} chunks per rank{}", plan.pp, chunks_per_rank(plan), plan.schedule == ScheduleKind::dualpipe ? ", each held twice" : ""),
                      fmt::format("give {} entries that sum to {}", chunks, layers));
  if (sum != layers)
    diagnostics.error(where, fmt::format("layers_per_chunk sums to {} but the model has {} layers", sum, layers), "every layer is in one chunk",
                      sum < layers ? fmt::format("add {}", layers - sum) : fmt::format("take away {}", sum - layers));
  return entries == chunks && sum == layers;
}

}  // namespace

std::int64_t ModelChunk::layer_count() const {
  return std::accumulate(layers.begin(), layers.end(), std::int64_t{0}, [](auto sum, const auto& span) { return sum + span.count; });
}

LayerWeights weights_by_parameters(const model::Architecture& architecture) {
  const auto active = [&](const model::Layer& layer) {
    const auto p = model::parameters_of(architecture, layer);
    return static_cast<double>(p.without_experts()) + (layer.experts ? static_cast<double>(layer.experts->top_k * p.one_expert) : 0);
  };
  LayerWeights weights;
  for (const auto& kind : architecture.kinds) weights.kinds.push_back(active(kind));
  const auto hidden = static_cast<double>(architecture.hidden);
  weights.head = hidden * static_cast<double>(architecture.vocabulary);
  if (architecture.mtp_layer) weights.mtp = 2 * hidden * hidden + active(*architecture.mtp_layer) + weights.head;
  return weights;
}

std::optional<Layout> make_layout(const Plan& plan, const model::Architecture& architecture, const LayerWeights& weights,
                                  const config::Location& where, config::Diagnostics& diagnostics) {
  ZT_EXPECT(weights.kinds.size() == architecture.kinds.size(), fmt::format("{} weights", weights.kinds.size()));
  const auto layers = architecture.layers();
  if (!plan.layers_per_chunk.empty()) {
    if (!explicit_counts_fit(plan, layers, where, diagnostics)) return std::nullopt;
    return layout_of(plan, architecture, plan.layers_per_chunk);
  }
  const auto chunks = model_chunks(plan);
  if (layers < chunks) {
    diagnostics.error(where, fmt::format("{} layers cannot fill {} pipeline chunks", layers, chunks), "every chunk holds at least one layer",
                      fmt::format("try pp={}", std::max<std::int64_t>(1, layers / chunks_per_rank(plan))));
    return std::nullopt;
  }
  return layout_of(plan, architecture, balanced(line_of(architecture, weights), static_cast<std::size_t>(chunks)));
}

std::optional<Layout> make_layout(const Plan& plan, const model::Architecture& architecture, const config::Location& where,
                                  config::Diagnostics& diagnostics) {
  return make_layout(plan, architecture, weights_by_parameters(architecture), where, diagnostics);
}

}  // namespace zettatwin::plan
