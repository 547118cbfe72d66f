// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "api/scenario.hpp"
#include "api/serve_scenario.hpp"
#include "claims/claim.hpp"
#include "cli/train_command.hpp"
#include "hardware/catalog.hpp"
#include "inference/deployment.hpp"
#include "inference/software.hpp"
#include "model/parameters.hpp"
#include "model/preset.hpp"
#include "requests/traffic_spec.hpp"
#include "units/text.hpp"

namespace zettatwin::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array kKinds{"chips", "machines", "models", "software", "serving", "claims"};

// One catalog entry as rows of path, value and provenance, with a one-line summary.
struct Entry {
  std::string name, summary;
  std::vector<config::ValueRow> rows;
};

std::optional<Entry> load(const FileSource& source, const std::string& kind, const std::string& name, config::Diagnostics& diagnostics) {
  const auto where = config::location_in("catalog");
  if (kind == "chips") {
    const auto chip = hardware::load_chip(source, name, where, diagnostics);
    if (!chip) return std::nullopt;
    const auto peak = chip->peak(hardware::Precision::bf16);
    return Entry{name, fmt::format("{}; bf16 {}, {} at {}", chip->title, units::human(peak), units::human(chip->memory.capacity.value), units::human(chip->memory.bandwidth.value)),
                 config::values_of(*chip)};
  }
  if (kind == "machines") {
    const auto machine = hardware::load_machine(source, name, where, diagnostics);
    if (!machine) return std::nullopt;
    std::string levels;
    for (const auto& level : machine->levels) levels += fmt::format("{}{} {} ({})", levels.empty() ? "" : " > ", level.name, level.size, name_of(level.network.kind));
    return Entry{name, fmt::format("{} x {}: {}", units::grouped(machine->chips()), machine->chip_name, levels), config::values_of(*machine)};
  }
  if (kind == "software") {
    const auto profile = software::load_profile(source, name, where, diagnostics);
    if (!profile) return std::nullopt;
    return Entry{name, profile->title, config::values_of(*profile)};
  }
  if (kind == "serving") {
    const auto engine = inference::load_software(source, name, where, diagnostics);
    if (!engine) return std::nullopt;
    return Entry{name, engine->title, config::values_of(*engine)};
  }
  if (kind == "claims") {
    const auto file = claims::load_claim_file(source, name, diagnostics);
    if (!file) return std::nullopt;
    return Entry{name, fmt::format("{}; {} claims, {} comparisons", file->title, file->claims.size(), file->comparisons.size()), config::values_of(*file)};
  }
  const auto preset = model::load_preset(source, name, where, diagnostics);
  const auto architecture = preset ? model::load_model(source, name, where, diagnostics) : std::nullopt;
  if (!architecture) return std::nullopt;
  const auto parameters = model::parameters_of(*architecture);
  return Entry{name, fmt::format("{}; {:.4g} B parameters, {:.4g} B active, {} layers of {}{}", preset->title, static_cast<double>(parameters.total) / 1e9,
                                 static_cast<double>(parameters.active) / 1e9, architecture->layers(), architecture->hidden,
                                 preset->origin == model::Origin::synthetic ? " (synthetic)" : ""),
               config::values_of(*preset)};
}

std::vector<std::string> kinds_of(const std::string& asked) {
  if (asked.empty()) return {kKinds.begin(), kKinds.end()};
  return {asked};
}

Exit list_names(const FileSource& source, const std::string& asked) {
  for (const auto& kind : kinds_of(asked))
    for (const auto& name : source.list(kind)) fmt::print("{}\n", name);
  return Exit::answered;
}

Exit list(const FileSource& source, const std::string& asked, bool json) {
  config::Diagnostics diagnostics;
  Json all = Json::object();
  for (const auto& kind : kinds_of(asked)) {
    if (!json) fmt::print("{}\n", kind);
    for (const auto& name : source.list(kind)) {
      const auto entry = load(source, kind, name, diagnostics);
      if (!entry) continue;
      if (json) all[kind].push_back({{"name", name}, {"summary", entry->summary}});
      else fmt::print("  {:<32} {}\n", name, entry->summary);
    }
  }
  if (json) fmt::print("{}\n", all.dump(2));
  print(diagnostics);
  return diagnostics.has_errors() ? Exit::bad_input : Exit::answered;
}

