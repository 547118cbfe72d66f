// SPDX-License-Identifier: Apache-2.0
// Memory of one chip of an instance: weights by part, what the engine needs beside them, and the cache that fits into the rest.
// Assumptions: tensor-parallel ranks are alike; the fullest pipeline stage counts; the cache of latent attention is the same on all tensor-parallel ranks.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "inference/timer.hpp"
#include "serving/cache_bytes.hpp"
#include "units/quantity.hpp"

namespace zettatwin::inference {

struct MemoryPart {
  std::string name;     // "routed experts"
  units::Bytes bytes;   // per chip
  std::string formula;
};

struct CacheSize {
  units::Bytes per_token;     // on one chip, layers that keep every token
  units::Bytes per_sequence;  // on one chip: windows and states, whatever the length
  units::Bytes token_in_instance;  // one token on all tensor-parallel ranks and in all layers, copies of key heads included, latents once: what stores and tiers hold
  serving::CacheBytes in_instance; // of a sequence, likewise: what a hand-over moves
};

struct InstanceMemory {
  std::vector<MemoryPart> parts;  // weights, activations, reserve; largest chip
  CacheSize cache;
  units::Bytes weights;           // sum of its parts
  units::Bytes used;              // all parts
  units::Bytes available;         // of the chip, as the engine may use it
  std::int64_t tokens = 0;        // that the cache of the whole instance holds
  std::int64_t blocks = 0;
};

// Why an instance cannot run.
struct DoesNotFit {
  std::string role;   // "pool decode, attention and experts"
  std::string part;   // the largest
  units::Bytes needed;
  units::Bytes available;
  std::string reason;
  std::vector<std::string> suggestions;
};

// Bytes that an indexer keeps of a token in one layer; `cache_width`: of an element of the cache. Latent attention's is kept in 8 bits with a scale, whatever the
// cache's format; others as their cache. On every tensor-parallel rank.
[[nodiscard]] double index_key_bytes(const model::Attention& a, double cache_width);
[[nodiscard]] CacheSize cache_size(const model::Architecture& model, const Pool& pool, bool windowed_cache);
// `sequence` tokens must fit at least. Sets about.engine.blocks if they fit.
[[nodiscard]] InstanceMemory memory_of(const InstanceModel& about);
[[nodiscard]] std::optional<DoesNotFit> does_not_fit(const InstanceModel& about, const InstanceMemory& memory, std::int64_t sequence);

}  // namespace zettatwin::inference
