// SPDX-License-Identifier: Apache-2.0
#include "validation/lowering.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "software/profile.hpp"
#include "validation/run_words.hpp"

namespace zettatwin::validation {
namespace {

using config::Node;

class Lowering final {
 public:
  Lowering(const Row& row, const Vocabulary& vocabulary, const ModelIndex& models) : row_(row), vocabulary_(vocabulary), models_(models) {}

  Lowered run() {
    result_.scenario = mapping();
    if (!row_.complete()) bad("the record has another number of cells than the file has columns");
    measure();
    machine();
    model();
    sizes();
    software();
    plan();
    add(result_.scenario, "plan", std::move(plan_));
    return std::move(result_);
  }

 private:
  [[nodiscard]] config::Location here() const { return where_; }
  [[nodiscard]] Node mapping() const {
    Node node;
    node.kind = Node::Kind::mapping;
    node.where = here();
    return node;
  }
  [[nodiscard]] Node scalar(std::string text) const {
    Node node;
    node.kind = Node::Kind::scalar;
    node.where = here();
    node.text = std::move(text);
    return node;
  }
  void add(Node& to, const std::string& key, Node value) const {
    const auto old = std::find_if(to.entries.begin(), to.entries.end(), [&](const config::Entry& e) { return e.key == key; });
    if (old == to.entries.end()) to.entries.push_back({key, here(), std::move(value)});
    else old->value = config::merged(old->value, value);
  }
  void add(Node& to, const std::string& key, const std::string& value) const { add(to, key, scalar(value)); }
  void add(Node& to, const std::string& key, std::int64_t value) const { add(to, key, std::to_string(value)); }
  void bad(std::string why) {
    result_.problems.push_back(std::move(why));
    result_.bad = true;
  }
  void unsupported(std::string why) { result_.problems.push_back(std::move(why)); }
  void assume(std::string what) { result_.assumed.push_back(std::move(what)); }

  void measure() {
    struct Word {
      std::string_view metric, unit;
      MetricUnit is;
    };
    static constexpr std::array kWords{Word{"step_time", "s", {Metric::step_time, 1}}, Word{"step_time", "ms", {Metric::step_time, 1e-3}},
                                       Word{"tokens_per_s_per_chip", "", {Metric::tokens_per_s_per_chip, 1}}, Word{"tokens_per_s", "", {Metric::tokens_per_s, 1}},
                                       Word{"model_tflops_per_chip", "", {Metric::model_flop_rate_per_chip, 1e12}},
                                       Word{"hw_tflops_per_chip", "", {Metric::hardware_flop_rate_per_chip, 1e12}},
                                       Word{"params_optimizer_mem", "GiB/GPU", {Metric::memory, 1}}, Word{"activation_mem_norecompute", "GiB/GPU", {Metric::memory, 1}},
                                       Word{"activation_mem_seqpar_selective", "GiB/GPU", {Metric::memory, 1}}};
    const auto metric = row_.text("metric"), unit = row_.text("unit");
    const auto word = std::find_if(kWords.begin(), kWords.end(), [&](const Word& w) { return w.metric == metric && (w.unit.empty() || w.unit == unit || (unit.empty() && w.unit == "s")); });
    if (word == kWords.end()) unsupported(fmt::format("the metric '{}' in '{}' is not predicted", metric, unit));
    else result_.metric = word->is;
    const auto value = row_.number("value");
    if (!value || *value <= 0) bad("value is not a positive number");
    result_.measured = value.value_or(0);
  }

  void machine() {
    const auto chip = row_.text("chip");
    const auto chips = row_.whole("num_chips");
    if (!chips || *chips < 1) bad("num_chips is not a positive number");
    else add(result_.scenario, "chips", *chips);
    const auto* rule = find_rule(vocabulary_.machines, chip);
    if (!rule) return unsupported(fmt::format("no machine of the catalog is known for the chip '{}'", chip));
    Node machine = mapping();
    add(machine, "extends", rule->is);
    if (rule->set.is_mapping()) machine = config::merged(machine, rule->set);
    network_cards(machine, chip, rule->node);
    add(result_.scenario, "machine", std::move(machine));
  }

