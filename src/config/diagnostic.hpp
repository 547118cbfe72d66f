// SPDX-License-Identifier: Apache-2.0
// What is wrong with the user's input: the place, the problem, why it is one, and what to write instead. Diagnostics are
// collected, so that one run reports all of them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace zettatwin::config {

// A place in a document; file is a path or a pseudo name such as "--plan". Line and column count from 1; 0 is "unknown".
struct Location {
  std::shared_ptr<const std::string> file;
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  [[nodiscard]] std::string text() const;  // "file:line:col"
};

[[nodiscard]] Location location_in(std::string file);

enum class Severity { error, warning };

struct Diagnostic {
  Severity severity = Severity::error;
  Location where;
  std::string problem;     // "unknown key 'bandwith'"
  std::string why;         // "a chip's memory has the keys capacity, bandwidth, kind"; may be empty
  std::string suggestion;  // "did you mean 'bandwidth'?"; may be empty
  [[nodiscard]] std::string text() const;  // "file:3:5: error: problem (why). suggestion"
};

class Diagnostics final {
 public:
  void error(Location where, std::string problem, std::string why = "", std::string suggestion = "");
  void warning(Location where, std::string problem, std::string why = "", std::string suggestion = "");
  void append(const Diagnostics& other);
  [[nodiscard]] bool has_errors() const { return errors_ > 0; }
  [[nodiscard]] std::size_t error_count() const { return errors_; }
  [[nodiscard]] const std::vector<Diagnostic>& all() const { return all_; }

 private:
  std::vector<Diagnostic> all_;
  std::size_t errors_ = 0;
};

// The candidate nearest to `word` by edit distance, if it is near enough to be a likely misspelling; else "".
[[nodiscard]] std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace zettatwin::config
