// SPDX-License-Identifier: Apache-2.0
#include "cli/calibrate_command.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "calibration/collectives.hpp"
#include "calibration/op_tables.hpp"
#include "calibration/plot.hpp"
#include "calibration/timings.hpp"
#include "hardware/catalog.hpp"
#include "units/text.hpp"

namespace zettatwin::cli {
namespace {

using calibration::Calibration;
using calibration::FamilySamples;
using calibration::Goodness;

struct CalibrateCommand {
  std::string chip, machine, timings, tables, out, plot, base, figures_of, source, note;
  calibration::TimingDefaults defaults;
  std::vector<std::string> keep;
  bool json = false, hold_out = false, judge = false;
};

// A table of the folder, plain or compressed.
std::optional<std::string> read_table(const std::filesystem::path& folder, const std::string& table) {
  for (const auto* suffix : {".csv", ".csv.gz"}) {
    const auto path = folder / (table + suffix);
    if (!std::filesystem::exists(path)) continue;
    const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path.c_str(), "rb"), gzclose);
    if (!file) return std::nullopt;
    std::string text;
    std::vector<char> block(1 << 20);
    for (int n = 0; (n = gzread(file.get(), block.data(), static_cast<unsigned>(block.size()))) > 0;) text.append(block.data(), static_cast<std::size_t>(n));
    return text;
  }
  return std::nullopt;
}

std::vector<FamilySamples> samples_of(const CalibrateCommand& c, const hardware::Chip& chip, const FileSource& source, config::Diagnostics& diagnostics) {
  if (!c.tables.empty()) {
    auto families = calibration::read_op_tables([&](const std::string& table) { return read_table(c.tables, table); }, diagnostics);
    if (families.empty() && !diagnostics.has_errors())
      diagnostics.error(config::location_in(c.tables), "the folder has no operator tables", "they are named gemm.csv.gz, context_attention.csv.gz, generation_attention.csv.gz, moe.csv.gz");
    return families;
  }
  const auto text = source.read(c.timings);
  if (!text) diagnostics.error(config::location_in(c.timings), "cannot be read", "", "name a CSV file of timings");
  return text ? calibration::read_timings(*text, c.timings, c.defaults, chip, diagnostics) : std::vector<FamilySamples>{};
}

std::optional<hardware::Chip> chip_of(const CalibrateCommand& c, const FileSource& source, config::Diagnostics& diagnostics) {
  auto chip = hardware::load_chip(source, c.chip, config::location_in("--chip"), diagnostics);
  if (!chip || c.figures_of.empty()) return chip;
  const auto other = hardware::load_chip(source, c.figures_of, config::location_in("--figures-of"), diagnostics);
  if (!other) return std::nullopt;
  chip->efficiency = other->efficiency;
  return chip;
}

template <class Figures>
std::string figures_text(const Figures& figures) {
  std::string text;
  for (const auto& figure : figures) {
    const auto human = [&](double si) { return units::human(si, figure.dimension, 3); };
    text += fmt::format("{:<48}{:>12} -> {:<12} ({} to {})\n", figure.path, human(figure.before), human(figure.value), human(figure.low), human(figure.high));
  }
  return text;
}

// What to do with the figures.
std::string next_step(const CalibrateCommand& c, const char* kind) {
  if (c.judge || !c.figures_of.empty()) return "";
  if (c.out.empty()) return "nothing was written: --out FILE.yaml keeps the figures\n";
  return fmt::format("written to {}: name it wherever a {} is named\n", c.out, kind);
}

template <class Figures>
nlohmann::ordered_json figures_json(const Figures& list) {
  nlohmann::ordered_json figures = nlohmann::ordered_json::array();
  for (const auto& x : list) figures.push_back({{"path", x.path}, {"before_si", x.before}, {"si", x.value}, {"low_si", x.low}, {"high_si", x.high}});
  return figures;
}

std::string report(const std::vector<calibration::FamilyReport>& families) {
  auto text = fmt::format("{:<26}{:>8}{:>9}  {:>18}  {:>18}\n", "family", "fitted", "judged", "error before", "error after");
  const auto errors = [](const Goodness& g) { return fmt::format("{:.1f} / {:.0f} ({:+.1f}) %", 100 * g.median, 100 * g.p90, 100 * g.bias); };
  for (const auto& f : families)
    text += fmt::format("{:<26}{:>8}{:>9}  {:>18}  {:>18}\n", f.name, f.fitted_on, f.after.count, errors(f.before), f.fitted_on ? errors(f.after) : "");
  text += "errors: median / 90 % quantile (bias) of |predicted / measured - 1|\n";
  for (const auto& f : families) text += figures_text(f.figures);
  return text;
}

