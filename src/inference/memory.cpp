// SPDX-License-Identifier: Apache-2.0
#include "inference/memory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "inference/detail/engine.hpp"
#include "inference/placement.hpp"
#include "model/parameters.hpp"
#include "units/text.hpp"

namespace zettatwin::inference {
namespace {

using model::Attention;
using model::AttentionKind;

constexpr double kWide = 2;    // bytes: embeddings, head, norms and routers stay in bf16
constexpr double kState = 4;   // bytes of a linear attention's state
constexpr double kLogit = 4;   // bytes

double per_rank(std::int64_t heads, std::int64_t tp) { return std::ceil(static_cast<double>(heads) / static_cast<double>(tp)); }

// Of one vector of compressed attention: narrow caches hold the rotary part in 16 bits, and a scale per 64 of the other features with one byte to align them
// (vLLM: 448 + 128 + 8 bytes).
double vector_bytes(const Attention& a, double width) {
  const auto rotary = static_cast<double>(a.qk_rope_dim), plain = static_cast<double>(a.head_dim) - rotary;
  constexpr double kScaled = 64;
  return width < kWide ? plain * width + rotary * kWide + std::floor(plain / kScaled) + 1 : static_cast<double>(a.head_dim) * width;
}

// Of layers that keep every token; compressed attention: of entries, per token.
double token_bytes(const Attention& a, double width, std::int64_t tp) {
  switch (a.kind) {
    case AttentionKind::grouped_query:
      if (a.shared_keys) return 0;
      return per_rank(a.kv_heads, tp) * static_cast<double>(a.head_dim + a.v_head_dim) * width + index_key_bytes(a, width);
    case AttentionKind::multi_latent: return static_cast<double>(a.kv_lora_rank + a.qk_rope_dim) * width + index_key_bytes(a, width);
    case AttentionKind::linear: return 0;
    case AttentionKind::compressed: return a.compression > 0 ? (vector_bytes(a, width) + index_key_bytes(a, width)) / static_cast<double>(a.compression) : 0;
  }
  return 0;
}

// What a window keeps of a token.
double window_bytes(const Attention& a, double width, std::int64_t tp) { return a.kind == AttentionKind::compressed ? vector_bytes(a, width) : token_bytes(a, width, tp); }

// Values and weights, in 4 bytes, of the tokens that the next entry is made of: twice as many tokens with twice the features where entries overlap
// (kv_state and score_state of DeepSeek-V4's published inference code).
double pending_bytes(const Attention& a) {
  const double overlap = a.indexer.top > 0 ? 2 : 1;
  const auto features = static_cast<double>(a.head_dim + (a.indexer.top > 0 ? a.indexer.head_dim : 0));
  return 2 * kState * overlap * static_cast<double>(a.compression) * overlap * features;
}

double state_bytes(const Attention& a, std::int64_t tp) {
  if (a.kind == AttentionKind::compressed) return a.compression > 0 ? pending_bytes(a) : 0;
  if (a.kind != AttentionKind::linear) return 0;
  const auto channels = 2 * per_rank(a.kv_heads, tp) * static_cast<double>(a.head_dim) + per_rank(a.heads, tp) * static_cast<double>(a.v_head_dim);
  return kState * per_rank(a.heads, tp) * static_cast<double>(a.head_dim * a.v_head_dim) + kWide * channels * static_cast<double>(std::max<std::int64_t>(0, a.convolution - 1));
}

// Weights of attention that tensor parallelism does not cut.
double whole_weights(const Attention& a, std::int64_t hidden) {
  const auto wide = [](std::int64_t count) { return static_cast<double>(count); };
  switch (a.kind) {
    case AttentionKind::grouped_query: return wide(hidden * a.q_lora_rank);
    case AttentionKind::multi_latent: return wide(hidden * (a.q_lora_rank + a.kv_lora_rank + a.qk_rope_dim) + model::indexer_parameters(a, hidden));
    case AttentionKind::linear: return wide(hidden * (a.decay_rank + a.gate_rank));
    case AttentionKind::compressed:
      // The indexer's own compressor is part of both counts; that of the vectors alone is what a layer without an indexer has.
      return wide(hidden * (a.q_lora_rank + a.head_dim) + model::indexer_parameters(a, hidden) + model::compressor_parameters(a, hidden) - model::index_compressor_parameters(a, hidden));
  }
  return 0;
}

// The projection of attention's outputs to hidden.
double output_weights(const Attention& a, std::int64_t hidden) {
  if (a.kind != AttentionKind::compressed) return static_cast<double>(a.heads * a.v_head_dim * hidden);
  return static_cast<double>(a.heads * a.v_head_dim * a.output_rank + a.output_groups * a.output_rank * hidden);
}

// Copies of keys' and values' projections on a chip beyond its share, where there are more chips than key heads.
double copied_weights(const Attention& a, std::int64_t hidden, std::int64_t tp) {
  if (a.kind != AttentionKind::grouped_query || tp <= a.kv_heads || a.shared_keys) return 0;
  return static_cast<double>(hidden * (a.head_dim + (a.keys_are_values ? 0 : a.v_head_dim))) * (1 - static_cast<double>(a.kv_heads) / static_cast<double>(tp));
}

struct Weights {
  double attention = 0, dense = 0, shared = 0, experts = 0, rest = 0;
};

// Of one chip: what tensor parallelism does not cut (down-projections to latents, norms, routers) is on every one.
Weights weights_per_chip(const InstanceModel& about) {
  const auto& model = about.model;
  const auto& pool = about.pool;
  const auto tp = static_cast<double>(pool.tp);
  const auto groups = pool.groups();
  Weights w;
  for (const auto& run : model.runs) {
    const auto& layer = model.kinds[run.kind];
    const auto p = model::parameters_of(model, layer);
    const auto layers = static_cast<double>(run.count);
    const auto& a = layer.attention;
    const double whole = whole_weights(a, model.hidden), spread = static_cast<double>(p.attention) - whole, copies = copied_weights(a, model.hidden, pool.tp);
    const double output = output_weights(a, model.hidden) / tp, in_16_bits = static_cast<double>(model::compressor_parameters(a, model.hidden));
    w.attention += layers * ((whole + spread / tp + copies - output - in_16_bits) * bytes_of(pool.attention_format(), groups) + output * bytes_of(pool.attention_output_format(), groups) + in_16_bits * kWide);
    const double dense_chips = static_cast<double>(pool.ffn_chips > 0 ? pool.ffn_chips : pool.tp);
    w.dense += layers * static_cast<double>(p.dense) / dense_chips * bytes_of(pool.weights, groups);
    const double shared = static_cast<double>(p.shared_experts) / (pool.ffn_chips > 0 ? 1 : tp) * bytes_of(pool.weights, groups);
    if (pool.shared_copies == 0) w.shared += layers * shared;
    w.rest += layers * static_cast<double>(p.router + p.norms) * kWide;
    if (layer.experts) {
      const auto slots = static_cast<double>(layer.experts->routed_experts + pool.redundant_experts);
      const double routed = slots * static_cast<double>(p.one_expert) / static_cast<double>(pool.expert_chips() - pool.shared_copies) * bytes_of(pool.expert_format(), groups);
      w.experts += layers * (pool.shared_copies > 0 ? std::max(routed, shared) : routed);  // of the fullest chip
    }
  }
  return w;
}

// Of one stage: the fullest has ceil(layers / pp) of the layers.
double stage_share(const InstanceModel& about) {
  const auto layers = static_cast<double>(about.model.layers()), pp = static_cast<double>(about.pool.pp);
  return std::ceil(layers / pp) / layers;
}

double activation_bytes(const InstanceModel& about) {
  const auto& model = about.model;
  const auto& pool = about.pool;
  const auto parts = static_cast<double>(pool.dp * pool.pp);
  const auto tokens = std::ceil(static_cast<double>(about.engine.max_tokens) / parts), sequences = std::ceil(static_cast<double>(about.engine.max_sequences) / parts);
  const auto h = static_cast<double>(model.hidden), tp = static_cast<double>(pool.tp);
  double widest = 0, experts = 0;  // features beside the residual stream
  for (const auto& kind : model.kinds) {
    const auto& a = kind.attention;
    widest = std::max(widest, static_cast<double>(a.heads * (a.head_dim + a.v_head_dim) + 2 * a.kv_heads * a.head_dim) / tp);
    if (kind.dense) widest = std::max(widest, 3 * static_cast<double>(kind.dense->intermediate) / tp);
    if (kind.experts) {
      const auto rows = tokens * static_cast<double>(pool.dp * kind.experts->top_k) / static_cast<double>(pool.expert_parallel(model));
      const auto width = kind.experts->intermediate / pool.expert_tp(model);  // of an expert on one chip
      const double seen = kind.experts->latent > 0 ? static_cast<double>(kind.experts->latent) : h;
      experts = std::max(experts, rows * (2 * seen + 3 * static_cast<double>(width)));
    }
  }
  const auto sums = model.residual_block > 0 ? (model.layers() + model.residual_block - 1) / model.residual_block : 0;
  // Residual, its norm, input and output of a block; other residual streams before and after it; sums that stay apart.
  const double streams = 4 + 2 * static_cast<double>(model.residual_streams - 1) + static_cast<double>(sums);
  return kWide * (tokens * (streams * h + widest) + experts) + kLogit * sequences * static_cast<double>(model.vocabulary);
}

}  // namespace

double index_key_bytes(const Attention& a, double cache_width) {
  if (a.indexer.top == 0 || a.indexer.heads == 0) return 0;
  const auto width = static_cast<double>(a.indexer.head_dim);
  constexpr double kScale = 4;  // bytes
  return a.kind == AttentionKind::grouped_query ? width * cache_width : width + kScale;
}

CacheSize cache_size(const model::Architecture& model, const Pool& pool, bool windowed_cache) {
  const double width = bytes_of(pool.cache);
  double chip = 0, all = 0, kept = 0, windowed = 0, window = 0, windows = 0, state = 0, states = 0;
  for (const auto& run : model.runs) {
    const auto& a = model.kinds[run.kind].attention;
    const auto layers = static_cast<double>(run.count);
    state += layers * state_bytes(a, pool.tp);
    states += layers * state_bytes(a, 1);
    // Each tensor-parallel rank hands its own heads over, copies too; latents once.
    const double copies = static_cast<double>(a.kind == AttentionKind::grouped_query ? pool.tp - 1 : 0);
    const auto in_instance = [&](double on_chip) { return on_chip + (on_chip - index_key_bytes(a, width)) * copies; };  // latents and vectors have no copies
    const double token = token_bytes(a, width, pool.tp), of_window = window_bytes(a, width, pool.tp);
    all += layers * in_instance(token);
    if (a.window > 0 && windowed_cache) {
      window += layers * of_window * static_cast<double>(a.window);
      windowed += layers * in_instance(of_window);
      windows += layers * in_instance(of_window) * static_cast<double>(a.window);
    } else {
      chip += layers * of_window;
      kept += layers * in_instance(of_window);
    }
    if (a.kind == AttentionKind::compressed) chip += layers * token, kept += layers * token;
  }
  const auto layers = static_cast<double>(model.layers()), pp = static_cast<double>(pool.pp);
  const double share = std::ceil(layers / pp) / layers;
  const auto bytes = [](double b) { return units::Bytes::from_si(b); };
  return {.per_token = bytes(chip * share), .per_sequence = bytes((window + state) * share), .token_in_instance = bytes(all),
          .in_instance = {.per_token = bytes(kept), .windowed_per_token = bytes(windowed), .windows = bytes(windows), .per_sequence = bytes(states)}};
}

InstanceMemory memory_of(const InstanceModel& about) {
  const auto& pool = about.pool;
  const auto& model = about.model;
  const auto bytes = [](double b) { return units::Bytes::from_si(b); };
  const double stage = stage_share(about);
  const auto w = weights_per_chip(about);
  const auto p = model::parameters_of(model);
  const double embedding = kWide * static_cast<double>(p.embedding) / static_cast<double>(pool.tp);
  const double head = kWide * static_cast<double>(p.head) / static_cast<double>(pool.head_tp > 0 ? pool.head_tp : pool.tp);
  const double tables_here = pool.pp > 1 ? std::max(embedding, head) : embedding + head;
  const bool apart = pool.ffn_chips > 0;  // attention's chips hold the cache; experts' chips nothing but experts
  InstanceMemory m;
  m.parts = {{"attention", bytes(w.attention * stage), "projections / tp x bytes of their format; down-projections to latents whole"},
             {"dense feed-forward", bytes(apart ? 0 : w.dense * stage), "intermediate columns / tp"},
             {"shared experts", bytes(apart ? 0 : w.shared * stage), "columns / tp"},
             {"routed experts", bytes(apart ? 0 : w.experts * stage), "(experts + copies) / (ep x expert-tp)"},
             {"routers and norms", bytes(w.rest * stage), "whole, 2 bytes"},
             {"embedding and head", bytes(tables_here), "rows / tp, 2 bytes"}};
  const double ffn = (w.dense + w.shared + w.experts) * stage;
  if (apart) m.parts.push_back({"experts' chips, beyond attention's", bytes(std::max(0.0, ffn - (w.attention * stage + w.rest * stage + tables_here))), "their weights, if more than attention's"});
  if (about.engine.speculation.draft > 0 && p.mtp > 0) m.parts.push_back({"draft layer", bytes(static_cast<double>(p.mtp) / static_cast<double>(pool.expert_chips()) * bytes_of(pool.weights, pool.groups())), "multi-token-prediction modules / chips of a stage"});
  for (const auto& part : m.parts) m.weights += part.bytes;
  m.parts.push_back({"activations", bytes(activation_bytes(about)), "largest step: 2 bytes x tokens x (4 hidden + widest), rows of experts, logits"});
  m.parts.push_back({"reserve", about.software.reserve.value, "context, libraries, graphs"});
  if (pool.chips() > 1) m.parts.push_back({"communication buffers", about.software.buffers.value, "of instances of several chips"});
  for (const auto& part : m.parts) m.used += part.bytes;
  const double share = pool.memory_share > 0 ? pool.memory_share : about.software.memory_share.si();
  const auto capacity = about.machine.chip.memory.capacity.value;
  switch (about.software.memory_rule) {
    case MemoryRule::all: m.available = capacity * share; break;
    case MemoryRule::lasting: m.available = std::min(capacity, capacity * share + (m.used - m.weights)); break;
    case MemoryRule::left: m.available = m.used < capacity ? m.used + (capacity - m.used) * share : capacity; break;
  }
  m.cache = cache_size(model, pool, about.software.windowed_cache);
  const auto dp = static_cast<double>(pool.dp);
  const double sequences = std::ceil(static_cast<double>(about.engine.max_sequences) / dp);
  const double left = m.available.si() - m.used.si();
  // Windows and states of as many sequences as a batch may have, or of as many as fit in half of the room.
  const double fixed = std::min(sequences * m.cache.per_sequence.si(), std::max(0.0, left) / 2);
  const double per_token = std::max(m.cache.per_token.si(), 1e-9);
  const double tokens = std::max(0.0, left - fixed) / per_token * dp;
  constexpr double kMost = 1e12;  // tokens: models whose cache does not grow
  m.blocks = static_cast<std::int64_t>(std::min(tokens, kMost)) / about.engine.block_tokens;
  if (about.engine.blocks > 0) m.blocks = std::min(m.blocks, about.engine.blocks);  // as asked for
  m.tokens = m.blocks * about.engine.block_tokens;
  return m;
}

namespace {

// What one chip needs for a request of so many tokens.
struct Need {
  double bytes = 0, missing = 0;  // missing below 0: to spare
  bool fits = false;
};
Need need_of(const InstanceModel& about, const InstanceMemory& memory, std::int64_t tokens) {
  const auto bytes = memory.used + memory.cache.per_token * static_cast<double>(tokens) + memory.cache.per_sequence;
  return {bytes.si(), (bytes - memory.available).si(), bytes <= memory.available && memory.tokens / about.pool.dp >= tokens};
}

// Changes of one setting and what they save, most effective first.
class Remedies final {
 public:
  Remedies(const InstanceModel& about, double missing, std::int64_t tokens) : about_(about), changed_(about), missing_(missing), tokens_(tokens) {}