Exit show(const FileSource& source, const std::string& name, bool json) {
  config::Diagnostics diagnostics;
  bool found = false;
  std::vector<std::string> known;
  for (const auto* kind : kKinds) {
    const auto names = source.list(kind);
    known.insert(known.end(), names.begin(), names.end());
    if (std::find(names.begin(), names.end(), name) == names.end()) continue;
    const auto entry = load(source, kind, name, diagnostics);
    if (!entry) continue;
    found = true;
    if (json) {
      Json rows = Json::array();
      for (const auto& row : entry->rows) {
        Json item{{"path", row.path}, {"value", row.value}};
        if (row.is_quantity) item["si"] = row.si;
        if (row.provenance) item["source"] = row.provenance->source, item["confidence"] = std::string(config::name_of(row.provenance->confidence)), item["note"] = row.provenance->note;
        rows.push_back(std::move(item));
      }
      fmt::print("{}\n", Json{{"kind", kind}, {"name", name}, {"summary", entry->summary}, {"fields", rows}}.dump(2));
      continue;
    }
    fmt::print("{} {}: {}\n", kind, name, entry->summary);
    for (const auto& row : entry->rows)
      fmt::print("  {:<44} {:<18}{}\n", row.path, row.value,
                 row.provenance ? fmt::format("[{}: {}]{}", config::name_of(row.provenance->confidence), row.provenance->source,
                                              row.provenance->note.empty() ? "" : " " + row.provenance->note)
                                : "");
  }
  if (!found && !diagnostics.has_errors()) {
    const auto near = config::nearest(name, known);
    diagnostics.error(config::location_in("catalog"), fmt::format("nothing is named '{}'", name), "", near.empty() ? "see zettatwin catalog list" : fmt::format("did you mean '{}'?", near));
  }
  print(diagnostics);
  return diagnostics.has_errors() ? Exit::bad_input : Exit::answered;
}

Exit check(const FileSource& source) {
  config::Diagnostics diagnostics;
  std::size_t entries = 0, figures = 0;
  for (const auto* kind : kKinds)
    for (const auto& name : source.list(kind)) {
      const auto entry = load(source, kind, name, diagnostics);
      if (!entry) continue;
      ++entries;
      for (const auto& row : entry->rows) figures += row.provenance ? 1 : 0;
    }
  print(diagnostics);
  fmt::print("{} entries, {} figures with source and confidence, {} problems\n", entries, figures, diagnostics.error_count());
  return diagnostics.has_errors() ? Exit::bad_input : Exit::answered;
}

Exit schema(const std::string& kind) {
  std::vector<config::ReferenceRow> rows;
  if (kind == "chips") rows = config::reference_of<hardware::Chip>();
  else if (kind == "machines") rows = config::reference_of<hardware::Machine>();
  else if (kind == "models") rows = config::reference_of<model::ModelPreset>();
  else if (kind == "software") rows = config::reference_of<software::Profile>();
  else if (kind == "serving") rows = config::reference_of<inference::Software>();
  else if (kind == "claims") rows = config::reference_of<claims::ClaimFile>();
  else if (kind == "deployment") rows = config::reference_of<inference::Pool>();
  else if (kind == "traffic") rows = config::reference_of<requests::TrafficSpec>();
  else if (kind == "serve-scenario") rows = config::reference_of<api::ServeScenario>();
  else if (kind == "plan") rows = config::reference_of<plan::Plan>();
  else rows = config::reference_of<api::Scenario>();
  for (const auto& row : rows) fmt::print("{:<44} {:<28}{} {}\n", row.path, row.kind, row.required ? " required" : "", row.doc);
  return Exit::answered;
}

}  // namespace

void add_catalog(CLI::App& app, const FileSource& source, Exit& exit) {
  struct Options {
    std::string kind, name, schema;
    bool json = false, names = false;
  };
  auto o = std::make_shared<Options>();
  auto* command = app.add_subcommand("catalog", "chips, machines, models, software, serving engines and published claims, each figure with source and confidence");
  command->require_subcommand(1);
  const auto kinds = CLI::IsMember({"chips", "machines", "models", "software", "serving", "claims"});
  auto* list_command = command->add_subcommand("list", "names and one line about each");
  list_command->add_option("kind", o->kind, "chips, machines, models, software (of training), serving (engines) or claims; all if absent")->check(kinds);
  auto* json = list_command->add_flag("--json", o->json, "as JSON");
  list_command->add_flag("--names", o->names, "only names, one per line; nothing is read")->excludes(json);
  list_command->callback([o, &source, &exit] { exit = o->names ? list_names(source, o->kind) : list(source, o->kind, o->json); });
  auto* show_command = command->add_subcommand("show", "all figures of one entry");
  show_command->add_option("name", o->name, "of a chip, machine, model, software or file of claims")->type_name("ENTRY")->required();
  show_command->add_flag("--json", o->json, "as JSON");
  show_command->callback([o, &source, &exit] { exit = show(source, o->name, o->json); });
  command->add_subcommand("check", "read every entry against its schema")->callback([&source, &exit] { exit = check(source); });
  auto* schema_command = command->add_subcommand("schema", "the fields of a kind of document");
  schema_command->add_option("kind", o->schema, "chips, machines, models, software, serving, claims, plan, scenario (of train), deployment, traffic or serve-scenario")
      ->required()
      ->check(CLI::IsMember({"chips", "machines", "models", "software", "serving", "claims", "plan", "scenario", "deployment", "traffic", "serve-scenario"}));
  schema_command->callback([o, &exit] { exit = schema(o->schema); });
  command->footer("examples:\n  zettatwin catalog list machines\n  zettatwin catalog show ascend-950dt-36\n  zettatwin catalog schema plan");
}

}  // namespace zettatwin::cli
