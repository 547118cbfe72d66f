// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "base/contract.hpp"
#include "compute/detail/finish.hpp"
#include "compute/detail/tiles.hpp"

namespace zettatwin::compute {
namespace {

using hardware::ExpertLayerEfficiency;

constexpr double kWide = 2;  // bytes of activations outside the products

// One grouped product of `rows` rows, spread evenly over `hit` experts, with weights n x k.
struct Product {
  double hit, rows, n, k;

  [[nodiscard]] detail::Choice best_tile(const detail::Core& core) const {
    detail::Choice best{.seconds = INFINITY};
    for (const auto& tile : detail::kGroupedTiles) {
      const double waves = hit * std::ceil(rows / hit / tile.rows()) * std::ceil(n / tile.columns()) / core.cores;
      const double seconds = std::max(1.0, waves) * k * core.step_of(tile);
      if (seconds <= best.seconds) best = {seconds, waves, tile.text};
    }
    return best;
  }
  [[nodiscard]] double bytes(double width) const { return (hit * n * k + rows * k) * width + rows * n * kWide; }
};

}  // namespace

OperatorTime time_of(const hardware::Chip& chip, const ExpertLayer& op) {
  ZT_EXPECT(op.tokens >= 0 && op.hidden >= 0 && op.inter >= 0 && op.topk >= 1 && op.experts >= op.topk && op.expert_parallel >= 1,
            "experts of impossible size");
  if (op.tokens == 0 || op.hidden == 0 || op.inter == 0) return {};
  const auto* layer = hardware::Efficiency::find_entry(chip.efficiency.expert_layer, op.precision);
  ZT_EXPECT(layer, chip.name + " has no figures of expert layers");
  const auto tokens = static_cast<double>(op.tokens), topk = static_cast<double>(op.topk), h = static_cast<double>(op.hidden);
  const double here = static_cast<double>(op.experts) / static_cast<double>(op.expert_parallel), f = static_cast<double>(op.inter);
  const double even = std::min(tokens * topk / static_cast<double>(op.expert_parallel), tokens * std::min(topk, here));
  const double rows = op.rows > 0 ? op.rows : even, hit = op.hit > 0 ? op.hit : std::min(here, std::max(1.0, rows));
  const double width = hardware::bytes_per_element(op.precision).si(), bandwidth = chip.memory.bandwidth.si();
  const auto core = detail::core_of(chip, *layer, op.precision, detail::peak_of(chip, op.precision), chip.efficiency.sustained.si());
  detail::Terms t{.overhead = layer->launch.si() + layer->per_expert.si() * here + layer->per_choice.si() * tokens * topk, .detail = "routed experts"};
  double products = 0;
  for (const Product& p : {Product{hit, rows, op.gated ? 2 * f : f, h}, Product{hit, rows, h, f}}) {
    const auto best = p.best_tile(core);
    const double memory = detail::stream_seconds(chip, p.bytes(width), layer->memory.si(), layer->half_bytes.si());
    products += std::sqrt(best.seconds * best.seconds + memory * memory);
    t.flop += 2 * rows * p.n * p.k;
    t.bytes += p.bytes(width);
    t.math += best.seconds;
    t.memory += memory;
    t.waves = std::max(t.waves, best.waves);
  }
  const double moving = 2 * kWide * h * (rows / layer->permute.si() + tokens / layer->combine.si()) / bandwidth;
  t.memory += moving;
  t.total = t.overhead + products + moving;
  return detail::finish(t);
}

}  // namespace zettatwin::compute
