// SPDX-License-Identifier: Apache-2.0
// Text that arrives in pieces, so that a trace need not be in memory as text. The program opens files and unpacks them; the core only reads.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace zettatwin::requests {

class TextSource {
 public:
  virtual ~TextSource() = default;
  // The next piece, of any size; empty at the end. Valid until the next call.
  [[nodiscard]] virtual std::string_view piece() = 0;
};

class StringSource final : public TextSource {
 public:
  // The text outlives the source.
  explicit StringSource(std::string_view text) : text_(text) {}
  std::string_view piece() override { return std::exchange(text_, {}); }

 private:
  std::string_view text_;
};

// Where traces lie.
class TraceFiles {
 public:
  virtual ~TraceFiles() = default;
  // Nothing if there is no such file; packed files give their content.
  [[nodiscard]] virtual std::unique_ptr<TextSource> open(const std::string& path) const = 0;
  // Names of the files of a folder, sorted; empty if there is none.
  [[nodiscard]] virtual std::vector<std::string> list(const std::string& folder) const = 0;
};

}  // namespace zettatwin::requests
