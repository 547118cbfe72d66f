// SPDX-License-Identifier: Apache-2.0
#include "inference/timer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <unordered_map>

#include "base/contract.hpp"
#include "inference/detail/pass.hpp"
#include "inference/detail/rank_chunks.hpp"
#include "inference/detail/step_table.hpp"
#include "inference/placement.hpp"
#include "result/path.hpp"
#include "units/text.hpp"

namespace zettatwin::inference {
namespace {

using detail::Ledger;
using detail::Pass;
using serving::Chunk;
using serving::DecodePiece;
using serving::StepLoad;

struct PartName {
  std::string_view key, label;
};
constexpr std::array<PartName, kParts> kNames{{{"projections", "projections of attention"},
                                               {"attention", "attention"},
                                               {"dense", "dense feed-forward and shared experts"},
                                               {"router", "routers"},
                                               {"experts", "routed experts"},
                                               {"kernels", "small kernels"},
                                               {"head", "output projection to the vocabulary"},
                                               {"sampling", "sampling"},
                                               {"draft", "draft layers"},
                                               {"all_reduce", "all-reduce within tensor-parallel groups"},
                                               {"exchange", "exchange with experts"},
                                               {"pipeline", "sends between pipeline stages"},
                                               {"idle", "attention's chips wait for the feed-forwards'"},
                                               {"host", "host"}}};

std::size_t index_of(Part part) { return static_cast<std::size_t>(part); }
double& of(Parts& parts, Part part) { return parts[index_of(part)]; }
double sum(const Parts& parts) {
  double total = 0;
  for (const double p : parts) total += p;
  return total;
}
Parts& operator+=(Parts& a, const Parts& b) {
  for (std::size_t i = 0; i < kParts; ++i) a[i] += b[i];
  return a;
}
Parts operator*(Parts a, double k) {
  for (double& p : a) p *= k;
  return a;
}
bool is_side_of_experts(std::size_t i) { return i == index_of(Part::dense) || i == index_of(Part::experts); }

std::int64_t share(std::int64_t whole, std::int64_t parts) { return (whole + parts - 1) / parts; }

// What a data-parallel rank computes in one pass of a batch, or of a part of it.
struct RankLoad {
  std::int64_t sequences = 0;  // that decode
  double cached = 0;
  std::int64_t tokens = 0;     // decoding ones padded, and those of prompts
  std::int64_t decoding = 0;   // padded
  std::int64_t group = 0;      // of all data-parallel ranks
  std::int64_t sampled = 0;
  std::span<const Chunk> chunks;   // of `ranks` ranks: all, or the busiest of those to which sequences are bound
  std::int64_t ranks = 1;
  double chunk_share = 1;          // of their attention that this part of the batch computes
  bool whole_chunks = false;       // of stages: each chunk passes whole in one part, which takes no less than the slowest of them
};

// Sums that were asked before, one per slot: a step with prompts needs no parts, and a fleet asks for millions of such.
class RecentSums final {
 public:
  template <class F>
  [[nodiscard]] double at(std::int64_t key, F&& compute) {
    if (slots_.empty()) slots_.resize(std::size_t{1} << kBits);
    auto& slot = slots_[(static_cast<std::uint64_t>(key) * kSpread) >> kShift];
    if (slot.key != key) slot = {key, compute()};
    return slot.sum;
  }

 private:
  static constexpr std::uint64_t kSpread = 0x9e3779b97f4a7c15ULL;  // golden ratio: neighbouring keys fall far apart
  static constexpr int kBits = 12, kShift = 64 - kBits;
  struct Slot {
    std::int64_t key = -1;
    double sum = 0;
  };
  std::vector<Slot> slots_;
};

class Timer final : public InstanceTimer {
 public:
  explicit Timer(InstanceModel about) : about_(std::move(about)), pass_(about_) {
    const auto layers = pass_.layers(), pp = static_cast<double>(about_.pool.pp);
    unevenness_ = std::ceil(layers / pp) * pp / layers;
    // Hand-overs of caches leave through the level that joins all instances which have them; the exchange meets them if it uses the same ports.
    auto out = between(about_.machine, std::max(about_.handing_chips, about_.fabric.ranks())).level, level = pass_.exchange_level();
    const auto& levels = about_.machine.levels;
    while (out < levels.size() && out > level && levels[out].shares_ports) --out;
    meets_transfers_ = level < levels.size() && out <= level;
  }

