// SPDX-License-Identifier: Apache-2.0
// Traces on disk, plain or gzipped, read piece by piece. What comes through a pipe is kept, because it is read more than once.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "requests/text_source.hpp"

namespace zettatwin::cli {

class TraceFolder final : public requests::TraceFiles {
 public:
  [[nodiscard]] std::unique_ptr<requests::TextSource> open(const std::string& path) const override;
  [[nodiscard]] std::vector<std::string> list(const std::string& folder) const override;

 private:
  mutable std::map<std::string, std::optional<std::string>> pipes_;
};

}  // namespace zettatwin::cli
