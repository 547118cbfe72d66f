// SPDX-License-Identifier: Apache-2.0
#include "validation/serving_lowering.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>

#include "validation/node_text.hpp"

namespace zettatwin::validation {
namespace {

using config::Node;

bool is_of_operator(Asked asked) {
  switch (asked) {
    case Asked::dispatch_time:
    case Asked::combine_time:
    case Asked::dispatch_bandwidth:
    case Asked::bus_bandwidth:
    case Asked::product_rate:
    case Asked::memory_bandwidth:
    case Asked::host_bandwidth:
    case Asked::prefill_attention_time:
    case Asked::decode_attention_time:
    case Asked::prefill_attention_rate:
    case Asked::decode_attention_rate:
    case Asked::decode_attention_bandwidth: return true;
    default: return false;
  }
}

bool needs_model(Asked asked) { return asked != Asked::bus_bandwidth && asked != Asked::product_rate && asked != Asked::memory_bandwidth && asked != Asked::host_bandwidth && asked != Asked::prefill_attention_rate && asked != Asked::decode_attention_rate && asked != Asked::decode_attention_bandwidth; }

class ServingLowering final {
 public:
  ServingLowering(const Row& row, const ServingVocabulary& vocabulary, const Vocabulary& training, const ModelNames& models) : row_(row), vocabulary_(vocabulary), training_(training), models_(models) {}

  ServingRow run() {
    if (!row_.complete()) bad("the record has another number of cells than the file has columns");
    everything_ = fmt::format("metric={} source={} model={} chip={} parallelism={} precision={} isl={} osl={} load={} notes={}", row_.text("metric"), row_.text("source"), row_.text("model"), row_.text("chip"), row_.text("parallelism"),
                              row_.text("precision"), row_.text("isl"), row_.text("osl"), row_.text("batch_or_concurrency"), row_.text("notes"));
    const auto* group = find_rule(vocabulary_.groups, everything_);
    result_.group = group ? group->is : "other";
    plan();
    figure();
    machine();
    if (result_.figure.is == Asked::nothing) return std::move(result_);
    result_.is_operator = is_of_operator(result_.figure.is);
    model();
    precision();
    graphs();
    if (result_.is_operator) operator_shape();
    else run_shape();
    return std::move(result_);
  }

 private:
  void bad(std::string why) {
    result_.problems.push_back(std::move(why));
    result_.bad = true;
  }
  void unsupported(std::string why) { result_.problems.push_back(std::move(why)); }
  void assume(std::string what) { result_.assumed.push_back(std::move(what)); }

  // As the row says; of rows that say nothing, as their source's configuration files do.
  void plan() {
    const auto text = row_.text("parallelism");
    const auto* rule = text.empty() ? find_rule(vocabulary_.plans, everything_) : nullptr;
    result_.words = parallel_words(rule ? rule->is : text);
    if (!rule) return;
    change(result_.deployment, rule->set);
    assume(fmt::format("{}{}", rule->is, rule->note.empty() ? "" : ", " + rule->note));
  }

  // The metric, its unit, its value, and what the notes state beside it.
  void figure() {
    const auto metric = row_.text("metric"), unit = row_.text("unit");
    const auto* rule = first_that_holds(vocabulary_.metrics, metric);
    if (!rule) unsupported(fmt::format("the metric '{}' is not known", metric));
    else if (rule->is == Asked::nothing) unsupported(rule->reason);
    const auto* written = first_that_holds(vocabulary_.units, unit);
    if (rule && rule->is != Asked::nothing && !written) unsupported(fmt::format("the unit '{}' is not known", unit));
    if (rule) result_.figure = {.is = rule->is, .statistic = rule->statistic};
    if (rule) result_.op.op = rule->op;
    if (written) result_.figure.si = written->si, result_.figure.chips = written->chips;
    const auto text = row_.text("value");
    const auto value = text.starts_with('-') ? std::nullopt : first_number(text);
    if (!value || !(*value > 0)) bad("value is not a positive number");
    result_.measured = value.value_or(0);
    for (const auto& s : vocabulary_.stated) stated(s);
  }

