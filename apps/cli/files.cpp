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

// To its end, which may never come.
std::optional<std::string> read_pipe(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::string text, piece(1u << 16, '\0');
  while (file && text.size() <= kLargestDocument) {
    file.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    text.append(piece, 0, static_cast<std::size_t>(file.gcount()));
  }
  return text.size() > kLargestDocument ? std::nullopt : std::optional(std::move(text));
}

// Where a chain of links ends, whether or not there is a file. Without end: the path itself, which then cannot be written.
fs::path target_of(const fs::path& path) {
  constexpr int kLinksMax = 40;  // as Linux
  fs::path target = path;
  std::error_code error;
  for (int links = 0; fs::is_symlink(target, error); ++links) {
    const auto next = fs::read_symlink(target, error);
    if (error || links == kLinksMax) return path;
    target = target.parent_path() / next;
  }
  return target;
}

}  // namespace

bool is_pipe(const fs::path& path) {
  std::error_code error;
  const auto type = fs::status(path, error).type();
  return type == fs::file_type::fifo || type == fs::file_type::character || type == fs::file_type::socket;
}

std::optional<std::string> FileSource::read(const std::string& path) const {
  if (auto text = read_file(catalog_ / path)) return text;
  if (!is_pipe(path)) return read_file(path);
  const auto known = pipes_.find(path);
  return known != pipes_.end() ? known->second : pipes_.emplace(path, read_pipe(path)).first->second;
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
  const auto target = target_of(path);
  std::error_code error;
  const auto kind = fs::status(target, error).type();
  const bool in_place = kind != fs::file_type::regular && kind != fs::file_type::not_found;
  fs::path part = target;
  if (!in_place) part += ".part";
  {
    std::ofstream file(part, std::ios::binary | std::ios::trunc);
    file << text;
    file.flush();
    if (!file) {
      fmt::print(stderr, "{}: cannot be written\n", path.string());
      if (!in_place) fs::remove(part, error);
      return false;
    }
  }
  if (in_place) return true;
  error.clear();
  fs::rename(part, target, error);
  if (error) fmt::print(stderr, "{}: {}\n", path.string(), error.message());
  return !error;
}

}  // namespace zettatwin::cli
