// SPDX-License-Identifier: Apache-2.0
// One request to a serving system: when it comes, how long its prompt is, how long the answer will be, and which of its content others share.
#pragma once

#include <cstdint>
#include <vector>

#include "units/picoseconds.hpp"

namespace zettatwin::requests {

struct Request {
  units::Picoseconds arrival;  // never before that of the request before it
  std::int32_t input = 0;      // tokens of the prompt, at least 1
  std::int32_t output = 0;     // tokens of the answer, at least 1
  std::int32_t model = 0;      // index of the model that is asked
  std::uint64_t session = 0;   // requests of one conversation have the same; 0: none
  // Content of tokens [k B, (k+1) B) of the prompt followed by the answer, given all tokens before: requests with equal leading blocks share that
  // prefix. B is Stream::block_tokens(). Covers what can be shared and may end anywhere: before the prompt's end (the rest is the request's own),
  // with a block that the prompt fills only in part, or within the answer (which the next turn of the conversation repeats).
  // So a cache that has the first h blocks saves the computation of min(h B, input) tokens, of which an engine recomputes at least the last.
  std::vector<std::uint64_t> blocks;
};

}  // namespace zettatwin::requests
