// SPDX-License-Identifier: Apache-2.0
// Machines, models and software of many scenarios: each distinct description is read and checked once. What the first reading said is said again.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "config/document.hpp"
#include "hardware/machine.hpp"
#include "model/architecture.hpp"
#include "software/profile.hpp"

namespace zettatwin::api {

class Library final {
 public:
  explicit Library(const config::DocumentSource& source) : source_(source) {}

  // `chips`: machine_of_size.hpp. Null, and diagnostics, if there were errors.
  [[nodiscard]] const hardware::Machine* machine(const config::Node& node, std::int64_t chips, config::Diagnostics& diagnostics);
  [[nodiscard]] const model::Architecture* architecture(const config::Node& node, config::Diagnostics& diagnostics);
  [[nodiscard]] const software::Profile* profile(const config::Node& node, const config::Node& changes, config::Diagnostics& diagnostics);

 private:
  template <class T>
  struct Entry {
    std::optional<T> value;
    config::Diagnostics said;
  };
  template <class T>
  using Shelf = std::map<std::string, Entry<T>>;  // by the text of the description

  template <class T, class Load>
  static const T* find(Shelf<T>& shelf, const std::string& key, config::Diagnostics& diagnostics, Load load);

  const config::DocumentSource& source_;
  Shelf<hardware::Machine> machines_;
  Shelf<model::Architecture> architectures_;
  Shelf<software::Profile> profiles_;
};

}  // namespace zettatwin::api
