// SPDX-License-Identifier: Apache-2.0
#include "config/schema.hpp"

#include <gtest/gtest.h>

#include <array>

namespace zettatwin::config {

enum class Kind { hbm, lpddr };
constexpr std::array kKinds{Word{"hbm", 0, "stacked"}, Word{"lpddr", 1, "planar"}};

struct Memory {
  Figure<units::Bytes> capacity;
  Figure<units::BytesPerSecond> bandwidth;
  Kind kind = Kind::hbm;
};
void describe(Schema& s, Memory& m) {
  s.figure("capacity", m.capacity, "size", kRequired);
  s.figure("bandwidth", m.bandwidth, "speed per direction", kRequired);
  s.choice("kind", m.kind, kKinds, "technology");
}

struct Part {
  std::string name;
  std::int64_t count = 1;
};
void describe(Schema& s, Part& p) {
  s.text("name", p.name, "its name", kRequired);
  s.integer("count", p.count, "how many", {.range = {1, 100}});
}

struct Device {
  std::string name;
  std::int64_t cores = 0;
  bool shared = false;
  double efficiency = 1;
  units::Seconds latency;
  Memory memory;
  std::optional<Part> host;
  std::vector<Part> parts;
  std::map<std::string, Part> named;
  std::map<Kind, Figure<units::FlopPerSecond>> peaks;
  std::vector<std::string> tags;
  Node more;
};
void describe(Schema& s, Device& d) {
  s.text("name", d.name, "its name", kRequired);
  s.integer("cores", d.cores, "cores", kRequired);
  s.boolean("shared", d.shared, "whether shared");
  s.number("efficiency", d.efficiency, "achieved part", {.range = kFraction});
  s.quantity("latency", d.latency, "of a message");
  s.object("memory", d.memory, "memory", kRequired);
  s.optional_object("host", d.host, "host");
  s.list("parts", d.parts, "parts");
  s.table("named", d.named, "named parts");
  s.figures("peaks", d.peaks, kKinds, "peak rates");
  s.texts("tags", d.tags, "tags");
  s.node("more", d.more, "anything");
  s.check(d.cores != 13, "13 cores are bad luck", "of course", "take 12");
}

namespace {

struct Outcome {
  Device device;
  std::string text;
  std::size_t errors = 0;
};
Outcome read_device(const std::string& text, FigureForm form = FigureForm::bare_allowed) {
  Outcome outcome;
  Diagnostics diagnostics;
  const auto root = parse_document(text, "d.yaml", diagnostics);
  if (root) read(*root, "device", form, diagnostics, outcome.device);
  for (const auto& one : diagnostics.all()) outcome.text += one.text() + "\n";
  outcome.errors = diagnostics.error_count();
  return outcome;
}
const std::string kGood =
    "name: d1\ncores: 32\nshared: true\nefficiency: 0.5\nlatency: 2 us\n"
    "memory: {capacity: {value: 144 GB, source: datasheet, confidence: claimed, note: rounded, low: 140 GB, "
    "high: 150 GB}, bandwidth: 4 TB/s, kind: lpddr}\n"
    "host: {name: h}\nparts: [{name: p, count: 3}, {name: q}]\nnamed: {left: {name: l}}\npeaks: {hbm: 2 "
    "PFLOP/s}\ntags: [a, b]\nmore: {free: [1, 2]}\n";

::testing::AssertionResult says(const Outcome& outcome, std::initializer_list<std::string> parts) {
  for (const auto& part : parts)
    if (outcome.text.find(part) == std::string::npos)
      return ::testing::AssertionFailure() << "'" << part << "' is not in:\n" << outcome.text;
  return ::testing::AssertionSuccess();
}

TEST(Reader, FillsEveryKindOfField) {
  const auto [d, text, errors] = read_device(kGood);
  ASSERT_EQ(errors, 0u) << text;
  EXPECT_EQ(d.name, "d1");
  EXPECT_EQ(d.cores, 32);
  EXPECT_TRUE(d.shared);
  EXPECT_DOUBLE_EQ(d.efficiency, 0.5);
  EXPECT_DOUBLE_EQ(d.latency.si(), 2e-6);
  EXPECT_DOUBLE_EQ(d.memory.capacity.si(), 144e9);
  EXPECT_EQ(d.memory.capacity.provenance.source, "datasheet");
  EXPECT_EQ(d.memory.capacity.provenance.confidence, Confidence::claimed);
  EXPECT_DOUBLE_EQ(d.memory.capacity.provenance.high_si, 150e9);
  EXPECT_EQ(d.memory.bandwidth.provenance.source, "d.yaml:6:130");  // a bare value's source is its line
  EXPECT_EQ(d.memory.bandwidth.provenance.confidence, Confidence::stated);
  EXPECT_EQ(d.memory.kind, Kind::lpddr);
  EXPECT_EQ(d.host->name, "h");
  ASSERT_EQ(d.parts.size(), 2u);
  EXPECT_EQ(d.parts[0].count, 3);
  EXPECT_EQ(d.parts[1].count, 1);
  EXPECT_EQ(d.named.at("left").name, "l");
  EXPECT_DOUBLE_EQ(d.peaks.at(Kind::hbm).si(), 2e15);
  EXPECT_EQ(d.tags.size(), 2u);
  EXPECT_EQ(d.more.find("free")->items.size(), 2u);
}

TEST(Reader, ReportsAllProblemsAtOnceWithPlaces) {
  const auto outcome = read_device(
      "name: d1\ncors: 32\nshared: maybe\nefficiency: 1.5\nlatency: 4 GB\nmemory: {capacity: 144, bandwith: "
      "4 TB/s, kind: hmb}\nparts: [{count: 1000}, 7]\ntags: {a: b}\n");
  EXPECT_TRUE(
      says(outcome,
           {"d.yaml:2:1: error: unknown key 'cors' in device; did you mean 'cores'?", "device lacks 'cores'",
            "d.yaml:3:9: error: 'shared' of device must be true or false, not 'maybe'",
            "d.yaml:4:13: error: 'efficiency' of device is 1.5 (must lie in (0, 1])",
            "d.yaml:5:10: error: 'latency' of device has the wrong unit: '4 GB' (it needs a unit such as us, "
            "not B)",
            "'capacity' of device.memory has the wrong unit: '144' (it needs a unit such as GB)",
            "unknown key 'bandwith' in device.memory; did you mean 'bandwidth'?",
            "device.memory lacks 'bandwidth'",
            "'hmb' is not a known kind of device.memory (known: hbm, lpddr); did you mean 'hbm'?",
            "device.parts[0] lacks 'name'", "'count' of device.parts[0] is 1000 (must lie in [1, 100])",
            "device.parts[1] must be a mapping", "'tags' of device must be a list"}));
  EXPECT_EQ(outcome.errors, 13u) << outcome.text;
}

TEST(Reader, CatalogFiguresNeedSourceAndConfidence) {
  const auto outcome = read_device(
      "name: d\ncores: 1\nmemory: {capacity: 144 GB, bandwidth: {value: 4 TB/s, sorce: x, confidence: "
      "sure}}\n",
      FigureForm::provenance_required);
  EXPECT_TRUE(
      says(outcome, {"'capacity' of device.memory has no source",
                     "unknown key 'sorce' in figure device.memory.bandwidth", "did you mean 'source'?",
                     "'sure' is not a confidence", "figure device.memory.bandwidth has no source"}));
}

TEST(Reader, FiguresOutOfTheirOwnRangeAreErrors) {
  EXPECT_TRUE(says(
      read_device(
          "name: d\ncores: 1\nmemory: {capacity: {value: 9 GB, low: 1 GB, high: 2 GB}, bandwidth: 1 GB/s}"),
      {"does not lie between its low and high"}));
  EXPECT_TRUE(says(read_device("name: d\ncores: 1\nmemory: {capacity: {source: x}, bandwidth: -1 GB/s}"),
                   {"figure device.memory.capacity lacks 'value'", "must be above 0 B/s"}));
}

TEST(Reader, HostileValuesAreDiagnostics) {
  for (const std::string value : {"nan", "NaN", ".inf", "Infinity", "1e999", "-1", "1.5",
                                  "99999999999999999999", "[1]", "{a: 1}", "'32'", "0x20", "32 GB"})
    EXPECT_TRUE(
        says(read_device("name: d\ncores: " + value + "\nmemory: {capacity: 1 GB, bandwidth: 1 GB/s}"),
             {"'cores'"}))
        << value;
  for (const auto* text : {"[]", "7", "~", "name: [x]", "memory: 3", "parts: 4", "named: [1]", "peaks: 5",
                           "peaks: {gddr: 1 TFLOP/s}", "host: []"})
    EXPECT_GT(read_device(text).errors, 0u) << text;
}

TEST(Reader, CrossFieldChecksCarryTheirAdvice) {
  EXPECT_TRUE(says(read_device("name: d\ncores: 13\nmemory: {capacity: 1 GB, bandwidth: 1 GB/s}"),
                   {"d.yaml:1:1: error: 13 cores are bad luck (of course); take 12"}));
}

TEST(Reference, ListsEveryPathOnce) {
  std::vector<std::string> paths;
  for (const auto& row : reference_of<Device>()) paths.push_back(row.path);
  for (const auto* path : {"name", "memory", "memory.capacity", "host.name", "parts", "parts[].count",
                           "named.<name>.count", "peaks", "tags", "more"})
    EXPECT_EQ(std::count(paths.begin(), paths.end(), path), 1) << path;
}

TEST(Lister, GivesValuesWithProvenance) {
  const auto device = read_device(kGood).device;
  bool seen = false;
  for (const auto& row : values_of(device))
    if (row.path == "memory.capacity") {
      seen = true;
      EXPECT_EQ(row.value, "144.0 GB");
      EXPECT_DOUBLE_EQ(row.si, 144e9);
      EXPECT_EQ(row.provenance->source, "datasheet");
    }
  EXPECT_TRUE(seen);
}

Node scalar(const std::string& text, bool quoted = false) {
  Node node;
  node.kind = Node::Kind::scalar;
  node.text = text;
  node.quoted = quoted;
  return node;
}

TEST(Scalars, BooleansAndNumbersAsYamlAndJsonSpellThem) {
  EXPECT_EQ(as_boolean(scalar("true")), true);
  EXPECT_EQ(as_boolean(scalar("off")), false);
  EXPECT_EQ(as_boolean(scalar("1")), std::nullopt);
  EXPECT_EQ(as_boolean(scalar("true", true)), std::nullopt);
  EXPECT_EQ(as_integer(scalar("1e3")), 1000);
  EXPECT_EQ(as_integer(scalar("-7")), -7);
  EXPECT_EQ(as_integer(scalar("1.5")), std::nullopt);
  EXPECT_EQ(as_integer(scalar("1e16")), std::nullopt);
  EXPECT_EQ(as_number(scalar("nan")), std::nullopt);
  EXPECT_EQ(as_number(scalar("2", true)), std::nullopt);
}

}  // namespace
}  // namespace zettatwin::config
