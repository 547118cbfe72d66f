// SPDX-License-Identifier: Apache-2.0
// Checks how the sizes of a TransformerConfig fit together, and builds the Architecture: one kind per
// distinct layer.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/contract.hpp"
#include "model/transformer_config.hpp"

namespace zettatwin::model {
namespace {

// Keeps every integer count of parameters.cpp far from overflow.
constexpr double kMostParameters = 1e17;

std::optional<std::int64_t> whole_number(const std::string& text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

class Assembler final {
 public:
  Assembler(const TransformerConfig& c, const config::Node& node, config::Diagnostics& diagnostics)
      : c_(c), node_(node), diagnostics_(diagnostics), errors_before_(diagnostics.error_count()) {}

  std::optional<Architecture> run() {
    resolve_attention();
    resolve_widths();
    resolve_experts();
    check_lists();
    check_indexer();
    check_compression();
    if (failed()) return std::nullopt;
    Architecture a = frame();
    stack_layers(a);
    check_magnitude();
    if (failed()) return std::nullopt;
    ZT_ENSURE((a.layers() == c_.num_hidden_layers * (c_.paired_layers ? 2 : 1) || !c_.block_types.empty()) && !a.kinds.empty(), "layers of the stack");
    return a;
  }

 private:
  bool failed() const { return diagnostics_.error_count() != errors_before_; }
  config::Location at(std::string_view field) const {
    for (const auto& entry : node_.entries)
      if (entry.key == field) return entry.where;
    return node_.where;
  }
  void error(std::string_view field, std::string problem, std::string why = "", std::string suggestion = "") {
    diagnostics_.error(at(field), std::move(problem), std::move(why), std::move(suggestion));
  }

  void check_heads(std::string_view field, std::int64_t heads, std::int64_t kv_heads) {
    if (heads % kv_heads != 0) error(field, fmt::format("{} query heads do not divide among {} key/value heads", heads, kv_heads));
  }
  bool is_compressed() const { return !c_.compress_ratios.empty(); }
  void resolve_attention() {
    if (c_.num_key_value_heads == 0) c_.num_key_value_heads = c_.num_attention_heads;
    check_heads("num_key_value_heads", c_.num_attention_heads, c_.num_key_value_heads);
    if (c_.full_num_attention_heads == 0) c_.full_num_attention_heads = c_.num_attention_heads;
    if (c_.full_num_key_value_heads == 0) c_.full_num_key_value_heads = c_.num_key_value_heads;
    check_heads("full_num_key_value_heads", c_.full_num_attention_heads, c_.full_num_key_value_heads);
    resolve_head_dim();
    if (c_.v_head_dim == 0) c_.v_head_dim = c_.head_dim;
    if (c_.full_v_head_dim == 0) c_.full_v_head_dim = c_.full_head_dim > 0 && c_.v_head_dim == c_.head_dim ? c_.full_head_dim : c_.v_head_dim;
    if (c_.full_head_dim == 0) c_.full_head_dim = c_.head_dim;
  }
  void resolve_head_dim() {
    if (c_.kv_lora_rank > 0) return resolve_latent_attention();
    for (const std::string_view field : {"q_lora_rank", "qk_nope_head_dim", "qk_rope_head_dim"})
      if (const auto* node = node_.find(field); node && node->kind != config::Node::Kind::null && !(is_compressed() && field != "qk_nope_head_dim"))
        error(field, fmt::format("{} is set but kv_lora_rank is not", field),
              "it belongs to multi-latent attention", "set kv_lora_rank or remove it");
    if (c_.head_dim > 0) return;
    if (c_.hidden_size % c_.num_attention_heads != 0)
      return error("num_attention_heads",
                   fmt::format("hidden_size {} does not divide among {} heads", c_.hidden_size,
                               c_.num_attention_heads),
                   "head_dim is not given", "set head_dim");
    c_.head_dim = c_.hidden_size / c_.num_attention_heads;
  }
  void resolve_latent_attention() {
    if (c_.qk_nope_head_dim == 0) error("kv_lora_rank", "multi-latent attention lacks 'qk_nope_head_dim'");
    if (c_.qk_rope_head_dim == 0) error("kv_lora_rank", "multi-latent attention lacks 'qk_rope_head_dim'");
    if (c_.v_head_dim == 0) error("kv_lora_rank", "multi-latent attention lacks 'v_head_dim'");
    const auto sum = c_.qk_nope_head_dim + c_.qk_rope_head_dim;
    if (c_.head_dim > 0 && c_.head_dim != sum)
      error("head_dim",
            fmt::format("head_dim {} is not qk_nope_head_dim + qk_rope_head_dim = {}", c_.head_dim, sum), "",
            "remove head_dim");
    c_.head_dim = sum;
  }
  void resolve_widths() {
    if (c_.intermediate_size == 0) c_.intermediate_size = c_.expansion_ratio * c_.hidden_size;
    if (c_.learned_positions && !c_.relative_positions && c_.max_position_embeddings == 0)
      error("learned_positions", "a learned position table lacks its size 'max_position_embeddings'");
    if (!c_.use_sliding_window) c_.sliding_window = 0;
  }
  void resolve_experts() {
    if (c_.num_experts == 0) {
      if (c_.moe_intermediate_size > 0)
        diagnostics_.warning(at("moe_intermediate_size"), "the experts' width is not used",
                             "there is no number of experts: the model is dense");
      return;
    }
    if (c_.moe_intermediate_size == 0)
      error("num_experts", "a mixture of experts lacks 'moe_intermediate_size'");
    if (c_.num_experts_per_tok == 0) error("num_experts", "a mixture of experts lacks 'num_experts_per_tok'");
    if (c_.num_experts_per_tok > c_.num_experts)
      error("num_experts_per_tok",
            fmt::format("a token cannot reach {} of {} experts", c_.num_experts_per_tok, c_.num_experts));
    if (c_.num_experts % c_.n_group != 0)
      error("n_group", fmt::format("{} experts do not divide into {} groups", c_.num_experts, c_.n_group));
    if (c_.topk_group > c_.n_group)
      error("topk_group",
            fmt::format("a token cannot reach {} of {} expert groups", c_.topk_group, c_.n_group));
    const auto reachable = c_.topk_group > 0 ? c_.num_experts / c_.n_group * c_.topk_group : c_.num_experts;
    if (c_.topk_group <= c_.n_group && c_.num_experts_per_tok <= c_.num_experts &&
        c_.num_experts_per_tok > reachable)
      error("topk_group", fmt::format("{} groups hold {} experts, fewer than num_experts_per_tok {}",
                                      c_.topk_group, reachable, c_.num_experts_per_tok));
  }

  void check_length(std::string_view field, const std::vector<std::string>& list) {
    if (!list.empty() && static_cast<std::int64_t>(list.size()) != c_.num_hidden_layers)
      error(field, fmt::format("{} lists {} layers, num_hidden_layers is {}", field, list.size(),
                               c_.num_hidden_layers));
  }
  void check_words(std::string_view field, const std::vector<std::string>& list,
                   const std::vector<std::string>& known) {
    for (const auto& word : list)
      if (std::find(known.begin(), known.end(), word) == known.end())
        return error(field, fmt::format("{} holds '{}', which could not be mapped", field, word),
                     fmt::format("known: {}", fmt::join(known, ", ")));
  }
  bool any_layer_is(std::string_view type) const {
    return std::find(c_.layer_types.begin(), c_.layer_types.end(), type) != c_.layer_types.end();
  }
  void check_numbers(std::string_view field, const std::vector<std::string>& list, std::int64_t high) {
    for (const auto& text : list) {
      const auto number = whole_number(text);
      if (!number || *number < 0 || *number > high)
        return error(field, fmt::format("{} holds '{}'", field, text),
                     fmt::format("whole numbers from 0 to {} are expected", high));
    }
  }
  // Layers alone, or multi-token-prediction modules after them.
  bool lists_modules(std::size_t size) const { return static_cast<std::int64_t>(size) == c_.num_hidden_layers + c_.num_nextn_predict_layers; }
  void check_lists() {
    if (!lists_modules(c_.layer_types.size())) check_length("layer_types", c_.layer_types);
    check_numbers("moe_layers", c_.moe_layers, c_.num_hidden_layers - 1);
    check_words("layer_types", c_.layer_types, {"full_attention", "sliding_attention", "linear_attention"});
    check_numbers("linear_attention_layers", c_.linear_attention_layers, c_.num_hidden_layers);
    if (std::find(c_.linear_attention_layers.begin(), c_.linear_attention_layers.end(), "0") != c_.linear_attention_layers.end()) error("linear_attention_layers", "linear_attention_layers holds 0", "layers are counted from 1");
    if (c_.linear_rule == LinearRule::channel_delta && (c_.linear_decay_rank == 0 || c_.linear_num_key_heads != c_.linear_num_value_heads))
      error("linear_rule", "a decay per channel needs 'linear_decay_rank' and as many heads of keys as of values");
    if ((any_layer_is("linear_attention") || c_.linear_num_value_heads > 0 || !c_.linear_attention_layers.empty()) && (c_.linear_num_value_heads == 0 || c_.linear_num_key_heads == 0 ||
                                             c_.linear_value_head_dim == 0 || c_.linear_key_head_dim == 0))
      error("layer_types", "a layer is linear_attention but its sizes are not given",
            "linear_num_value_heads, linear_num_key_heads, linear_value_head_dim and linear_key_head_dim are needed");
    if (c_.shared_key_layers >= c_.num_hidden_layers) error("shared_key_layers", fmt::format("{} of {} layers cannot use keys of earlier ones", c_.shared_key_layers, c_.num_hidden_layers));
    if (c_.per_layer_width > 0 && c_.per_layer_vocabulary == 0) error("per_layer_width", "tables of the layers lack 'per_layer_vocabulary'");
    if (c_.sliding_window == 0 && any_layer_is("sliding_attention"))
      error("layer_types", "a layer is sliding_attention but there is no sliding_window");
    check_blocks();
    check_length("mlp_layer_types", c_.mlp_layer_types);
    check_words("mlp_layer_types", c_.mlp_layer_types, {"dense", "sparse"});
    check_numbers("mlp_only_layers", c_.mlp_only_layers, c_.num_hidden_layers - 1);
    const bool one = c_.moe_layer_freq.size() == 1;
    check_numbers("moe_layer_freq", c_.moe_layer_freq, one ? c_.num_hidden_layers : 1);
    if (one && c_.moe_layer_freq.front() == "0")
      error("moe_layer_freq", "moe_layer_freq is 0", "it must be at least 1");
    if (!one) check_length("moe_layer_freq", c_.moe_layer_freq);
  }

  static bool is_mixer(const std::string& block) { return block == "mamba" || block == "attention"; }
  void check_blocks() {
    const auto& blocks = c_.block_types;
    check_length("block_types", blocks);
    check_words("block_types", blocks, {"mamba", "attention", "mlp", "moe"});
    for (std::size_t i = 0; i < blocks.size(); ++i)
      if (!is_mixer(blocks[i]) && (i == 0 || !is_mixer(blocks[i - 1]))) return error("block_types", fmt::format("block {} is a feed-forward that follows no mamba or attention", i), "a layer has one of each");
    const auto has = [&](std::string_view type) { return std::find(blocks.begin(), blocks.end(), type) != blocks.end(); };
    if (has("moe") && c_.num_experts == 0) error("block_types", "a block is moe but there is no number of experts");
    if (has("mamba") && (c_.linear_num_value_heads == 0 || c_.linear_num_key_heads == 0 || c_.linear_value_head_dim == 0 || c_.linear_key_head_dim == 0)) error("block_types", "a block is mamba but its sizes are not given");
  }

  void check_indexer() {
    check_length("indexer_types", c_.indexer_types);
    check_words("indexer_types", c_.indexer_types, {"full", "shared"});
    check_length("sparse_attention_freq", c_.sparse_attention_freq);
    check_numbers("sparse_attention_freq", c_.sparse_attention_freq, 1);
    if (c_.index_topk == 0) {
      if (c_.index_n_heads > 0) error("index_n_heads", "an indexer lacks 'index_topk'", "it chooses the keys that a query attends to");
      return;
    }
    if (c_.index_n_heads == 0 || c_.index_head_dim == 0) error("index_topk", "sparse attention lacks 'index_n_heads' or 'index_head_dim'", "an indexer chooses the keys");
    if (c_.kv_lora_rank > 0 && c_.q_lora_rank == 0) error("index_topk", "an indexer of multi-latent attention lacks 'q_lora_rank'", "its queries are projected from the query latent");
    if (c_.sliding_window > 0 && !is_compressed()) error("index_topk", "sparse attention together with a sliding window", "no such model is known");
    if (!c_.indexer_types.empty() && c_.indexer_types.front() == "shared") error("indexer_types", "the first layer has no earlier one whose keys it could use");
  }

  void check_compression() {
    if (!is_compressed()) return;
    const auto listed = static_cast<std::int64_t>(c_.compress_ratios.size());
    if (listed != c_.num_hidden_layers && listed != c_.num_hidden_layers + c_.num_nextn_predict_layers)
      error("compress_ratios", fmt::format("compress_ratios lists {} layers, num_hidden_layers is {}", listed, c_.num_hidden_layers));
    constexpr std::int64_t kMostTokens = 1 << 20;
    check_numbers("compress_ratios", c_.compress_ratios, kMostTokens);
    const std::pair<std::string_view, std::int64_t> needed[] = {{"q_lora_rank", c_.q_lora_rank}, {"output_groups", c_.output_groups}, {"output_rank", c_.output_rank}, {"sliding_window", c_.sliding_window}};
    for (const auto& [field, value] : needed)
      if (value == 0) error("compress_ratios", fmt::format("compressed attention lacks '{}'", field));
    if (c_.kv_lora_rank > 0) error("compress_ratios", "compressed attention together with multi-latent attention", "no such model is known");
    if (c_.num_key_value_heads != 1) error("num_key_value_heads", "compressed attention has one vector for all heads", "", "set num_key_value_heads: 1");
    if (c_.output_groups > 0 && c_.num_attention_heads % c_.output_groups != 0) error("output_groups", fmt::format("{} heads do not divide into {} groups", c_.num_attention_heads, c_.output_groups));
    if (c_.index_compress_ratio > 0 && c_.index_topk == 0) error("index_compress_ratio", "an indexer lacks 'index_topk'", "it chooses the entries that a query attends to");
  }

  bool is_sparse(std::int64_t i) const {
    if (is_compressed()) return c_.index_compress_ratio > 0 && ratio(i) == c_.index_compress_ratio;
    return c_.index_topk > 0 && (c_.sparse_attention_freq.empty() || c_.sparse_attention_freq[static_cast<std::size_t>(i)] == "1");
  }
  Indexer indexer(std::int64_t i) const {
    if (!is_sparse(i)) return {};
    Indexer made{.heads = c_.index_n_heads, .head_dim = c_.index_head_dim, .top = c_.index_topk, .block = c_.index_block_size};
    if (!c_.indexer_types.empty() && c_.indexer_types[static_cast<std::size_t>(i)] == "shared") made.heads = 0;
    return made;
  }
  bool is_moe(std::int64_t i) const {
    if (c_.num_experts == 0) return false;
    const auto index = static_cast<std::size_t>(i);
    if (!c_.mlp_layer_types.empty()) return c_.mlp_layer_types[index] == "sparse";
    if (!c_.moe_layers.empty()) return std::any_of(c_.moe_layers.begin(), c_.moe_layers.end(), [&](const auto& text) { return whole_number(text) == i; });
    if (i < c_.first_k_dense_replace || (i + 1) % c_.decoder_sparse_step != 0) return false;
    for (const auto& dense : c_.mlp_only_layers)
      if (whole_number(dense) == i) return false;
    if (c_.moe_layer_freq.empty()) return true;
    if (c_.moe_layer_freq.size() == 1) return i % *whole_number(c_.moe_layer_freq.front()) == 0;
    return c_.moe_layer_freq[index] == "1";
  }
  bool is_windowed(std::int64_t i) const {
    if (c_.sliding_window == 0) return false;
    if (!c_.layer_types.empty()) return c_.layer_types[static_cast<std::size_t>(i)] == "sliding_attention";
    if (c_.full_attention_period > 0 && (i + 1) % c_.full_attention_period == 0) return false;
    return i >= c_.first_window_layer;
  }
  std::int64_t ratio(std::int64_t i) const { return *whole_number(c_.compress_ratios[static_cast<std::size_t>(i)]); }
  bool is_linear(std::int64_t i) const {
    if (!c_.linear_attention_layers.empty())
      return std::any_of(c_.linear_attention_layers.begin(), c_.linear_attention_layers.end(), [&](const auto& text) { return whole_number(text) == i + 1; });
    if (!c_.layer_types.empty()) return c_.layer_types[static_cast<std::size_t>(i)] == "linear_attention";
    return c_.linear_num_value_heads > 0 && c_.full_attention_period > 0 && (i + 1) % c_.full_attention_period != 0;
  }
  Attention linear() const {
    return {.kind = AttentionKind::linear,
            .heads = c_.linear_num_value_heads,
            .kv_heads = c_.linear_num_key_heads,
            .head_dim = c_.linear_key_head_dim,
            .v_head_dim = c_.linear_value_head_dim,
            .rule = c_.linear_rule,
            .convolution = c_.linear_conv_kernel_dim,
            .convolution_bias = c_.linear_conv_bias,
            .decay_rank = c_.linear_rule == LinearRule::channel_delta ? c_.linear_decay_rank : 0,
            .gate_rank = c_.linear_full_rank_gate ? 0 : c_.linear_gate_rank};
  }
  Attention attention(std::int64_t i) const { return is_linear(i) ? linear() : softmax(i); }
  Attention softmax(std::int64_t i) const {
    if (is_compressed()) return compressed(i);
    const bool latent = c_.kv_lora_rank > 0, windowed = is_windowed(i);
    return {.kind = latent ? AttentionKind::multi_latent : AttentionKind::grouped_query,
            .heads = windowed ? c_.num_attention_heads : c_.full_num_attention_heads,
            .kv_heads = windowed ? c_.num_key_value_heads : c_.full_num_key_value_heads,
            .head_dim = windowed ? c_.head_dim : c_.full_head_dim,
            .v_head_dim = windowed ? c_.v_head_dim : c_.full_v_head_dim,
            .q_lora_rank = latent ? c_.q_lora_rank : c_.query_rank,
            .kv_lora_rank = c_.kv_lora_rank,
            .qk_nope_dim = c_.qk_nope_head_dim,
            .qk_rope_dim = c_.qk_rope_head_dim,
            .window = windowed ? c_.sliding_window : 0,
            .qkv_bias = c_.qkv_bias,
            .output_bias = c_.output_bias,
            .qk_norm = c_.qk_norm,
            .qk_norm_per_projection = c_.qk_norm && c_.qk_norm_per_projection,
            .sinks = c_.attention_sinks || (windowed && c_.window_attention_sinks),
            .output_gate = c_.attention_output_gate,
            .head_gate = c_.attention_head_gate,
            .keys_are_values = !latent && !windowed && c_.full_keys_are_values,
            .shared_keys = !latent && i >= c_.num_hidden_layers - c_.shared_key_layers,
            .indexer = indexer(i)};
  }
  Attention compressed(std::int64_t i) const {
    return {.kind = AttentionKind::compressed,
            .heads = c_.num_attention_heads,
            .kv_heads = 1,
            .head_dim = c_.head_dim,
            .v_head_dim = c_.head_dim,
            .q_lora_rank = c_.q_lora_rank,
            .qk_rope_dim = c_.qk_rope_head_dim,
            .window = c_.sliding_window,
            .sinks = c_.attention_sinks,
            .compression = ratio(i),
            .output_groups = c_.output_groups,
            .output_rank = c_.output_rank,
            .indexer = indexer(i)};
  }
  // Of a token's choices, those that are expected to fall on experts that compute.
  std::int64_t real_choices() const {
    const auto all = c_.num_experts + c_.zero_experts;
    return c_.zero_experts == 0 ? c_.num_experts_per_tok : std::max<std::int64_t>(1, (2 * c_.num_experts_per_tok * c_.num_experts + all) / (2 * all));
  }
  MixtureOfExperts experts(std::int64_t i) const {
    const auto shared = c_.shared_expert_intermediate_size > 0
                            ? c_.shared_expert_intermediate_size
                            : c_.n_shared_experts * c_.moe_intermediate_size;
    return {.routed_experts = c_.num_experts,
            .top_k = real_choices(),
            .zero_experts = c_.zero_experts,
            .latent = c_.moe_latent_size,
            .latent_norm = c_.moe_latent_norm && c_.moe_latent_size > 0,
            .intermediate = c_.moe_intermediate_size,
            .shared_intermediate = shared,
            .groups = c_.n_group,
            .group_limit = c_.topk_group < c_.n_group ? c_.topk_group : 0,
            .gated = c_.gated,
            .bias = c_.expert_bias,
            .router_bias = c_.router_bias && i >= c_.num_hash_layers,
            .wide_router = c_.wide_router,
            .shared_gate = c_.shared_expert_gate && shared > 0};
  }

  Architecture frame() const {
    const auto padded = (c_.vocab_size + c_.pad_vocab_size_multiple - 1) / c_.pad_vocab_size_multiple *
                        c_.pad_vocab_size_multiple;
    Architecture a;
    a.hidden = c_.hidden_size;
    a.vocabulary = padded;
    a.learned_positions =
        c_.learned_positions && !c_.relative_positions ? c_.max_position_embeddings + c_.position_offset : 0;
    a.max_positions = c_.max_position_embeddings;
    a.tied_embeddings = c_.tie_word_embeddings;
    a.norm = c_.norm;
    a.norm_bias = c_.norm_bias;
    a.norms_per_layer = c_.norms_per_layer;
    a.embedding_norm = c_.embedding_norm;
    a.head_bias = c_.head_bias;
    a.mtp_depth = c_.num_nextn_predict_layers;
    a.residual_streams = c_.residual_streams;
    a.residual_block = c_.residual_block_size;
    a.per_layer_width = c_.per_layer_width;
    a.per_layer_vocabulary = c_.per_layer_width > 0 ? c_.per_layer_vocabulary : 0;
    a.published = {.weights = c_.weight_format, .attention = c_.attention_format, .experts = c_.expert_format, .groups = {.size = c_.int4_group, .zeros = c_.int4_zeros}};
    return a;
  }
  FeedForward feed_forward(std::int64_t i) const {
    const bool twice = c_.shared_key_layers_double && i >= c_.num_hidden_layers - c_.shared_key_layers;
    return {.intermediate = c_.intermediate_size * (twice ? 2 : 1), .gated = c_.gated, .bias = c_.mlp_bias};
  }
  // A mamba or attention block and the feed-forward that follows it, if one does, are a layer.
  void stack_blocks(Architecture& a) {
    const auto& blocks = c_.block_types;
    const auto count = static_cast<std::int64_t>(blocks.size());
    for (std::int64_t i = 0; i < count; ++i) {
      const auto at = static_cast<std::size_t>(i);
      if (!is_mixer(blocks[at])) continue;
      Layer layer{.attention = blocks[at] == "mamba" ? linear() : softmax(i)};
      const auto after = i + 1 < count ? blocks[at + 1] : std::string();
      if (after == "moe") layer.experts = experts(i);
      if (after == "mlp") layer.dense = feed_forward(i);
      push(a, layer);
    }
    if (std::find(blocks.begin(), blocks.end(), "mlp") != blocks.end() && c_.intermediate_size == 0) error("block_types", "the model has dense layers but lacks 'intermediate_size'");
    if (a.mtp_depth == 0) return;
    a.mtp_layer = Layer{.attention = softmax(count - 1)};
    if (c_.num_experts > 0) a.mtp_layer->experts = experts(count - 1);
    else a.mtp_layer->dense = feed_forward(count - 1);
  }
  void stack_layers(Architecture& a) {
    if (!c_.block_types.empty()) return stack_blocks(a);
    bool any_dense = false;
    for (std::int64_t i = 0; i < c_.num_hidden_layers; ++i) {
      Layer layer{.attention = attention(i)};
      if (is_moe(i))
        layer.experts = experts(i);
      else
        layer.dense = feed_forward(i);
      if (c_.paired_layers) layer.dense = feed_forward(i);
      any_dense |= layer.dense.has_value();
      push(a, layer);
      if (c_.paired_layers) push(a, Layer{.attention = attention(i), .dense = feed_forward(i)});
    }
    if (any_dense && c_.intermediate_size == 0)
      error("num_hidden_layers", "the model has dense layers but lacks 'intermediate_size'");
    if (a.mtp_depth == 0) return;
    a.mtp_layer = a.layer(a.layers() - 1);
    if (!c_.moe_layers.empty() && a.mtp_layer->is_moe()) a.mtp_layer = Layer{.attention = a.mtp_layer->attention, .dense = feed_forward(c_.num_hidden_layers)};  // modules are not among the listed layers
    if (lists_modules(c_.layer_types.size())) a.mtp_layer->attention = attention(c_.num_hidden_layers);
    if (static_cast<std::int64_t>(c_.compress_ratios.size()) > c_.num_hidden_layers) a.mtp_layer->attention = attention(c_.num_hidden_layers);
  }
  static void push(Architecture& a, const Layer& layer) {
    const auto found = std::find(a.kinds.begin(), a.kinds.end(), layer);
    const auto kind = static_cast<std::size_t>(found - a.kinds.begin());
    if (found == a.kinds.end()) a.kinds.push_back(layer);
    if (!a.runs.empty() && a.runs.back().kind == kind)
      ++a.runs.back().count;
    else
      a.runs.push_back({1, kind});
  }

  // An upper bound in floating point, before anybody counts in integers.
  void check_magnitude() {
    const auto d = [](std::int64_t x) { return static_cast<double>(x); };
    const double widest = std::max({d(c_.head_dim), d(c_.v_head_dim), d(c_.full_head_dim), d(c_.full_v_head_dim)});
    const double latents = d(c_.q_lora_rank) + d(c_.kv_lora_rank) + d(c_.qk_rope_head_dim) + d(c_.output_rank);
    const double heads = std::max(d(c_.num_attention_heads), d(c_.full_num_attention_heads));
    const double attention = (5 * d(c_.hidden_size) + 2 * latents + 8) * heads * widest + d(c_.hidden_size) * (latents + 8 + d(c_.output_groups) * d(c_.output_rank));
    const double linear = (2 * d(c_.linear_num_key_heads) * d(c_.linear_key_head_dim) +
                           4 * d(c_.linear_num_value_heads) * (std::max(d(c_.linear_value_head_dim), d(c_.linear_key_head_dim)) + 1)) *
                              (d(c_.hidden_size) + d(c_.linear_conv_kernel_dim) + d(c_.linear_decay_rank) + d(c_.linear_gate_rank) + 4) +
                          d(c_.hidden_size) * (d(c_.linear_decay_rank) + d(c_.linear_gate_rank));
    constexpr double kMostTokens = 1 << 20;
    const double compressors = is_compressed() ? (4 * d(c_.hidden_size) + 2 * kMostTokens + 2) * (widest + d(c_.index_head_dim)) + d(c_.q_lora_rank) * d(c_.index_n_heads) * d(c_.index_head_dim) : 0;
    const double indexer = (d(c_.hidden_size) + d(c_.q_lora_rank) + 2) * (d(c_.index_n_heads) + 1) * (d(c_.index_head_dim) + 1);
    const double residuals = 6 * d(c_.hidden_size) + d(c_.hidden_size) * d(c_.zero_experts) + d(c_.zero_experts) + (d(c_.hidden_size) + heads * widest + 1) * (d(c_.query_rank) + 1);
    const double streams = 4 * d(c_.residual_streams) * (d(c_.residual_streams) + 2) * (d(c_.residual_streams) * d(c_.hidden_size) + 4);
    const double expert = 3 * (d(c_.hidden_size) + 1) * (d(c_.moe_intermediate_size) + 1);
    const double shared =
        3 * (d(c_.hidden_size) + 1) *
        (d(c_.shared_expert_intermediate_size) + d(c_.n_shared_experts) * d(c_.moe_intermediate_size));
    const double routed = 3 * (std::max(d(c_.hidden_size), d(c_.moe_latent_size)) + 1) * (d(c_.moe_intermediate_size) + 1);
    const double feed_forward = 6 * (d(c_.hidden_size) + 1) * (d(c_.intermediate_size) + 1) + d(c_.num_experts) * std::max(expert, routed) + shared + 2 * d(c_.hidden_size) * d(c_.moe_latent_size) + d(c_.moe_latent_size);
    const double norms = 2 * d(c_.norms_per_layer) * d(c_.hidden_size) + streams + d(c_.per_layer_width) * (3 * d(c_.hidden_size) + d(c_.per_layer_vocabulary) + 1) + 2 * d(c_.hidden_size);
    const double layers = (c_.paired_layers ? 2 : 1) * d(c_.num_hidden_layers) + d(c_.num_nextn_predict_layers);
    const double tables = (2 * (d(c_.vocab_size) + d(c_.pad_vocab_size_multiple)) +
                           d(c_.max_position_embeddings) + d(c_.position_offset) + 8) *
                          d(c_.hidden_size);
    const double bound =
        layers * (2 * attention + linear + compressors + indexer + residuals + feed_forward + norms + 4 * d(c_.hidden_size) * d(c_.hidden_size)) + tables;
    if (!(bound < kMostParameters))
      diagnostics_.error(node_.where, fmt::format("the model has about {:.0e} parameters", bound),
                         fmt::format("the limit is {:.0e}", kMostParameters));
  }

  TransformerConfig c_;
  const config::Node& node_;
  config::Diagnostics& diagnostics_;
  std::size_t errors_before_;
};

}  // namespace

std::optional<Architecture> assemble(const TransformerConfig& c, const config::Node& node,
                                     config::Diagnostics& diagnostics) {
  return Assembler(c, node, diagnostics).run();
}

}  // namespace zettatwin::model