nlohmann::ordered_json json_of(const std::vector<calibration::FamilyReport>& reports) {
  const auto goodness = [](const Goodness& g) {
    return nlohmann::ordered_json{{"count", g.count}, {"median", g.median}, {"p90", g.p90}, {"bias", g.bias}, {"low", g.low}, {"high", g.high}};
  };
  nlohmann::ordered_json families = nlohmann::ordered_json::array();
  for (const auto& f : reports)
    families.push_back({{"family", f.name}, {"fitted_on", f.fitted_on}, {"before", goodness(f.before)}, {"after", goodness(f.after)}, {"figures", figures_json(f.figures)}});
  return families;
}

std::string origin_of(const CalibrateCommand& c) {
  const auto input = c.tables.empty() ? c.timings : c.tables;
  return c.source.empty() ? std::filesystem::path(input).filename().string() : c.source;
}

bool written(const CalibrateCommand& c, const std::string& document, const std::string& plot) {
  return (c.out.empty() || write_file(c.out, document)) && (c.plot.empty() || write_file(c.plot, plot));
}

std::vector<calibration::CollectiveTimings> collectives_of(const CalibrateCommand& c, const hardware::Machine& machine, const FileSource& source, config::Diagnostics& diagnostics) {
  if (!c.tables.empty()) {
    auto timings = calibration::read_collective_tables([&](const std::string& table) { return read_table(c.tables, table); }, machine, diagnostics);
    if (timings.empty() && !diagnostics.has_errors()) diagnostics.error(config::location_in(c.tables), "the folder has no table of collectives", "it is named nccl.csv.gz");
    return timings;
  }
  const auto text = source.read(c.timings);
  if (!text) diagnostics.error(config::location_in(c.timings), "cannot be read", "", "name a CSV file of timings");
  return text ? calibration::read_collective_timings(*text, c.timings, c.defaults, machine, diagnostics) : std::vector<calibration::CollectiveTimings>{};
}

Exit run_calibrate_machine(const CalibrateCommand& c, const FileSource& source) {
  config::Diagnostics diagnostics;
  const auto machine = hardware::load_machine(source, c.machine, config::location_in("--machine"), diagnostics);
  const auto timings = machine ? collectives_of(c, *machine, source, diagnostics) : std::vector<calibration::CollectiveTimings>{};
  print(diagnostics);
  if (diagnostics.has_errors()) return Exit::bad_input;
  const auto calibration = calibration::calibrate(*machine, timings, {.hold_out = c.hold_out, .judge = c.judge, .keep = c.keep, .source = origin_of(c), .note = c.note});
  const auto document = calibration::machine_document(calibration, c.base.empty() ? c.machine : c.base, c.base.empty() ? machine->title + ", calibrated by " + origin_of(c) : "");
  std::vector<calibration::TimePanel> panels;
  for (const auto& of_op : timings) {
    auto& points = panels.emplace_back(calibration::TimePanel{std::string(network::name_of(of_op.op)), {}}).points;
    for (const auto& t : of_op.timings) points.push_back({t.seconds, calibration::predicted(calibration.machine, t)});
  }
  if (!written(c, document, calibration::plot_svg(machine->title, panels))) return Exit::bad_input;
  const auto families = json_of(calibration.families);
  if (c.json) fmt::print("{}\n", nlohmann::ordered_json{{"schema", 1}, {"machine", machine->name}, {"families", families}, {"figures", figures_json(calibration.figures)}, {"document", document}}.dump(2));
  else fmt::print("{}{}{}", report(calibration.families), figures_text(calibration.figures), next_step(c, "machine"));
  return Exit::answered;
}

// Judged all the same, by the figures that a fit starts from: which are nobody's.
config::Diagnostics families_without_figures(const CalibrateCommand& c, const hardware::Chip& chip, const calibration::Calibration& judged) {
  config::Diagnostics diagnostics;
  for (const auto& family : judged.families)
    if (family.started)
      diagnostics.warning(config::location_in(c.figures_of.empty() ? "--chip" : "--figures-of"), fmt::format("{} has no figures of {}", chip.title, family.name), "judged by those that a fit starts from: of a near precision, or typical ones", "fit them first: without --judge, with --out");
  return diagnostics;
}

