// SPDX-License-Identifier: Apache-2.0
#include "cli/network_command.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "api/network.hpp"

namespace zettatwin::cli {
namespace {

struct NetworkCommand {
  std::string machine, chips;
  bool json = false;
};

config::Node question_of(const NetworkCommand& c) {
  config::Node root;
  root.kind = config::Node::Kind::mapping;
  root.where = config::location_in("command line");
  const auto set = [&](const char* key, const char* option, const std::string& value) {
    if (value.empty()) return;
    config::Node node;
    node.kind = config::Node::Kind::scalar;
    node.where = config::location_in(option);
    node.text = value;
    root.entries.push_back({key, node.where, std::move(node)});
  };
  set("machine", "--machine", c.machine);
  set("chips", "--chips", c.chips);
  return root;
}

Exit run_network(const NetworkCommand& c, const FileSource& source) {
  config::Diagnostics diagnostics;
  const auto answer = api::network(question_of(c), source, diagnostics);
  print(diagnostics);
  if (!answer) return Exit::bad_input;
  fmt::print("{}", c.json ? report::json(answer->subject()) : report::text(answer->subject()));
  return Exit::answered;
}

}  // namespace

void add_network(CLI::App& app, const FileSource& source, Exit& exit) {
  auto* command = app.add_subcommand("network", "a machine's network: levels, links, bisection, path lengths, load of uniform traffic, parts");
  auto c = std::make_shared<NetworkCommand>();
  command->add_option("--machine", c->machine, "catalog machine (zettatwin catalog list machines), or a file of your own such as my.yaml")->type_name("MACHINE|FILE")->required();
  command->add_option("--chips", c->chips, "another size of it, in chips; default: as in the catalog")->type_name("N");
  command->add_flag("--json", c->json, "machine-readable result on standard output");
  command->footer("bandwidths are per direction; a link is a cable that carries both directions\n"
                  "examples:\n"
                  "  zettatwin network --machine atlas-950-supercluster\n"
                  "  zettatwin network --machine gb200-nvl72 --chips 72\n"
                  "  zettatwin network --machine ironwood-pod --json\n"
                  "exit codes: 0 answered, 2 bad input, 70 internal error");
  command->callback([c, &source, &exit] { exit = run_network(*c, source); });
}

}  // namespace zettatwin::cli
