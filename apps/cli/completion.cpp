// SPDX-License-Identifier: Apache-2.0
#include "cli/completion.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

namespace zettatwin::cli {
namespace {

constexpr std::pair<std::string_view, std::string_view> kKinds[] = {{"MACHINE", "machines"}, {"MODEL", "models"}, {"CHIP", "chips"}, {"SOFTWARE", "software"}, {"ENGINE", "serving"}, {"CLAIM", "claims"}, {"ENTRY", ""}};

// "{a,b}" of CLI::IsMember's description, or of the name that `offers` gives its validator.
std::vector<std::string> words_of(CLI::Option& option) {
  try {
    for (int i = 0;; ++i) {
      const auto& validator = *option.get_validator(i);
      for (const auto& text : {validator.get_description(), validator.get_name()})
        if (text.size() > 2 && text.front() == '{') return CLI::detail::split(text.substr(1, text.size() - 2), ',');
    }
  } catch (const CLI::OptionNotFound&) {  // there are no more validators
    return {};
  }
}

Takes takes_of(CLI::Option& option) {
  Takes takes{.words = words_of(option), .kinds = {}};
  const auto type = option.get_type_name();  // followed by the descriptions of validators
  for (const auto& part : CLI::detail::split(type.substr(0, type.find(':')), '|')) {
    for (const auto& [name, kind] : kKinds)
      if (part == name) takes.kinds.emplace_back(kind);
    takes.files |= part == "FILE" || part.find('.') != std::string::npos;
    takes.folders |= part == "DIR";
  }
  return takes;
}

void add(Takes& all, const Takes& more) {
  all.words.insert(all.words.end(), more.words.begin(), more.words.end());
  for (const auto& kind : more.kinds)
    if (std::find(all.kinds.begin(), all.kinds.end(), kind) == all.kinds.end()) all.kinds.push_back(kind);
  all.files |= more.files;
  all.folders |= more.folders;
}

void walk(CLI::App& app, const std::string& path, std::vector<CompletedCommand>& found) {
  CompletedCommand command{.path = path, .doc = app.get_description(), .options = {}, .commands = {}, .positional = {}};
  for (auto* option : app.get_options({})) {
    if (option->get_positional()) {
      add(command.positional, takes_of(*option));
      continue;
    }
    CompletedOption completed{.names = {}, .doc = option->get_description(), .has_value = option->get_items_expected_max() > 0, .needs_value = option->get_items_expected_min() > 0, .takes = {}};
    for (const auto& name : option->get_lnames()) completed.names.push_back("--" + name);
    for (const auto& name : option->get_snames()) completed.names.push_back("-" + name);
    if (completed.has_value) completed.takes = takes_of(*option);
    command.options.push_back(std::move(completed));
  }
  const auto subcommands = app.get_subcommands({});
  for (const auto* sub : subcommands) command.commands.emplace_back(sub->get_name(), sub->get_description());
  found.push_back(std::move(command));
  for (auto* sub : subcommands) walk(*sub, path.empty() ? sub->get_name() : path + " " + sub->get_name(), found);
}

}  // namespace

void offers(CLI::Option* option, std::string_view words) {
  auto list = fmt::format("{{{}}}", words);
  std::replace(list.begin(), list.end(), ' ', ',');
  option->check(CLI::Validator([](std::string&) { return std::string(); }, "", list));
}

std::vector<CompletedCommand> completed_commands(CLI::App& app) {
  std::vector<CompletedCommand> found;
  walk(app, "", found);
  return found;
}

}  // namespace zettatwin::cli
