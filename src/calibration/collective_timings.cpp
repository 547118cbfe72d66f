// SPDX-License-Identifier: Apache-2.0
// Readers of collectives' timings.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "calibration/collectives.hpp"
#include "calibration/detail/reading.hpp"
#include "topology/fabric.hpp"

namespace zettatwin::calibration {
namespace {

using config::Csv;
using hardware::Machine;
using network::Collective;

struct Word {
  std::string_view name;
  Collective op;
};
constexpr Word kWords[] = {{"all_reduce", Collective::all_reduce}, {"all_gather", Collective::all_gather}, {"reduce_scatter", Collective::reduce_scatter},
                           {"all_to_all", Collective::all_to_all}, {"broadcast", Collective::broadcast},   {"send_recv", Collective::point_to_point}};

// "all-reduce", "all_reduce", and as tables of nccl-tests write it, "alltoall".
const Word* find_word(std::string text) {
  std::replace(text.begin(), text.end(), '-', '_');
  if (text == "alltoall") text = "all_to_all";
  const auto word = std::find_if(std::begin(kWords), std::end(kWords), [&](const Word& w) { return w.name == text; });
  return word == std::end(kWords) ? nullptr : word;
}

class Collection final {
 public:
  void add(CollectiveTiming timing) { map_[timing.request.op].push_back(std::move(timing)); }
  [[nodiscard]] std::vector<CollectiveTimings> take() {
    std::vector<CollectiveTimings> list;
    for (auto& [op, timings] : map_) list.push_back({op, std::move(timings)});
    return list;
  }

 private:
  std::map<Collective, std::vector<CollectiveTiming>> map_;
};

// Nothing, and a diagnostic, where the machine has no part of ranks x stride chips.
std::optional<CollectiveTiming> timing_of(const Machine& machine, Collective op, std::int64_t ranks, std::int64_t stride, double bytes, double seconds, const config::Location& where, config::Diagnostics& diagnostics) {
  const auto part = hardware::resized(machine, ranks * stride, where, diagnostics);
  if (!part) return std::nullopt;
  CollectiveTiming timing{{.op = op, .bytes = units::Bytes::from_si(bytes)}, {}, seconds};
  for (const auto& level : part->levels) timing.used.push_back(level.size);
  const topology::Fabric fabric{.machine = &*part, .used = timing.used, .filled = {}};
  timing.request.spread = topology::spread_of(fabric, {{{ranks, stride}}});
  if (op == Collective::point_to_point) timing.request.units_apart = topology::units_apart(fabric, stride, ranks);
  return timing;
}

const Word* word_of(detail::Reading& r, const TimingDefaults& defaults) {
  const auto text = std::string(r.text("op", defaults.op));
  if (const auto* word = find_word(text)) return word;
  std::vector<std::string> names;
  for (const auto& known : kWords) names.emplace_back(known.name);
  const auto near = config::nearest(text, names);
  r.error("op", text.empty() ? "no column 'op' says what was timed" : fmt::format("unknown op '{}'", text), "known are all_reduce, all_gather, reduce_scatter, all_to_all, broadcast and send_recv",
          text.empty() ? "name it by --op" : near.empty() ? "timings of kernels belong to a chip: --chip" : fmt::format("did you mean '{}'?", near));
  return nullptr;
}

}  // namespace

std::vector<CollectiveTimings> read_collective_timings(std::string_view text, const std::string& name, const TimingDefaults& defaults, const Machine& machine, config::Diagnostics& diagnostics) {
  const auto before = diagnostics.error_count();
  const auto csv = Csv::parse(text, name, diagnostics);
  if (csv && csv->rows() == 0) diagnostics.error(csv->title_place(), "no timing follows the names of the columns");
  Collection collection;
  for (std::size_t i = 0; csv && i < csv->rows(); ++i) {
    detail::Reading r(*csv, i, diagnostics);
    const auto errors = diagnostics.error_count();
    const auto* word = word_of(r, defaults);
    const auto ranks = r.whole("ranks"), stride = r.whole_or("stride", 1);
    const double bytes = r.positive("bytes"), seconds = r.positive("time_us") * detail::kMicrosecond;
    if (diagnostics.error_count() != errors) continue;
    if (ranks < 2) r.error("ranks", fmt::format("a group of {}", ranks), "collectives have two ranks at least");
    else if (auto timing = timing_of(machine, word->op, ranks, stride, bytes, seconds, r.where("ranks"), diagnostics)) collection.add(std::move(*timing));
  }
  return diagnostics.error_count() == before ? collection.take() : std::vector<CollectiveTimings>{};
}

std::vector<CollectiveTimings> read_collective_tables(const TableText& text, const Machine& machine, config::Diagnostics& diagnostics) {
  const auto content = text("nccl");
  const auto csv = content ? Csv::parse(*content, "nccl", diagnostics) : std::nullopt;
  std::map<std::tuple<Collective, std::int64_t, double>, std::vector<double>> points;
  for (std::size_t i = 0; csv && i < csv->rows(); ++i) {
    const detail::Reading r(*csv, i, diagnostics);
    constexpr double kMillisecond = 1e-3, kHalf = 2;
    const auto* word = find_word(std::string(r.text("op_name", "")));
    const auto ranks = config::number_of(r.text("num_gpus", "")), elements = config::number_of(r.text("message_size", "")), time = config::number_of(r.text("latency", ""));
    if (!word || !ranks || !elements || !time || *time <= 0 || *ranks < 2 || static_cast<std::int64_t>(*ranks) > machine.chips()) continue;
    const double width = r.text("nccl_dtype", "") == "half" ? kHalf : 1;
    points[{word->op, static_cast<std::int64_t>(*ranks), *elements * width}].push_back(*time * kMillisecond);
  }
  Collection collection;
  for (auto& [point, times] : points) {
    std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2), times.end());
    const auto& [op, ranks, bytes] = point;
    if (auto timing = timing_of(machine, op, ranks, 1, bytes, times[times.size() / 2], csv->title_place(), diagnostics)) collection.add(std::move(*timing));
  }
  return collection.take();
}

}  // namespace zettatwin::calibration
