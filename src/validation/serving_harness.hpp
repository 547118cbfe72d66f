// SPDX-License-Identifier: Apache-2.0
// What a benchmark tool sets an engine to where the published command does not say: batch, tokens of a step and captured graphs, from model, memory and lengths.
// trtllm-bench does (TensorRT-LLM tensorrt_llm/bench/build/tuning.py: calc_engine_setting, finetune_setting; bench/benchmark/utils/general.py: get_settings), of the
// whole group's memory, for each rank:
//   requests = share (memory chips - parameters bytes) / (2 layers max(tp, kv heads) head bytes (input + output)), at most most_sequences, / pp
//   tokens   = requests (1 + input / output), at most most_tokens
// both rounded up, and tokens of at least a whole prompt beside the batch, as prompts are not cut. Complexity: O(graphs).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/document.hpp"
#include "config/schema.hpp"
#include "model/architecture.hpp"
#include "units/quantity.hpp"

namespace zettatwin::validation {

// A format of weights that the tool knows.
struct HarnessFormat {
  std::string is;
  double bytes = 0;     // that it counts for one stored element
  double elements = 1;  // stored for one weight: packed ones and scales are elements of their own
};
void describe(config::Schema& s, HarnessFormat& format);

struct HarnessRule {
  std::vector<std::string> words;
  std::vector<HarnessFormat> formats;                     // others get the engine's own settings
  double share = 0.9;                                     // of the memory that weights leave
  std::int64_t most_sequences = 4096, most_tokens = 32768;
  std::int64_t usual_sequences = 2048, usual_tokens = 8192;  // of the engine
  std::string note;
};
void describe(config::Schema& s, HarnessRule& rule);

struct HarnessSettings {
  std::int64_t sequences = 0, tokens = 0;  // of a rank
  friend bool operator==(const HarnessSettings&, const HarnessSettings&) = default;
};
struct HarnessSubject {
  const model::Architecture* model = nullptr;
  units::Bytes memory;             // of a chip
  std::int64_t chips = 1, pp = 1;  // of the instance
  std::string weights;             // format
  double cache_bytes = 2;          // of one element
  std::int64_t input = 0, output = 0;
};
[[nodiscard]] HarnessSettings harness_settings(const HarnessRule& rule, const HarnessSubject& subject);

// As changes to a software profile.
[[nodiscard]] config::Node harness_node(const HarnessSettings& settings, const config::Location& where);

}  // namespace zettatwin::validation
