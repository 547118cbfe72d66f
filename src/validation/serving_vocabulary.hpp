// SPDX-License-Identifier: Apache-2.0
// What the words of published serving results mean here: metrics, units, models, machines, engines, data sets. Data, not code:
// catalog/validation/serving.yaml. A rule holds for every row whose cell has all of its words; the first that does decides. No rule names a row.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/document.hpp"
#include "config/schema.hpp"
#include "validation/serving_harness.hpp"
#include "validation/vocabulary.hpp"

namespace zettatwin::validation {

// What a figure is.
enum class Asked {
  tpot, ttft, latency,                                  // of requests
  output_rate, total_rate, user_rate,                   // tokens per second of a run; user_rate: of one request, its first token counted
  token_rate, request_rate,                             // tokens per second of one request after its first; requests per second of a run
  loop_rate,                                            // requests in a closed loop x output tokens / (TTFT + TPOT (output tokens - 1)), as tables derive it
  prefill_rate, decode_rate,                            // of chips that do one phase alone
  prompt_time, token_time,                              // of one static batch
  cache_transfer,                                       // keys and values of one prompt from one instance to another
  dispatch_time, combine_time, dispatch_bandwidth,      // of the exchange of experts
  bus_bandwidth,                                        // of a collective, as nccl-tests count it
  product_rate, memory_bandwidth, host_bandwidth,
  prefill_attention_time, decode_attention_time, prefill_attention_rate, decode_attention_rate, decode_attention_bandwidth,
  nothing,                                              // not predicted, and why
};
[[nodiscard]] std::span<const config::Word> asked_words();

enum class Statistic { mean, median, p99 };
[[nodiscard]] std::span<const config::Word> statistic_words();

struct MetricRule {
  std::vector<std::string> words, without;
  Asked is = Asked::nothing;
  Statistic statistic = Statistic::mean;
  std::string op;      // of a collective
  std::string reason;  // is: nothing
};
void describe(config::Schema& s, MetricRule& rule);

// The first rule whose words all occur in the unit.
struct UnitRule {
  std::vector<std::string> words, without;
  double si = 1;           // of one unit
  std::int64_t chips = 0;  // that a rate is of; 0: the whole run, or no rate
};
void describe(config::Schema& s, UnitRule& rule);

// Another figure that the notes state, behind a word.
struct StatedRule {
  std::string word;
  std::vector<std::string> without;  // none of these in the notes
  Asked is = Asked::nothing;
  Statistic statistic = Statistic::mean;
  std::string group;                 // behind the row's own group
};
void describe(config::Schema& s, StatedRule& rule);

struct MachineRule {
  std::vector<std::string> words, without;
  std::string is;              // empty: the catalog has none, and why is in the note
  config::Node set;            // changes to the machine
  std::int64_t node = 0;       // chips that share a node's network cards
  std::int64_t ranks = 1;      // of this catalog in one of the row's chips
  std::string note;
};
void describe(config::Schema& s, MachineRule& rule);

// Requests of a data set whose lengths a row does not give.
struct DatasetRule {
  std::vector<std::string> words;
  std::int64_t input = 0, output = 0;  // mean tokens; 0: as the row says
  double least = 1;                    // lengths are uniform from this share of the nominal ones
  double cv = 0;                       // deviation over mean, where only the mean is known
  std::int64_t longest_input = 0, longest_output = 0;  // 0: no limit
  double seconds = 0;                  // a run lasts at least; the set is sent again until then
  std::int64_t requests = 0;
  double ttft = 0, tpot = 0;           // limits of the run, seconds at the 99th percentile; 0: none
  std::string note;
};
void describe(config::Schema& s, DatasetRule& rule);

// A published log of requests that rows name, and the deployment that it was measured on.
struct LogRule {
  std::vector<std::string> words;
  std::string log;         // a document of the catalog, JSON lines as request_log.hpp reads
  config::Node deployment;
  config::Node software;   // a profile with changes
  config::Node machine;    // changes to the row's
  std::string note;
};
void describe(config::Schema& s, LogRule& rule);

// Changes of the deployment and of the profile that depend on the load.
struct LoadRule {
  std::vector<std::string> words;
  double least = 0, most = 1e12;  // requests at a time
  config::Node set;
  config::Node software;
  std::string note;
};
void describe(config::Schema& s, LoadRule& rule);

// Sequences that a decode instance of a benchmark's run takes up at most, where its rows give those that come to it on average.
struct BatchRule {
  std::vector<std::string> words;
  std::vector<std::int64_t> at;  // requests at a time; empty: any number
  std::vector<std::int64_t> of;  // sequences of an instance, for each of them
  std::string note;
};
void describe(config::Schema& s, BatchRule& rule);

// What the first prompts of a run in a closed loop wait beside their queue, one for each place: kernels are compiled for their shapes, caches are cold.
struct StartRule {
  std::vector<std::string> words;
  double seconds = 0;
  std::string note;
};
void describe(config::Schema& s, StartRule& rule);

// A day in production: what was asked, on how many chips. The phase that decodes takes the chips that it needs at its pace; the others compute the prompts.
struct DayRule {
  std::vector<std::string> words;
  double input = 0, output = 0;              // tokens of the day, those in caches counted
  double chips = 0;                          // mean
  std::int64_t ep = 1;                       // of the phase that decodes, attention data-parallel over as many
  std::int64_t length = 0;                   // tokens in its caches
  double pace = 0;                           // seconds per token
  std::string note;
};
void describe(config::Schema& s, DayRule& rule);

// Which half width of catalog/validation/intervals.yaml a figure has.
struct WidthRule {
  std::vector<std::string> is;  // words of Asked
  std::string width;            // its name there
};
void describe(config::Schema& s, WidthRule& rule);

struct ServingVocabulary {
  std::vector<Rule> groups;            // by "metric=... source=... model=... chip=... parallelism=... load=..."
  std::vector<MetricRule> metrics;     // by metric
  std::vector<UnitRule> units;
  std::vector<StatedRule> stated;      // by notes
  std::vector<Rule> models;            // by model, before the catalog's own names
  std::vector<MachineRule> machines;   // by chip, before those of training
  std::vector<Rule> engines;           // by "metric=... source=... notes=..."; set: changes of the deployment
  std::vector<Rule> precisions;        // by "precision=... model=... chip=..."; set: changes of the deployment
  std::vector<Rule> plans;             // of rows whose parallelism is empty, by everything: is: what their configuration files say, as that column; set: of the deployment
  std::vector<Rule> flags;             // by everything; set: changes of the scenario; all that hold apply
  std::vector<DatasetRule> datasets;   // by "isl=... model=... load=..."
  std::vector<LogRule> logs;           // by everything
  std::vector<LoadRule> loads;         // by everything; changes of the deployment and the profile; all that hold apply
  std::vector<BatchRule> batches;      // by everything; the last that holds
  std::vector<Rule> routers;           // by everything: is: how requests, and prompts that are computed, are dealt out (router.routing); the first that holds
  std::vector<StartRule> starts;       // by everything; the first that holds
  std::vector<DayRule> days;           // by everything
  std::vector<HarnessRule> harnesses;  // by everything; the first that holds
  std::vector<WidthRule> widths;
  double acceptance = 0;               // of a drafted token, given those before, where rows do not say
};
void describe(config::Schema& s, ServingVocabulary& vocabulary);
[[nodiscard]] std::optional<ServingVocabulary> load_serving_vocabulary(const config::DocumentSource& source, config::Diagnostics& diagnostics);

// The first rule of a list whose words all occur, and none of whose others do; null if there is none.
template <class R>
[[nodiscard]] const R* first_that_holds(const std::vector<R>& rules, std::string_view text) {
  for (const auto& rule : rules)
    if (holds(rule.words, rule.without, text)) return &rule;
  return nullptr;
}

}  // namespace zettatwin::validation
