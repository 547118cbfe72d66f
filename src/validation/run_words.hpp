// SPDX-License-Identifier: Apache-2.0
// What the free text of published serving results says: parallelism ("P: 1x(TP1 DP4 EP4) bs1; D: 5x(TP8 DP1 EP8) bs2", "DEP4", "EP128 TP1, two-microbatch
// overlap"), shapes ("m3328 n2560 k65536"), figures beside words ("TTFT 61.3 ms"). Pure functions of text; nothing is assumed here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zettatwin::validation {

// Alike instances. 0: not said.
struct PoolWords {
  std::int64_t instances = 0;
  std::int64_t tp = 0, dp = 0, ep = 0, pp = 0, expert_tp = 0;
  std::int64_t batch = 0;          // sequences, as the text counts them
  std::int64_t nodes = 0;          // that an expert group spans: "EP8x2"
  bool data_attention = false;     // "DP attn", "DEP8"

  [[nodiscard]] bool says_sizes() const { return tp > 0 || dp > 0 || ep > 0 || pp > 0; }
};

struct ParallelWords {
  PoolWords whole, prefill, decode;  // words before the first marker of a phase are of the whole
  bool apart = false;                // prompts and output tokens on different chips
  bool two_batches = false;          // computation of one microbatch beside the exchange of the other
  bool speculates = false;
  std::int64_t draft = 0;            // tokens; 0: not said
};
[[nodiscard]] ParallelWords parallel_words(std::string_view text);

// "m3328 n2560 k65536", "m=n=k=8192"; nothing unless all three are there.
struct ProductWords {
  std::int64_t m = 0, n = 0, k = 0;
};
[[nodiscard]] std::optional<ProductWords> product_words(std::string_view text);

// A number behind a word, and what follows it up to the next comma, semicolon or blank: "TTFT 61.3 ms" is 61.3 and "ms". "45-50 ms" is the middle of both ends.
struct FigureWords {
  double value = 0;
  std::string unit;
};
[[nodiscard]] std::optional<FigureWords> figure_after(std::string_view text, std::string_view word);
// The number that ends right before a phrase: "56.3% of input tokens hit" before "% of input tokens hit".
[[nodiscard]] std::optional<double> number_before(std::string_view text, std::string_view phrase);
// The first number of a text: "at 125 tok/s/user" is 125, "16K tokens/GPU" is 16384, "723-808" the middle, "~275-301" too.
[[nodiscard]] std::optional<double> first_number(std::string_view text);

// The digits behind the first occurrence of a word.
[[nodiscard]] std::string_view digits_after(std::string_view text, std::string_view word);
// "4x100Gb RoCE per node", "8xHDR200": Gbit/s of all network cards of a node; 0 if the text names none.
[[nodiscard]] double gigabits_per_node(std::string_view text);

// Lower case.
[[nodiscard]] std::string lower_case(std::string_view text);

}  // namespace zettatwin::validation
