// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <exception>

#include "base/contract.hpp"
#include "cli/faults_command.hpp"
#include "cli/files.hpp"
#include "cli/output.hpp"
#include "cli/calibrate_command.hpp"
#include "cli/capacity_command.hpp"
#include "cli/claims_command.hpp"
#include "cli/collective_command.hpp"
#include "cli/completion_command.hpp"
#include "cli/network_command.hpp"
#include "cli/serve_command.hpp"
#include "cli/train_command.hpp"
#include "cli/validate_command.hpp"

namespace {

// `--plan "$UNSET"` is a mistake of a script, not a wish for the default.
void refuse_empty_values(CLI::App& app) {
  const CLI::Validator not_empty([](std::string& text) { return text.empty() ? std::string("is empty; leave it out for its default") : std::string(); }, "");
  for (auto* option : app.get_options({}))
    if (option->get_items_expected_max() > 0) option->check(not_empty);
  for (auto* command : app.get_subcommands({})) refuse_empty_values(*command);
}

int run(int argc, char** argv) {
  using zettatwin::cli::Exit;
  CLI::App app{"Zettatwin: a digital twin of AI superclusters. Predicts what a machine of up to a million accelerators does with a model, and says why.", "zettatwin"};
  app.set_version_flag("--version", "zettatwin " ZT_VERSION);
  app.require_subcommand(1);
  app.footer("zettatwin COMMAND --help shows the options of a command, with examples.");
  const zettatwin::cli::FileSource source(zettatwin::cli::find_catalog());
  Exit exit = Exit::answered;
  zettatwin::cli::add_train(app, source, exit);
  zettatwin::cli::add_compare(app, source, exit);
  zettatwin::cli::add_serve(app, source, exit);
  zettatwin::cli::add_capacity(app, source, exit);
  zettatwin::cli::add_faults(app, source, exit);
  zettatwin::cli::add_claims(app, source, exit);
  zettatwin::cli::add_collective(app, source, exit);
  zettatwin::cli::add_network(app, source, exit);
  zettatwin::cli::add_validate(app, source, exit);
  zettatwin::cli::add_calibrate(app, source, exit);
  zettatwin::cli::add_catalog(app, source, exit);
  zettatwin::cli::add_completion(app, exit);
  refuse_empty_values(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    const int asked_for_help = app.exit(e);
    return asked_for_help == 0 ? 0 : zettatwin::cli::code(Exit::bad_input);
  }
  return zettatwin::cli::code(exit);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const int status = run(argc, argv);
    zettatwin::cli::finish_output();
    return status;
  } catch (const zettatwin::ContractFailure& failure) {
    fmt::print(stderr, "internal error: {}\nThis is a bug of Zettatwin: please report it with the command and its input files.\n", failure.what());
  } catch (const std::exception& failure) {
    fmt::print(stderr, "internal error: {}\n", failure.what());
  }
  return zettatwin::cli::code(zettatwin::cli::Exit::internal);
}