  [[nodiscard]] DecodePiece decode(std::int64_t sequences, std::int64_t cached) const override {
    ZT_EXPECT(sequences >= 1 && cached >= 0, "decoding sequences");  // a prompt of one token that is computed once more has none cached
    auto& known = last_piece(sequences);
    if (cached >= known.from && cached < known.to) return known;
    const auto grid = detail::piece_of(cached);
    const Parts low = decode_parts(sequences, grid.from), high = decode_parts(sequences, grid.to);
    const auto base = units::Picoseconds::from(units::Seconds::from_si(sum(low)));
    const auto end = units::Picoseconds::from(units::Seconds::from_si(sum(high)));
    known = {.from = grid.from,
             .to = grid.to,
             .base = base,
             .slope = std::max<std::int64_t>(0, (end - base).count() / (grid.to - grid.from)),
             .exchange = units::Picoseconds::from(units::Seconds::from_si(meets_transfers_ ? exchanging(sequences) : 0))};
    return known;
  }

  [[nodiscard]] units::Picoseconds step(const StepLoad& load) const override {
    expect_work(load);
    if (load.chunks.empty()) {
      const auto piece = decode(load.sequences, load.cached);
      return piece.base + units::Picoseconds(piece.slope * (load.cached - piece.from));
    }
    return units::Picoseconds::from(units::Seconds::from_si(step_with_prompts(load)));
  }

  [[nodiscard]] Parts parts(const StepLoad& load) const override {
    expect_work(load);
    return whole_step(load);
  }
  [[nodiscard]] result::Node explain(const StepLoad& load) const override;
  [[nodiscard]] double kernel_width(const StepLoad& load) const override;
  [[nodiscard]] const InstanceModel& about() const override { return about_; }

 private:
  static void expect_work(const StepLoad& load) {
    ZT_EXPECT(load.sequences > 0 || !load.chunks.empty(), "a step with something to do");
    ZT_EXPECT(load.sequences >= 0 && load.cached >= 0, "decoding sequences");
  }
  // Ends of pieces may lie below one token per sequence.
  [[nodiscard]] Parts decode_parts(std::int64_t sequences, std::int64_t cached) const {
    return whole_step({.sequences = sequences, .cached = cached, .chunks = {}});
  }
  [[nodiscard]] DecodePiece& last_piece(std::int64_t sequences) const {
    const auto i = static_cast<std::size_t>(sequences);
    if (i >= pieces_.size()) pieces_.resize(i + 1);
    return pieces_[i];
  }
  // Tokens of a decoding rank as its graph computes them.
  // No graph is larger than the largest batch.
  [[nodiscard]] std::int64_t padded(std::int64_t sequences) const {
    if (sequences == 0) return 0;
    const auto tokens = sequences * pass_.queries(), most = share(about_.engine.max_sequences, about_.pool.dp * (about_.software.stage_sequences ? about_.pool.pp : 1)) * pass_.queries();
    return std::max(tokens, std::min(about_.software.padded(tokens), most));
  }

