// SPDX-License-Identifier: Apache-2.0
#include "cli/completion_scripts.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace zettatwin::cli {
namespace {

// One word of a shell, whatever it holds. In fish backslashes count inside quotes too.
std::string shell_word(std::string_view text, const char* quote = "'\\''") {
  std::string out = "'";
  for (const char c : text)
    if (c == '\'') out += quote;
    else if (c != '\n') out += c;
  return out + "'";
}
std::string fish_word(std::string_view text) {
  std::string escaped;
  for (const char c : text) escaped += c == '\\' ? std::string("\\\\") : std::string(1, c);
  return shell_word(escaped, "\\'");
}

// Where a command begins after the one before it: ' serve', 'catalog list'.
std::vector<std::string> steps(const std::vector<CompletedCommand>& commands) {
  std::vector<std::string> all;
  for (const auto& command : commands)
    for (const auto& [name, doc] : command.commands) all.push_back(shell_word(command.path + " " + name));
  return all;
}

std::string names_of(const CompletedCommand& command) {
  std::string names;
  for (const auto& option : command.options) names += (names.empty() ? "" : " ") + fmt::format("{}", fmt::join(option.names, " "));
  return names;
}

Takes positional_of(const CompletedCommand& command) {
  auto takes = command.positional;
  for (const auto& [name, doc] : command.commands) takes.words.push_back(name);
  return takes;
}

// What bash and zsh call, by functions of the script.
std::string calls(const Takes& takes) {
  std::string text;
  if (!takes.words.empty()) text += fmt::format("_zettatwin_words {}; ", fmt::join(takes.words, " "));
  for (const auto& kind : takes.kinds) text += fmt::format("_zettatwin_names{}{}; ", kind.empty() ? "" : " ", kind);
  if (takes.files) text += "_zettatwin_files; ";
  else if (takes.folders) text += "_zettatwin_folders; ";
  return text.empty() ? ":;" : text.substr(0, text.size() - 1);
}

// The branches of `case $before in`: what follows an option that has a value, and else the command's own arguments.
std::string branches(const CompletedCommand& command) {
  std::string text;
  for (const auto& option : command.options)
    if (option.has_value) text += fmt::format("        {}) {};\n", fmt::join(option.names, "|"), calls(option.takes));
  return text + fmt::format("        *) {};\n", calls(positional_of(command)));
}

std::string fish_takes(const Takes& takes) {
  auto list = fmt::format("{}", fmt::join(takes.words, " "));
  for (const auto& kind : takes.kinds) list += fmt::format("{}(__zettatwin_names {})", list.empty() ? "" : " ", kind);
  std::string text = takes.files ? " -F" : " -f";
  if (takes.folders && !takes.files) list += "(__fish_complete_directories)";
  return list.empty() ? text : text + " -a " + fish_word(list);
}

}  // namespace

std::string bash_script(const std::vector<CompletedCommand>& commands) {
  std::string text = R"(# zettatwin completion bash
_zettatwin_words() { local IFS=$'\n'; COMPREPLY+=($(IFS=$' \t\n'; compgen -W "$*" -- "$word")); }
_zettatwin_names() { _zettatwin_words $("${COMP_WORDS[0]/#\~/$HOME}" catalog list --names "$@" 2>/dev/null); }
_zettatwin_files() { compopt -o default 2>/dev/null; }
_zettatwin_folders() { compopt -o dirnames 2>/dev/null; }
_zettatwin() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command="" i
  COMPREPLY=()
  if [[ $word == = ]]; then word=""; elif [[ $before == = ]]; then before=${COMP_WORDS[COMP_CWORD-2]}; fi
  for ((i = 1; i < COMP_CWORD; ++i)); do
)";
  text += fmt::format("    case \"$command ${{COMP_WORDS[i]}}\" in {}) command=\"${{command:+$command }}${{COMP_WORDS[i]}}\" ;; esac\n  done\n  case $command in\n", fmt::join(steps(commands), "|"));
  for (const auto& command : commands)
    text += fmt::format("    {})\n      [[ $word == -* ]] && {{ _zettatwin_words {}; return; }}\n      case $before in\n{}      esac ;;\n", shell_word(command.path), names_of(command), branches(command));
  return text + "  esac\n}\ncomplete -F _zettatwin zettatwin\n";
}

std::string zsh_script(const std::vector<CompletedCommand>& commands) {
  std::string text = R"zsh(#compdef zettatwin
_zettatwin_words() { compadd -- "$@"; }
_zettatwin_names() { compadd -- ${(f)"$(${(Q)~program} catalog list --names "$@" 2>/dev/null)"}; }
_zettatwin_files() { _files; }
_zettatwin_folders() { _files -/; }
_zettatwin() {
  local program=$words[1] word=$words[CURRENT] before=$words[CURRENT-1] command="" i
  local -a options
  if [[ $word == --*=* ]]; then before=${word%%=*}; compset -P '*='; word=""; fi
  for ((i = 2; i < CURRENT; ++i)); do
)zsh";
  text += fmt::format("    case \"$command $words[i]\" in {}) command=\"${{command:+$command }}$words[i]\" ;; esac\n  done\n  case $command in\n", fmt::join(steps(commands), "|"));
  for (const auto& command : commands) {
    text += fmt::format("    {})\n      options=(\n", shell_word(command.path));
    for (const auto& option : command.options)
      for (const auto& name : option.names) text += fmt::format("        {}\n", shell_word(fmt::format("{}:{}", name, option.doc)));
    text += fmt::format("      )\n      [[ $word == -* ]] && {{ _describe -o option options; return; }}\n      case $before in\n{}      esac ;;\n", branches(command));
  }
  return text + "  esac\n}\nif [[ $zsh_eval_context[-1] == loadautofunc ]]; then _zettatwin \"$@\"; else compdef _zettatwin zettatwin; fi\n";
}

std::string fish_script(const std::vector<CompletedCommand>& commands) {
  std::string text = "# zettatwin completion fish\nfunction __zettatwin_names\n  set -l words (commandline -opc)\n  eval $words[1] catalog list --names $argv 2>/dev/null\nend\n"
                     "function __zettatwin_at\n  set -l at ''\n  set -l words (commandline -opc)\n  set -e words[1]\n  for word in $words\n    switch \"$at $word\"\n";
  text += fmt::format("      case {}\n        set at (string trim \"$at $word\")\n    end\n  end\n  test \"$at\" = \"$argv\"\nend\ncomplete -c zettatwin -f\n", fmt::join(steps(commands), " "));
  for (const auto& command : commands) {
    const auto start = fmt::format("complete -c zettatwin -n {}", fish_word("__zettatwin_at " + command.path));
    for (const auto& [name, doc] : command.commands) text += fmt::format("{} -a {} -d {}\n", start, name, fish_word(doc));
    const auto& own = command.positional;
    if (own.files || own.folders || !own.words.empty() || !own.kinds.empty()) text += fmt::format("{}{}\n", start, fish_takes(own));
    for (const auto& option : command.options) {
      text += start;
      for (const auto& name : option.names) text += name[1] == '-' ? " -l " + name.substr(2) : " -s " + name.substr(1);
      if (option.has_value) text += (option.needs_value ? " -r" : "") + fish_takes(option.takes);
      text += fmt::format(" -d {}\n", fish_word(option.doc));
    }
  }
  return text;
}

}  // namespace zettatwin::cli
