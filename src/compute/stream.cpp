// SPDX-License-Identifier: Apache-2.0
// Memory-bound operators, and the datasheet bound of any operator.
#include <algorithm>
#include <cmath>

#include "base/contract.hpp"
#include "compute/detail/finish.hpp"
#include "compute/detail/tiles.hpp"

namespace zettatwin::compute {
namespace {

OperatorTime stream(const hardware::Chip& chip, const hardware::StreamEfficiency& efficiency, double bytes, double kernels,
                    std::string_view text) {
  const double memory = detail::stream_seconds(chip, bytes, efficiency.memory.si(), kernels * efficiency.half_bytes.si());
  const double launch = kernels * efficiency.launch.si();
  return detail::finish({.bytes = bytes, .memory = memory, .overhead = launch, .total = launch + memory, .detail = text});
}

}  // namespace

OperatorTime time_of(const hardware::Chip& chip, const MemoryOp& op) {
  ZT_EXPECT(op.bytes.si() >= 0 && op.kernels >= 0, "memory-bound operator of negative size");
  return stream(chip, chip.efficiency.stream, op.bytes.si(), static_cast<double>(op.kernels), "memory-bound kernels");
}

OperatorTime time_of(const hardware::Chip& chip, const Quantise& op) {
  ZT_EXPECT(op.elements >= 0 && op.copies >= 0, "quantisation of negative size");
  if (op.elements == 0) return {};
  const double source = hardware::bytes_per_element(hardware::Precision::bf16).si();
  const double target = hardware::bytes_per_element(op.precision).si();
  const double written = static_cast<double>(op.copies) * target;
  const auto* dynamic = op.dynamic ? hardware::Efficiency::find_entry(chip.efficiency.dynamic_quantise, op.precision) : nullptr;
  if (dynamic) return stream(chip, *dynamic, op.elements * (source + written), 1, "cast that finds its scales");
  // Blocks of 4-bit formats (NVFP4) have scales relative to one of the whole tensor, which is read once more to find it.
  const double passes = op.precision == hardware::Precision::fp4 ? 2 : 1;
  return stream(chip, chip.efficiency.quantise, op.elements * (passes * source + written), passes, "cast with scales");
}

units::Picoseconds bound_of(const hardware::Chip& chip, units::Flop flop, hardware::Precision precision, units::Bytes bytes) {
  ZT_EXPECT(flop.si() == 0 || chip.peak(precision).si() > 0, chip.name + " has no matrix unit for " + std::string(name_of(precision)));
  const double math = flop.si() == 0 ? 0 : flop.si() / chip.peak(precision).si();
  const double memory = bytes.si() / chip.memory.bandwidth.si();
  constexpr double kPicosecondsPerSecond = 1e12;
  // Rounded down, so that it stays a bound when a kernel reaches the peak itself.
  return units::Picoseconds(static_cast<std::int64_t>(std::floor(std::max(math, memory) * kPicosecondsPerSecond)));
}

}  // namespace zettatwin::compute
