// SPDX-License-Identifier: Apache-2.0
#include "validation/serving_runs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "api/serve.hpp"
#include "capacity/layouts.hpp"
#include "validation/serving_steps.hpp"

namespace zettatwin::validation {
namespace {

// Logs of the catalog.
class CatalogLogs final : public requests::TraceFiles {
 public:
  explicit CatalogLogs(const config::DocumentSource& source) : source_(source) {}
  [[nodiscard]] std::unique_ptr<requests::TextSource> open(const std::string& path) const override {
    class Owned final : public requests::TextSource {
     public:
      explicit Owned(std::string text) : text_(std::move(text)) {}
      std::string_view piece() override { return std::exchange(left_, false) ? std::string_view(text_) : std::string_view{}; }

     private:
      std::string text_;
      bool left_ = true;
    };
    auto text = source_.read(path);
    return text ? std::make_unique<Owned>(std::move(*text)) : nullptr;
  }
  [[nodiscard]] std::vector<std::string> list(const std::string&) const override { return {}; }

 private:
  const config::DocumentSource& source_;
};

RunAnswer::Latency latency_of(const fleet::LatencySummary& summary) { return {.mean = summary.mean.value, .median = summary.p50.value, .p99 = summary.p99.value}; }

double chosen(const RunAnswer::Latency& latency, Statistic statistic) {
  switch (statistic) {
    case Statistic::mean: return latency.mean;
    case Statistic::median: return latency.median;
    case Statistic::p99: return latency.p99;
  }
  return RunAnswer::kNone;
}

// Benchmark harnesses send ten requests per place in the loop; loops of thousands are in their steady state after fewer.
std::int64_t loop_requests(double concurrency) {
  constexpr std::int64_t kRounds = 10, kMost = 20'000;
  const auto places = static_cast<std::int64_t>(concurrency);
  return std::max(3 * places, std::min(kRounds * places, kMost));
}

// The first prompts, one for each place, wait `seconds` beside what the simulation says.
void add_start(RunAnswer& answer, const TrafficSize& size, double seconds) {
  if (seconds <= 0 || size.requests <= 0 || !std::isfinite(answer.ttft.mean)) return;
  constexpr double kTail = 0.01;  // beyond the 99th percentile
  const double share = std::min(1.0, size.concurrency / static_cast<double>(size.requests));
  answer.ttft.mean += share * seconds;
  if (share > kTail) answer.ttft.p99 += seconds;
}

std::string plan_of(const PoolSizes& sizes) { return fmt::format("tp={}{}", sizes.tp, sizes.pp > 1 ? fmt::format(", pp={}", sizes.pp) : ""); }

}  // namespace

std::optional<double> RunAnswer::value(const Figure& figure) const {
  const auto of = [&](double whole) { return figure.chips > 0 && chips > 0 ? whole * static_cast<double>(figure.chips) / chips : whole; };
  double v = kNone;
  switch (figure.is) {
    case Asked::tpot: v = chosen(tpot, figure.statistic); break;
    case Asked::ttft: v = chosen(ttft, figure.statistic); break;
    case Asked::latency: v = chosen(latency, figure.statistic); break;
    case Asked::output_rate: v = of(output_rate); break;
    case Asked::total_rate: v = of(total_rate); break;
    case Asked::user_rate: v = output / latency.mean; break;
    case Asked::token_rate: v = 1 / chosen(tpot, figure.statistic); break;
    case Asked::request_rate: v = output > 0 ? of(output_rate) / output : kNone; break;
    case Asked::loop_rate: v = of(concurrency * output / (ttft.mean + tpot.mean * (output - 1))); break;
    case Asked::prefill_rate: v = of(prefill_rate); break;
    case Asked::decode_rate: v = of(decode_rate); break;
    case Asked::prompt_time: v = prompt_time; break;
    case Asked::token_time: v = token_time; break;
    case Asked::cache_transfer: v = cache_transfer; break;
    default: break;
  }
  return std::isfinite(v) && v > 0 ? std::optional(v) : std::nullopt;
}

double RunAnswer::kernels(const Figure& figure) const {
  switch (figure.is) {
    case Asked::tpot:
    case Asked::token_time:
    case Asked::token_rate:
    case Asked::decode_rate: return decode_kernels;
    case Asked::ttft:
    case Asked::prompt_time:
    case Asked::prefill_rate: return prompt_kernels;
    case Asked::cache_transfer: return 0;
    default: return std::max(decode_kernels, prompt_kernels);
  }
}

RunAnswer Runs::simulated(const ServingRow& row, const Sizes& sizes, const TrafficSize& size) {
  config::Diagnostics diagnostics;
  RunAnswer answer;
  const CatalogLogs files(source_);
  const auto served = api::serve(scenario_node(row, sizes, size), source_, library_, files, {.series = false}, diagnostics);
  if (!served) {
    for (const auto& d : diagnostics.all())
      if (d.severity == config::Severity::error && answer.why.empty()) answer.why = fmt::format("{}{}", d.problem, d.why.empty() ? "" : fmt::format(" ({})", d.why));
    if (answer.why.empty()) answer.why = "no answer";
    return answer;
  }
  const auto& subject = served->subject;
  for (const auto& pool : subject.pools) {
    answer.decode_kernels = std::max(answer.decode_kernels, pool.decode_kernels);
    answer.prompt_kernels = std::max(answer.prompt_kernels, pool.prompt_kernels);
  }
  if (!subject.feasible()) {
    answer.infeasible = true;
    answer.why = subject.infeasible ? subject.infeasible->reason : subject.result.judgement.reason;
    return answer;
  }
  const auto& all = subject.result.all;
  answer.ttft = latency_of(all.ttft);
  answer.tpot = latency_of(all.tpot);
  answer.latency = latency_of(all.e2e);
  answer.output_rate = all.output_tokens_per_s.value;
  answer.total_rate = all.total_tokens_per_s.value;
  answer.chips = static_cast<double>(row.chips > 0 ? row.chips : sizes.chips() > 0 ? sizes.chips() : subject.chips);
  answer.concurrency = size.concurrency;
  answer.output = static_cast<double>(row.run.output);
  return answer;
}

RunAnswer Runs::best_plan(const ServingRow& row, const TrafficSize& size, Sizes& best) {
  RunAnswer answer{.why = "the parallel sizes are not given"};
  const auto chips = std::max<std::int64_t>(1, row.chips);
  config::Diagnostics diagnostics;
  const auto* model = library_.architecture(text_node(row.model, row.machine.where), diagnostics);
  const auto* machine = library_.machine(row.machine, chips, diagnostics);
  if (!model || !machine) return answer;
  // Submitters choose among tensor-parallel sizes and pipelines of two stages, whose messages cost less where a chip cannot hold the model.
  constexpr std::int64_t kMostStages = 2, kMostChips = 8;
  const auto most = std::min(kMostChips, chips);
  for (const auto& pool : capacity::with_stages(capacity::layouts(*machine, *model, {}, most), *model, most)) {
    if (pool.dp > 1 || pool.ep > 0 || pool.pp > kMostStages || chips % pool.chips() != 0) continue;
    const Sizes sizes{.whole = PoolSizes{.tp = pool.tp, .pp = pool.pp, .instances = chips / pool.chips()}, .prefill = {}, .decode = {}, .assumed = {}};
    auto told = alike_instances(row, sizes, size);
    const bool better = std::isfinite(told.output_rate) && !(told.output_rate <= answer.output_rate);
    if (!better && (std::isfinite(answer.output_rate) || !told.infeasible)) continue;
    answer = std::move(told);
    best = sizes;
  }
  if (best.whole) answer.assumed.push_back(plan_of(*best.whole));
  return answer;
}

// Instances that share requests alike are as fast as one with its share.
RunAnswer Runs::alike_instances(const ServingRow& row, const Sizes& sizes, const TrafficSize& size) {
  const auto instances = sizes.whole->instances;
  auto one = sizes;
  one.whole->instances = 1;
  auto alone = row;
  alone.chips = one.chips();
  const auto ask = [&](std::int64_t requests) { return simulated(alone, one, {.concurrency = static_cast<double>(requests), .rate = 0, .requests = requests}); };
  const auto share = std::max<std::int64_t>(1, size.requests / instances);
  auto told = ask(share);
  const double seconds = static_cast<double>(share * row.run.output) / told.output_rate;
  constexpr double kMost = 20'000;
  if (std::isfinite(seconds) && seconds < row.run.seconds) told = ask(static_cast<std::int64_t>(std::min(kMost, static_cast<double>(share) * row.run.seconds / seconds)));
  told.output_rate *= static_cast<double>(instances);
  told.total_rate *= static_cast<double>(instances);
  told.chips = static_cast<double>(row.chips);
  return told;
}

RunAnswer Runs::at_capacity(const ServingRow& row, Sizes sizes) {
  auto one = std::move(sizes);
  const auto instances = one.whole->instances;
  one.whole->instances = 1;
  auto alone = row;
  alone.chips = one.chips();
  constexpr std::int64_t kRequests = 2000, kMost = 10'000;
  auto most = simulated(alone, one, {.concurrency = kRequests, .requests = kRequests});
  if (!std::isfinite(most.output_rate)) return most;
  const double ceiling = most.output_rate / static_cast<double>(row.run.output);
  RunAnswer best{.why = "no rate meets the limits of latency"};
  double low = 0, high = 1.5 * ceiling;  // the burst's end is slower than its middle
  constexpr int kSteps = 8;
  for (int i = 0; i < kSteps; ++i) {
    const double rate = (low + high) / 2;
    // A short run ends before a queue that grows is seen.
    auto told = simulated(alone, one, {.rate = rate, .requests = std::clamp<std::int64_t>(std::llround(rate * row.run.seconds), kRequests, kMost)});
    const bool meets = told.ttft.p99 <= row.run.ttft && told.tpot.p99 <= row.run.tpot;
    (meets ? low : high) = rate;
    if (!meets) continue;
    // What is offered, as the measured time includes the last requests' own.
    told.output_rate = rate * static_cast<double>(row.run.output) * static_cast<double>(instances);
    told.chips = static_cast<double>(row.chips);
    best = std::move(told);
  }
  return best;
}

// Prompts come as users send them: chips that could compute more of them wait.
RunAnswer Runs::rate_of_day(const ServingRow& row, RunAnswer most) {
  const auto& day = *row.run.day;
  auto decoding = row;
  decoding.figure = {.is = Asked::decode_rate, .statistic = Statistic::mean, .si = 1, .chips = 1};
  decoding.words = {};
  decoding.words.apart = true;
  decoding.words.decode.ep = day.ep;
  decoding.words.decode.dp = day.ep;
  decoding.run = {};
  decoding.run.load = Load::pace;
  decoding.run.amount = day.pace;
  decoding.run.input = day.length;
  config::Diagnostics diagnostics;
  const auto* model = library_.architecture(text_node(row.model, row.machine.where), diagnostics);
  const auto told = model ? ask_steps(decoding, sizes_of(decoding, *model), library_, source_) : RunAnswer{.why = "no model"};
  if (!std::isfinite(told.decode_rate)) return told;
  constexpr double kDay = 86'400;
  const double decode_chips = day.output / kDay / (told.decode_rate / told.chips), left = day.chips - decode_chips;
  const double capacity = most.prefill_rate / most.chips, offered = day.input / kDay / left;
  if (left <= 0) return {.why = fmt::format("decoding needs {:.0f} of {:.0f} chips", decode_chips, day.chips)};
  most.prefill_rate = std::min(capacity, offered) * most.chips;
  most.assumed.push_back(fmt::format("a day's requests on {:.0f} chips: decoding takes {:.0f}, the others compute prompts {:.0f} % of the time", day.chips, decode_chips, 100 * std::min(1.0, offered / capacity)));
  return most;
}

void Runs::set_by_harness(ServingRow& row, const model::Architecture& model, const Sizes& sizes, std::vector<std::string>& assumed) {
  if (!row.run.harness || !sizes.whole) return;
  config::Diagnostics diagnostics;
  const auto* machine = library_.machine(row.machine, sizes.chips(), diagnostics);
  if (!machine) return;
  const auto format = [&](std::string_view key) {
    const auto* node = row.deployment.is_mapping() ? row.deployment.find(key) : nullptr;
    return node ? node->text : std::string();
  };
  const auto experts = format("experts");
  const auto& one = *sizes.whole;
  const auto settings = harness_settings(*row.run.harness, {.model = &model, .memory = machine->chip.memory.capacity.value, .chips = one.chips(), .pp = one.pp, .weights = experts.empty() ? format("weights") : experts,
                                                            .cache_bytes = format("cache") == "fp8" ? 1.0 : 2.0, .input = row.run.input, .output = row.run.output});
  change(row.software, harness_node(settings, row.machine.where));
  assumed.push_back(fmt::format("batches of {} and steps of {} tokens per rank{}", settings.sequences, settings.tokens, row.run.harness->note.empty() ? "" : ", " + row.run.harness->note));
}

namespace {

// What rows that do not say their formats are taken to mean: the deployment's own rule.
std::string published_formats(const model::Architecture& model) {
  using inference::Format;
  const auto pool = inference::with_published_formats({}, model);
  return pool.weights == Format::bf16 && pool.attention_format() == Format::bf16 && pool.expert_format() == Format::bf16 ? "bf16 weights" : "weights as the model is published";
}

}  // namespace

RunAnswer Runs::ask(const ServingRow& row) {
  config::Diagnostics diagnostics;
  const auto* model = library_.architecture(text_node(row.model, row.machine.where), diagnostics);
  if (!model) return {.why = fmt::format("the model '{}' cannot be read", row.model)};
  auto changed = row;
  auto sizes = sizes_of(changed, *model);
  auto assumed = sizes.assumed;
  if (!row.deployment.find("weights")) assumed.push_back(published_formats(*model));
  if (row.words.speculates) {
    const auto draft = std::max<std::int64_t>(1, row.words.draft);
    const auto changes = speculation_node(draft, acceptance_, row.machine.where);
    changed.deployment = changed.deployment.is_mapping() ? config::merged(changes, changed.deployment) : changes;
    assumed.push_back(fmt::format("{} drafted tokens, each accepted with {:g} %", draft, 100 * acceptance_));
  }
  set_by_harness(changed, *model, sizes, assumed);
  const auto with = [&](RunAnswer answer) {
    answer.assumed.insert(answer.assumed.begin(), assumed.begin(), assumed.end());
    return answer;
  };
  const bool none = sizes.chips() == 0;
  const auto& run = row.run;
  if (run.load == Load::batch || run.load == Load::pace || run.load == Load::one_shot) {
    if (run.load == Load::pace && row.figure.is != Asked::decode_rate) return {.why = "the deployment and the load of this point are not given"};
    if (none) return {.why = "the parallel sizes are not given"};
    auto told = ask_steps(changed, sizes, library_, source_);
    if (run.day && row.figure.is == Asked::prefill_rate && std::isfinite(told.prefill_rate)) told = rate_of_day(changed, std::move(told));
    return with(std::move(told));
  }
  if (run.load == Load::log) return with(simulated(changed, {}, {}));
  const double amount = run.load == Load::burst ? static_cast<double>(run.requests) : run.amount;
  const TrafficSize size{.concurrency = amount, .rate = 0, .requests = run.load == Load::burst ? run.requests : loop_requests(amount)};
  if (none && (row.words.apart || row.chips == 0)) return {.why = "the parallel sizes are not given"};
  if (run.load == Load::capacity) {
    if (none) {
      constexpr std::int64_t kRequests = 2000;
      const auto burst = best_plan(changed, {.concurrency = kRequests, .rate = 0, .requests = kRequests}, sizes);
      if (!sizes.whole) return with(burst);
      assumed.push_back(plan_of(*sizes.whole));
    }
    if (!sizes.whole) return {.why = "limits of latency are searched for one pool alone"};
    return with(at_capacity(changed, sizes));
  }
  if (size.requests <= 0) return {.why = "the number of requests is not given"};
  if (none) return with(best_plan(changed, size, sizes));
  if (row.chips > 0 && row.chips != sizes.chips()) assumed.push_back(fmt::format("{} chips as the parallel sizes say", sizes.chips()));
  if (run.load == Load::burst && sizes.whole && sizes.whole->instances > 1) return with(alike_instances(changed, sizes, size));
  auto told = simulated(changed, sizes, size);
  add_start(told, size, run.start);
  return with(std::move(told));
}

}  // namespace zettatwin::validation
