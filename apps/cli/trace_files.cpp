// SPDX-License-Identifier: Apache-2.0
#include "cli/trace_files.hpp"

#include <zlib.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "cli/files.hpp"

namespace zettatwin::cli {
namespace {

namespace fs = std::filesystem;

// zlib reads what is not packed as it is.
class PackedFile final : public requests::TextSource {
 public:
  explicit PackedFile(gzFile file) : file_(file), buffer_(1u << 18) {}
  ~PackedFile() override { gzclose(file_); }
  PackedFile(const PackedFile&) = delete;
  PackedFile& operator=(const PackedFile&) = delete;

  std::string_view piece() override {
    const int size = gzread(file_, buffer_.data(), static_cast<unsigned>(buffer_.size()));
    return size > 0 ? std::string_view(buffer_.data(), static_cast<std::size_t>(size)) : std::string_view();
  }

 private:
  gzFile file_;
  std::vector<char> buffer_;
};

constexpr std::size_t kLargestPipe = std::size_t{1} << 30;

std::optional<std::string> read_packed_pipe(const std::string& path) {
  const gzFile file = gzopen(path.c_str(), "rb");
  if (!file) return std::nullopt;
  PackedFile source(file);
  std::string text;
  for (auto piece = source.piece(); !piece.empty(); piece = source.piece()) {
    text += piece;
    if (text.size() > kLargestPipe) return std::nullopt;
  }
  return text;
}

}  // namespace

std::unique_ptr<requests::TextSource> TraceFolder::open(const std::string& path) const {
  std::error_code error;
  if (is_pipe(path)) {
    const auto known = pipes_.find(path);
    const auto& text = known != pipes_.end() ? known->second : pipes_.emplace(path, read_packed_pipe(path)).first->second;
    return text ? std::make_unique<requests::StringSource>(*text) : nullptr;
  }
  if (!fs::is_regular_file(path, error)) return nullptr;
  const gzFile file = gzopen(path.c_str(), "rb");
  return file ? std::make_unique<PackedFile>(file) : nullptr;
}

std::vector<std::string> TraceFolder::list(const std::string& folder) const {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error))
    if (entry.is_regular_file(error)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace zettatwin::cli
