// SPDX-License-Identifier: Apache-2.0
#include "inference/detail/ledger.hpp"

#include <fmt/format.h>

#include <numeric>

#include "compute/explain.hpp"
#include "compute/weight_only.hpp"
#include "units/text.hpp"

namespace zettatwin::inference::detail {
namespace {

using result::Input;

template <class Q>
Input input_of(std::string name, const config::Figure<Q>& figure) {
  const auto& p = figure.provenance;
  std::string note = p.note;
  if (p.low_si < p.high_si)
    note = fmt::format("{} to {}{}{}", units::human(p.low_si, Q::dimension), units::human(p.high_si, Q::dimension), note.empty() ? "" : "; ", note);
  return {std::move(name), units::human(figure.value, 4), p.source, p.confidence, std::move(note)};
}

std::vector<Input> inputs_of(const compute::Explanation& e) {
  std::vector<Input> inputs{{"work", e.work, "shapes", config::Confidence::derived, ""}};
  for (const auto& i : e.inputs)
    inputs.push_back({i.name, i.value, i.provenance.source, i.provenance.confidence, i.range.empty() ? i.provenance.note : i.range + (i.provenance.note.empty() ? "" : "; " + i.provenance.note)});
  return inputs;
}

}  // namespace

Input share_input(std::string name, const config::Figure<units::Ratio>& figure) { return input_of(std::move(name), figure); }

double Ledger::total() const { return std::accumulate(parts_.begin(), parts_.end(), 0.0); }

void Ledger::add(Part part, std::string_view name, double count, const compute::Gemm& op, double factor) {
  const double seconds = count * factor * compute::time_of(chip_, op).time.seconds().si();
  charge(part, seconds);
  if (!keeps_ || seconds == 0) return;
  const auto e = compute::explain(chip_, op);
  entries_.push_back({part, std::string(name), count, seconds, std::string(e.formula), inputs_of(e), compute::family_of(chip_, op)});
}

void Ledger::add_within(Part part, std::string_view name, double count, const compute::Gemm& op, double factor) {
  const auto t = compute::time_of(chip_, op);
  const double seconds = count * factor * (t.time.seconds().si() - t.overhead.si());
  charge(part, seconds);
  if (!keeps_ || seconds == 0) return;
  const auto e = compute::explain(chip_, op);
  entries_.push_back({part, std::string(name), count, seconds, std::string(e.formula) + "; without its launch, within the kernel before", inputs_of(e), compute::family_of(chip_, op)});
}

void Ledger::add(Part part, std::string_view name, double count, const compute::ServedExperts& op, double factor) {
  const auto t = compute::time_of(chip_, op);
  const double seconds = count * factor * t.time.seconds().si();
  charge(part, seconds);
  if (!keeps_ || seconds == 0) return;
  const auto entry = compute::figures_of_experts(chip_, op.precision, op.weight_bytes);
  const auto figures = compute::served_experts_of(chip_, entry, op.ordered);
  const std::string at = entry == op.precision ? "served_experts." : fmt::format("served_experts.{}.", hardware::name_of(entry));
  const auto padded = op.computed > op.rows ? fmt::format(", rounded up to {:.4g} in the products", op.computed) : std::string();
  std::vector<Input> inputs{{"work", fmt::format("{:.4g} rows{} on {:.4g} experts of {} x {}, products in {}, {} bytes per weight", op.rows, padded, op.hit, op.hidden, op.inter, hardware::name_of(op.precision),
                                                 op.weight_bytes), "shapes", config::Confidence::derived, ""},
                            input_of(at + "launch", figures.launch), input_of(at + "math", figures.math), input_of(at + "memory", figures.memory),
                            input_of("memory.bandwidth", chip_.memory.bandwidth)};
  const std::string products = op.gated ? "launch + sqrt((6 rows h f / (peak math))^2 + ((3 h f width hit + rows (4 h + 6 f)) / (bandwidth memory))^2)"
                                        : "launch + sqrt((4 rows h f / (peak math))^2 + ((2 h f width hit + rows (4 h + 4 f)) / (bandwidth memory))^2)";
  entries_.push_back({part, std::string(name), count, seconds, products + (op.ordered ? "" : " + 8 rows h / (bandwidth stream.memory)"), std::move(inputs), compute::family_of(chip_, op)});
}

void Ledger::add(Part part, std::string_view name, double count, const compute::ExpertLayer& op, double factor) {
  const double seconds = count * factor * compute::time_of(chip_, op).time.seconds().si();
  charge(part, seconds);
  if (!keeps_ || seconds == 0) return;
  const auto& figures = *hardware::Efficiency::find_entry(chip_.efficiency.expert_layer, op.precision);
  std::vector<Input> inputs{{"work", fmt::format("{:.4g} rows on {:.4g} experts of {} x {}, {} tokens in the group, products in {}", op.rows, op.hit, op.hidden, op.inter, op.tokens,
                                                 hardware::name_of(op.precision)), "shapes", config::Confidence::derived, ""},
                            input_of("expert_layer.launch", figures.launch), input_of("expert_layer.math", figures.math), input_of("expert_layer.memory", figures.memory),
                            input_of("expert_layer.per_expert", figures.per_expert), input_of("expert_layer.per_choice", figures.per_choice), input_of("expert_layer.permute", figures.permute),
                            input_of("expert_layer.combine", figures.combine), input_of("memory.bandwidth", chip_.memory.bandwidth)};
  entries_.push_back({part, std::string(name), count, seconds, "launch + per_expert experts + per_choice tokens top_k + both products, tile by tile + 4 h (rows / permute + tokens / combine) / bandwidth, docs/math/operator_time.md",
                      std::move(inputs), compute::family_of(chip_, op)});
}

void Ledger::add(Part part, std::string_view name, double count, const compute::AttentionOp& op, double factor) {
  const double seconds = count * factor * compute::time_of(chip_, op).time.seconds().si();
  charge(part, seconds);
  if (!keeps_ || seconds == 0) return;
  const auto e = compute::explain(chip_, op);
  entries_.push_back({part, std::string(name), count, seconds, std::string(e.formula), inputs_of(e), compute::family_of(chip_, op)});
}

void Ledger::add_decoding(std::string_view name, double count, const compute::AttentionOp& op, double factor) {
  const double seconds = count * factor * compute::decoding_time(chip_, op).time.seconds().si();
  charge(Part::attention, seconds);
  if (!keeps_ || seconds == 0) return;
  std::vector<Input> inputs{{"work", fmt::format("{} sequences of {} queries on {} keys, {} heads on {} key heads, cache in {}", op.batch, op.q_length, op.kv_length, op.heads, op.kv_heads,
                                                 hardware::name_of(op.precision)), "shapes", config::Confidence::derived, ""},
                            input_of("memory.bandwidth", chip_.memory.bandwidth)};
  const auto* figures = compute::decoding_figures(chip_, op);
  const bool length_alone = figures && figures->resident.present;
  if (figures) {
    for (auto& input : {input_of("decode.launch", figures->launch), input_of("decode.memory", figures->memory), input_of("decode.half_bytes", figures->half_bytes),
                        input_of("decode.sequence", figures->sequence), input_of("decode.group", figures->group), input_of("decode.token", figures->token), input_of("decode.reduce", figures->reduce)})
      inputs.push_back(input);
    if (length_alone) inputs.push_back(input_of("decode.resident", figures->resident));
    if (length_alone) inputs.push_back(input_of("decode.narrow", figures->narrow));
    if (!length_alone) inputs.push_back(input_of("decode.split_waves", figures->split_waves));
  } else {
    inputs.push_back(input_of("gemm.memory", chip_.efficiency.gemm_of(op.precision).memory));
  }
  entries_.push_back({Part::attention, std::string(name), count, seconds,
                      length_alone ? "launch + reduce log2(parts) + starts of all blocks of threads + sqrt(latency^2 + stream^2), docs/calibration.md" : "launch + reduce log2(parts) + sqrt(latency^2 + stream^2), docs/calibration.md", std::move(inputs), compute::family_of(chip_, op)});
}

void Ledger::add(Part part, std::string_view name, double count, const compute::LatentDecode& op, double factor) {
  const double seconds = count * factor * compute::time_of(chip_, op).time.seconds().si();
  charge(part, seconds);
  if (!keeps_ || seconds == 0) return;
  const auto figures = compute::latent_decode_of(chip_, op.precision);
  entries_.push_back({part, std::string(name), count, seconds,
                      "launch + max((ramp cache + ends) / (bandwidth memory), ramp flop / (peak math)), ramp = 1 + min(1, half_bytes / cache)",
                      {{"work", fmt::format("{} sequences of {} queries on {} latent vectors of {} + {}, {} heads, cache in {}", op.batch, op.q_length, op.kv_length, op.latent, op.rope, op.heads,
                                            hardware::name_of(op.precision)), "shapes", config::Confidence::derived, ""},
                       input_of("decode_latent.launch", figures.launch), input_of("decode_latent.math", figures.math), input_of("decode_latent.memory", figures.memory),
                       input_of("decode_latent.half_bytes", figures.half_bytes), input_of("memory.bandwidth", chip_.memory.bandwidth)},
                      compute::family_of(chip_, op)});
}

template <class Op>
void Ledger::add_explained(Part part, std::string_view name, double count, const Op& op, double factor) {
  const double seconds = count * factor * compute::time_of(chip_, op).time.seconds().si();
  charge(part, seconds);
  if (!keeps_ || seconds == 0) return;
  const auto e = compute::explain(chip_, op);
  entries_.push_back({part, std::string(name), count, seconds, std::string(e.formula), inputs_of(e), compute::family_of(chip_, op)});
}

void Ledger::add(Part part, std::string_view name, double count, const compute::IndexScores& op, double factor) { add_explained(part, name, count, op, factor); }
void Ledger::add(Part part, std::string_view name, double count, const compute::MemoryOp& op, double factor) { add_explained(part, name, count, op, factor); }
void Ledger::add(Part part, std::string_view name, double count, const compute::Quantise& op, double factor) { add_explained(part, name, count, op, factor); }
void Ledger::add(Part part, std::string_view name, double count, const compute::WideGemm& op, double factor) { add_explained(part, name, count, op, factor); }

void Ledger::add(Part part, std::string_view name, double count, const MessageTime& message, double bytes) {
  charge(part, count * message.seconds);
  if (!keeps_ || message.seconds == 0) return;
  entries_.push_back({part, std::string(name), count, count * message.seconds, "launch + bytes / rate over the levels that the group crosses, docs/math/inference.md",
                      {{"message", fmt::format("{} per chip, {}", units::human(units::Bytes::from_si(bytes)), message.how), "shapes", config::Confidence::derived, ""},
                       {"one takes", units::human(units::Seconds::from_si(message.seconds)) + (message.launch > 0 ? ", of it launch " + units::human(units::Seconds::from_si(message.launch)) : ""), "network", config::Confidence::derived, ""}}});
}

void Ledger::add(Part part, std::string_view name, double count, const config::Figure<units::Seconds>& figure) {
  charge(part, count * figure.si());
  if (keeps_ && count * figure.si() != 0) entries_.push_back({part, std::string(name), count, count * figure.si(), "count x figure of the software", {input_of(std::string(name), figure)}});
}

void Ledger::rest_on(std::string_view of, const compute::AttentionOp& op) {
  if (entries_.empty() || entries_.back().name != of) return;
  for (auto& input : inputs_of(compute::explain(chip_, op))) entries_.back().inputs.push_back(std::move(input));
}

void Ledger::rest_on(std::string_view name, const config::Figure<units::Seconds>& figure) { entries_.back().inputs.push_back(input_of(std::string(name), figure)); }

void Ledger::assume(std::string_view of, std::string_view name, std::string_view value, std::string_view why) {
  if (!entries_.empty() && entries_.back().name == of) entries_.back().inputs.push_back({std::string(name), std::string(value), "docs/math/inference.md", config::Confidence::estimated, std::string(why)});
}

void Ledger::add_seconds(Part part, std::string_view name, double count, double seconds, const std::string& formula, const compute::KernelFamily& family) {
  charge(part, count * seconds);
  if (keeps_ && seconds != 0) entries_.push_back({part, std::string(name), count, count * seconds, formula, {}, family});
}

}  // namespace zettatwin::inference::detail
