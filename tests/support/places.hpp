// SPDX-License-Identifier: Apache-2.0
// Where tests find files. Only places.cpp knows the folder of the sources, so that compiled tests do not depend on where a checkout lies and the
// compiler cache serves them to every checkout.
#pragma once

#include <filesystem>

namespace zettatwin::test {

// The folder of the sources.
[[nodiscard]] std::filesystem::path source_dir();

// Published measurements, traces and configurations, if they are at hand: ZT_SHARED_DATA, or shared/data beside the sources. May not exist.
[[nodiscard]] std::filesystem::path shared_data();

}  // namespace zettatwin::test