  void network_cards(Node& machine, std::string_view chip, std::int64_t chips_per_node) {
    if (gigabits_per_node(chip) <= 0) return;
    if (chips_per_node == 0) return assume("network cards of the catalog's machine");
    const double gigabits = gigabits_per_node(chip) / static_cast<double>(chips_per_node);
    Node network = mapping(), level = mapping(), levels = mapping();
    add(network, "bandwidth", fmt::format("{} Gbit/s", gigabits));
    add(level, "network", std::move(network));
    add(levels, "cluster", std::move(level));
    add(machine, "levels", std::move(levels));
  }

  void model() {
    const auto* shape = models_.find(row_);
    Node model = mapping();
    if (shape) {
      add(model, "preset", shape->name);
      const auto layers = row_.whole("layers");
      if (layers && *layers > 0 && *layers != shape->layers) {
        Node overrides = mapping();
        add(overrides, "num_hidden_layers", *layers);
        add(model, "overrides", std::move(overrides));
      }
      return add(result_.scenario, "model", std::move(model));
    }
    built_model();
  }

  // No model of the catalog has this shape: a plain transformer is built from the row, gated or not by what its parameters say.
  void built_model() {
    const auto layers = row_.whole("layers"), hidden = row_.whole("hidden"), width = row_.whole("ffn"), heads = row_.whole("heads"), vocabulary = row_.whole("vocab");
    if (row_.whole("experts").value_or(0) > 0) return unsupported(fmt::format("no model of the catalog has the shape of '{}', and experts cannot be described by the row's columns", row_.text("model")));
    if (!layers || !hidden || !width || !heads || !vocabulary) return unsupported(fmt::format("no model of the catalog has the shape of '{}', and the row lacks layers, hidden, ffn, heads or vocab", row_.text("model")));
    const auto kv = row_.whole("kv_heads").value_or(*heads);
    const double h = static_cast<double>(*hidden), l = static_cast<double>(*layers);
    const double attention = 2 * h * h * (1 + static_cast<double>(kv) / static_cast<double>(*heads));
    const auto parameters = [&](double matrices, double tables) { return l * (attention + matrices * h * static_cast<double>(*width)) + tables * h * static_cast<double>(*vocabulary); };
    const double published = row_.number("params_total_b").value_or(0) * 1e9;
    const bool gated = published > 0 ? std::abs(parameters(3, 2) - published) < std::abs(parameters(2, 1) - published) : *width != 4 * *hidden;
    const double tied = parameters(gated ? 3 : 2, 1), untied = parameters(gated ? 3 : 2, 2);
    Node config = mapping();
    add(config, "model_type", std::string("transformer"));
    for (const auto& [key, value] : {std::pair{"num_hidden_layers", *layers}, {"hidden_size", *hidden}, {"intermediate_size", *width}, {"num_attention_heads", *heads}, {"num_key_value_heads", kv}, {"vocab_size", *vocabulary}})
      add(config, key, value);
    add(config, "gated", std::string(gated ? "true" : "false"));
    const bool ties = published > 0 ? std::abs(tied - published) <= std::abs(untied - published) : !gated;
    add(config, "tie_word_embeddings", std::string(ties ? "true" : "false"));
    Node model = mapping();
    add(model, "config", std::move(config));
    add(result_.scenario, "model", std::move(model));
    assume(fmt::format("a plain {} transformer of the row's shape", gated ? "gated" : "ungated"));
  }

  void sizes() {
    const auto batch = row_.whole("gbs");
    if (!batch || *batch < 1) unsupported("gbs, the sequences of a step, is not given");
    else add(result_.scenario, "global_batch", *batch);
    const auto length = row_.whole("seq_len");
    if (!length || *length < 1) unsupported("seq_len is not given");
    else add(result_.scenario, "sequence_length", *length);
  }

