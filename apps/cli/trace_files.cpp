// SPDX-License-Identifier: Apache-2.0
#include "cli/trace_files.hpp"

#include <zlib.h>

#include <algorithm>
#include <filesystem>
#include <vector>

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

}  // namespace

std::unique_ptr<requests::TextSource> TraceFolder::open(const std::string& path) const {
  std::error_code error;
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