  void stated(const StatedRule& rule) {
    const auto notes = row_.text("notes");
    if (result_.figure.is == rule.is && result_.figure.statistic == rule.statistic) return;
    if (!holds({rule.word}, rule.without, notes)) return;
    const auto found = figure_after(notes, rule.word);
    const auto* written = found ? first_that_holds(vocabulary_.units, found->unit) : nullptr;
    if (!written || !(found->value > 0)) return;
    result_.stated.push_back({.figure = {.is = rule.is, .statistic = rule.statistic, .si = written->si, .chips = written->chips}, .group = rule.group, .metric = rule.word, .unit = found->unit, .measured = found->value});
  }

  void machine() {
    const auto chip = row_.text("chip");
    const auto where = config::location_in("row " + std::string(row_.text("id")));
    std::string name;
    Node changes;
    // Limits of power that a configuration file gives are no reason to leave a row out.
    const bool limited = result_.deployment.is_mapping() && result_.deployment.find("power");
    const auto rule = std::find_if(vocabulary_.machines.begin(), vocabulary_.machines.end(), [&](const MachineRule& r) { return holds(r.words, r.without, chip) && !(limited && r.is.empty()); });
    if (rule != vocabulary_.machines.end()) {
      name = rule->is;
      changes = rule->set;
      ranks_ = rule->ranks;
      node_ = rule->node * rule->ranks;
      if (name.empty() && !rule->note.empty()) return result_.figure.is == Asked::nothing ? void() : unsupported(rule->note);
      if (!rule->note.empty()) assume(rule->note);
    } else if (const auto* known = find_rule(training_.machines, chip)) {
      name = known->is;
      changes = known->set;
      node_ = known->node;
      if (!known->note.empty() && !name.empty()) assume(known->note);
    }
    if (name.empty()) {
      if (result_.figure.is != Asked::nothing) unsupported(fmt::format("no machine of the catalog is known for the chip '{}'", chip));
      return;
    }
    Node base;
    base.kind = Node::Kind::scalar;
    base.where = where;
    base.text = name;
    result_.machine.kind = Node::Kind::mapping;
    result_.machine.where = where;
    result_.machine.entries.push_back({"extends", where, std::move(base)});
    if (changes.is_mapping()) result_.machine = config::merged(result_.machine, changes);
    network_cards();
    result_.figure.chips *= ranks_;
    for (auto& s : result_.stated) s.figure.chips *= ranks_;
    chips();
  }

  // "8x400G RoCE", of a node; what notes say of it comes first: "119.0 GB/s achieved of ~200 GB/s quoted".
  void network_cards() {
    double gigabits = gigabits_per_node(row_.text("parallelism"));
    for (const std::string_view word : {"GB/s achieved of", "GB/s of"})
      if (const auto quoted = figure_after(row_.text("notes"), word); gigabits > 0 && quoted && quoted->unit.starts_with("GB/s")) gigabits = 8 * quoted->value;
    if (gigabits <= 0 || node_ <= 0) return;
    const auto& where = result_.machine.where;
    Node network = empty_mapping(where), level = empty_mapping(where), levels = empty_mapping(where), changes = empty_mapping(where);
    put(network, "bandwidth", text_node(fmt::format("{} Gbit/s", gigabits / static_cast<double>(node_)), where));
    put(level, "network", std::move(network));
    put(levels, "cluster", std::move(level));
    put(changes, "levels", std::move(levels));
    result_.machine = config::merged(result_.machine, changes);
  }

  // What the column says, or the parallelism.
  void chips() {
    const auto text = row_.text("num_chips");
    const auto given = first_number(text);
    std::int64_t nodes = 1;
    const auto digits = text.find_first_of("0123456789");
    const auto behind = digits == std::string_view::npos ? digits : text.find_first_not_of("0123456789 -", digits);
    if (given && behind != std::string_view::npos && text.substr(behind).starts_with("node")) nodes = std::max<std::int64_t>(1, node_);
    if (given) result_.chips = static_cast<std::int64_t>(*given) * nodes * ranks_;
  }

  void model() {
    if (!needs_model(result_.figure.is)) return;
    const auto name = row_.text("model");
    if (name.empty()) return unsupported("the model is not given");
    const auto* rule = find_rule(vocabulary_.models, name);
    if (rule) result_.model = rule->is;
    const auto* known = rule ? nullptr : models_.find(name);
    if (known) result_.model = known->is;
    if (known && !known->note.empty() && !known->is.empty()) assume(known->note);
    if (result_.model.empty()) unsupported(fmt::format("the catalog has no model '{}'{}", name, known && !known->note.empty() ? ": " + known->note : ""));
  }

