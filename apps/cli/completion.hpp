// SPDX-License-Identifier: Apache-2.0
// What can stand where on the command line, read from the program's own definition of it.
//
// An option's type name says what it takes, alternatives apart by '|': MACHINE, MODEL, CHIP, SOFTWARE (of training), ENGINE, CLAIM and ENTRY (of any kind) are names of
// the catalog, FILE or anything with a dot (OUT.json) a file, DIR a folder. Words come from CLI::IsMember or `offers`. Anything else is the user's to write.
#pragma once

#include <CLI/App.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace zettatwin::cli {

struct Takes {
  std::vector<std::string> words;
  std::vector<std::string> kinds;  // arguments of `zettatwin catalog list --names`: a kind, or nothing for all
  bool files = false, folders = false;
};

struct CompletedOption {
  std::vector<std::string> names;  // with their dashes
  std::string doc;
  bool has_value = false, needs_value = false;
  Takes takes;
};

struct CompletedCommand {
  std::string path, doc;  // "", "serve", "catalog", "catalog list": a command before its own
  std::vector<CompletedOption> options;
  std::vector<std::pair<std::string, std::string>> commands;  // name, doc
  Takes positional;                                           // of all positional arguments together
};

// Words that an option knows among what it takes; they are checked elsewhere.
void offers(CLI::Option* option, std::string_view words);

[[nodiscard]] std::vector<CompletedCommand> completed_commands(CLI::App& app);

}  // namespace zettatwin::cli