  void software() {
    const auto* rule = find_rule(vocabulary_.software, fmt::format("{} year={} {} {} {}", row_.text("source"), row_.text("year"), row_.text("precision"), row_.text("attn_impl"), row_.text("notes")));
    plan_ = mapping();
    software_ = mapping();
    if (rule) add(software_, "extends", rule->is);
    else assume("software megatron-core");
    if (!rule) add(software_, "extends", std::string("megatron-core"));
    if (rule) follow(*rule);
    const auto words = fmt::format("{} year={} {}", row_.text("model"), row_.text("year"), row_.text("notes"));
    for (const auto& flag : vocabulary_.flags)
      if (holds(flag, words)) follow(flag);
  }

  void follow(const Rule& rule) {
    if (rule.set.is_mapping()) plan_ = config::merged(plan_, rule.set);
    if (rule.software.is_mapping()) software_ = config::merged(software_, rule.software);
  }

  void plan() {
    size("tp", "tp", 1);
    size("cp", "cp", 1);
    size("pp", "pp", 1);
    size("ep", "ep", 1);
    expert_tensor_parallel();
    microbatch();
    const auto vpp = row_.whole("vpp");
    if (vpp && *vpp > 1 && row_.whole("pp").value_or(1) > 1) {
      add(plan_, "vpp", *vpp);
      add(plan_, "schedule", std::string("interleaved"));
      even_layers(*row_.whole("pp") * *vpp);
    } else if (row_.whole("pp").value_or(1) > 1) {
      sends_between_passes();
      even_layers(*row_.whole("pp"));
    }
    if (const auto sp = row_.text("sp"); !sp.empty()) add(plan_, "sequence_parallel", std::string(sp.substr(0, 1) == "1" ? "true" : "false"));
    if (const auto dp = row_.whole("dp"); dp && *dp > 0) check_replicas(*dp);
    word("zero_or_fsdp", "zero", vocabulary_.sharding, "1");
    for (const std::string_view word : {"group=", "shard="})
      if (const auto ranks = digits_after(row_.text("zero_or_fsdp"), word); !ranks.empty()) add(plan_, "zero_group", std::string(ranks));
    word("precision", "recipe", vocabulary_.precisions, "bf16");
    recompute();
    add(result_.scenario, "software", std::move(software_));
  }

  void size(const char* column, const char* field, std::int64_t missing) {
    const auto value = row_.whole(column);
    if (value && *value > 0) return add(plan_, field, *value);
    assume(fmt::format("{}={}", field, missing));
    add(plan_, field, missing);
  }

  // What the notes say, or the framework's default, which may be the tensor parallelism of the other layers ("tp").
  void expert_tensor_parallel() {
    const auto given = digits_after(row_.text("notes"), "\"expert_tensor_parallel_size\": ");
    const bool experts = row_.whole("experts").value_or(0) > 0;
    const auto* by_default = plan_.find("etp");
    if (!given.empty() && experts) return add(plan_, "etp", std::string(given));
    if (!by_default) return;
    const bool as_others = by_default->text == "tp";
    if (experts && as_others) assume(fmt::format("etp={}", row_.whole("tp").value_or(1)));
    if (!experts || as_others) add(plan_, "etp", experts ? row_.whole("tp").value_or(1) : 1);
  }

  // "per_device=8": all of a device's sequences at once (JAX), with the devices of the batch: gradients are not accumulated.
  void microbatch() {
    const auto sequences = row_.whole("gbs"), chips = row_.whole("num_chips");
    if (row_.whole("mbs") || digits_after(row_.text("mbs"), "per_device=").empty() || !sequences || !chips) return size("mbs", "micro_batch", 1);
    const auto model = row_.whole("tp").value_or(1) * row_.whole("cp").value_or(1) * row_.whole("pp").value_or(1);
    add(plan_, "micro_batch", std::max<std::int64_t>(1, *sequences * model / std::max<std::int64_t>(1, *chips)));
  }

