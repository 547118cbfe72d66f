// SPDX-License-Identifier: Apache-2.0
// The file system behind the core's documents, and files written whole or not at all.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "config/document.hpp"

namespace zettatwin::cli {

// Whether the path is a pipe or a device, such as /dev/stdin: it can be read once.
[[nodiscard]] bool is_pipe(const std::filesystem::path& path);

// Catalog documents ("chips/h100.yaml") from the catalog folder, anything else from the file system. What is no file is read once and kept.
class FileSource final : public config::DocumentSource {
 public:
  explicit FileSource(std::filesystem::path catalog) : catalog_(std::move(catalog)) {}
  [[nodiscard]] std::optional<std::string> read(const std::string& path) const override;
  [[nodiscard]] std::vector<std::string> list(const std::string& folder) const override;
  [[nodiscard]] const std::filesystem::path& catalog() const { return catalog_; }

 private:
  std::filesystem::path catalog_;
  mutable std::map<std::string, std::optional<std::string>> pipes_;
};

// $ZETTATWIN_CATALOG, or ../share/zettatwin/catalog beside the program, or the source tree that it was built from.
[[nodiscard]] std::filesystem::path find_catalog();

// Writes to a temporary file and renames it; through links, and straight into what is no file (a pipe, a device), which stays what
// it is. False, with a message on standard error, if that fails.
[[nodiscard]] bool write_file(const std::filesystem::path& path, const std::string& text);

}  // namespace zettatwin::cli