Exit run_calibrate(const CalibrateCommand& c, const FileSource& source) {
  config::Diagnostics diagnostics;
  const auto chip = chip_of(c, source, diagnostics);
  const auto families = chip ? samples_of(c, *chip, source, diagnostics) : std::vector<FamilySamples>{};
  print(diagnostics);
  if (diagnostics.has_errors()) return Exit::bad_input;
  const auto origin = origin_of(c);
  const auto calibration = calibration::calibrate(*chip, families, {c.hold_out, c.judge || !c.figures_of.empty(), !c.tables.empty(), c.keep, origin, c.note});
  print(families_without_figures(c, *chip, calibration));
  const auto base = c.base.empty() ? c.chip : c.base;
  const auto document = calibration::chip_document(calibration, base, c.base.empty() ? chip->title + ", calibrated by " + origin : "");
  if (!written(c, document, calibration::plot_svg(calibration.chip, families))) return Exit::bad_input;
  if (c.json) fmt::print("{}\n", nlohmann::ordered_json{{"schema", 1}, {"chip", calibration.chip.name}, {"families", json_of(calibration.families)}, {"document", document}}.dump(2));
  else fmt::print("{}{}", report(calibration.families), next_step(c, "chip"));
  return Exit::answered;
}

}  // namespace

void add_calibrate(CLI::App& app, const FileSource& source, Exit& exit) {
  auto* command = app.add_subcommand("calibrate", "fit a chip's figures to timings of its kernels, or a machine's to timings of collectives");
  auto c = std::make_shared<CalibrateCommand>();
  auto* chip = command->add_option("--chip", c->chip, "chip of the catalog, or a chip document (*.yaml), to start from: timings are of its kernels")->type_name("CHIP|FILE");
  command->add_option("--machine", c->machine, "machine of the catalog, or a document (*.yaml), to start from: timings are of collectives")->type_name("MACHINE|FILE")->excludes(chip);
  auto* timings = command->add_option("--timings", c->timings, "CSV file of timings: m, n, k and time_us of products; docs/calibration.md lists the columns of all")->type_name("FILE");
  auto* tables = command->add_option("--tables", c->tables, "folder of measured operator tables of the chip")->type_name("DIR")->excludes(timings);
  command->add_option("--op", c->defaults.op, "what was timed, where no column says it: gemm, attention, latent, copy, memory, experts; all_reduce and others")->type_name("OP")->needs(timings);
  command->add_option("--precision", c->defaults.precision, "precision, where no column says it; bf16 if not given")->type_name("P")->needs(timings);
  auto* out = command->add_option("--out", c->out, "write the calibrated chip or machine as a document that extends the one named")->type_name("FILE");
  command->add_option("--plot", c->plot, "write measured against predicted times as SVG")->type_name("FILE");
  command->add_flag("--json", c->json, "report and document as JSON");
  command->add_flag("--hold-out", c->hold_out, "fit half of the shapes of the tables and judge the other half")->needs(tables);
  command->add_flag("--judge", c->judge, "fit nothing: show how well the chip's figures describe the timings")->excludes(out);
  command->add_option("--figures-of", c->figures_of, "judge with the figures of another chip on this one's datasheet")->type_name("CHIP|FILE")->needs(chip)->excludes(out);
  command->add_option("--extends", c->base, "document that the written one extends, if not the one named")->type_name("CHIP|MACHINE|FILE");
  command->add_option("--keep", c->keep, "figures whose path begins so stay as they are; may be repeated")->type_name("PATH")->allow_extra_args(false);
  command->add_option("--source", c->source, "source of the figures, if not the file's name")->type_name("KEY");
  command->add_option("--note", c->note, "note of the figures")->type_name("TEXT");
  command->footer("examples:\n"
                  "  zettatwin calibrate --chip h100 --op gemm --timings mine.csv --out mine.yaml\n"
                  "  zettatwin calibrate --chip h200 --tables op_tables/h200_sxm --hold-out --plot h200.svg\n"
                  "  zettatwin calibrate --machine dgx-h100 --timings collectives.csv --out mine.yaml\n"
                  "exit codes: 0 fitted, 2 invalid input, 70 internal error");
  command->callback([c, timings, tables, &source, &exit] {
    if (c->chip.empty() && c->machine.empty()) throw CLI::RequiredError("--chip or --machine");
    if (timings->count() + tables->count() == 0) throw CLI::RequiredError("--timings or --tables");
    exit = c->machine.empty() ? run_calibrate(*c, source) : run_calibrate_machine(*c, source);
  });
}

}  // namespace zettatwin::cli