  // What `change` makes of pool and engine; words(pool) says it. None if the model cannot be cut so. Says whether it fits then.
  template <class Change, class Words>
  bool add(Change&& change, Words&& words) {
    const auto found = of(change, words);
    if (found) found_.push_back(*found);
    return found && found->fits;
  }
  // change(pool, times) for two, four, ... sixteen times as much, until it fits; of those that do not, the largest.
  template <class Change, class Words>
  void add_doubled(Change&& change, Words&& words) {
    std::optional<Remedy> last;
    for (std::int64_t times = 2; times <= 16 && !(last && last->fits); times *= 2) {
      const auto found = of([&](InstanceModel& m) { change(m.pool, times); }, words);
      if (!found || (last && found->saved <= last->saved)) break;
      last = found;
    }
    if (last) found_.push_back(*last);
  }
  [[nodiscard]] std::vector<std::string> texts() {
    std::stable_sort(found_.begin(), found_.end(), [](const Remedy& a, const Remedy& b) { return a.fits != b.fits ? a.fits : a.saved > b.saved; });
    std::vector<std::string> texts;
    constexpr double kNotable = 0.01;  // of what is missing
    for (const auto& r : found_)
      if (r.fits || r.saved > kNotable * missing_) texts.push_back(fmt::format("{}: saves {}{}", r.text, units::human(units::Bytes::from_si(r.saved)), r.fits ? ", then it fits" : ""));
    return texts;
  }