  void precision() {
    const auto text = row_.text("precision");
    const auto* rule = find_rule(vocabulary_.precisions, fmt::format("precision={} model={} chip={} source={} op={}", text, row_.text("model"), row_.text("chip"), row_.text("source"), result_.is_operator ? "yes" : "no"));
    if (rule) result_.op.precision = rule->is;
    if (result_.is_operator) return;
    if (!text.empty() && !rule) {  // without a word they are as the model is published
      assume(fmt::format("bf16 weights for '{}'", text));
      Node wide = empty_mapping(result_.machine.where);
      put(wide, "weights", text_node("bf16", result_.machine.where));
      change(result_.deployment, wide);
    }
    const auto* engine = find_rule(vocabulary_.engines, everything_);
    if (engine) {
      result_.software = engine->software;
      if (!result_.software.is_mapping()) {
        result_.software.kind = Node::Kind::scalar;
        result_.software.text = engine->is;
      }
      change(result_.deployment, engine->set);
      if (!engine->note.empty()) assume(engine->note);
    }
    if (rule) change(result_.deployment, rule->set);
    if (rule && !rule->note.empty()) assume(rule->note);
    for (const auto& flag : vocabulary_.flags) {
      if (!holds(flag, everything_)) continue;
      change(result_.deployment, flag.set);
      change(result_.software, flag.software);
      if (!flag.note.empty()) assume(flag.note);
    }
    const auto* router = find_rule(vocabulary_.routers, everything_);
    if (!router) return;
    result_.routing = router->is;
    if (!router->note.empty()) assume(router->note);
  }

  // Engines that are set to a batch capture their graphs up to it.
  void graphs() {
    constexpr std::int64_t kUsual = 512;
    const auto batch = result_.words.decode.batch;
    if (result_.is_operator || batch <= kUsual || result_.software.kind == Node::Kind::null) return;
    Node changes = empty_mapping(result_.machine.where);
    put(changes, "graph_max", text_node(std::to_string(batch), result_.machine.where));
    change(result_.software, changes);
  }

  void lengths() {
    auto& run = result_.run;
    const auto isl = row_.text("isl"), osl = row_.text("osl");
    const bool number = !isl.empty() && std::isdigit(static_cast<unsigned char>(isl.front())) != 0 && isl.find("total") == std::string_view::npos;
    const auto* set = first_set();
    if (number) {
      run.input = static_cast<std::int64_t>(first_number(isl).value_or(0));
      if (const auto output = first_number(osl)) run.output = static_cast<std::int64_t>(*output);
      if (set) run.least = set->least;
      if (set && !set->note.empty()) assume(set->note);
      return;
    }
    if (const auto length = figure_after(isl, "len")) {  // "avg KV len 4989"
      run.input = static_cast<std::int64_t>(length->value);
      return;
    }
    if (!set) return;
    run.input = set->input;
    run.output = set->output;
    const auto output = first_number(osl);
    if (output && osl.find("total") == std::string_view::npos) run.output = static_cast<std::int64_t>(*output);
    run.ttft = set->ttft;
    run.tpot = set->tpot;
    run.cv = set->cv;
    run.longest_input = set->longest_input;
    run.longest_output = set->longest_output;
    run.seconds = set->seconds;
    run.requests = set->requests;
    assume(fmt::format("mean lengths of {} and {} tokens", run.input, run.output));
    if (!set->note.empty()) assume(set->note);
  }

  [[nodiscard]] const DatasetRule* first_set() const {
    for (const auto& set : vocabulary_.datasets)
      if (holds(set.words, {}, everything_)) return &set;
    return nullptr;
  }

  void run_shape() {
    if (logged()) return;
    lengths();
    load();
    by_load();
    batches();
    start();
    for (const auto& rule : vocabulary_.days)
      if (!result_.run.day && holds(rule.words, {}, everything_)) result_.run.day = rule;
    for (const auto& rule : vocabulary_.harnesses)
      if (!result_.run.harness && holds(rule.words, {}, everything_)) result_.run.harness = rule;
    sizes();
  }

