// SPDX-License-Identifier: Apache-2.0
// A traffic description compiled for drawing; shared by all streams over it.
#pragma once

#include <memory>
#include <optional>

#include "requests/arrival_law.hpp"
#include "requests/detail/shared_prefixes.hpp"
#include "requests/traffic_spec.hpp"

namespace zettatwin::requests::detail {

struct Laws {
  explicit Laws(const TrafficSpec& spec);

  TrafficSpec spec;
  GapLaw gaps;
  std::optional<RateProfile> profile;  // of requests; nothing in a closed loop
  LengthLaw input, output;
  std::optional<SharedPrefixes> prefixes;

  [[nodiscard]] std::uint64_t seed() const { return static_cast<std::uint64_t>(spec.seed); }
  // Seed of what one instance draws for itself.
  [[nodiscard]] std::uint64_t seed_of(const Part& part) const;
  [[nodiscard]] std::int64_t block_tokens() const { return prefixes || spec.sessions ? spec.block_tokens : 0; }
  // Whether requests, or conversations, are families: they share nothing but what is common.
  [[nodiscard]] bool are_families(const Part& part) const;
  // No arrival is later.
  [[nodiscard]] units::Picoseconds end() const;
  // Lengths, prefix and blocks of a request.
  void draw(RandomStream& random, Request& request) const;
  [[nodiscard]] Means means(double share_of_rate) const;
};

[[nodiscard]] std::unique_ptr<Stream> open_stream(std::shared_ptr<const Laws> laws, Part part);
[[nodiscard]] std::unique_ptr<Stream> closed_stream(std::shared_ptr<const Laws> laws, Part part);
[[nodiscard]] std::unique_ptr<Stream> session_stream(std::shared_ptr<const Laws> laws, Part part);

}  // namespace zettatwin::requests::detail
