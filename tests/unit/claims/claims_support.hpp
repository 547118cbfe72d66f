// SPDX-License-Identifier: Apache-2.0
// The repository's claims on the repository's catalog, or on one with a document changed.
#pragma once

#include <gtest/gtest.h>

#include "claims/audit.hpp"
#include "../../support/catalog_files.hpp"

namespace zettatwin::claims {

// The catalog with `from` replaced by `to` in one document.
class Edited final : public config::DocumentSource {
 public:
  Edited(std::string path, std::string from, std::string to) : path_(std::move(path)), from_(std::move(from)), to_(std::move(to)) {}
  [[nodiscard]] std::optional<std::string> read(const std::string& path) const override {
    auto text = files_.read(path);
    if (path != path_ || !text) return text;
    const auto at = text->find(from_);
    EXPECT_NE(at, std::string::npos) << path << " lacks: " << from_;
    return at == std::string::npos ? text : text->replace(at, from_.size(), to_);
  }
  [[nodiscard]] std::vector<std::string> list(const std::string& folder) const override { return files_.list(folder); }

 private:
  test::CatalogFiles files_;
  std::string path_, from_, to_;
};

inline Audit audited(const config::DocumentSource& source, const std::vector<std::string>& names, config::Diagnostics& diagnostics) {
  const auto files = load_claims(source, diagnostics);
  World world(source);
  return audit(files, names, world, diagnostics);
}

// One claim of the catalog, audited; anything amiss fails the test.
inline ClaimResult claim_of(const std::string& name, const config::DocumentSource& source = test::CatalogFiles{}) {
  config::Diagnostics diagnostics;
  const auto result = audited(source, {name}, diagnostics);
  EXPECT_FALSE(diagnostics.has_errors()) << test::text_of(diagnostics);
  EXPECT_TRUE(result.files.size() == 1 && result.files[0].claims.size() == 1) << name;
  return result.files.size() == 1 && !result.files[0].claims.empty() ? result.files[0].claims[0] : ClaimResult{};
}

// The value of a reading (or of a row of practice) by its name.
inline Value value_of(const ClaimResult& claim, const std::string& reading) {
  for (const auto* list : {&claim.readings, &claim.practice})
    for (const auto& r : *list)
      if (r.reading.name == reading) return r.value;
  ADD_FAILURE() << claim.claim.name() << " has no reading '" << reading << "'";
  return {};
}

inline std::string holding(const ClaimResult& claim) {
  return claim.holding < 0 ? "" : claim.readings[static_cast<std::size_t>(claim.holding)].reading.name;
}

}  // namespace zettatwin::claims
