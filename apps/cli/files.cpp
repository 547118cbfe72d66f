// SPDX-License-Identifier: Apache-2.0
#include "cli/files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace zettatwin::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kLargestDocument = 64u << 20;

std::optional<std::string> read_file(const fs::path& path) {
  std::error_code error;
  if (!fs::is_regular_file(path, error) || fs::file_size(path, error) > kLargestDocument) return std::nullopt;
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::ostringstream text;
  text << file.rdbuf();
  return std::move(text).str();
}

}  // namespace

std::optional<std::string> FileSource::read(const std::string& path) const {
  if (auto text = read_file(catalog_ / path)) return text;
  return read_file(path);
}

std::vector<std::string> FileSource::list(const std::string& folder) const {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(catalog_ / folder, error))
    if (entry.path().extension() == ".yaml") names.push_back(entry.path().stem().string());
  std::sort(names.begin(), names.end());
  return names;
}

fs::path find_catalog() {
  if (const char* set = std::getenv("ZETTATWIN_CATALOG"); set && *set) return set;
  std::error_code error;
  const auto program = fs::read_symlink("/proc/self/exe", error);
  if (!error) {
    const auto installed = program.parent_path() / ZT_SHARE "/catalog";
    if (fs::is_directory(installed, error)) return installed;
  }
  return ZT_SOURCE_CATALOG;
}

bool write_file(const fs::path& path, const std::string& text) {
  const fs::path part = path.string() + ".part";
  {
    std::ofstream file(part, std::ios::binary | std::ios::trunc);
    file << text;
    file.flush();
    if (!file) {
      fmt::print(stderr, "{}: cannot be written\n", path.string());
      std::error_code ignored;
      fs::remove(part, ignored);
      return false;
    }
  }
  std::error_code error;
  fs::rename(part, path, error);
  if (error) fmt::print(stderr, "{}: {}\n", path.string(), error.message());
  return !error;
}

}  // namespace zettatwin::cli
