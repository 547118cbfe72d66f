// SPDX-License-Identifier: Apache-2.0
// Lines of a text in pieces, and problems of a file by line and column.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "config/diagnostic.hpp"
#include "requests/text_source.hpp"

namespace zettatwin::requests::detail {

// Collects problems; after kProblemsShown of them only their number.
class Problems final {
 public:
  Problems(const std::string& name, config::Diagnostics& diagnostics) : name_(std::make_shared<const std::string>(name)), diagnostics_(diagnostics) {}
  void error(std::uint32_t line, std::size_t column, std::string problem, std::string why = "", std::string suggestion = "");
  // Reports how many were not shown. True if there were none at all.
  bool finish();

 private:
  std::shared_ptr<const std::string> name_;
  config::Diagnostics& diagnostics_;
  std::size_t count_ = 0;
};

class Lines final {
 public:
  static constexpr std::size_t kLongest = 16u << 20;

  Lines(TextSource& source, Problems& problems) : source_(source), problems_(problems) {}
  // The next line without its end (LF or CR LF), valid until the next call; false at the end of the text, or where a line is too long to go on.
  [[nodiscard]] bool next(std::string_view& line);
  [[nodiscard]] std::uint32_t number() const { return number_; }

 private:
  [[nodiscard]] bool join();
  bool too_long();
  bool refill();

  TextSource& source_;
  Problems& problems_;
  std::string_view piece_;
  std::string joined_;  // a line that spans pieces
  std::uint32_t number_ = 0;
  bool ended_ = false;
};

}  // namespace zettatwin::requests::detail
