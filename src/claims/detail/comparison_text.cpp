// SPDX-License-Identifier: Apache-2.0
#include "claims/detail/comparison_text.hpp"

#include <fmt/format.h>

#include <functional>

#include "units/text.hpp"

namespace zettatwin::claims::detail {
namespace {

std::string ratio_text(double ratio) { return fmt::format("x{:.{}f}", ratio, ratio >= 10 ? 1 : ratio >= 1 ? 2 : 3); }

class Table final {
 public:
  explicit Table(const ComparisonResult& result) : result_(result) {}

  void heading() {
    out += fmt::format("  {:<36}", "");
    for (const auto& column : result_.machines) out += fmt::format("{:>26}", column.machine.name);
    out += "\n";
  }
  void values(std::string_view name, Value ComparedMachine::*value) {
    cells(name, [&](const ComparedMachine& column) { return (column.*value).si(); },
          [&](const ComparedMachine& column) { return (column.*value).known() ? shown((column.*value).si(), (column.*value).node.dimension) : "-"; });
  }
  void range(std::string_view name, Value ComparedMachine::*value) {
    cells(name, [](const ComparedMachine&) { return 0.0; }, [&](const ComparedMachine& column) {
      const auto& v = column.*value;
      return v.has_range() ? range_text(v) : "-";
    });
  }
  // A figure of the simulated training with batch `index`; a value of 0 leaves the ratio out.
  void simulated(std::string_view name, std::size_t index, const std::function<double(const Simulation&)>& value, const std::function<std::string(const Simulation&)>& show) {
    cells(name, [&](const ComparedMachine& column) { const auto* s = at(column, index); return s ? value(*s) : 0; },
          [&](const ComparedMachine& column) { const auto* s = at(column, index); return s ? show(*s) : "no plan fits"; });
  }

  std::string out;

 private:
  static const Simulation* at(const ComparedMachine& column, std::size_t index) {
    const auto* s = index < column.batches.size() ? column.batches[index].simulation.get() : nullptr;
    return s && s->feasible ? s : nullptr;
  }
  template <class Number, class Show>
  void cells(std::string_view name, Number number, Show show) {
    out += fmt::format("  {:<36}", name);
    const double reference = result_.machines.empty() ? 0 : number(result_.machines.front());
    for (std::size_t i = 0; i < result_.machines.size(); ++i) {
      const double own = number(result_.machines[i]);
      const bool ratio = i > 0 && reference > 0 && own > 0;
      out += fmt::format("{:>19}{:>7}", show(result_.machines[i]), ratio ? ratio_text(own / reference) : "");
    }
    out.erase(out.find_last_not_of(' ') + 1);
    out += "\n";
  }

  const ComparisonResult& result_;
};

void training_rows(Table& table, const Comparison& c, std::size_t index, std::int64_t times) {
  const auto none = [](const Simulation&) { return 0.0; };
  table.out += fmt::format("  {} in training, {} x {} sequences of {} tokens per step\n", c.model, times, units::grouped(c.global_batch), units::grouped(c.sequence_length));
  table.simulated("    tokens/s", index, [](const Simulation& s) { return s.result.tokens_per_s; },
                  [](const Simulation& s) { return shown(s.result.tokens_per_s, units::kTokenRate); });
  table.simulated("    tokens/s per chip of the machine", index, [](const Simulation& s) { return s.result.tokens_per_s / static_cast<double>(s.result.chips + s.result.idle_chips); },
                  [](const Simulation& s) { return shown(s.result.tokens_per_s / static_cast<double>(s.result.chips + s.result.idle_chips), units::kTokenRate); });
  table.simulated("    MFU of the FP8 matrix peak in use", index, none, [](const Simulation& s) { return fmt::format("{:.2f} %", 100 * s.result.mfu); });
  table.simulated("    chips that the plan leaves idle", index, none, [](const Simulation& s) {
    return fmt::format("{:.1f} %", 100 * static_cast<double>(s.result.idle_chips) / static_cast<double>(s.result.chips + s.result.idle_chips));
  });
  table.simulated("    tokens per step", index, none, [](const Simulation& s) { return units::grouped(s.result.tokens_per_step); });
}

}  // namespace

std::string comparison_text(const ComparisonResult& result) {
  Table table(result);
  table.out += fmt::format("{}: {}\n", result.comparison.id, result.comparison.text);
  table.heading();
  table.values("chips", &ComparedMachine::chips);
  table.values("racks", &ComparedMachine::racks);
  table.values("FP8 matrix peak", &ComparedMachine::fp8);
  table.values("HBM capacity", &ComparedMachine::hbm);
  table.values("HBM bandwidth", &ComparedMachine::hbm_bandwidth);
  table.values("IT power, estimated", &ComparedMachine::it_power);
  table.range("  its range", &ComparedMachine::it_power);
  training_rows(table, result.comparison, 0, 1);
  if (result.comparison.larger_batch > 1) training_rows(table, result.comparison, 1, result.comparison.larger_batch);
  if (!result.comparison.note.empty()) table.out += "  " + result.comparison.note + "\n";
  return table.out;
}

}  // namespace zettatwin::claims::detail
