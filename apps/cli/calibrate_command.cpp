// SPDX-License-Identifier: Apache-2.0
#include "cli/calibrate_command.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

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
  std::string chip, timings, tables, out, plot, base, figures_of, source, note;
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

std::string report(const Calibration& calibration) {
  auto text = fmt::format("{:<26}{:>8}{:>9}  {:>18}  {:>18}\n", "family", "fitted", "judged", "error before", "error after");
  const auto errors = [](const Goodness& g) { return fmt::format("{:.1f} / {:.0f} ({:+.1f}) %", 100 * g.median, 100 * g.p90, 100 * g.bias); };
  for (const auto& f : calibration.families)
    text += fmt::format("{:<26}{:>8}{:>9}  {:>18}  {:>18}\n", f.family.name(), f.fitted_on, f.after.count, errors(f.before), f.fitted_on ? errors(f.after) : "");
  text += "errors: median / 90 % quantile (bias) of |predicted / measured - 1|\n";
  for (const auto& f : calibration.families) {
    for (const auto& figure : f.figures) {
      const auto human = [&](double si) { return units::human(si, figure.parameter.dimension, 3); };
      text += fmt::format("{:<48}{:>12} -> {:<12} ({} to {})\n", figure.parameter.path, human(figure.before), human(figure.value), human(figure.low), human(figure.high));
    }
  }
  return text;
}

std::string json_report(const Calibration& calibration, const std::string& document) {
  const auto goodness = [](const Goodness& g) {
    return nlohmann::ordered_json{{"count", g.count}, {"median", g.median}, {"p90", g.p90}, {"bias", g.bias}, {"low", g.low}, {"high", g.high}};
  };
  nlohmann::ordered_json families = nlohmann::ordered_json::array();
  for (const auto& f : calibration.families) {
    nlohmann::ordered_json figures = nlohmann::ordered_json::array();
    for (const auto& x : f.figures) figures.push_back({{"path", x.parameter.path}, {"before_si", x.before}, {"si", x.value}, {"low_si", x.low}, {"high_si", x.high}});
    families.push_back({{"family", f.family.name()}, {"fitted_on", f.fitted_on}, {"before", goodness(f.before)}, {"after", goodness(f.after)}, {"figures", std::move(figures)}});
  }
  return nlohmann::ordered_json{{"schema", 1}, {"chip", calibration.chip.name}, {"families", std::move(families)}, {"document", document}}.dump(2) + "\n";
}

Exit run_calibrate(const CalibrateCommand& c, const FileSource& source) {
  config::Diagnostics diagnostics;
  const auto chip = chip_of(c, source, diagnostics);
  const auto families = chip ? samples_of(c, *chip, source, diagnostics) : std::vector<FamilySamples>{};
  print(diagnostics);
  if (diagnostics.has_errors()) return Exit::bad_input;
  const auto input = c.tables.empty() ? c.timings : c.tables;
  const auto origin = c.source.empty() ? std::filesystem::path(input).filename().string() : c.source;
  const auto calibration = calibration::calibrate(*chip, families, {c.hold_out, c.judge || !c.figures_of.empty(), !c.tables.empty(), c.keep, origin, c.note});
  const auto base = c.base.empty() ? c.chip : c.base;
  const auto document = calibration::chip_document(calibration, base, c.base.empty() ? chip->title + ", calibrated by " + origin : "");
  if (!c.out.empty() && !write_file(c.out, document)) return Exit::bad_input;
  if (!c.plot.empty() && !write_file(c.plot, calibration::plot_svg(calibration.chip, families))) return Exit::bad_input;
  fmt::print("{}", c.json ? json_report(calibration, document) : report(calibration));
  return Exit::answered;
}

}  // namespace

void add_calibrate(CLI::App& app, const FileSource& source, Exit& exit) {
  auto* command = app.add_subcommand("calibrate", "fit a chip's figures to timings of its kernels");
  auto c = std::make_shared<CalibrateCommand>();
  command->add_option("--chip", c->chip, "chip of the catalog, or a chip document (*.yaml), to start from")->type_name("CHIP")->required();
  auto* timings = command->add_option("--timings", c->timings, "CSV file of timings; docs/calibration.md lists its columns")->type_name("FILE");
  auto* tables = command->add_option("--tables", c->tables, "folder of measured operator tables of the chip")->type_name("DIR")->excludes(timings);
  command->add_option("--op", c->defaults.op, "what was timed, where no column says it: gemm, attention, copy, experts")->type_name("OP")->needs(timings);
  command->add_option("--precision", c->defaults.precision, "precision, where no column says it; bf16 if not given")->type_name("P")->needs(timings);
  command->add_option("--out", c->out, "write the calibrated chip as a document that extends CHIP")->type_name("FILE");
  command->add_option("--plot", c->plot, "write measured against predicted times as SVG")->type_name("FILE");
  command->add_flag("--json", c->json, "report and document as JSON");
  command->add_flag("--hold-out", c->hold_out, "fit half of the shapes of the tables and judge the other half")->needs(tables);
  command->add_flag("--judge", c->judge, "fit nothing: show how well the chip's figures describe the timings");
  command->add_option("--figures-of", c->figures_of, "judge with the figures of another chip on this one's datasheet")->type_name("CHIP");
  command->add_option("--extends", c->base, "document that the written one extends, if not CHIP")->type_name("NAME");
  command->add_option("--keep", c->keep, "figures whose path begins so stay as they are; may be repeated")->type_name("PATH")->allow_extra_args(false);
  command->add_option("--source", c->source, "source of the figures, if not the file's name")->type_name("KEY");
  command->add_option("--note", c->note, "note of the figures")->type_name("TEXT");
  command->footer("examples:\n"
                  "  zettatwin calibrate --chip h100 --op gemm --timings mine.csv --out mine.yaml\n"
                  "  zettatwin calibrate --chip h200 --tables op_tables/h200_sxm --hold-out --plot h200.svg\n"
                  "exit codes: 0 fitted, 2 invalid input, 70 internal error");
  command->callback([c, timings, tables, &source, &exit] {
    if (timings->count() + tables->count() == 0) throw CLI::RequiredError("--timings or --tables");
    exit = run_calibrate(*c, source);
  });
}

}  // namespace zettatwin::cli
