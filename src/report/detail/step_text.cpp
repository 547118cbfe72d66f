// SPDX-License-Identifier: Apache-2.0
#include "report/detail/step_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>

#include "units/text.hpp"

namespace zettatwin::report::detail {
namespace {

using training::Stream;
using units::grouped;
using units::human;

constexpr std::size_t kLinks = 5, kInstructions = 8, kOperations = 40;

double share(units::Picoseconds part, units::Picoseconds whole) { return 100 * part.seconds().si() / whole.seconds().si(); }

void streams(std::string& out, const training::ChipTimeline& chip) {
  std::map<Stream, units::Picoseconds> busy, waiting;
  for (const auto& op : chip.operations) (op.waiting ? waiting : busy)[op.stream] += op.finish - op.start;
  for (const auto stream : {Stream::computation, Stream::activations, Stream::parameters, Stream::sends}) {
    const auto waits = stream == Stream::computation ? fmt::format(", {:.2f} % waiting for operations of its own", share(waiting[stream], chip.step)) : "";
    out += fmt::format("  {:<20}{:>10}   {:>6.2f} % busy{}\n", name_of(stream), human(busy[stream]), share(busy[stream], chip.step), waits);
  }
}

void operations_of(std::string& out, const training::ChipTimeline& chip, std::size_t instruction) {
  const auto& i = chip.instructions[instruction];
  out += fmt::format("\n{} from {} to {}\n", i.name, human(i.start, 5), human(i.finish, 5));
  std::size_t shown = 0, all = 0;
  for (const auto& op : chip.operations) {
    if (op.instruction != static_cast<std::int64_t>(instruction)) continue;
    if (++all > kOperations) continue;
    ++shown;
    out += fmt::format("  {:>12} {:>12}  {:<20}{}{}\n", "+" + human(op.start - i.start), human(op.finish - op.start), name_of(op.stream), op.waiting ? "waits: " : "", op.name);
  }
  if (all > shown) out += fmt::format("  ... and {} more (--json or --trace shows all)\n", all - shown);
}

}  // namespace

std::string links_text(const training::TrainingResult& result) {
  std::string out = "\nlinks and memory of one chip, busiest first (hidden or not, share of the step)\n";
  for (std::size_t i = 0; i < std::min(kLinks, result.links.size()); ++i) {
    const auto& load = result.links[i];
    std::vector<std::string> by;
    for (const auto& part : load.shares)
      if (part.busy.si() > 0.01 * load.busy.si()) by.push_back(load.shares.size() > 1 ? fmt::format("{} {:.0f} %", part.dimension, 100 * (part.busy / load.busy)) : part.dimension);
    out += fmt::format("  {:<10} {:<12}{:>10}{:>11}{:>8.2f} %   {}\n", load.level, load.kind, human(load.bytes), human(load.busy), 100 * load.utilisation, fmt::join(by, ", "));
  }
  return out;
}

std::string path_text(const training::TrainingResult& result) {
  std::string out = "\ncritical path\n";
  for (std::size_t i = 0; i < result.critical_path.size();) {
    const auto& phase = result.critical_path[i].phase;
    units::Picoseconds sum;
    std::vector<std::string> parts;
    for (; i < result.critical_path.size() && result.critical_path[i].phase == phase; ++i) {
      const auto& part = result.critical_path[i];
      sum += part.time;
      if (parts.size() < 2) parts.push_back(fmt::format("{} x {} on pipeline rank {}", grouped(part.count), part.what, part.pipeline_rank));
      else if (parts.size() == 2) parts.emplace_back("...");
    }
    out += fmt::format("  {:<20}{:>10}{:>8.2f} %   {}\n", phase, human(sum), share(sum, result.step_time), fmt::join(parts, ", "));
  }
  return out;
}

std::string chip_text(const training::TrainingResult& result) {
  const auto& chip = *result.unfolded;
  std::string out = fmt::format("\nrank {}: {}, pipeline rank {}, coupled with {} ranks from rank {} on\n", chip.rank, chip.place, chip.pipeline_rank, grouped(chip.cluster_ranks), chip.cluster);
  for (const auto& c : chip.coordinates)
    if (c.size > 1)
      out += fmt::format("  {:<14} {:>6} of {:<8} peers {}{}\n", c.dimension, c.index, grouped(c.size), fmt::join(c.peers, ", "), static_cast<std::int64_t>(c.peers.size()) + 1 < c.size ? ", ..." : "");
  for (const auto& fault : chip.faults) out += fmt::format("  {} is felt {}\n", fault.fault, fault.how);
  if (chip.faults.empty()) out += "  like all ranks of its stage\n";
  const auto& memory = result.memory[static_cast<std::size_t>(chip.pipeline_rank)];
  out += fmt::format("  {:<20}{:>10}\n", "memory", human(memory.total()));
  streams(out, chip);
  out += "\ninstructions\n";
  for (std::size_t i = 0; i < std::min(kInstructions, chip.instructions.size()); ++i)
    out += fmt::format("  {:<20} {:>12} {:>12}\n", chip.instructions[i].name, human(chip.instructions[i].start, 5), human(chip.instructions[i].finish, 5));
  const auto more = static_cast<std::int64_t>(chip.instructions.size()) - static_cast<std::int64_t>(kInstructions) + chip.instructions_left_out;
  if (more > 0) out += fmt::format("  ... and {} more\n", grouped(more));
  if (!chip.instructions.empty()) operations_of(out, chip, 0);
  const auto backward = std::find_if(chip.instructions.begin(), chip.instructions.end(), [](const auto& i) { return i.name.starts_with('B'); });
  if (backward != chip.instructions.end()) operations_of(out, chip, static_cast<std::size_t>(backward - chip.instructions.begin()));
  return out;
}

}  // namespace zettatwin::report::detail
