// SPDX-License-Identifier: Apache-2.0
// Faults as text: what is read, what is filled in, what is refused.
#include "cases.hpp"

namespace zettatwin::traffic {
namespace {

using namespace test;

std::string refusal(const std::string& text) {
  static const auto machine = catalog_machine("atlas-950-supercluster");
  config::Diagnostics diagnostics;
  const auto fault = parse_fault(text, machine, config::location_in("--fault"), diagnostics);
  EXPECT_EQ(fault.has_value(), !diagnostics.has_errors()) << text;
  std::string all;
  for (const auto& d : diagnostics.all()) all += d.text() + "\n";
  return all;
}

Place place(const std::string& text) {
  const auto machine = catalog_machine("atlas-950-supercluster");
  const auto faults = faults_of(machine, {text});
  return faults.empty() ? Place{} : faults[0].place;
}

TEST(FaultText, APathFromTheOutside) {
  const auto p = place("slow-link@pod=3/cabinet=17/board=2/npu=5/port=up:0.5");
  EXPECT_EQ(p.coordinate, (std::vector<std::int64_t>{5, 2, 17, 3}));
  EXPECT_EQ(p.port, 2u) << "the first level that has switches";
  EXPECT_EQ(place("slow-link@pod=3/cabinet=17/board=2/npu=5/port=pod:0.5"), p);
  EXPECT_EQ(place("slow-chip@chip=5:0.5").coordinate, (std::vector<std::int64_t>{5, 0, 0, 0})) << "by symmetry any will do";
}

TEST(FaultText, LinksPlanesAndSwitches) {
  const auto link = place("dead-link@pod=1/npu=2/port=board/peer=7");
  EXPECT_EQ(link.peer, 7);
  EXPECT_EQ(link.port, 0u);
  const auto plane = place("dead-plane@port=cluster/plane=1");
  EXPECT_EQ(plane.coordinate, std::vector<std::int64_t>(4, Place::kEvery));
  const auto a_switch = place("dead-switch@pod=9/port=pod/plane=3");
  EXPECT_EQ(a_switch.coordinate, (std::vector<std::int64_t>{Place::kEvery, Place::kEvery, Place::kEvery, 9}));
}

TEST(FaultText, PlacesPrintAsTheyAreRead) {
  const auto machine = catalog_machine("atlas-950-supercluster");
  for (const auto* text : {"pod=3/cabinet=17/board=2/npu=5/port=pod", "pod=0/cabinet=0/board=0/npu=1/port=board/peer=2", "pod=0/cabinet=0/board=0/npu=1/port=cluster/plane=1"})
    EXPECT_EQ(place_text(place("slow-link@" + std::string(text) + ":0.5"), machine), text);
}

TEST(FaultText, WhatIsRefused) {
  EXPECT_NE(refusal("slow-chips@npu=1:0.5").find("did you mean 'slow-chip'"), std::string::npos);
  EXPECT_NE(refusal("slow-chip@npu=8:0.5").find("0 to 7"), std::string::npos);
  EXPECT_NE(refusal("slow-chip@npu=1").find("write slow-chip@npu=1:0.5"), std::string::npos);
  EXPECT_NE(refusal("slow-chip@npu=1:0").find("not a fraction"), std::string::npos);
  EXPECT_NE(refusal("slow-chip@npu=1:nan").find("not a fraction"), std::string::npos);
  EXPECT_NE(refusal("slow-chip@npu=1:1.5").find("not a fraction"), std::string::npos);
  EXPECT_NE(refusal("dead-chip@npu=1:0.5").find("takes no factor"), std::string::npos);
  EXPECT_NE(refusal("slow-chip@cabinett=1:0.5").find("did you mean 'cabinet'"), std::string::npos);
  EXPECT_NE(refusal("slow-chip@npu:0.5").find("unit=index"), std::string::npos);
  EXPECT_NE(refusal("slow-chip@npu=1/npu=2:0.5").find("given twice"), std::string::npos);
  EXPECT_NE(refusal("slow-chip@npu=-1:0.5").find("not an index"), std::string::npos);
  EXPECT_NE(refusal("slow-chip@npu=1/port=up:0.5").find("about a chip"), std::string::npos);
  EXPECT_NE(refusal("dead-link@npu=1/port=board/peer=1").find("the place itself"), std::string::npos);
  EXPECT_NE(refusal("dead-link@npu=1/port=board/peer=9").find("no peer 9"), std::string::npos);
  EXPECT_NE(refusal("dead-link@npu=1/port=pod/peer=2").find("switched"), std::string::npos);
  EXPECT_NE(refusal("dead-plane@port=board").find("neither switches nor planes"), std::string::npos);
  EXPECT_NE(refusal("dead-plane@port=cluster/plane=2").find("0 to 1"), std::string::npos);
  EXPECT_NE(refusal("dead-switch@npu=2/port=pod").find("name at most one pod"), std::string::npos);
  EXPECT_NE(refusal("dead-link@port=row").find("no level 'row'"), std::string::npos);
  {
    const auto rails = catalog_machine("dgx-h100");
    config::Diagnostics diagnostics;
    EXPECT_FALSE(parse_fault("dead-link@gpu=3/port=cluster/plane=2", rails, config::location_in("--fault"), diagnostics)) << "gpu 3 is on rail 3";
    EXPECT_TRUE(parse_fault("dead-link@gpu=3/port=cluster/plane=3", rails, config::location_in("--fault"), diagnostics));
  }
  EXPECT_NE(refusal("").find("unknown fault ''"), std::string::npos);
}

}  // namespace
}  // namespace zettatwin::traffic
