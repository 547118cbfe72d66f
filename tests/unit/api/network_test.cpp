// SPDX-License-Identifier: Apache-2.0
// Surveys of networks: every machine of the catalog, by hand for some, sizes, bad questions, and the JSON's contract.
#include "api/network.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "../../support/ask.hpp"
#include "../../support/places.hpp"

namespace zettatwin::api {
namespace {

using Json = nlohmann::json;

struct Surveyed {
  std::unique_ptr<NetworkAnswer> answer;
  config::Diagnostics diagnostics;

  [[nodiscard]] Json json() const { return Json::parse(report::json(answer->subject())); }
  [[nodiscard]] bool says(std::string_view text) const { return test::text_of(diagnostics).find(text) != std::string::npos; }
};

Surveyed survey_of(const std::string& question) {
  Surveyed s;
  const auto node = config::parse_document(question, "question.yaml", s.diagnostics);
  if (node) s.answer = network(*node, test::CatalogFiles{}, s.diagnostics);
  return s;
}

Surveyed survey_of(const std::string& machine, std::int64_t chips) { return survey_of("machine: " + machine + (chips > 0 ? "\nchips: " + std::to_string(chips) : "")); }

TEST(Network, OfTheSuperCluster) {
  const auto s = survey_of("atlas-950-supercluster", 0);
  ASSERT_TRUE(s.answer) << test::text_of(s.diagnostics);
  const auto r = s.json()["results"];
  EXPECT_EQ(r["levels"].size(), 4u);
  EXPECT_DOUBLE_EQ(r["levels"][2]["bisection"]["bandwidth_bytes_per_s"], 4096 * 224e9);
  EXPECT_DOUBLE_EQ(r["levels"][2]["achieved_bytes_per_s"], 0.77 * 224e9);
  EXPECT_DOUBLE_EQ(r["levels"][3]["taper"], 2.24);
  EXPECT_EQ(r["links"][0]["count"], 65536 * 28);
  EXPECT_EQ(r["links"][2]["count"], 524288 * 8);
  EXPECT_EQ(r["links"].size(), 6u) << "board, cabinet, pod, cluster and two tiers above its leaves";
  EXPECT_DOUBLE_EQ(r["bisection"]["bandwidth_bytes_per_s"], 262144 * 100e9);
  EXPECT_DOUBLE_EQ(r["ports"]["scale_up_per_chip_bytes_per_s"], 1008e9);
  EXPECT_DOUBLE_EQ(r["ports"]["headline_bytes_per_s"], 2 * 8192 * 1008e9);
  EXPECT_EQ(r["paths"]["pairs"], 524288ll * 524287);
  EXPECT_EQ(r["paths"]["most_hops"], 6);
  EXPECT_EQ(r["all_to_all"]["bottleneck"]["levels"], Json::array({"cluster"}));
  EXPECT_DOUBLE_EQ(r["all_to_all"]["wire_time_s"], 63.0 / 64 * 1e6 / 85e9);
  EXPECT_GT(r["all_to_all"]["time_s"].get<double>(), r["all_to_all"]["wire_time_s"].get<double>());
  EXPECT_EQ(r["inventory"]["switches"], 64 * 256 + 39000);
  EXPECT_DOUBLE_EQ(r["inventory"]["power_w"], 64 * 256 * 3e3 + 39000 * 1.5e3 + 2220000 * 14.0);
}

TEST(Network, HeadlinesAreBothDirectionsOfTheMemoryFabric) {
  const auto ports = [](const std::string& machine, std::int64_t chips = 0) { return survey_of(machine, chips).json()["results"]["ports"]; };
  const auto pod = ports("atlas-950-superpod");
  EXPECT_NEAR(pod["published_bytes_per_s"].get<double>() / pod["headline_bytes_per_s"].get<double>(), 0.987, 0.001);
  const auto rack = ports("gb200-nvl72");
  EXPECT_EQ(rack["scale_up_chips"], 72);
  EXPECT_NEAR(rack["published_bytes_per_s"].get<double>() / rack["headline_bytes_per_s"].get<double>(), 1, 0.005);
  EXPECT_TRUE(ports("gb200-nvl72", 144).contains("published_bytes_per_s")) << "of one rack";
  EXPECT_FALSE(ports("atlas-950-superpod", 1024).contains("published_bytes_per_s")) << "of a pod of 8,192";
  EXPECT_DOUBLE_EQ(ports("cloudmatrix384")["scale_up_per_chip_bytes_per_s"], 466e9);
}

TEST(Network, OfSmallerAndLargerMachines) {
  EXPECT_EQ(survey_of("atlas-950-superpod", 64).answer->survey.levels.size(), 2u);
  EXPECT_EQ(survey_of("dgx-h100", 16384).answer->survey.paths.pairs, 16384ll * 16383);
  const auto one = survey_of("dgx-h100", 1);
  ASSERT_TRUE(one.answer);
  EXPECT_FALSE(one.json()["results"].contains("bisection"));
  EXPECT_NE(report::text(one.answer->subject()).find("one chip has no network"), std::string::npos);
  const auto rounded = survey_of("gb200-nvl72", 256);
  ASSERT_TRUE(rounded.answer);
  EXPECT_EQ(rounded.answer->survey.chips, 288);
  EXPECT_TRUE(rounded.says("the answer is for 288"));
  EXPECT_EQ(survey_of("machine: {extends: dgx-h100, nodes: 4}").answer->survey.chips, 32);
}

TEST(Network, BadQuestionsAreDiagnosed) {
  const auto refused = [](const std::string& question, std::string_view why) {
    const auto s = survey_of(question);
    EXPECT_FALSE(s.answer);
    EXPECT_TRUE(s.says(why)) << test::text_of(s.diagnostics);
  };
  refused("machine: dgx-h1000", "did you mean 'dgx-h100'");
  refused("machine: dgx-h100\nchips: many", "chips");
  refused("machine: dgx-h100\nchips: 0", "chips");
  refused("machine: atlas-950-superpod\nchips: 16384", "at most 8,192");
  refused("machine: dgx-h100\nchips: 4000000000", "too many");
  refused("machine: dgx-h100\nships: 8", "did you mean 'chips'");
  refused("chips: 8", "machine");
  refused("machine: {extends: ironwood-pod, levels: {pod: {size: 1000000, network: {torus: [1000000]}}}}", "too long");
}

// What must hold of any network.
void expect_sound(const std::string& name, const Surveyed& surveyed) {
  const auto& s = surveyed.answer->survey;
  const auto n = s.chips;
  EXPECT_EQ(s.paths.pairs, n * (n - 1)) << name;
  ASSERT_FALSE(s.levels.empty()) << name;
  EXPECT_GT(s.all_to_all.time.si(), 0) << name;
  EXPECT_GE(surveyed.answer->all_to_all.time.seconds().si(), 0.99 * s.all_to_all.time.si()) << name;
  for (std::size_t c = 0; c < s.links.size(); ++c) {
    EXPECT_GT(s.all_to_all.utilisation(c), 0) << name;
    EXPECT_LE(s.all_to_all.utilisation(c), 1) << name;
    EXPECT_EQ(s.links[c].count, s.links[c].per_unit * s.levels[s.links[c].levels.front()].count) << name;
  }
  // No traffic that fits the machine's ports crosses its bisection faster than they allow.
  EXPECT_LE(s.bisection->bandwidth.si(), static_cast<double>(s.bisection->chips) * (s.scale_up_ports + s.scale_out_ports).si() * (1 + 1e-12)) << name;
  const double crossing = static_cast<double>(s.bisection->chips) * static_cast<double>(n - s.bisection->chips) / static_cast<double>(n) * s.all_to_all.bytes.si();
  EXPECT_GE(s.all_to_all.time.si(), crossing / s.bisection->achieved.si() * (1 - 1e-12)) << name;
  for (const auto& level : s.levels) EXPECT_NE(report::text(surveyed.answer->subject()).find(level.level.name), std::string::npos) << name;
  EXPECT_EQ(report::json(surveyed.answer->subject()).find("null"), std::string::npos) << name;
}

TEST(Network, OfEveryMachineOfTheCatalog) {
  const auto names = test::CatalogFiles{}.list("machines");
  ASSERT_GE(names.size(), 20u);
  for (const auto& name : names) {
    const auto s = survey_of(name, 0);
    ASSERT_TRUE(s.answer) << name << test::text_of(s.diagnostics);
    expect_sound(name, s);
  }
}

// Without launch, latency and ramp the collective's own model is the load of the links, where it is exact.
TEST(Network, UniformTrafficIsThatOfTheCollective) {
  for (const auto& name : test::CatalogFiles{}.list("machines")) {
    auto machine = std::move(survey_of(name, 0).answer->machine);
    bool exact = true;
    for (auto& level : machine.levels) {
      auto& network = level.network;
      network.latency.value = network.message_gap.value = network.launch.value = {};
      network.half_message.value = {};
      if (network.rates) network.rates->latency = {};
      exact = exact && network.kind != hardware::NetworkKind::torus;
    }
    if (!exact) continue;
    const auto s = topology::survey(machine);
    const auto fabric = topology::whole(machine);
    const auto time = network::collective_time(fabric, {.op = network::Collective::all_to_all, .bytes = s.all_to_all.bytes, .spread = {fabric.used}}).time;
    EXPECT_NEAR(time.seconds().si(), s.all_to_all.time.si(), 1e-12) << name;  // picoseconds
  }
}

void expect_documented(const std::string& text, const Json& value, const std::string& path) {
  if (path.ends_with(".hops_on")) return;
  if (value.is_array()) {
    for (const auto& item : value) expect_documented(text, item, path + "[]");
  } else if (value.is_object()) {
    for (const auto& [key, child] : value.items()) {
      const bool found = text.find("`" + key + "`") != std::string::npos || text.find("`results." + key + "`") != std::string::npos;
      EXPECT_TRUE(found) << path << "." << key << " is not documented";
      expect_documented(text, child, path + "." + key);
    }
  }
}

TEST(Network, EveryNameOfTheJsonIsDocumented) {
  std::ifstream file(test::source_dir() / "docs/json.md");
  const std::string all(std::istreambuf_iterator<char>(file), {});
  const auto start = all.find("## `network`");
  ASSERT_NE(start, std::string::npos);
  for (const std::string machine : {"atlas-950-supercluster", "ironwood-pod", "atlas-950-superpod", "cloudmatrix384"}) expect_documented(all.substr(start), survey_of(machine, 0).json(), "");
}

}  // namespace
}  // namespace zettatwin::api
