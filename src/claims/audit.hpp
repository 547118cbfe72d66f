// SPDX-License-Identifier: Apache-2.0
// The audit: every claim with its readings computed and a verdict, every comparison with its machines built and simulated.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "claims/claim.hpp"
#include "claims/comparison.hpp"
#include "claims/value.hpp"
#include "claims/world.hpp"

namespace zettatwin::claims {

enum class Verdict {
  holds_exactly,        // in the first reading, which is what the words say
  holds_in_reading,     // in another one
  does_not_hold,        // in none
  cannot_be_checked,    // what it would take is not published
};
[[nodiscard]] std::string_view name_of(Verdict verdict);

struct ReadingResult {
  Reading reading;
  Value value;
  double ratio = 0;    // recomputed / stated; 0 if either is unknown
  bool agrees = false;
};

struct ClaimResult {
  Claim claim;
  std::vector<ReadingResult> readings;
  std::vector<ReadingResult> practice;
  Verdict verdict = Verdict::cannot_be_checked;
  int holding = -1;         // first reading that agrees; -1: none
  std::string availability;  // what the catalog says of the machine's delivery

  // Whether the reading that it holds in rests on an estimated figure.
  [[nodiscard]] bool rests_on_estimates() const { return holding >= 0 && readings[static_cast<std::size_t>(holding)].value.rests_on(config::Confidence::estimated); }
};

struct AuditedFile {
  std::string name;
  std::string title;
  std::vector<ClaimResult> claims;
  std::vector<ComparisonResult> comparisons;
};

struct Audit {
  std::vector<AuditedFile> files;  // those with something asked for
  [[nodiscard]] int count(Verdict verdict) const;
};

// What to audit: a file ("atlas-950"), a claim or comparison ("atlas-950.fp8"), or one by its id alone in all files ("fp8"). None: everything.
// Unknown names are errors. Expects files from load_claims().
[[nodiscard]] Audit audit(const std::vector<ClaimFile>& files, const std::vector<std::string>& names, World& world, config::Diagnostics& diagnostics);

}  // namespace zettatwin::claims
