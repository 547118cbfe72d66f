// SPDX-License-Identifier: Apache-2.0
// Published traces, if they are at hand: ZT_SHARED_DATA, or shared/data beside the sources.
#pragma once

#include <zlib.h>

#include <filesystem>
#include <map>
#include <string>

#include "../../support/places.hpp"

namespace zettatwin::requests::test {

[[nodiscard]] inline std::filesystem::path shared_traces() {
  return zettatwin::test::shared_data() / "traces";
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

// Files of an archive by path; empty if it is not there. The header of each is 512 bytes: name at 0, size at 124 in octal, kind at 156.
[[nodiscard]] inline std::map<std::string, std::string> shared_archive(const std::string& name) {
  constexpr std::size_t kBlock = 512, kSize = 124, kKind = 156;
  const auto archive = shared_trace(name);
  std::map<std::string, std::string> files;
  for (std::size_t at = 0; at + kBlock <= archive.size() && archive[at] != '\0';) {
    const std::string path(archive.c_str() + at);
    const auto size = static_cast<std::size_t>(std::stoull(archive.substr(at + kSize, 11), nullptr, 8));
    if (archive[at + kKind] == '0') files[path] = archive.substr(at + kBlock, size);
    at += kBlock + (size + kBlock - 1) / kBlock * kBlock;
  }
  return files;
}

}  // namespace zettatwin::requests::test
