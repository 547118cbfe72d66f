// SPDX-License-Identifier: Apache-2.0
// The catalog's default software.
#pragma once

#include "catalog_files.hpp"
#include "software/profile.hpp"

namespace zettatwin::test {

[[nodiscard]] inline const software::Profile& catalog_software() {
  static const software::Profile profile = [] {
    config::Diagnostics diagnostics;
    auto loaded = software::load_profile(CatalogFiles{}, software::kDefault, {}, diagnostics);
    EXPECT_TRUE(loaded && diagnostics.all().empty()) << text_of(diagnostics);
    return loaded.value_or(software::Profile{});
  }();
  return profile;
}

[[nodiscard]] inline config::Figure<units::Bytes> bytes_figure(double bytes) { return {.value = units::Bytes::from_si(bytes), .provenance = {}, .present = true}; }

}  // namespace zettatwin::test
