// SPDX-License-Identifier: Apache-2.0
#include "validation/serving_steps.hpp"

#include <algorithm>
#include <cmath>

#include "inference/serve.hpp"

namespace zettatwin::validation {
namespace {

using inference::ServedPool;

double seconds(units::Picoseconds time) { return time.seconds().si(); }

// Whole prompts, of all data-parallel ranks, that fill `tokens` of each; one at least.
RunAnswer prefill_rate(const ServingRow& row, const ServedPool& pool, RunAnswer answer) {
  const auto per_rank = std::max<std::int64_t>(1, std::llround(row.run.amount / static_cast<double>(row.run.input)));
  const std::vector<serving::Chunk> chunks(static_cast<std::size_t>(per_rank * pool.pool.dp), {.tokens = static_cast<std::int32_t>(row.run.input), .context = 0, .last = true});
  const double time = seconds(pool.timer->step({.sequences = 0, .cached = 0, .chunks = chunks}));
  answer.prompt_kernels = pool.timer->kernel_width({.sequences = 0, .cached = 0, .chunks = chunks});
  answer.prefill_rate = static_cast<double>(chunks.size()) * static_cast<double>(row.run.input) / time / (1 - row.run.hit_share);
  return answer;
}

// Half of the outputs are in the caches on average.
std::int64_t cached_by(const ServingRow& row, std::int64_t sequences) { return sequences * std::max<std::int64_t>(1, row.run.input + row.run.output / 2); }

double decode_time(const ServingRow& row, const ServedPool& pool, std::int64_t sequences) { return seconds(pool.timer->step({.sequences = sequences, .cached = cached_by(row, sequences), .chunks = {}})); }
double decode_kernels(const ServingRow& row, const ServedPool& pool, std::int64_t sequences) { return pool.timer->kernel_width({.sequences = sequences, .cached = cached_by(row, sequences), .chunks = {}}); }

RunAnswer decode_rate(const ServingRow& row, const ServedPool& pool, RunAnswer answer) {
  const auto chips = pool.pool.chips();
  auto sequences = std::max<std::int64_t>(1, std::llround(row.run.amount * static_cast<double>(chips)));
  const double tokens = pool.engine.speculation.mean_tokens_per_step();
  if (row.run.load == Load::pace) {
    // The largest batch, alike on all data-parallel ranks, whose tokens are fast enough.
    const auto in_time = [&](std::int64_t per_rank) { return decode_time(row, pool, per_rank * pool.pool.dp) <= row.run.amount * tokens; };
    std::int64_t low = 0, high = 1;
    constexpr std::int64_t kMost = 1 << 14;
    while (high < kMost && in_time(high)) low = high, high *= 2;
    while (high - low > 1) (in_time((low + high) / 2) ? low : high) = (low + high) / 2;
    if (low == 0) {
      answer.why = "not even one sequence per rank is fast enough";
      return answer;
    }
    sequences = low * pool.pool.dp;
  }
  if (cached_by(row, sequences) > pool.memory.tokens) answer.assumed.push_back("the batch as published, although the cache is predicted not to hold it");
  const double time = decode_time(row, pool, sequences);
  answer.decode_rate = static_cast<double>(sequences) * tokens / time;
  answer.token_time = time / tokens;
  answer.decode_kernels = decode_kernels(row, pool, sequences);
  return answer;
}

RunAnswer one_shot(const ServingRow& row, const ServedPool& pool, RunAnswer answer) {
  const auto batch = std::max<std::int64_t>(1, std::llround(row.run.amount));
  const std::vector<serving::Chunk> chunks(static_cast<std::size_t>(batch), {.tokens = static_cast<std::int32_t>(row.run.input), .context = 0, .last = true});
  answer.prompt_time = seconds(pool.timer->step({.sequences = 0, .cached = 0, .chunks = chunks}));
  answer.token_time = decode_time(row, pool, batch);
  answer.prompt_kernels = pool.timer->kernel_width({.sequences = 0, .cached = 0, .chunks = chunks});
  answer.decode_kernels = decode_kernels(row, pool, batch);
  return answer;
}

RunAnswer cache_transfer(const ServingRow& row, const inference::Served& served, RunAnswer answer) {
  if (!served.hand_over) {
    answer.why = "nothing is handed over";
    return answer;
  }
  auto rate = served.pools.front().port_rate;
  for (const auto& pool : served.pools) rate = std::min(rate, pool.port_rate);
  const auto& over = *served.hand_over;
  answer.cache_transfer = over.cache.of(static_cast<double>(row.run.input)).si() * row.run.amount / rate.si() + over.latency.si();
  // Of one request alone: its prompt, then the transfer.
  answer = one_shot(row, served.pools.front(), std::move(answer));
  answer.ttft.mean = served.frontend.si() + answer.prompt_time + answer.cache_transfer;
  return answer;
}

}  // namespace

RunAnswer ask_steps(const ServingRow& row, const Sizes& sizes, api::Library& library, const config::DocumentSource& source) {
  RunAnswer answer;
  config::Diagnostics diagnostics;
  const auto failed = [&] {
    for (const auto& d : diagnostics.all())
      if (d.severity == config::Severity::error && answer.why.empty()) answer.why = d.problem;
    if (answer.why.empty()) answer.why = "no answer";
    return answer;
  };
  const auto chips = sizes.chips();
  const auto* machine = library.machine(row.machine, chips, diagnostics);
  const auto* model = library.architecture(text_node(row.model, row.machine.where), diagnostics);
  auto deployment = inference::read_deployment(deployment_node(row, sizes), diagnostics);
  const auto software = inference::software_from(source, row.software, diagnostics);
  if (!machine || !model || !deployment || !software) return failed();
  // Chips that compute prompts alone hold the clock of long runs, whatever pool the row's words make.
  if (row.figure.is == Asked::prefill_rate) deployment->pools.front().role = inference::Role::prefill;
  const auto served = inference::serve({.machine = *machine, .model = *model, .deployment = *deployment, .software = *software, .chips = chips, .sequence = 0}, row.machine.where, diagnostics);
  if (!served) return failed();
  if (served->infeasible) {
    answer.infeasible = true;
    answer.why = served->infeasible->reason;
    return answer;
  }
  const auto& pool = served->pools.front();
  answer.chips = static_cast<double>(pool.pool.chips());
  switch (row.figure.is) {
    case Asked::prefill_rate: return prefill_rate(row, pool, std::move(answer));
    case Asked::decode_rate: return decode_rate(row, pool, std::move(answer));
    case Asked::cache_transfer: return cache_transfer(row, *served, std::move(answer));
    default: return one_shot(row, pool, std::move(answer));
  }
}

}  // namespace zettatwin::validation