  // Only the interleaved schedule of Megatron-Core sends in the background (--overlap-p2p-communication).
  void sends_between_passes() {
    Node overlap = mapping();
    add(overlap, "pp", std::string("false"));
    add(plan_, "overlap", std::move(overlap));
  }

  // Megatron-LM gives every chunk of the pipeline as many layers, whatever the ends cost. Where layers are one or two too few for that, the loss and the
  // embedding count as layers (--account-for-loss-in-pipeline-split, --account-for-embedding-in-pipeline-split).
  void even_layers(std::int64_t chunks) {
    const auto layers = row_.whole("layers").value_or(0);
    const auto missing = (chunks - layers % chunks) % chunks;
    if (layers <= 0 || missing > 2) return;
    const auto each = (layers + missing) / chunks;
    Node list;
    list.kind = Node::Kind::sequence;
    list.where = here();
    for (std::int64_t c = 0; c < chunks; ++c) list.items.push_back(scalar(std::to_string(each - (c + 1 == chunks && missing > 0 ? 1 : 0) - (c == 0 && missing == 2 ? 1 : 0))));
    add(plan_, "layers_per_chunk", std::move(list));
    if (missing > 0) assume(missing == 1 ? "the loss counts as a layer of the pipeline" : "embedding and loss count as layers of the pipeline");
  }

  void check_replicas(std::int64_t dp) {
    const auto product = dp * row_.whole("tp").value_or(1) * row_.whole("cp").value_or(1) * row_.whole("pp").value_or(1);
    if (row_.whole("num_chips") && product != *row_.whole("num_chips")) assume(fmt::format("dp by the number of chips: {} as given would need {}", dp, product));
  }

  void word(const char* column, const char* field, const std::vector<Rule>& rules, const char* missing) {
    const auto text = row_.text(column);
    const auto* rule = text.empty() ? nullptr : find_rule(rules, text);
    if (!rule) assume(fmt::format("{}={}{}", field, missing, text.empty() ? "" : fmt::format(" for '{}'", text)));
    add(plan_, field, rule ? rule->is : std::string(missing));
    if (rule && rule->set.is_mapping()) plan_ = config::merged(plan_, rule->set);
  }

  void recompute() {
    const std::string text(row_.text("recompute"));
    constexpr std::string_view kModules = "modules ";
    if (const auto at = text.find(kModules); at != std::string::npos) return modules(text.substr(at + kModules.size(), text.find_first_not_of("abcdefghijklmnopqrstuvwxyz_+", at + kModules.size()) - at - kModules.size()));
    const auto* rule = text.empty() ? nullptr : find_rule(vocabulary_.recompute, text);
    if (!rule) assume(fmt::format("recompute=none{}", text.empty() ? "" : fmt::format(" for '{}'", text)));
    add(plan_, "recompute", rule ? rule->is : std::string("none"));
    if (rule && rule->set.is_mapping()) software_ = config::merged(software_, rule->set);
  }

  // "layernorm+moe_act": Megatron-Core's --recompute-modules.
  void modules(const std::string& names) {
    Node list;
    list.kind = Node::Kind::sequence;
    list.where = here();
    for (std::size_t begin = 0; begin <= names.size();) {
      const auto end = std::min(names.find('+', begin), names.size());
      const auto name = names.substr(begin, end - begin);
      begin = end + 1;
      if (std::any_of(software::module_words().begin(), software::module_words().end(), [&](const config::Word& w) { return w.name == name; })) list.items.push_back(scalar(name));
      else assume(fmt::format("module '{}' is not recomputed", name));
    }
    add(plan_, "recompute", std::string("selective"));
    add(software_, "selective", std::move(list));
  }

  const Row& row_;
  config::Location where_ = config::location_in("row " + std::string(row_.text("id")));
  const Vocabulary& vocabulary_;
  const ModelIndex& models_;
  Lowered result_;
  Node plan_, software_;
};

}  // namespace

Lowered lower(const Row& row, const Vocabulary& vocabulary, const ModelIndex& models) { return Lowering(row, vocabulary, models).run(); }

}  // namespace zettatwin::validation
