// SPDX-License-Identifier: Apache-2.0
#include "compute/explain.hpp"

#include <fmt/format.h>

#include "compute/weight_only.hpp"
#include "units/text.hpp"

namespace zettatwin::compute {
namespace {

using hardware::Chip;
using hardware::Efficiency;
using hardware::Precision;

constexpr std::string_view kGemm =
    "launch + sqrt((loop / training + ramp)^2 + stream^2); loop = least over tiles of max(1, tiles / matrix_cores) x k x "
    "max(2 rows columns / (peak x math x sustained / cores), (rows + columns) width / (l2_bandwidth / cores), k_latency / 128), "
    "or with k split over idle cores; stream = (bytes + min(bytes, half_bytes)) / (memory.bandwidth x memory)";
constexpr std::string_view kGrouped =
    "launches + per_expert x experts + sqrt((loop + ramp)^2 + stream^2), as GEMM at grouped.math of its rate, with the tiles of "
    "each expert's rows counted separately and k not split";
constexpr std::string_view kAttention =
    "launch + max(max(1, waves) x (tile + context x key), tile + longest x key) x pass + bytes / (memory.bandwidth x memory); "
    "key = rows x (2 (head_dim + v_head_dim) / (peak x math / cores) + softmax); pass = 1, backward 2.5 / backward; in long runs / sustained, older kernels / flash1 or flash2";
constexpr std::string_view kScores =
    "launches + max(2 heads head_dim pairs / (peak x math), ramp x keys x key_bytes / (memory.bandwidth x memory)) + 3 x 4 bytes x scores / (memory.bandwidth x stream.memory)";
constexpr std::string_view kChosen =
    "launch + max(products, pairs x bytes / l2_bandwidth, (queries and outputs) / (memory.bandwidth x memory)); products = heads x pairs x f / (peak x math), with w = latent + rope: "
    "forward f = 2 (w + latent), backward f = 2 (3 w + 2 latent) / backward, scores alone f = 2 w";
constexpr std::string_view kWide =
    "launch + max(1, tiles / matrix_cores) k tile / (vector_peak.fp32 math / matrix_cores), at most 16 rows: weights / (memory.bandwidth memory) if that is less; in TF32 times tf32";
constexpr std::string_view kStream =
    "kernels x launch + (bytes + min(bytes, kernels x half_bytes)) / (memory.bandwidth x memory)";

// Lists figures of a chip under the paths of its document.
class Inputs {
 public:
  template <units::Dimension D>
  Inputs& add(std::string name, const config::Figure<units::Quantity<D>>& figure) {
    if (!figure.present) return *this;
    const auto& p = figure.provenance;
    const auto text = [](double si) { return units::human(si, D, 4); };
    const auto range = p.low_si < p.high_si ? fmt::format("{} to {}", text(p.low_si), text(p.high_si)) : std::string();
    list_.push_back({std::move(name), text(figure.si()), range, p});
    return *this;
  }
  Inputs& matrix(const Chip& chip, Precision p) {
    if (const auto entry = chip.peak_entry(p)) add(fmt::format("matrix_peak.{}", name_of(*entry)), chip.matrix_peak.at(*entry));
    return add("matrix_cores", chip.matrix_cores);
  }
  Inputs& gemm(const Chip& chip, Precision p, Library library) {
    const auto& e = chip.efficiency;
    const auto at = fmt::format("efficiency.gemm.{}.", name_of(Efficiency::entry_of(e.gemm, p).first));
    const auto& g = e.gemm_of(p);
    matrix(chip, p).add("efficiency.sustained", e.sustained).add(at + "math", g.math).add(at + "launch", g.launch);
    add(at + "ramp", g.ramp).add("memory.bandwidth", chip.memory.bandwidth).add(at + "memory", g.memory);
    if (library == Library::training) add(at + "training", g.training);
    return add(at + "half_bytes", g.half_bytes).add(at + "l2_bandwidth", g.l2_bandwidth).add(at + "k_latency", g.k_latency).add(at + "split", g.split);
  }
  Inputs& stream(const Chip& chip, const std::string& at, const hardware::StreamEfficiency& e) {
    return add("memory.bandwidth", chip.memory.bandwidth).add(at + "memory", e.memory).add(at + "launch", e.launch).add(at + "half_bytes", e.half_bytes);
  }
  [[nodiscard]] std::vector<Input> take() { return std::move(list_); }