  void by_load() {
    for (const auto& rule : vocabulary_.loads) {
      if (result_.run.load != Load::concurrency || result_.run.amount < rule.least || result_.run.amount > rule.most || !holds(rule.words, {}, everything_)) continue;
      change(result_.deployment, rule.set);
      change(result_.software, rule.software);
      if (!rule.note.empty()) assume(rule.note);
    }
  }

  void batches() {
    if (result_.run.load != Load::concurrency) return;
    const BatchRule* last = nullptr;
    std::int64_t sequences = 0;
    for (const auto& rule : vocabulary_.batches) {
      const auto at = std::find(rule.at.begin(), rule.at.end(), std::llround(result_.run.amount));
      if ((!rule.at.empty() && at == rule.at.end()) || !holds(rule.words, {}, everything_)) continue;
      last = &rule;
      sequences = rule.at.empty() ? rule.of.front() : rule.of[static_cast<std::size_t>(at - rule.at.begin())];
    }
    if (!last) return;
    const auto& where = result_.machine.where;
    Node engine = empty_mapping(where), decode = empty_mapping(where), changes = empty_mapping(where);
    put(engine, "max_sequences", text_node(std::to_string(sequences), where));
    put(decode, "engine", std::move(engine));
    put(changes, "decode", std::move(decode));
    change(result_.deployment, changes);
    assume(fmt::format("decode instances take up {} sequences{}", sequences, last->note.empty() ? "" : ", " + last->note));
  }

  void start() {
    for (const auto& rule : vocabulary_.starts) {
      if (result_.run.load != Load::concurrency || !holds(rule.words, {}, everything_)) continue;
      result_.run.start = rule.seconds;
      if (!rule.note.empty()) assume(rule.note);
      return;
    }
  }

  // The requests are those of a log that the catalog has.
  bool logged() {
    for (const auto& rule : vocabulary_.logs) {
      if (!holds(rule.words, {}, everything_)) continue;
      result_.run.load = Load::log;
      result_.run.log = rule.log;
      change(result_.deployment, rule.deployment);
      change(result_.software, rule.software);
      change(result_.machine, rule.machine);
      if (!rule.note.empty()) assume(rule.note);
      return true;
    }
    return false;
  }

  void load() {
    const auto text = row_.text("batch_or_concurrency");
    const auto number = first_number(text);
    const auto in = [&](std::string_view word) { return text.find(word) != std::string_view::npos; };
    const auto asked = result_.figure.is;
    const auto pace = pace_of(text);
    if (asked == Asked::prompt_time || asked == Asked::token_time || asked == Asked::cache_transfer) return one_shot(number);
    if (in("Offline")) return set_load(Load::burst, 0);
    if (in("Server") || in("Interactive")) return set_load(Load::capacity, 0);
    const auto small = lower_case(text);
    for (const std::string_view word : {"req/s", "requests/s", "qps", "rps", "request rate"})
      if (small.find(word) != std::string::npos) return unsupported("an open stream of requests of that rate: lengths and arrivals are a scenario of zettatwin serve");
    if (in("max load")) {
      result_.run.requests = static_cast<std::int64_t>(number.value_or(0));
      return set_load(Load::burst, number.value_or(0));
    }
    if (in("requests") && row_.text("isl") == "trace") return unsupported("the catalog has no log of these requests; zettatwin validate --requests replays one");
    const bool batch = number && (in("/GPU") || in("/NPU") || in("/rank"));
    if (pace > 0 && !batch) return set_load(Load::pace, pace);
    if (asked == Asked::prefill_rate) return prefill_load(number);
    if (batch) return set_load(Load::batch, *number / static_cast<double>(ranks_));
    if (number && asked == Asked::decode_rate) return set_load(Load::batch, *number);
    if (number) return set_load(Load::concurrency, *number);
    if (const auto noted = figure_after(row_.text("notes"), " bs"); noted && asked == Asked::decode_rate) return set_load(Load::batch, noted->value);
    unsupported(asked == Asked::decode_rate ? "neither the batch nor the time per token is given" : "the load is not given");
  }

  void set_load(Load load, double amount) {
    result_.run.load = load;
    result_.run.amount = amount;
  }

  void one_shot(std::optional<double> number) {
    if (!number) return unsupported("the batch is not given");
    set_load(Load::one_shot, *number);
  }

