// SPDX-License-Identifier: Apache-2.0
#include "validation/lowering.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "software/profile.hpp"
#include "validation/row_model.hpp"
#include "validation/run_words.hpp"

namespace zettatwin::validation {
namespace {

using config::Node;

class Lowering final {
 public:
  Lowering(const Row& row, const Vocabulary& vocabulary, const ModelIndex& models, const ModelNames& names) : row_(row), vocabulary_(vocabulary), models_(models), names_(names) {}

  Lowered run() {
    result_.scenario = mapping();
    if (!row_.complete()) bad("the record has another number of cells than the file has columns");
    measure();
    machine();
    model();
    software();
    plan();
    sizes();
    others();
    add(result_.scenario, "software", std::move(software_));
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

  // The cell, or what the framework does where it is blank or says no more than that: "not stated", "ZeRO-1 (NeMo default)".
  std::string_view text(const std::string& column) {
    const auto cell = row_.text(column);
    const bool open = cell.empty() || cell.starts_with("not stated") || cell.ends_with("default)");
    if (!open || !missing_ || !missing_->is_mapping()) return cell;
    const auto* usual = missing_->find(column);
    if (!usual) return cell;
    assume(fmt::format("{}={}, the framework's default", column, usual->text));
    return usual->text;
  }

  void measure() {
    const auto metric = lower_case(row_.text("metric")), unit = lower_case(row_.text("unit"));
    const auto* rule = find_rule(vocabulary_.metrics, fmt::format("metric={} unit={}", metric, unit));
    const auto is = rule ? metric_named(rule->is) : std::nullopt;
    const auto si = is ? unit_of(*is, unit, row_.number("value").value_or(0)) : std::nullopt;
    if (!si) unsupported(fmt::format("the metric '{}' in '{}' is not predicted{}", row_.text("metric"), row_.text("unit"), rule && !rule->note.empty() ? ": " + rule->note : ""));
    else result_.metric = {.metric = *is, .si = *si, .square_attention = find_rule(vocabulary_.square_attention, row_.text("source")) != nullptr};
    if (si && *is == Metric::mfu) assume("MFU is the model's own FLOP over the dense peak of the recipe's precision");
    const auto value = row_.number("value");
    if (!value || *value <= 0) bad("value is not a positive number");
    result_.measured = value.value_or(0);
  }

  static std::optional<Metric> metric_named(std::string_view name) {
    static constexpr std::array kNames{std::pair{"step_time", Metric::step_time}, std::pair{"tokens_per_s_per_chip", Metric::tokens_per_s_per_chip}, std::pair{"tokens_per_s", Metric::tokens_per_s},
                                       std::pair{"sequences_per_s", Metric::sequences_per_s}, std::pair{"sequences_per_s_per_chip", Metric::sequences_per_s_per_chip}, std::pair{"mfu", Metric::mfu},
                                       std::pair{"model_flop_rate_per_chip", Metric::model_flop_rate_per_chip}, std::pair{"hardware_flop_rate_per_chip", Metric::hardware_flop_rate_per_chip}, std::pair{"memory", Metric::memory}};
    const auto at = std::find_if(kNames.begin(), kNames.end(), [&](const auto& n) { return n.first == name; });
    return at == kNames.end() ? std::nullopt : std::optional(at->second);
  }

  // What one unit of a metric is in SI; nothing if the unit is not one of it.
  static std::optional<double> unit_of(Metric metric, std::string_view unit, double value) {
    const auto in = [&](std::string_view word) { return unit.find(word) != std::string_view::npos; };
    constexpr double kMinute = 60;
    switch (metric) {
      case Metric::step_time:
        if (unit.empty() || unit.starts_with("s")) return 1;
        return unit.starts_with("ms") || unit.starts_with("milli") ? std::optional(1e-3) : unit.starts_with("us") ? std::optional(1e-6) : unit.starts_with("min") ? std::optional(kMinute) : std::nullopt;
      case Metric::model_flop_rate_per_chip:
      case Metric::hardware_flop_rate_per_chip: return in("pflop") ? 1e15 : in("gflop") ? 1e9 : 1e12;
      case Metric::mfu: return in("%") || value > 1 ? 1e-2 : 1;
      case Metric::tokens_per_s:
      case Metric::tokens_per_s_per_chip: return unit.starts_with("k") ? 1e3 : unit.starts_with("m") ? 1e6 : 1;
      default: return 1;
    }
  }

  void machine() {
    const auto chip = row_.text("chip");
    const auto* rule = find_rule(vocabulary_.machines, chip);
    if (chips_ = chips_of_row(rule); chips_ < 1) bad("num_chips is not a positive number");
    else add(result_.scenario, "chips", chips_);
    if (!rule) return unsupported(fmt::format("no machine of the catalog is known for the chip '{}'", chip));
    if (rule->is.empty()) return unsupported(rule->note);
    if (!rule->note.empty()) assume(rule->note);
    Node machine = mapping();
    add(machine, "extends", rule->is);
    if (rule->set.is_mapping()) machine = config::merged(machine, rule->set);
    if (rule->int8.is_mapping() && lower_case(row_.text("precision")).find("int8") != std::string::npos) machine = config::merged(machine, rule->int8);
    network_cards(machine, chip, chips_per_node(machine, chip, rule->node));
    add(result_.scenario, "machine", std::move(machine));
  }

  // "64 nodes" are as many times a node's chips; a blank is what the plan takes.
  std::int64_t chips_of_row(const Rule* rule) {
    const auto chips = row_.whole("num_chips");
    const auto cell = lower_case(row_.text("num_chips"));
    const bool nodes = cell.find("node") != std::string::npos && cell.find("gpu") == std::string::npos && cell.find("chip") == std::string::npos;
    if (chips && *chips > 0 && nodes && rule && rule->node > 0) {
      assume(fmt::format("{} chips per node", rule->node));
      return *chips * rule->node;
    }
    if (chips || !cell.empty()) return chips.value_or(0);
    std::int64_t product = 1;
    for (const auto* column : {"tp", "cp", "pp", "dp"}) product *= std::max<std::int64_t>(1, row_.whole(column).value_or(0));
    if (row_.whole("dp").value_or(0) < 1) return 0;
    assume(fmt::format("num_chips={}, what the plan takes", product));
    return product;
  }

  // "4/node", "4 per node": nodes of another size than the catalog's machine has.
  std::int64_t chips_per_node(Node& machine, std::string_view chip, std::int64_t usual) {
    auto said = number_before(chip, "/node");
    if (!said) said = number_before(chip, " per node");
    constexpr double kMost = 16;
    if (!said || usual == 0 || *said < 1 || *said > kMost || *said == static_cast<double>(usual)) return usual;
    const auto chips = static_cast<std::int64_t>(*said);
    Node node = mapping(), levels = mapping();
    add(node, "size", chips);
    add(levels, "node", std::move(node));
    add(machine, "levels", std::move(levels));
    assume(fmt::format("nodes of {}, else the catalog's machine", chips));
    return chips;
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
    auto found = model_of(row_, models_, names_);
    if (!found.problem.empty()) return unsupported(std::move(found.problem));
    for (auto& what : found.assumed) assume(std::move(what));
    layers_ = found.layers;
    add(result_.scenario, "model", std::move(found.model));
  }

  [[nodiscard]] bool is_rate() const { return result_.metric.metric != Metric::step_time && result_.metric.metric != Metric::memory && result_.metric.metric != Metric::sequences_per_s; }

  void sizes() {
    auto length = row_.whole("seq_len").value_or(0);
    if (length < 1) length = usual_length();
    if (length < 1) unsupported("seq_len is not given");
    else add(result_.scenario, "sequence_length", length);
    auto batch = row_.whole("gbs").value_or(0);
    if (batch < 1) batch = batch_of_notes(length);
    if (batch < 1 && is_rate()) batch = usual_batch();
    if (batch < 1) unsupported("gbs, the sequences of a step, is not given");
    else add(result_.scenario, "global_batch", batch);
    microbatch(batch);
  }

  // Rates depend little on the length, which only a framework's own recipes or common practice say.
  std::int64_t usual_length() {
    if (missing_ && missing_->is_mapping())
      if (const auto* usual = missing_->find("seq_len")) {
        assume(fmt::format("seq_len={}, as the framework's recipes have it", usual->text));
        return std::stoll(usual->text);
      }
    if (!is_rate()) return 0;
    constexpr std::int64_t kUsual = 4096;
    assume(fmt::format("seq_len={}", kUsual));
    return kUsual;
  }

  // "total_weights(tokens/step) 4194304": tokens of a step.
  std::int64_t batch_of_notes(std::int64_t length) {
    for (const std::string_view word : {"(tokens/step) ", "tokens/step ", "tokens per step "}) {
      const auto tokens = digits_after(row_.text("notes"), word);
      if (tokens.empty() || length < 1) continue;
      const auto batch = std::max<std::int64_t>(1, std::stoll(std::string(tokens)) / length);
      assume(fmt::format("gbs={} by the tokens of a step", batch));
      return batch;
    }
    const auto accumulated = digits_after(row_.text("notes"), "grad_accum ");
    const auto micro = row_.whole("mbs"), replicas = row_.whole("dp");
    if (accumulated.empty() || !micro || !replicas) return 0;
    return std::stoll(std::string(accumulated)) * *micro * std::max<std::int64_t>(1, *replicas);
  }

  // Enough microbatches that the pipeline is mostly full.
  std::int64_t usual_batch() {
    constexpr std::int64_t kPerStage = 8;
    const auto of = [&](const char* column) { return std::max<std::int64_t>(1, row_.whole(column).value_or(1)); };
    const auto model = of("tp") * of("cp") * of("pp");
    const auto replicas = std::max<std::int64_t>(1, chips_ / model);
    const auto batch = kPerStage * of("pp") * replicas * of("mbs");
    assume(fmt::format("gbs={}: {} microbatches per stage", batch, kPerStage));
    return batch;
  }

  void software() {
    const auto named = fmt::format("{} year={} {} {} {}", row_.text("source"), row_.text("year"), row_.text("precision"), row_.text("attn_impl"), row_.text("notes"));
    const auto* rule = find_rule(vocabulary_.software, named);
    // What is not named may follow from how it shards and on which chip.
    if (!rule) rule = find_rule(vocabulary_.software, fmt::format("{} sharding={} chip={}{}", named, row_.text("zero_or_fsdp"), row_.text("chip"), row_.whole("pp").value_or(1) > 1 ? " pipelined" : ""));
    missing_ = rule ? &rule->missing : nullptr;
    guessed_ = rule == nullptr || rule->guess;
    plan_ = mapping();
    software_ = mapping();
    const auto year = row_.whole("year").value_or(0);
    constexpr std::int64_t kFirst = 2000, kLast = 2100;
    const auto name = rule ? rule->is : year >= kFirst && year <= kLast ? fmt::format("megatron-core@{}-12", year) : std::string("megatron-core");
    if (!rule) assume("software " + name);
    else if (rule->guess) assume(fmt::format("software {}: {}", name, rule->note));
    add(software_, "extends", name);
    if (rule) follow(*rule);
    const auto words = fmt::format("{} year={} {} source={} chip={} precision={}", row_.text("model"), row_.text("year"), row_.text("notes"), row_.text("source"), row_.text("chip"), row_.text("precision"));
    for (const auto& flag : vocabulary_.flags)
      if (holds(flag, words)) follow(flag);
  }

  void follow(const Rule& rule) {
    if (rule.set.is_mapping()) plan_ = config::merged(plan_, rule.set);
    if (rule.software.is_mapping()) software_ = config::merged(software_, rule.software);
  }

  void plan() {
    stages_ = missing_stages();
    size("tp", "tp", 1);
    size("cp", "cp", 1);
    size("pp", "pp", stages_);
    size("ep", "ep", 1);
    expert_tensor_parallel();
    pipeline();
    sequence_parallel();
    if (const auto dp = row_.whole("dp"); dp && *dp > 0) check_replicas(*dp);
    word("zero_or_fsdp", "zero", vocabulary_.sharding, "1");
    sharding_group();
    if (std::max(row_.whole("pp").value_or(0), stages_) > 1) sharding_under_pipelines();
    word("precision", "recipe", vocabulary_.precisions, "bf16");
    recompute();
  }

  void pipeline() {
    const auto stages = row_.whole("pp").value_or(0) > 0 ? *row_.whole("pp") : stages_;
    const auto vpp = chunks_per_stage(stages);
    if (plan_.find("schedule")) {
      if (stages <= 1) std::erase_if(plan_.entries, [](const config::Entry& e) { return e.key == "schedule"; });
    } else if (vpp > 1 && stages > 1) {
      add(plan_, "vpp", vpp);
      add(plan_, "schedule", std::string("interleaved"));
      even_layers(stages * vpp);
    } else if (stages > 1) {
      if (row_.text("vpp").empty()) assume("vpp=1");
      sends_between_passes();
      even_layers(stages);
    }
  }

  // As the column or the notes have it ("vpp 5"). Of runs whose framework is not named: those that are large enough to be written about have interleaved
  // since about 2023, in chunks of one or two layers, where Megatron's schedule allows it (microbatches are a multiple of the stages) and it pays.
  std::int64_t chunks_per_stage(std::int64_t stages) {
    if (const auto given = row_.whole("vpp")) return *given;
    for (const std::string_view word : {"vpp ", "vpp=", "VPP ", "VPP="})
      if (const auto noted = digits_after(row_.text("notes"), word); !noted.empty()) return std::stoll(std::string(noted));
    constexpr std::int64_t kSince = 2023, kEnough = 10;  // where no more than a tenth is lost to filling the pipeline nobody needs to
    const auto batch = row_.whole("gbs").value_or(0), micro = std::max<std::int64_t>(1, row_.whole("mbs").value_or(1));
    const auto of = [&](const char* column) { return std::max<std::int64_t>(1, row_.whole(column).value_or(1)); };
    const auto microbatches = chips_ > 0 ? batch * of("tp") * of("cp") * stages / (chips_ * micro) : 0;
    if (!row_.text("vpp").empty() || !guessed_ || row_.whole("year").value_or(0) < kSince || stages <= 1 || microbatches < stages || microbatches % stages != 0 || microbatches >= kEnough * (stages - 1)) return 1;
    const auto layers = (layers_ + 2) / stages * stages;  // the embedding and the loss may count as layers
    const auto each = layers / stages;
    if (each < 2 || layers < layers_) return 1;
    const auto chunks = each % 2 == 0 && each > 2 ? each / 2 : each;
    assume(fmt::format("vpp={}: chunks of {} for a pipeline that would be idle for long", chunks, each / chunks == 1 ? "one layer" : "two layers"));
    return chunks;
  }

  void sequence_parallel() {
    const auto tp = std::max<std::int64_t>(1, row_.whole("tp").value_or(1));
    if (const auto sp = text("sp"); !sp.empty() && tp > 1) return add(plan_, "sequence_parallel", std::string(sp.substr(0, 1) == "1" ? "true" : "false"));
    if (row_.whole("seq_len").value_or(0) % tp != 0) {
      assume(fmt::format("sp=0: {} ranks do not share the tokens of a sequence", tp));
      add(plan_, "sequence_parallel", std::string("false"));
    } else if (tp > 1) {
      assume("sp, as the plan's default has it");
    }
  }

  // Frameworks with pipelines neither gather parameters nor reduce gradients anew for each microbatch: FSDP2 keeps them whole from the first to the last
  // (torchtitan, parallelize_llama.py), Megatron-Core shards states alone, and DeepSpeed refuses the rest.
  void sharding_under_pipelines() {
    const auto* zero = plan_.find("zero");
    if (!zero || (zero->text != "2" && zero->text != "3")) return;
    assume("zero=1: parameters and gradients stay whole from microbatch to microbatch of a pipeline");
    add(plan_, "zero", std::string("1"));
    add(plan_, "parameter_type", std::string("bf16"));
    add(plan_, "master_type", std::string("fp32"));
  }

  // "group=8": ranks that share the states. "shard=8" is a degree of data parallelism, and what lies in its group is cut over the ranks of a context as well
  // (PyTorch's FSDP2 as torchtitan has it).
  void sharding_group() {
    const auto text = row_.text("zero_or_fsdp");
    if (const auto ranks = digits_after(text, "group="); !ranks.empty()) add(plan_, "zero_group", std::string(ranks));
    if (const auto ranks = digits_after(text, "shard="); !ranks.empty()) add(plan_, "zero_group", std::stoll(std::string(ranks)) * std::max<std::int64_t>(1, row_.whole("cp").value_or(1)));
  }

  // Where pp is blank and tp, cp and dp are not: what makes up the number of chips.
  [[nodiscard]] std::int64_t missing_stages() const {
    const auto replicas = row_.whole("dp").value_or(0), tensor = row_.whole("tp").value_or(0);
    const auto others = replicas * tensor * std::max<std::int64_t>(1, row_.whole("cp").value_or(1));
    return others > 0 && chips_ > others && chips_ % others == 0 ? chips_ / others : 1;
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
  void microbatch(std::int64_t sequences) {
    const auto* zero = plan_.find("zero");
    const bool gathers = row_.text("mbs").empty() && zero && zero->text == "3";  // each microbatch gathers all parameters, so runs have few
    const bool at_once = gathers || row_.text("mbs").starts_with("per_device") || (missing_ && missing_->is_mapping() && missing_->find("at_once"));
    const auto of = [&](const char* column) { return std::max<std::int64_t>(1, row_.whole(column).value_or(1)); };
    const bool known = row_.whole("mbs").value_or(0) > 0 || sequences < 1 || chips_ < 1;
    if (!known && missing_ && missing_->is_mapping() && missing_->find("microbatch_per_stage") && of("pp") > 1) {
      const auto each = std::max<std::int64_t>(1, sequences * of("tp") * of("cp") / (chips_ * of("vpp")));
      assume(fmt::format("micro_batch={}: as many microbatches as stages, the framework's default", each));
      return add(plan_, "micro_batch", each);
    }
    if (known || !at_once) return size("mbs", "micro_batch", 1);
    const auto micro = std::max<std::int64_t>(1, sequences * of("tp") * of("cp") * of("pp") / chips_);
    if (row_.text("mbs").empty()) assume(fmt::format("micro_batch={}: all at once", micro));
    add(plan_, "micro_batch", micro);
    for (auto less = micro / 2; gathers && less > 0; less /= 2) {
      Node changes = mapping(), plan = mapping();
      add(plan, "micro_batch", less);
      add(changes, "plan", std::move(plan));
      result_.others.push_back({.changes = std::move(changes), .assumed = fmt::format("micro_batch={}: more do not fit", less)});
    }
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
    const auto layers = layers_;
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
    const auto text = this->text(column);
    const auto* rule = text.empty() ? nullptr : find_rule(rules, text);
    if (rule && rule->is.empty()) return unsupported(rule->note);
    if (rule && !rule->note.empty()) assume(rule->note);
    const bool digit = !rule && text.size() == 1 && std::string_view("0123").find(text[0]) != std::string_view::npos && std::string_view(column) == "zero_or_fsdp";
    if (digit) return add(plan_, field, std::string(text));
    if (!rule) assume(fmt::format("{}={}{}", field, missing, text.empty() ? "" : fmt::format(" for '{}'", text)));
    add(plan_, field, rule ? rule->is : std::string(missing));
    if (rule && rule->set.is_mapping()) plan_ = config::merged(plan_, rule->set);
  }

  void recompute() {
    const std::string text(this->text("recompute"));
    constexpr std::string_view kModules = "modules ";
    if (const auto at = text.find(kModules); at != std::string::npos) return modules(text.substr(at + kModules.size(), text.find_first_not_of("abcdefghijklmnopqrstuvwxyz_+", at + kModules.size()) - at - kModules.size()));
    if (text.empty() && plan_.find("recompute")) return;  // the notes say so
    const auto* rule = text.empty() ? nullptr : find_rule(vocabulary_.recompute, text);
    open_recompute_ = rule == nullptr;
    if (!rule) assume(fmt::format("recompute=none{}", text.empty() ? "" : fmt::format(" for '{}'", text)));
    add(plan_, "recompute", rule ? rule->is : std::string("none"));
    if (rule && rule->set.is_mapping()) software_ = config::merged(software_, rule->set);
  }

  // What else a run may have done that its row leaves open.
  void others() {
    using Fields = std::initializer_list<std::pair<const char*, const char*>>;
    const auto with = [&](const Fields& fields, std::string what) {
      Node changes = mapping(), plan = mapping();
      for (const auto& [field, value] : fields) add(plan, field, std::string(value));
      add(changes, "plan", std::move(plan));
      result_.others.push_back({.changes = std::move(changes), .assumed = std::move(what)});
    };
    if (open_recompute_) {
      with({{"recompute", "selective"}}, "recompute=selective: it does not fit without");
      cheap_modules();
    }
    if (row_.text("tp").empty() && row_.text("pp").empty()) no_plan(with);
    const auto model = lower_case(fmt::format("{} {}", row_.text("model"), row_.text("notes")));
    if (model.find("finetun") == std::string::npos && model.find("fine-tun") == std::string::npos) return;
    with({{"frozen_weights", "true"}}, "low-rank adapters: training all weights does not fit");
  }

  // What costs little time for its memory: norms, activations and the up projections of latent attention.
  void cheap_modules() {
    Node changes = mapping(), plan = mapping(), software = mapping(), list = mapping();
    list.kind = Node::Kind::sequence;
    for (const char* name : {"layernorm", "mlp_act", "moe_act", "mla_up_proj"}) list.items.push_back(scalar(name));
    add(plan, "recompute", std::string("selective"));
    add(software, "selective", std::move(list));
    add(changes, "plan", std::move(plan));
    add(changes, "software", std::move(software));
    result_.others.push_back({.changes = std::move(changes), .assumed = "recompute of norms, activations and up projections: it does not fit otherwise"});
  }

  // Of a model that is too large for one chip and whose sizes are not given: sharded parameters, or what the search of plans finds.
  template <class With>
  void no_plan(const With& with) {
    const auto* recipe = plan_.find("recipe");
    if (!missing_ || !missing_->is_mapping()) {
      Node changes = mapping(), plan = mapping();
      add(plan, "automatic", std::string("true"));
      if (recipe) add(plan, "recipe", recipe->text);
      add(changes, "plan", std::move(plan));
      result_.others.push_back({.changes = std::move(changes), .instead = true, .assumed = "the plan that the search finds, for none is given"});
    }
    with({{"zero", "3"}}, "zero=3: it does not fit otherwise");
    if (open_recompute_) with({{"zero", "3"}, {"recompute", "full"}}, "zero=3 and recompute=full: it does not fit otherwise");
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
  const ModelNames& names_;
  Lowered result_;
  Node plan_, software_;
  const Node* missing_ = nullptr;  // of the framework
  std::int64_t chips_ = 0, stages_ = 1, layers_ = 0;
  bool open_recompute_ = false, guessed_ = false;  // guessed: the framework is not named
};

}  // namespace

Lowered lower(const Row& row, const Vocabulary& vocabulary, const ModelIndex& models, const ModelNames& names) { return Lowering(row, vocabulary, models, names).run(); }

}  // namespace zettatwin::validation