 private:
  std::vector<Input> list_;
};

std::string chosen(const OperatorTime& t) { return t.waves > 0 ? fmt::format("; {}, {:.3g} tiles per core", t.detail, t.waves) : fmt::format("; {}", t.detail); }

}  // namespace

Explanation explain(const Chip& chip, const Gemm& op) {
  const auto t = time_of(chip, op);
  auto work = fmt::format("C[{},{}] = A[{},{}] B[{},{}] in {}, batch {}{}", op.m, op.n, op.m, op.k, op.k, op.n, name_of(op.precision), op.batch, chosen(t));
  Inputs inputs;
  inputs.gemm(chip, op.precision, op.library);
  if (const auto& [entry, gemm] = Efficiency::entry_of(chip.efficiency.gemm, op.precision); gemm.write_cost.present) {
    work += "; of the bytes, written ones count write_cost times";
    inputs.add(fmt::format("efficiency.gemm.{}.write_cost", name_of(entry)), gemm.write_cost);
  }
  if (const auto narrow = figures_of_experts(chip, op.precision, op.weight_bytes); narrow != op.precision) {
    work += "; weights are widened on the way, and read no faster than that";
    inputs.add(fmt::format("efficiency.served_experts.{}.memory", name_of(narrow)), chip.efficiency.served_experts.at(narrow).memory);
  }
  return {t, kGemm, std::move(work), inputs.take()};
}

Explanation explain(const Chip& chip, const GroupedGemm& op) {
  const auto t = time_of(chip, op);
  const auto& g = chip.efficiency.grouped;
  auto work = fmt::format("{} experts, {:.6g} rows together, weights {} x {} in {}, busiest expert {:.3g} times the mean{}", op.experts,
                          op.rows_total, op.n, op.k, name_of(op.precision), op.imbalance, chosen(t));
  auto inputs = Inputs().gemm(chip, op.precision, op.library).add("efficiency.grouped.math", g.math).add("efficiency.grouped.launch", g.launch)
                    .add("efficiency.grouped.per_expert", g.per_expert).take();
  return {t, kGrouped, std::move(work), std::move(inputs)};
}

Explanation explain(const Chip& chip, const AttentionOp& op) {
  const auto t = time_of(chip, op);
  const auto& [table, precision, a] = attention_figures(chip, op);
  const auto at = fmt::format("efficiency.{}.{}.", table, name_of(precision));
  auto work = fmt::format("{} sequences, {} heads on {} key heads, {} queries on {} keys, head dimensions {} and {} in {}{}", op.batch, op.heads,
                          op.kv_heads, op.q_length, op.kv_length, op.head_dim, op.v_head_dim, name_of(op.precision), chosen(t));
  Inputs inputs;
  inputs.matrix(chip, op.precision).add(at + "math", a.math).add(at + "softmax", a.softmax).add(at + "tile", a.tile).add(at + "launch", a.launch);
  inputs.add("memory.bandwidth", chip.memory.bandwidth).add(at + "memory", a.memory);
  if (windowed(op)) inputs.add(at + "window_keys", a.window_keys);
  inputs.add(at + "sustained", a.sustained);
  if (op.backward) inputs.add(at + "backward", a.backward);
  if (op.kernel == AttentionKernel::flash1) inputs.add(at + "flash1", a.flash1);
  if (op.kernel == AttentionKernel::flash2) inputs.add(at + "flash2", a.flash2);
  return {t, kAttention, std::move(work), inputs.take()};
}

Explanation explain(const Chip& chip, const IndexScores& op) {
  const auto t = time_of(chip, op);
  const auto& stream = chip.efficiency.stream;
  auto work = fmt::format("{:.6g} pairs of a query and a key, {:.6g} keys, {} heads of {} in {}; {}", op.pairs, op.keys, op.heads, op.head_dim, name_of(op.precision), t.detail);
  Inputs inputs;
  inputs.matrix(chip, op.precision);
  if (op.decoding) {
    const auto d = latent_decode_of(chip, op.precision);
    inputs.add("efficiency.decode_latent.math", d.math).add("efficiency.decode_latent.memory", d.memory).add("efficiency.decode_latent.launch", d.launch).add("efficiency.decode_latent.half_bytes", d.half_bytes);
  } else {
    const auto at = fmt::format("efficiency.attention.{}.", name_of(Efficiency::entry_of(chip.efficiency.attention, op.precision).first));
    const auto& a = chip.efficiency.attention_of(op.precision);
    inputs.add(at + "math", a.math).add(at + "memory", a.memory).add(at + "launch", a.launch);
  }
  inputs.add("memory.bandwidth", chip.memory.bandwidth).add("efficiency.stream.memory", stream.memory).add("efficiency.stream.launch", stream.launch);
  return {t, kScores, std::move(work), inputs.take()};
}

Explanation explain(const Chip& chip, const ChosenAttention& op) {
  const auto t = time_of(chip, op);
  const auto at = fmt::format("efficiency.attention.{}.", name_of(Efficiency::entry_of(chip.efficiency.attention, Precision::bf16).first));
  const auto& a = chip.efficiency.attention_of(Precision::bf16);
  auto work = fmt::format("{:.6g} pairs of a query and a key that it chose, {} heads on one vector of {} + {} in bf16; {}", op.pairs, op.heads, op.latent, op.rope, t.detail);
  Inputs inputs;
  inputs.matrix(chip, Precision::bf16).add(at + "math", a.math).add(at + "launch", a.launch).add("memory.bandwidth", chip.memory.bandwidth).add(at + "memory", a.memory);
  inputs.add("efficiency.gemm.bf16.l2_bandwidth", chip.efficiency.gemm_of(Precision::bf16).l2_bandwidth);
  if (op.pass == ChosenPass::backward) inputs.add(at + "backward", a.backward);
  return {t, kChosen, std::move(work), inputs.take()};
}

Explanation explain(const Chip& chip, const MemoryOp& op) {
  const auto t = time_of(chip, op);
  return {t, kStream, fmt::format("{} in {} kernels", units::human(op.bytes, 4), op.kernels),
          Inputs().stream(chip, "efficiency.stream.", chip.efficiency.stream).take()};
}

Explanation explain(const Chip& chip, const Quantise& op) {
  const auto t = time_of(chip, op);
  return {t, kStream, fmt::format("{:.6g} bf16 values to {}, {} copies, {}", op.elements, name_of(op.precision), op.copies, units::human(t.bytes, 4)),
          Inputs().stream(chip, "efficiency.quantise.", chip.efficiency.quantise).take()};
}

Explanation explain(const Chip& chip, const WideGemm& op) {
  const auto t = time_of(chip, op);
  const auto& e = chip.efficiency.wide_gemm;
  Inputs inputs;
  inputs.add("vector_peak.fp32", chip.vector_peak.at(Precision::fp32)).add("matrix_cores", chip.matrix_cores).add("efficiency.wide_gemm.launch", e.launch).add("efficiency.wide_gemm.math", e.math);
  inputs.add("memory.bandwidth", chip.memory.bandwidth).add("efficiency.wide_gemm.memory", e.memory);
  if (op.tf32) inputs.add("efficiency.wide_gemm.tf32", e.tf32);
  return {t, kWide, fmt::format("C[{},{}] = A[{},{}] B[{},{}] in {}; {}", op.m, op.n, op.m, op.k, op.k, op.n, op.tf32 ? "tf32" : "fp32", t.detail), inputs.take()};
}

}  // namespace zettatwin::compute
