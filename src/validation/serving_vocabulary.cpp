// SPDX-License-Identifier: Apache-2.0
#include "validation/serving_vocabulary.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#include "validation/catalog_data.hpp"

namespace zettatwin::validation {
namespace {

template <class E>
constexpr config::Word word(std::string_view name, E value, std::string_view what) {
  return {name, static_cast<int>(value), what};
}

constexpr std::array kAsked{word("tpot", Asked::tpot, "time per output token after the first"),
                            word("ttft", Asked::ttft, "time to the first token"),
                            word("latency", Asked::latency, "from arrival to the last token"),
                            word("output_rate", Asked::output_rate, "output tokens per second of a run"),
                            word("total_rate", Asked::total_rate, "prompt and output tokens per second of a run"),
                            word("user_rate", Asked::user_rate, "output tokens over latency of one request"),
                            word("token_rate", Asked::token_rate, "output tokens per second of one request after its first: 1 / TPOT"),
                            word("request_rate", Asked::request_rate, "requests per second of a run"),
                            word("loop_rate", Asked::loop_rate, "requests in a closed loop times output tokens over what TTFT and TPOT make of them"),
                            word("prefill_rate", Asked::prefill_rate, "prompt tokens per second of chips that do nothing else"),
                            word("decode_rate", Asked::decode_rate, "output tokens per second of chips that do nothing else"),
                            word("prompt_time", Asked::prompt_time, "of one static batch's prompts"),
                            word("token_time", Asked::token_time, "of one output token of a static batch"),
                            word("cache_transfer", Asked::cache_transfer, "of one prompt's keys and values to another instance"),
                            word("dispatch_time", Asked::dispatch_time, "of tokens to experts"),
                            word("combine_time", Asked::combine_time, "of experts' results to tokens"),
                            word("dispatch_bandwidth", Asked::dispatch_bandwidth, "through the narrowest ports while tokens go to experts"),
                            word("bus_bandwidth", Asked::bus_bandwidth, "of a collective"),
                            word("product_rate", Asked::product_rate, "of a matrix product; without a shape, of the best one"),
                            word("memory_bandwidth", Asked::memory_bandwidth, "of long streams"),
                            word("host_bandwidth", Asked::host_bandwidth, "from the host to one chip"),
                            word("prefill_attention_time", Asked::prefill_attention_time, "of one layer's attention to a prompt"),
                            word("decode_attention_time", Asked::decode_attention_time, "of one layer's attention to caches"),
                            word("prefill_attention_rate", Asked::prefill_attention_rate, "of the best shape"),
                            word("decode_attention_rate", Asked::decode_attention_rate, "of the best shape"),
                            word("decode_attention_bandwidth", Asked::decode_attention_bandwidth, "of the best shape"),
                            word("nothing", Asked::nothing, "not predicted")};

constexpr std::array kStatistics{word("mean", Statistic::mean, "of all requests"), word("median", Statistic::median, "of all requests"), word("p99", Statistic::p99, "99th percentile")};

// A list of whole numbers above zero.
void counts(config::Schema& s, std::string_view key, std::vector<std::int64_t>& values, std::string_view doc) {
  std::vector<std::string> texts;
  for (const auto value : values) texts.push_back(std::to_string(value));
  s.texts(key, texts, doc);
  values.clear();
  for (const auto& text : texts) {
    std::int64_t value = 0;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
    s.check(end.ec == std::errc() && end.ptr == text.data() + text.size() && value > 0, "'" + text + "' is no number above zero", "requests and sequences are counted");
    values.push_back(value);
  }
}

}  // namespace

std::span<const config::Word> asked_words() { return kAsked; }
std::span<const config::Word> statistic_words() { return kStatistics; }

void describe(config::Schema& s, MetricRule& rule) {
  s.texts("words", rule.words, "all of these occur");
  s.texts("without", rule.without, "none of these occurs");
  s.choice("is", rule.is, asked_words(), "what the figure is");
  s.choice("statistic", rule.statistic, statistic_words(), "over requests");
  s.text("op", rule.op, "of a collective");
  s.text("reason", rule.reason, "why it is not predicted");
}

void describe(config::Schema& s, UnitRule& rule) {
  s.texts("words", rule.words, "all of these occur");
  s.texts("without", rule.without, "none of these occurs");
  s.number("si", rule.si, "of one unit");
  s.integer("chips", rule.chips, "that a rate is of; the whole run if absent", {.range = {0, 1024}});
}

void describe(config::Schema& s, StatedRule& rule) {
  s.text("word", rule.word, "what stands before the number", {.presence = config::Presence::required});
  s.texts("without", rule.without, "none of these occurs in the notes");
  s.choice("is", rule.is, asked_words(), "what the figure is");
  s.choice("statistic", rule.statistic, statistic_words(), "over requests");
  s.text("group", rule.group, "behind the row's own group");
}

void describe(config::Schema& s, MachineRule& rule) {
  s.texts("words", rule.words, "all of these occur");
  s.texts("without", rule.without, "none of these occurs");
  s.text("is", rule.is, "a machine of the catalog; none if absent");
  s.node("set", rule.set, "changes to the machine");
  s.integer("node", rule.node, "chips that share a node's network cards", {.range = {0, 1024}});
  s.integer("ranks", rule.ranks, "ranks of the catalog in one of the row's chips", {.range = {1, 64}});
  s.text("note", rule.note, "why");
}

void describe(config::Schema& s, DatasetRule& rule) {
  s.texts("words", rule.words, "all of these occur");
  s.integer("input", rule.input, "mean tokens of a prompt", {.range = {0, 1e9}});
  s.integer("output", rule.output, "mean output tokens", {.range = {0, 1e9}});
  s.number("least", rule.least, "lengths are uniform from this share of the nominal ones", {.range = {0.01, 1}});
  s.number("cv", rule.cv, "deviation over mean, where only the mean is known", {.range = {0, 10}});
  s.integer("longest_input", rule.longest_input, "limit of prompts", {.range = {0, 1e9}});
  s.integer("longest_output", rule.longest_output, "limit of outputs", {.range = {0, 1e9}});
  s.number("seconds", rule.seconds, "that a run lasts at least; the set is sent again until then");
  s.integer("requests", rule.requests, "in a run", {.range = {0, 1e9}});
  s.number("ttft", rule.ttft, "limit at the 99th percentile, seconds");
  s.number("tpot", rule.tpot, "limit at the 99th percentile, seconds");
  s.text("note", rule.note, "where this is from");
}

void describe(config::Schema& s, LogRule& rule) {
  s.texts("words", rule.words, "all of these occur");
  s.text("log", rule.log, "in the catalog", {.presence = config::Presence::required});
  s.node("deployment", rule.deployment, "that it was measured on");
  s.node("software", rule.software, "a profile with changes");
  s.node("machine", rule.machine, "changes to the row's machine");
  s.text("note", rule.note, "what is assumed");
}

void describe(config::Schema& s, LoadRule& rule) {
  s.texts("words", rule.words, "all of these occur");
  s.number("least", rule.least, "requests at a time");
  s.number("most", rule.most, "requests at a time");
  s.node("set", rule.set, "changes of the deployment");
  s.node("software", rule.software, "changes of the profile");
  s.text("note", rule.note, "what is assumed");
}

void describe(config::Schema& s, BatchRule& rule) {
  s.texts("words", rule.words, "all of these occur");
  counts(s, "at", rule.at, "requests at a time; any number if absent");
  counts(s, "of", rule.of, "sequences that a decode instance takes up, for each of these numbers");
  s.text("note", rule.note, "what is assumed");
  s.check(rule.of.size() == std::max<std::size_t>(1, rule.at.size()), "of has not as many numbers as at", "each stands for one");
}

void describe(config::Schema& s, StartRule& rule) {
  s.texts("words", rule.words, "all of these occur");
  s.number("seconds", rule.seconds, "that the first prompts of a run wait beside their queue", {.range = {0, 3600}});
  s.text("note", rule.note, "what is assumed");
}

void describe(config::Schema& s, DayRule& rule) {
  s.texts("words", rule.words, "all of these occur");
  s.number("input", rule.input, "prompt tokens of the day, cached ones counted");
  s.number("output", rule.output, "output tokens of the day");
  s.number("chips", rule.chips, "mean number of chips");
  s.integer("ep", rule.ep, "chips of an instance that decodes", config::kRequired);
  s.integer("length", rule.length, "mean tokens in the cache of a sequence that decodes", config::kRequired);
  s.number("pace", rule.pace, "seconds per output token", config::kRequired);
  s.text("note", rule.note, "what is assumed");
}

void describe(config::Schema& s, WidthRule& rule) {
  s.texts("is", rule.is, "what is asked");
  s.text("width", rule.width, "the half width of validation/intervals.yaml that it has");
}

void describe(config::Schema& s, ServingVocabulary& v) {
  s.list("groups", v.groups, "groups of rows");
  s.list("metrics", v.metrics, "by the words of the metric");
  s.list("units", v.units, "by the words of the unit");
  s.list("stated", v.stated, "figures that notes state beside the row's own");
  s.list("models", v.models, "presets, by the words of the model; then by the presets' own names");
  s.list("machines", v.machines, "by the words of the chip; then the rules of training rows");
  s.list("engines", v.engines, "software profiles, by metric, source, parallelism and notes");
  s.list("precisions", v.precisions, "by precision, model and chip");
  s.list("plans", v.plans, "parallelism of rows that leave it out, by everything; the first that holds");
  s.list("flags", v.flags, "changes of the scenario, by everything; all rules that hold apply");
  s.list("datasets", v.datasets, "requests whose lengths rows do not give");
  s.list("logs", v.logs, "published logs of requests");
  s.list("loads", v.loads, "changes by the requests at a time; all that hold apply, one after the other");
  s.list("batches", v.batches, "sequences that decode instances take up; the last that holds");
  s.list("routers", v.routers, "how requests are dealt out, by everything; the first that holds");
  s.list("starts", v.starts, "what the first prompts of a run in a closed loop wait beside their queue; the first that holds");
  s.list("days", v.days, "days in production");
  s.list("harnesses", v.harnesses, "tools that set the engine; the first that holds");
  s.list("widths", v.widths, "half widths of intervals");
  s.number("acceptance", v.acceptance, "of a drafted token, where rows do not say", {.range = {0, 1}});
}

std::optional<ServingVocabulary> load_serving_vocabulary(const config::DocumentSource& source, config::Diagnostics& diagnostics) {
  return load_data<ServingVocabulary>(source, "validation/serving.yaml", diagnostics);
}

}  // namespace zettatwin::validation
