// SPDX-License-Identifier: Apache-2.0
// Published traces, if they are at hand: ZT_SHARED_DATA, or shared/data beside the sources.
#pragma once

#include <zlib.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace zettatwin::requests::test {

[[nodiscard]] inline std::filesystem::path shared_traces() {
  const char* set = std::getenv("ZT_SHARED_DATA");
  return (set != nullptr ? std::filesystem::path(set) : std::filesystem::path(ZT_SOURCE_DIR) / "../shared/data") / "traces";
}

// Content of a file, unpacked where it is packed; empty if it is not there.
[[nodiscard]] inline std::string shared_trace(const std::string& name) {
  std::string text;
  const gzFile file = gzopen((shared_traces() / name).c_str(), "rb");
  if (file == nullptr) return text;
  std::string buffer(1u << 16, '\0');
  for (int got; (got = gzread(file, buffer.data(), static_cast<unsigned>(buffer.size()))) > 0;) text.append(buffer, 0, static_cast<std::size_t>(got));
  gzclose(file);
  return text;
}

}  // namespace zettatwin::requests::test
