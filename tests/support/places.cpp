// SPDX-License-Identifier: Apache-2.0
#include "places.hpp"

#include <cstdlib>

namespace zettatwin::test {

std::filesystem::path source_dir() { return ZT_SOURCE_DIR; }

std::filesystem::path shared_data() {
  const char* set = std::getenv("ZT_SHARED_DATA");
  return set != nullptr ? std::filesystem::path(set) : source_dir() / ".." / "shared" / "data";
}

}  // namespace zettatwin::test