  // Halves and microbatches cut chunks of prompts and batches as they like; through pipeline stages a chunk goes in one part of the batch, and so does a sequence.
  enum class Chunks { cut, whole };
  [[nodiscard]] RankLoad rank_load(const StepLoad& load, std::int64_t parts_of_batch, Chunks chunks = Chunks::cut) const;
  // Of the longest part of the batch, by how the pool cuts it.
  [[nodiscard]] RankLoad part_load(const StepLoad& load) const {
    return about_.pool.ffn_chips > 0 ? rank_load(load, about_.pool.microbatches) : rank_load(load, about_.pool.pp, Chunks::whole);
  }
  [[nodiscard]] Parts whole_step(const StepLoad& load) const;
  [[nodiscard]] double step_with_prompts(const StepLoad& load) const;
  [[nodiscard]] Parts pass(const RankLoad& rank) const;
  [[nodiscard]] Parts overlapped(const StepLoad& load, const Parts& serial) const;
  [[nodiscard]] Parts separated(const StepLoad& load) const;
  [[nodiscard]] double exchanging(std::int64_t sequences) const;
  // Parts of the batch that are on their way through a pipeline's stages at once.
  [[nodiscard]] std::int64_t parts_in_flight(const StepLoad& load) const {
    return std::min(about_.pool.pp, share(load.sequences, about_.pool.dp) + static_cast<std::int64_t>(load.chunks.size()));
  }
  // Head, sampling and drafting of one part of the batch.
  [[nodiscard]] Parts ends(const StepLoad& load, const RankLoad& rank) const;
  // What a step shows of one part's time in all layers and in the ends.
  struct Shown {
    double layers = 1, ends = 1;
  };
  [[nodiscard]] Shown shown(double layers, double ends, const StepLoad& load) const;
  // Every operator of the chip in a step; what attention's chips wait for as such.
  [[nodiscard]] Ledger operators(const StepLoad& load, const RankLoad& rank) const;
  // The host's part of a step that takes the chip so long.
  [[nodiscard]] double host_seconds(double chip, const StepLoad& load, const RankLoad& rank) const;
  void add_host(Ledger& ledger, double chip, const StepLoad& load, const RankLoad& rank) const;

  [[nodiscard]] double decoding_attention(std::int64_t sequences, double cached) const;
  [[nodiscard]] double attention_value(std::int64_t sequences, std::int64_t cached) const;
  [[nodiscard]] std::int64_t token_key(const RankLoad& rank) const;
  template <class Key, class F>
  [[nodiscard]] const Parts& memo(std::unordered_map<Key, Parts>& table, Key key, F&& fill) const {
    const auto found = table.find(key);
    if (found != table.end()) return found->second;
    Ledger ledger(about_.chip);
    fill(ledger);
    return table.emplace(key, ledger.parts()).first->second;
  }

