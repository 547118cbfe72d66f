// SPDX-License-Identifier: Apache-2.0
#include "hardware/chip.hpp"

#include <array>

namespace zettatwin::hardware {
namespace {

// Formats that the same multipliers serve at the same rate.
constexpr std::array kTwins{std::pair{Precision::mxfp8, Precision::fp8}, std::pair{Precision::fp8, Precision::mxfp8},
                            std::pair{Precision::fp16, Precision::bf16}, std::pair{Precision::bf16, Precision::fp16}};

}  // namespace

std::optional<Precision> Chip::peak_entry(Precision p) const {
  if (matrix_peak.contains(p)) return p;
  for (const auto& [format, twin] : kTwins)
    if (format == p && matrix_peak.contains(twin)) return twin;
  return std::nullopt;
}

units::FlopPerSecond Chip::peak(Precision p) const {
  if (const auto own = matrix_peak.find(p); own != matrix_peak.end()) return own->second.value;
  const auto entry = peak_entry(p);
  return entry ? matrix_peak.at(*entry).value : units::FlopPerSecond{};
}

void describe(config::Schema& s, DeviceMemory& memory) {
  s.text("kind", memory.kind, "technology, e.g. HBM3", config::kRequired);
  s.figure("capacity", memory.capacity, "bytes next to the cores", config::kRequired);
  s.figure("bandwidth", memory.bandwidth, "peak, reads and writes together", config::kRequired);
}

void describe(config::Schema& s, Chip& chip) {
  s.text("title", chip.title, "full name and variant", config::kRequired);
  s.text("vendor", chip.vendor, "maker", config::kRequired);
  s.text("family", chip.family, "chips whose unmeasured efficiencies are alike", config::kRequired);
  s.text("rank_unit", chip.rank_unit, "what one rank runs on: 'package' or 'die'", config::kRequired);
  s.text("notes", chip.notes, "which reading of the sources this is");
  s.figure("matrix_cores", chip.matrix_cores, "AI cores, SMs or tensor cores that GEMM tiles are spread over", config::kRequired);
  s.figure("clock", chip.clock, "clock of the matrix units at which the peaks hold");
  s.figures("matrix_peak", chip.matrix_peak, precision_words(), "dense peak of the matrix unit alone", config::kRequired);
  s.figures("vector_peak", chip.vector_peak, precision_words(), "peak of the vector unit alone");
  s.figures("headline_peak", chip.headline_peak, precision_words(),
            "peak as marketed: rounded, with the vector unit, or with sparsity; the note says which");
  s.object("memory", chip.memory, "the memory next to the cores", config::kRequired);
  s.figure("l2_capacity", chip.l2_capacity, "last-level cache");
  s.figure("scale_up_bandwidth", chip.scale_up_bandwidth, "all ports of the scale-up network, per direction");
  s.figure("scale_out_bandwidth", chip.scale_out_bandwidth, "network cards per chip, per direction");
  s.figure("power", chip.power, "design power of the chip");
  s.figure("price", chip.price, "price of one chip");
  s.object("efficiency", chip.efficiency, "what its kernels reach of the peaks", config::kRequired);
  s.check(chip.peak(Precision::bf16).si() > 0, "matrix_peak lacks bf16", "every chip here trains in bf16 at least");
  s.check(chip.rank_unit == "package" || chip.rank_unit == "die", "rank_unit must be 'package' or 'die'");
}

}  // namespace zettatwin::hardware
