// SPDX-License-Identifier: Apache-2.0
#include "cli/collective_command.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "api/collective.hpp"
#include "cli/completion.hpp"
#include "report/collective_plot.hpp"
#include "units/text.hpp"

namespace zettatwin::cli {
namespace {

Exit run_collective(const api::CollectiveQuestion& question, bool seeded, bool as_json, const std::string& plot, const FileSource& source) {
  config::Diagnostics diagnostics;
  if (seeded && question.routing != "ecmp") diagnostics.warning(config::location_in("--seed"), "has no effect", "nothing is drawn at random but hashes of ecmp", "write --routing ecmp");
  const auto subject = api::collective(question, source, diagnostics);
  print(diagnostics);
  if (!subject) return Exit::bad_input;
  if (!plot.empty() && !write_file(plot, report::plot_svg(*subject))) return Exit::bad_input;
  fmt::print("{}", as_json ? report::json(*subject) : report::text(*subject));
  return subject->possible() ? Exit::answered : Exit::infeasible;
}

}  // namespace

void add_collective(CLI::App& app, const FileSource& source, Exit& exit) {
  auto* command = app.add_subcommand("collective", "predict a collective operation, with faults, on any machine");
  auto q = std::make_shared<api::CollectiveQuestion>();
  auto as_json = std::make_shared<bool>(false);
  command->add_option("--machine", q->machine, "catalog machine (zettatwin catalog list machines), or a file of your own such as my.yaml")->type_name("MACHINE|FILE")->required();
  offers(command->add_option("--op", q->op, "all-reduce, all-gather, reduce-scatter, all-to-all, broadcast or send-recv (between two ranks)")->type_name("OP")->capture_default_str(), "all-reduce all-gather reduce-scatter all-to-all broadcast send-recv");
  command->add_option("--bytes", q->bytes, "size as nccl-tests counts it (64MiB), or a sweep that doubles (1KiB:8GiB)")->type_name("SIZE")->capture_default_str();
  const CLI::Validator from_one([](std::string& text) { const auto n = units::parse_number(text); return n && *n < 1 ? text + " is not above 0" : std::string(); }, "");
  command->add_option("--ranks", q->ranks, "ranks in one group; default: the whole machine")->type_name("N")->check(from_one);
  command->add_option("--stride", q->stride, "ranks between members of a group; all groups run at once")->type_name("N")->capture_default_str();
  offers(command->add_option("--algorithm", q->algorithm, "auto (the cheapest the library has), ring, tree, halving-doubling, direct, bruck, hierarchical, in-network, rotated")->type_name("A")->capture_default_str(), "auto ring tree halving-doubling direct bruck hierarchical in-network rotated");
  offers(command->add_option("--fidelity", q->fidelity, "folded (classes, exact) or unfolded (every rank)")->type_name("F")->capture_default_str(), "folded unfolded");
  offers(command->add_option("--routing", q->routing, "spraying (evenly over all shortest ways), d-mod-k (fixed by destination), ecmp (hashed per flow) or first; all but spraying: on real cables")->type_name("R")->capture_default_str(), "spraying d-mod-k ecmp first");
  auto* seeds = command->add_option("--seeds", q->seeds, "ecmp: draws of the hash, for mean and confidence interval")->type_name("N")->capture_default_str();
  auto* seed = command->add_option("--seed", q->seed, "ecmp: seed of the first draw, the others follow it")->type_name("S")->capture_default_str();
  command->add_option("--fault", q->faults, "KIND@PLACE[:fraction of speed left]; may be repeated")->type_name("FAULT")->allow_extra_args(false);
  command->add_option("--skew", q->skew, "all-to-all: what receivers get, relative: zipf:1.0, or loads of the first ranks (8,2,1; the others 1), or @FILE with them")->type_name("LOADS");
  command->add_option("--top-k", q->dispatch.top_k, "all-to-all: experts that a token goes to; one copy travels to each unit that holds some")->type_name("K")->check(from_one);
  command->add_option("--experts", q->dispatch.experts, "with --top-k: experts, evenly over the ranks; default: one per rank")->type_name("E")->check(from_one);
  command->add_option("--group-limit,--node-limit", q->dispatch.group_limit, "with --top-k: groups of experts (nodes) that a token reaches at most")->type_name("L")->check(from_one);
  command->add_option("--expert-groups", q->dispatch.groups, "with --group-limit: how many groups; default: one per unit of the outermost level that the ranks span")->type_name("N")->check(from_one);
  auto plot = std::make_shared<std::string>();
  command->add_option("--plot", *plot, "bus bandwidth over bytes as a picture (SVG), beside the table")->type_name("FILE.svg");
  command->add_flag("--json", *as_json, "machine-readable result on standard output");
  command->footer("bytes: all-reduce and broadcast: the buffer; all-gather: the gathered result; reduce-scatter: the buffer before; all-to-all: what one rank sends\n"
                  "       (with --top-k: all copies of its tokens, as if each travelled on its own); send-recv: the message.\n"
                  "faults: slow-link, dead-link, dead-switch, dead-plane, slow-hbm, slow-chip, dead-chip; a place is a path such as pod=3/cabinet=17/board=2/npu=5/port=up,\n"
                  "  or names in the explicit graph: dead-link@from=leaf0/to=spine1, dead-switch@switch=leaf0\n"
                  "examples:\n"
                  "  zettatwin collective --machine gb200-nvl72 --op all-reduce --ranks 72\n"
                  "  zettatwin collective --machine atlas-950-supercluster --op all-to-all --bytes 1GiB\n"
                  "  zettatwin collective --machine atlas-950-supercluster --op all-reduce --bytes 1GiB --ranks 64 --stride 8192     equal positions of the pods\n"
                  "  zettatwin collective --machine dgx-h800 --op all-to-all --ranks 64 --bytes 224MiB --top-k 8 --experts 256 --node-limit 4\n"
                  "  zettatwin collective --machine gb200-nvl72 --op all-to-all --ranks 64 --bytes 64MiB --skew zipf:0.5\n"
                  "  zettatwin collective --machine atlas-950-superpod --op all-to-all --bytes 64MiB --fault dead-link@npu=0/port=board/peer=3 --fault slow-link@cabinet=7/port=up:0.5\n"
                  "  zettatwin collective --machine dgx-h100 --op all-to-all --ranks 64 --bytes 64MiB --routing ecmp --seeds 32 --seed 1\n"
                  "exit codes: 0 answered, 1 the faults make it impossible, 2 bad input, 70 internal error");
  command->callback([q, seeds, seed, as_json, plot, &source, &exit] { exit = run_collective(*q, seeds->count() + seed->count() > 0, *as_json, *plot, source); });
}

}  // namespace zettatwin::cli