 private:
  struct Remedy {
    std::string text;
    double saved = 0;
    bool fits = false;
  };
  template <class Change, class Words>
  [[nodiscard]] std::optional<Remedy> of(Change&& change, Words&& words) {
    changed_.pool = about_.pool;
    changed_.engine = about_.engine;
    change(changed_);
    config::Diagnostics ignored;
    if (changed_.pool.dp != about_.pool.dp || changed_.pool.pp != about_.pool.pp) {
      auto engine = detail::engine_of(changed_.pool, changed_.software, ignored);
      if (!engine) return std::nullopt;
      changed_.engine = std::move(*engine);
    }
    if (!check(changed_.pool, changed_.model, {}, ignored)) return std::nullopt;
    const auto chips = changed_.pool.chips();
    if (chips <= changed_.machine.chips() && !place_instance(changed_.machine, chips, changed_.pool.tp)) return std::nullopt;
    const auto need = need_of(changed_, memory_of(changed_), tokens_);
    return Remedy{words(changed_.pool) + (chips > about_.pool.chips() ? fmt::format(" ({} chips per instance)", chips) : ""), missing_ - need.missing, need.fits};
  }

  const InstanceModel& about_;
  InstanceModel changed_;
  double missing_;
  std::int64_t tokens_;
  std::vector<Remedy> found_;
};

std::vector<std::string> suggestions(const InstanceModel& about, double missing, std::int64_t tokens) {
  const auto& pool = about.pool;
  Remedies r(about, missing, tokens);
  if (pool.expert_parallel(about.model) > 1)
    r.add_doubled([](Pool& p, std::int64_t times) { (p.ffn_chips > 0 ? p.ffn_chips : p.dp) *= times, p.ep *= times; },
                  [](const Pool& p) { return p.ffn_chips > 0 ? fmt::format("ffn_chips={}", p.ffn_chips) : fmt::format("dp={}{}", p.dp, p.ep > 0 ? fmt::format(",ep={}", p.ep) : ""); });
  if (pool.dp == 1) r.add_doubled([](Pool& p, std::int64_t times) { p.tp *= times; }, [](const Pool& p) { return fmt::format("tp={}", p.tp); });
  r.add_doubled([](Pool& p, std::int64_t times) { p.pp *= times; }, [](const Pool& p) { return fmt::format("pp={}", p.pp); });
  const auto narrower = [&](Format format) {
    r.add([&](InstanceModel& m) { m.pool.weights = format, m.pool.attention = m.pool.attention_output = m.pool.experts = Format::as_weights; }, [&](const Pool&) { return fmt::format("weights={}", config::word_of(format_words(), format)); });
  };
  const double width = bytes_of(pool.expert_format(), pool.groups());
  if (width >= bytes_of(Format::bf16)) narrower(Format::fp8);
  if (width > bytes_of(Format::fp4) && !arithmetic_of(about.chip, Format::fp4).weight_only) narrower(Format::fp4);
  if (pool.cache == Format::bf16) r.add([](InstanceModel& m) { m.pool.cache = Format::fp8; }, [](const Pool&) { return std::string("cache=fp8"); });
  constexpr std::int64_t kFewTokens = 8192;
  if (about.engine.max_tokens > kFewTokens) r.add([](InstanceModel& m) { m.engine.max_tokens = kFewTokens; }, [=](const Pool&) { return fmt::format("engine.max_tokens={}", kFewTokens); });
  return r.texts();
}

}  // namespace

std::optional<DoesNotFit> does_not_fit(const InstanceModel& about, const InstanceMemory& memory, std::int64_t sequence) {
  const auto& pool = about.pool;
  const auto tokens = std::max<std::int64_t>(sequence, about.engine.block_tokens);
  const auto one = memory.cache.per_token * static_cast<double>(tokens) + memory.cache.per_sequence;
  const auto need = need_of(about, memory, tokens);
  if (need.fits) return std::nullopt;
  const auto& largest = *std::max_element(memory.parts.begin(), memory.parts.end(), [](const auto& a, const auto& b) { return a.bytes < b.bytes; });
  const bool weights = memory.used > memory.available;
  DoesNotFit answer{.role = fmt::format("each chip of pool '{}'", pool.name),
                    .part = weights ? largest.name : "cache of one request",
                    .needed = units::Bytes::from_si(need.bytes),
                    .available = memory.available};
  answer.reason = weights ? fmt::format("weights, activations and reserve need {} per chip, the engine may use {}; the largest part is {} with {}", units::human(memory.used),
                                        units::human(memory.available), largest.name, units::human(largest.bytes))
                          : fmt::format("beside {} of weights, activations and reserve one request of {} tokens needs {} of cache per chip; {} are left", units::human(memory.used), units::grouped(tokens),
                                        units::human(one), units::human(memory.available - memory.used));
  answer.suggestions = suggestions(about, need.missing, tokens);
  return answer;
}

}  // namespace zettatwin::inference
