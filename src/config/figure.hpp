// SPDX-License-Identifier: Apache-2.0
// Figures: quantities with provenance. A catalog writes them as {value: 4.0 TB/s, source: WP, confidence: claimed}; a
// user's own scenario may write the bare value, whose source is then that line.
#pragma once

#include <string>
#include <string_view>

#include "units/quantity.hpp"

namespace zettatwin::config {

// How far a figure can be relied on; they never mix silently, and results list which they rest on.
enum class Confidence {
  stated,      // the user's own input
  measured,    // a published measurement
  claimed,     // a vendor's datasheet or announcement, or its file, source seen
  derived,     // computed here from figures of the kinds above; the note has the arithmetic
  unverified,  // a datasheet figure quoted from memory or hearsay
  estimated,   // our judgement, with a range where we have one
};
[[nodiscard]] std::string_view name_of(Confidence confidence);

struct Provenance {
  std::string source;  // key of catalog/sources.yaml, or a citation; "file:line" for stated ones
  Confidence confidence = Confidence::stated;
  std::string note;
  double low_si = 0;   // range, in base units, when low < high
  double high_si = 0;
};

template <class Q>
struct Figure {
  Q value{};
  Provenance provenance;
  bool present = false;

  [[nodiscard]] double si() const { return value.si(); }
};

}  // namespace zettatwin::config
