// SPDX-License-Identifier: Apache-2.0
#include "cli/claims_command.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "claims/report.hpp"

namespace zettatwin::cli {
namespace {

struct ClaimsCommand {
  std::vector<std::string> names;
  bool json = false;
};

Exit run_claims(const ClaimsCommand& c, const FileSource& source) {
  config::Diagnostics diagnostics;
  const auto files = claims::load_claims(source, diagnostics);
  claims::World world(source);
  const auto audit = diagnostics.has_errors() ? claims::Audit{} : claims::audit(files, c.names, world, diagnostics);
  print(diagnostics);
  if (diagnostics.has_errors()) return Exit::bad_input;
  fmt::print("{}", c.json ? claims::json(audit) : claims::text(audit, !c.names.empty()));
  return Exit::answered;
}

}  // namespace

void add_claims(CLI::App& app, const FileSource& source, Exit& exit) {
  auto* command = app.add_subcommand("claims", "check published claims against the catalog and the simulator");
  auto c = std::make_shared<ClaimsCommand>();
  command->add_option("name", c->names, "claims, comparisons or files of them; with formulas, inputs and sources. Default: all, without these")->type_name("CLAIM");
  command->add_flag("--json", c->json, "machine-readable result on standard output");
  command->footer("examples:\n"
                  "  zettatwin claims\n"
                  "  zettatwin claims fp8                  every claim of that name, with formulas and sources\n"
                  "  zettatwin claims atlas-950.pod-bandwidth\n"
                  "  zettatwin claims equal-chips equal-fp8\n"
                  "  zettatwin claims atlas-960 --json\n"
                  "exit codes: 0 answered, whatever the verdicts; 2 bad input, 70 internal error");
  command->callback([c, &source, &exit] { exit = run_claims(*c, source); });
}

}  // namespace zettatwin::cli
