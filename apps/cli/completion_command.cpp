// SPDX-License-Identifier: Apache-2.0
#include "cli/completion_command.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/completion_scripts.hpp"

namespace zettatwin::cli {

void add_completion(CLI::App& app, Exit& exit) {
  auto* command = app.add_subcommand("completion", "a script that completes commands, options and names of the catalog in a shell");
  auto shell = std::make_shared<std::string>();
  command->add_option("shell", *shell, "bash, zsh or fish")->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
  command->footer("to have it in every new shell, once:\n"
                  "  zettatwin completion bash > ~/.local/share/bash-completion/completions/zettatwin\n"
                  "  zettatwin completion zsh > ~/.zfunc/_zettatwin     with fpath+=(~/.zfunc) before compinit in ~/.zshrc\n"
                  "  zettatwin completion fish > ~/.config/fish/completions/zettatwin.fish\n"
                  "in this shell only:\n"
                  "  source <(zettatwin completion bash)\n"
                  "exit codes: 0 printed, 2 bad input, 70 internal error");
  command->callback([shell, &app, &exit] {
    const auto commands = completed_commands(app);
    fmt::print("{}", *shell == "bash" ? bash_script(commands) : *shell == "zsh" ? zsh_script(commands) : fish_script(commands));
    exit = Exit::answered;
  });
}

}  // namespace zettatwin::cli