  InstanceModel about_;
  Pass pass_;
  double unevenness_ = 1;  // pipeline stages with more layers than the mean
  bool meets_transfers_ = false;  // its exchange and hand-overs of caches use the same ports
  mutable std::unordered_map<std::int64_t, Parts> tokens_, experts_, exchange_, head_;
  mutable RecentSums token_sums_, expert_sums_, exchange_sums_, head_sums_;
  mutable std::vector<detail::Curve> attention_;  // by sequences
  mutable std::vector<DecodePiece> pieces_;
};

// Batches that have curves of their own: up to 32, then sixteen per octave. Those between two of them lie between their times for caches of the same length, so that a larger batch of
// equally long sequences is never quicker; one with equally many tokens may be, whose shorter caches are cut into shorter parts.
struct Neighbours {
  std::int64_t below = 0, above = 0;
};
Neighbours neighbours_of(std::int64_t sequences) {
  if (sequences < 32) return {sequences, sequences};
  const int shift = static_cast<int>(std::bit_width(static_cast<std::uint64_t>(sequences))) - 5;
  const auto width = std::int64_t{1} << shift;
  return {sequences / width * width, (sequences + width - 1) / width * width};
}

double Timer::attention_value(std::int64_t sequences, std::int64_t cached) const {
  const auto of_length = [&](std::int64_t length) {
    Ledger ledger(about_.chip);
    pass_.decoding(ledger, sequences, static_cast<double>(sequences * length));
    return ledger.total();
  };
  // Lengths are whole tokens; between two of them as many sequences have the longer one as make up the sum.
  const auto length = cached / sequences, rest = cached % sequences;
  const double low = of_length(length);
  return rest == 0 ? low : low + (of_length(length + 1) - low) * static_cast<double>(rest) / static_cast<double>(sequences);
}

double Timer::decoding_attention(std::int64_t sequences, double cached) const {
  if (sequences == 0) return 0;
  const auto known = [&](std::int64_t batch) {
    const auto i = static_cast<std::size_t>(batch);
    if (i >= attention_.size()) attention_.resize(i + 1);
    return attention_[i].at(cached * static_cast<double>(batch) / static_cast<double>(sequences), [&](std::int64_t tokens) { return attention_value(batch, tokens); });
  };
  const auto [below, above] = neighbours_of(sequences);
  const double low = known(below);
  return above == below ? low : low + (known(above) - low) * static_cast<double>(sequences - below) / static_cast<double>(above - below);
}

// The busiest rank's share of one of `parts_of_batch` equal parts of the batch.
RankLoad Timer::rank_load(const StepLoad& load, std::int64_t parts_of_batch, Chunks chunks) const {
  const auto dp = about_.pool.dp;
  RankLoad rank;
  if (load.sequences > 0) {
    rank.sequences = share(load.sequences, dp * parts_of_batch);
    rank.cached = static_cast<double>(load.cached) * static_cast<double>(rank.sequences) / static_cast<double>(load.sequences);  // those of its own sequences
  }
  double all = 0, longest = 0;
  std::int64_t last = 0;
  for (const auto& chunk : load.chunks) {
    all += chunk.tokens;
    longest = std::max<double>(longest, chunk.tokens);
    last += chunk.last ? 1 : 0;
  }
  const bool bound = !load.chunks.empty() && load.chunks.front().rank != Chunk::kAnyRank;
  const auto mine = bound ? detail::most_tokens_of_rank(load.chunks) : static_cast<std::int64_t>(std::ceil(detail::rank_share(all, longest, dp)));
  rank.chunks = bound ? detail::busiest_rank(load.chunks) : load.chunks;
  rank.ranks = bound ? 1 : dp;
  const double parts = static_cast<double>(parts_of_batch), whole = chunks == Chunks::whole ? longest : 0;
  const auto of_part = [&](std::int64_t tokens) { return static_cast<std::int64_t>(std::ceil(std::max(static_cast<double>(tokens) / parts, whole))); };
  rank.chunk_share = 1 / parts;
  if (chunks == Chunks::whole && load.chunks.size() == 1) rank.chunk_share = 1;
  else if (chunks == Chunks::whole && parts_of_batch > 1) rank.whole_chunks = true;
  // Steps with prompts that no graph holds compute what there is.
  rank.decoding = load.chunks.empty() || about_.software.graphs_with_prompts ? padded(rank.sequences) : rank.sequences * pass_.queries();
  rank.tokens = rank.decoding + of_part(mine);
  rank.group = dp * rank.decoding + of_part(static_cast<std::int64_t>(all));
  rank.sampled = rank.sequences * pass_.queries() + share(last, dp * parts_of_batch);
  return rank;
}

// Latent attention's absorbed projections depend on the decoding tokens beside all, shared experts on whether there are others; exchange on the tokens of all ranks, and whether prompts
// are among them.
constexpr std::int64_t kMostTokens = std::int64_t{1} << 31;
std::int64_t Timer::token_key(const RankLoad& rank) const {
  const std::int64_t alone = rank.tokens == rank.decoding ? 1 : 0;
  return rank.tokens * kMostTokens + (pass_.absorbs() ? rank.decoding : alone);
}
std::int64_t exchange_key(const RankLoad& rank) { return 2 * (rank.tokens * kMostTokens + rank.group) + (rank.chunks.empty() ? 0 : 1); }

// All layers, without head and host.
Parts Timer::pass(const RankLoad& rank) const {
  Parts parts = memo(tokens_, token_key(rank), [&](Ledger& l) { pass_.tokens(l, rank.tokens, rank.decoding); });
  if (pass_.has_experts()) {
    parts += memo(experts_, rank.group, [&](Ledger& l) { pass_.experts(l, rank.group); });
    parts += memo(exchange_, exchange_key(rank), [&](Ledger& l) { pass_.exchange(l, rank.tokens, rank.group, !rank.chunks.empty()); });
  }
  of(parts, Part::attention) += decoding_attention(rank.sequences, rank.cached);
  if (!rank.chunks.empty()) {
    Ledger prompts(about_.chip);
    pass_.prompts(prompts, rank.chunks, rank.ranks);
    auto attention = prompts.parts() * rank.chunk_share;
    for (const auto& chunk : rank.whole_chunks ? rank.chunks : std::span<const Chunk>()) {
      Ledger alone(about_.chip);
      pass_.prompts(alone, {&chunk, 1}, rank.ranks);
      if (const auto one = alone.parts(); sum(one) > sum(attention)) attention = one;
    }
    parts += attention;
  }
  return parts;
}

// What whole_step() adds up to, without its parts.
double Timer::step_with_prompts(const StepLoad& load) const {
  const auto& pool = about_.pool;
  if (pool.ffn_chips > 0 || pool.two_batch_overlap || pool.pp > 1 || pass_.queries() > 1) return sum(whole_step(load));
  const auto rank = rank_load(load, 1);
  double chip = token_sums_.at(token_key(rank), [&] { return sum(memo(tokens_, token_key(rank), [&](Ledger& l) { pass_.tokens(l, rank.tokens, rank.decoding); })); });
  if (pass_.has_experts()) {
    chip += expert_sums_.at(rank.group, [&] { return sum(memo(experts_, rank.group, [&](Ledger& l) { pass_.experts(l, rank.group); })); });
    chip += exchange_sums_.at(exchange_key(rank), [&] { return sum(memo(exchange_, exchange_key(rank), [&](Ledger& l) { pass_.exchange(l, rank.tokens, rank.group, !rank.chunks.empty()); })); });
  }
  Ledger prompts(about_.chip);
  pass_.prompts(prompts, rank.chunks, rank.ranks);
  chip += decoding_attention(rank.sequences, rank.cached) + prompts.total();
  chip += head_sums_.at(rank.sampled, [&] { return sum(memo(head_, rank.sampled, [&](Ledger& l) { pass_.head(l, rank.sampled); })); });
  return chip + host_seconds(chip, load, rank);
}

// All that a decoding step's exchange with experts takes, hidden or not.
double Timer::exchanging(std::int64_t sequences) const {
  if (!pass_.has_experts()) return 0;
  const auto rank = rank_load({.sequences = sequences, .cached = sequences, .chunks = {}}, about_.pool.pp, Chunks::whole);
  Ledger ledger(about_.chip);
  pass_.exchange(ledger, rank.tokens, rank.group, !rank.chunks.empty());
  return ledger.total() * unevenness_;
}

// Two halves of the batch: one computes while the other's tokens travel, but for the part of an exchange that shows in any case; the longer of the two sides shows. Exchange
// kernels that run on cores take these from the computing half; low-latency kernels leave the transfer to the network cards.
Parts Timer::overlapped(const StepLoad& load, const Parts& serial) const {
  const auto rank = rank_load(load, 2);
  auto half = pass(rank);
  const double cores = pass_.exchange_on_cores(rank.tokens) ? 1 / (1 - about_.software.exchange_cores.si()) : 1;
  const double exchange = 2 * half[index_of(Part::exchange)], computing = 2 * sum(half) - exchange;
  const double shown = std::max(exchange, computing * cores + (1 - about_.software.overlap_share.si()) * exchange);
  if (shown >= sum(serial)) return serial;
  half = half * 2;
  of(half, Part::exchange) = shown - computing;
  return half;
}

// Attention and feed-forwards on chips of their own: parts of the batch alternate between the sides, so that a layer takes as long as the busier side, or as one
// part needs for the way around.
Parts Timer::separated(const StepLoad& load) const {
  const auto m = about_.pool.microbatches;
  const auto part = pass(rank_load(load, m));
  const double travelling = part[index_of(Part::exchange)];
  double experts = 0;
  for (std::size_t i = 0; i < kParts; ++i) experts += is_side_of_experts(i) ? part[i] : 0;
  const double attention = sum(part) - experts - travelling, times = static_cast<double>(m);
  const double shown = std::max({times * attention, times * experts, attention + experts + travelling});
  Parts parts = part * times;
  for (std::size_t i = 0; i < kParts; ++i)
    if (is_side_of_experts(i) || i == index_of(Part::exchange)) parts[i] = 0;
  of(parts, Part::idle) = shown - times * attention;
  return parts;
}

Parts Timer::ends(const StepLoad& load, const RankLoad& rank) const {
  Parts parts = memo(head_, rank.sampled, [&](Ledger& l) { pass_.head(l, rank.sampled); });
  if (pass_.queries() > 1 && load.sequences > 0) {
    Ledger ledger(about_.chip);
    pass_.draft(ledger, rank.sequences, decoding_attention(rank.sequences, rank.cached) / pass_.layers());
    parts += ledger.parts();
  }
  return parts;
}

// A part alone needs all layers and the ends. Where p parts take turns on the stages, the slowest stage sets the pace: the fullest one, or the last, which has
// the ends beside its layers; these are one less than those of the fullest where stages are uneven.
Timer::Shown Timer::shown(double layers, double ends, const StepLoad& load) const {
  if (about_.pool.pp == 1) return {};
  const double fullest = std::ceil(pass_.layers() / static_cast<double>(about_.pool.pp)) / pass_.layers(), last = unevenness_ > 1 ? fullest - 1 / pass_.layers() : fullest;
  const double parts = static_cast<double>(parts_in_flight(load)), beyond = std::max(0.0, ends - (fullest - last) * layers);
  if (parts * (fullest * layers + beyond) <= layers + ends) return {};
  return {.layers = parts * fullest, .ends = ends > 0 ? parts * beyond / ends : 0};
}

double Timer::host_seconds(double chip, const StepLoad& load, const RankLoad& rank) const {
  const auto& software = about_.software;
  const bool eager = load.chunks.empty() ? !software.captured(rank.tokens) : !software.graphs_with_prompts;
  const double latent = software.eager_latent_layer.present ? pass_.latent_layers() : 0;
  const double issuing = eager ? software.eager_layer.si() * (pass_.layers() - latent) + software.eager_latent_layer.si() * latent : 0;
  const double composed = static_cast<double>(parts_in_flight(load));  // steps of an engine, one per part of the batch
  const double prompt = software.prompt_step.si() * std::min(composed, static_cast<double>(load.chunks.size()));
  const double agreements = about_.pool.dp > 1 ? composed : 0;
  const double sequences = software.host_sequence.si() * static_cast<double>(share(load.sequences, about_.pool.dp)) + agreements * software.rank_agreement.si();
  const bool hidden = software.overlapped_host && software.overlapped_sequences;
  const double step = composed * software.host_step.si() + (hidden ? sequences : 0);
  const double busy = std::max(chip, issuing);
  const double all = (software.overlapped_host ? std::max(busy, step) : busy + step) + prompt;
  return all - chip + (hidden ? 0 : sequences);
}

Parts Timer::whole_step(const StepLoad& load) const {
  const auto pp = about_.pool.pp;
  const auto rank = rank_load(load, pp, Chunks::whole);
  Parts parts;
  if (about_.pool.ffn_chips > 0) {
    parts = separated(load);
  } else {
    parts = pass(rank);
    if (about_.pool.two_batch_overlap && pp == 1) parts = overlapped(load, parts);
  }
  const auto last = ends(load, rank);
  const auto show = shown(sum(parts), sum(last), load);
  parts = parts * show.layers;
  parts += last * show.ends;
  if (pp > 1) {
    Ledger ledger(about_.chip);
    pass_.sends(ledger, rank.tokens);
    parts += ledger.parts();
  }
  of(parts, Part::host) += host_seconds(sum(parts), load, rank);
  return parts;
}

// The figures behind host_seconds(): of each what the chip's work does not hide.
void Timer::add_host(Ledger& ledger, double chip, const StepLoad& load, const RankLoad& rank) const {
  const auto& software = about_.software;
  const bool eager = load.chunks.empty() ? !software.captured(rank.tokens) : !software.graphs_with_prompts;
  const bool hidden = software.overlapped_host && software.overlapped_sequences;
  const double agreements = about_.pool.dp > 1 ? static_cast<double>(parts_in_flight(load)) : 0;
  const double sequences = software.host_sequence.si() * static_cast<double>(share(load.sequences, about_.pool.dp)) + agreements * software.rank_agreement.si();
  const double latent_layers = software.eager_latent_layer.present ? pass_.latent_layers() : 0, layers = pass_.layers() - latent_layers;
  const double usual = eager ? software.eager_layer.si() * layers : 0, latent = eager ? software.eager_latent_layer.si() * latent_layers : 0, issuing = usual + latent;
  const double composed = static_cast<double>(parts_in_flight(load)), step = composed * software.host_step.si() + (hidden ? sequences : 0);
  // A figure without any time has no entry.
  const auto add = [&](std::string_view name, double count, const config::Figure<units::Seconds>& figure, double seconds, const char* formula) {
    if (figure.si() == 0 || count == 0) return;
    ledger.add(Part::host, name, count, figure);
    ledger.entries().back().seconds = seconds;
    ledger.entries().back().formula = formula;
  };
  const double shows = issuing > 0 ? std::max(0.0, issuing - chip) / issuing : 0;
  constexpr const char* kIssuing = "what the chip's work does not hide of all layers: share of max(0, layers x eager_layer + latent ones x eager_latent_layer - chip)";
  if (eager) add("eager_layer", layers, software.eager_layer, usual * shows, kIssuing);
  if (eager) add("eager_latent_layer", latent_layers, software.eager_latent_layer, latent * shows, kIssuing);
  add("host_step", composed, software.host_step, software.overlapped_host ? std::max(0.0, step - std::max(chip, issuing)) : step,
      !software.overlapped_host ? "count x figure of the software"
      : hidden                  ? "what the chip's work does not hide: max(0, count x (host_step + rank_agreement) + sequences of a rank x host_sequence - max(chip, issuing of layers))"
                                : "what the chip's work does not hide: max(0, count x host_step - max(chip, issuing of layers))");
  if (hidden && !ledger.entries().empty() && ledger.entries().back().name == "host_step") {
    ledger.rest_on("host_sequence", software.host_sequence);
    if (agreements > 0) ledger.rest_on("rank_agreement", software.rank_agreement);
  }
  if (!hidden) ledger.add(Part::host, "host_sequence", static_cast<double>(share(load.sequences, about_.pool.dp)), software.host_sequence);
  if (!hidden) ledger.add(Part::host, "rank_agreement", agreements, software.rank_agreement);
  if (!load.chunks.empty()) ledger.add(Part::host, "prompt_step", std::min(composed, static_cast<double>(load.chunks.size())), software.prompt_step);
}

// Operators of one name are one leaf: its count and seconds are sums, its inputs those of all.
std::vector<detail::Entry> by_name(const std::vector<detail::Entry>& entries, std::size_t part) {
  std::vector<detail::Entry> merged;
  for (const auto& entry : entries) {
    if (index_of(entry.part) != part) continue;
    const auto same = std::find_if(merged.begin(), merged.end(), [&](const auto& m) { return m.name == entry.name; });
    if (same == merged.end()) {
      merged.push_back(entry);
      continue;
    }
    same->count += entry.count;
    same->seconds += entry.seconds;
    for (const auto& input : entry.inputs)
      if (std::none_of(same->inputs.begin(), same->inputs.end(), [&](const auto& i) { return i.name == input.name && i.value == input.value; })) same->inputs.push_back(input);
  }
  return merged;
}

// A part that takes `seconds` of a step, and its operators. Where these take longer or shorter on their own, the part is divided in their proportions.
result::Node part_node(std::size_t part, double seconds, Ledger& ledger) {
  auto node = result::leaf(std::string(kNames[part].key), std::string(kNames[part].label), units::Seconds::from_si(seconds));
  const auto entries = by_name(ledger.entries(), part);
  double alone = 0;
  for (const auto& entry : entries) alone += entry.seconds;
  const double scale = alone > 0 ? seconds / alone : 1;
  constexpr double kRounding = 1e-9;
  node.sums = alone > 0;
  if (alone > 0 && std::abs(scale - 1) > kRounding) {
    const char* why = part == index_of(Part::attention) ? "a step reads it from a table by batch and cached tokens, between whose entries it interpolates"
                      : part == index_of(Part::exchange) ? "the rest passes beside computing"
                      : part == index_of(Part::idle)     ? "the rest passes beside attention"
                                                         : "of halves or parts of the batch, one after the other";
    node.formula = fmt::format("its operators take {} on their own; {}. They share it in proportion", units::human(units::Seconds::from_si(alone), 4), why);
  }
  for (const auto& entry : entries)
    node.add(result::leaf(result::path_element(entry.name), fmt::format("{:.6g} x {}", entry.count, entry.name), units::Seconds::from_si(entry.seconds * scale), entry.formula, entry.inputs));
  return node;
}

Ledger Timer::operators(const StepLoad& load, const RankLoad& rank) const {
  Ledger ledger(about_.chip, true);
  pass_.tokens(ledger, rank.tokens, rank.decoding);
  pass_.experts(ledger, rank.group);
  pass_.exchange(ledger, rank.tokens, rank.group, !rank.chunks.empty());
  pass_.decoding(ledger, rank.sequences, rank.cached);
  pass_.prompts(ledger, rank.chunks, rank.ranks);
  // So far of one part of the batch, all layers.
  const bool apart = about_.pool.ffn_chips > 0;
  const double layers = ledger.total();
  const auto of_layers = ledger.entries().size();
  pass_.head(ledger, rank.sampled);
  if (pass_.queries() > 1 && load.sequences > 0) pass_.draft(ledger, rank.sequences, decoding_attention(rank.sequences, rank.cached) / pass_.layers());
  const auto show = shown(layers, ledger.total() - layers, load);
  for (std::size_t i = 0; i < ledger.entries().size(); ++i) {
    auto& entry = ledger.entries()[i];
    const double times = i >= of_layers ? show.ends : apart ? static_cast<double>(about_.pool.microbatches) : show.layers;
    entry.count *= times;
    entry.seconds *= times;
    if (i < of_layers && apart && (is_side_of_experts(index_of(entry.part)) || entry.part == Part::exchange)) entry.part = Part::idle;  // what attention's chips wait for
  }
  pass_.sends(ledger, rank.tokens);
  return ledger;
}

double Timer::kernel_width(const StepLoad& load) const {
  expect_work(load);
  const double whole = sum(whole_step(load));
  auto ledger = operators(load, part_load(load));
  compute::KernelTimes kernels;
  for (const auto& entry : ledger.entries()) kernels.add(entry.family, entry.seconds);
  return kernels.half_width(about_.chip, whole);
}

constexpr const char* kOverlapped =
    "max(computing / (1 - exchange_cores) + (1 - overlap_share) exchange, exchange) of two halves of the batch, if shorter than one after the other; ends and host beside it";

result::Node Timer::explain(const StepLoad& load) const {
  const auto parts = whole_step(load);
  const auto rank = part_load(load);
  auto ledger = operators(load, rank);
  add_host(ledger, sum(parts) - parts[index_of(Part::host)], load, rank);
  result::Node root{.key = "step", .label = fmt::format("step of {} sequences with {} cached tokens and {} chunks of prompts", load.sequences, load.cached, load.chunks.size()), .dimension = units::kTime, .sums = true};
  root.formula = about_.pool.ffn_chips > 0          ? "max(m attention, m feed-forward, attention + feed-forward + exchange) per layer, m parts of the batch; ends and host beside it"
                 : about_.pool.two_batch_overlap ? kOverlapped
                                                    : "sum over layers of all operators, head and host";
  if (about_.pool.ffn_chips == 0 && about_.pool.two_batch_overlap)
    root.inputs = {detail::share_input("exchange_cores", about_.software.exchange_cores), detail::share_input("overlap_share", about_.software.overlap_share)};
  for (std::size_t i = 0; i < kParts; ++i)
    if (parts[i] != 0) root.add(part_node(i, parts[i], ledger));
  root.si = sum(parts);
  return root;
}

}  // namespace

hardware::Chip serving_chip(const hardware::Chip& chip, const Pool& pool) {
  auto own = chip;
  if (pool.role != Role::prefill && own.efficiency.sustained.si() < 1) {
    auto& sustained = own.efficiency.sustained;
    sustained.provenance.note = fmt::format("pools that decode: products wait for memory in between and run as isolated ones; pools of prompts alone sustain {:.3g}", sustained.si());
    sustained.provenance.low_si = sustained.provenance.high_si = 0;  // the range is of the figure that is not used
    own.efficiency.isolate();
  }
  if (pool.power.si() > 0 && chip.power.present && pool.power < chip.power.value)
    for (auto& [precision, peak] : own.matrix_peak) peak.value *= pool.power / chip.power.value;
  return own;
}

std::string_view name_of(Part part) { return kNames[index_of(part)].key; }
std::string_view label_of(Part part) { return kNames[index_of(part)].label; }

std::unique_ptr<InstanceTimer> make_timer(InstanceModel about) { return std::make_unique<Timer>(std::move(about)); }

}  // namespace zettatwin::inference