  // "16K tokens/GPU"; else as much as the engine puts into one step.
  void prefill_load(std::optional<double> number) {
    set_load(Load::batch, number && row_.text("batch_or_concurrency").find("token") != std::string_view::npos ? *number / static_cast<double>(ranks_) : 0);
    if (result_.run.amount <= 0) assume("prompts of 16,384 tokens per rank in a step");
    if (const auto hits = number_before(row_.text("notes"), "% of input tokens hit"); hits && *hits < 100 && row_.text("metric").find("incl_cache_hits") != std::string_view::npos) result_.run.hit_share = *hits / 100;
    constexpr double kStep = 16384;
    if (result_.run.amount <= 0) result_.run.amount = kStep;
  }

  // Seconds that a token may take: "at 125 tok/s/user", "TPOT < 50 ms", "under 15 ms TPOT constraint", "TPOT ~45-50 ms"; 0 if nothing says so.
  [[nodiscard]] double pace_of(std::string_view load) const {
    if (const auto rate = figure_after(load, "at"); rate && rate->unit.find("tok/s/user") != std::string::npos) return 1 / rate->value;
    for (const std::string_view word : {"TPOT", "under"})
      if (const auto time = figure_after(row_.text("notes"), word); time && time->unit == "ms") return 1e-3 * time->value;
    return 0;
  }

  // Lengths that the load needs.
  void sizes() {
    auto& run = result_.run;
    const auto asked = result_.figure.is;
    if (run.input <= 0 && (asked == Asked::prefill_rate || asked == Asked::decode_rate)) {
      run.input = 4096;
      assume("4,096 tokens in the cache or the prompt");
    }
    if (run.input <= 0) return unsupported("isl, the length of prompts, is not a number");
    if (run.output <= 0 && asked != Asked::prefill_rate && asked != Asked::decode_rate && asked != Asked::cache_transfer && asked != Asked::prompt_time) unsupported("osl, the length of outputs, is not a number");
  }

  void operator_shape() {
    auto& op = result_.op;
    const auto load = row_.text("batch_or_concurrency");
    op.product = product_words(load);
    if (op.precision.empty()) op.precision = "bf16";
    const auto metric = row_.text("metric");
    // The arrays of a STREAM kernel: copy and scale read one and write one, triad reads two, a dot product writes none.
    const auto is = [&](std::string_view word) { return metric.find(word) != std::string_view::npos; };
    op.elements_read = is("triad") || is("dot") || is("add") ? 2 : 1;
    op.elements_written = is("dot") ? 0 : 1;
    const auto number = first_number(load);
    op.bytes = number.value_or(0);
    op.tokens = static_cast<std::int64_t>(number.value_or(0));
    op.ranks = result_.words.whole.ep > 0 ? result_.words.whole.ep : result_.chips;
    if (result_.figure.is == Asked::bus_bandwidth && (op.bytes <= 0 || op.ranks < 2)) unsupported("the bytes or the ranks of the collective are not given");
    const auto length = row_.whole("isl");
    const bool attention = result_.figure.is == Asked::prefill_attention_time || result_.figure.is == Asked::decode_attention_time;
    result_.run.input = length.value_or(0);
    result_.run.amount = number.value_or(1);
    if (attention && !length) unsupported("isl, the length of the sequence, is not a number");
  }

  const Row& row_;
  const ServingVocabulary& vocabulary_;
  const Vocabulary& training_;
  const ModelNames& models_;
  std::string everything_;
  std::int64_t ranks_ = 1, node_ = 0;
  ServingRow result_;
};

}  // namespace

ServingRow lower_serving(const Row& row, const ServingVocabulary& vocabulary, const Vocabulary& training, const ModelNames& models) { return ServingLowering(row, vocabulary, training, models).run(); }

const std::vector<std::string>& serving_columns() {
  static const std::vector<std::string> kColumns{"id", "source", "model", "chip", "num_chips", "precision", "parallelism", "isl", "osl", "batch_or_concurrency", "metric", "value", "unit", "notes"};
  return kColumns;
}

bool is_serving_table(const Table& table) {
  const auto has = [&](std::string_view column) { return table.column(column) ? 1 : 0; };
  const int serving = has("isl") + has("osl") + has("batch_or_concurrency") + has("parallelism");
  const int training = has("seq_len") + has("gbs") + has("tp") + has("mbs");
  return serving > training;
}

}  // namespace zettatwin::validation
