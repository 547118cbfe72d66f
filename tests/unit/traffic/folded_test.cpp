// SPDX-License-Identifier: Apache-2.0
// Folding changes no time: classes against every rank on its own, on random machines with up to three faults; and relabelling changes no bit.
#include <numeric>

#include "random_cases.hpp"

namespace zettatwin::traffic {
namespace {

using namespace test;

// Whether the group has a border inside a level, so that the level's units are not alike to it.
bool cuts_levels(const hardware::Machine& machine, const space::View& group) {
  const auto fabric = topology::whole(machine);
  const auto is_border = [&](std::int64_t edge) {
    bool found = edge == 1;
    for (std::size_t l = 0; l < fabric.used.size(); ++l) found = found || fabric.ranks_within(l) == edge;
    return found;
  };
  const auto& atom = group.atoms.front();
  return !is_border(atom.stride) || !is_border(atom.stride * atom.size);
}

TEST(Folded, EqualsUnfolded) {
  int possible = 0, folded_classes = 0, unfolded_classes = 0;
  for (std::uint64_t seed = 0; seed < 1500; seed += kThinning) {
    Random r(seed);
    auto [machine, ask] = random_case(r, 3, 64);
    const auto folded = answer(machine, ask);
    ask.fidelity = Fidelity::unfolded;
    const auto unfolded = answer(machine, ask);
    EXPECT_EQ(folded.impossible.empty(), unfolded.impossible.empty()) << "seed " << seed;
    if (!folded.impossible.empty()) continue;
    ++possible;
    const double time = unfolded.time.seconds().si();
    EXPECT_NEAR(folded.time.seconds().si(), time, 1e-9 * time + 4e-12) << "seed " << seed << ": " << machine.chips() << " chips, " << network::name_of(ask.op);
    EXPECT_EQ(folded.flows, unfolded.flows) << "seed " << seed;
    EXPECT_LE(folded.classes.flows, unfolded.classes.flows) << "seed " << seed;
    folded_classes += static_cast<int>(folded.classes.flows);
    unfolded_classes += static_cast<int>(unfolded.classes.flows);
  }
  RecordProperty("possible", possible);
  EXPECT_GT(possible, 1000 / static_cast<int>(kThinning));
  EXPECT_LT(folded_classes, kThinning > 1 ? unfolded_classes : unfolded_classes / 2) << "folding folds";
}

// Other names for the units of a level, the same for faults and for what they name.
TEST(Folded, RelabellingChangesNoBit) {
  int changed = 0;
  for (std::uint64_t seed = 0; seed < 1500; seed += kThinning) {
    Random r(seed + 50000);
    auto [machine, ask] = random_case(r, 3, 64);
    ask.received.clear();  // which name members
    const auto before = answer(machine, ask);
    const auto faults = ask.faults;
    for (std::size_t l = 0; l < machine.levels.size(); ++l) {
      const auto& network = machine.levels[l].network;
      std::vector<std::int64_t> name(static_cast<std::size_t>(machine.levels[l].size));
      std::iota(name.begin(), name.end(), 0);
      // A torus may be turned; leaves and rails, which begin at certain units, keep their names.
      const bool rails = std::any_of(machine.levels.begin(), machine.levels.end(), [](const auto& level) { return level.network.ports_per_chip > 0; });
      if (network.kind == NetworkKind::torus) std::rotate(name.begin(), name.begin() + r.between(0, network.torus[1] - 1) * network.torus[0], name.end());
      else if (network.units_per_leaf == 0 && (l > 0 || !rails))
        for (std::size_t i = name.size(); i > 1; --i) std::swap(name[i - 1], name[static_cast<std::size_t>(r.between(0, static_cast<std::int64_t>(i) - 1))]);
      for (auto& fault : ask.faults) {
        if (auto& c = fault.place.coordinate[l]; c != Place::kEvery) c = name[static_cast<std::size_t>(c)];
        if (fault.place.peer && fault.place.port == l) fault.place.peer = name[static_cast<std::size_t>(*fault.place.peer)];
      }
    }
    if (cuts_levels(machine, ask.group)) continue;
    const auto after = answer(machine, ask);
    changed += ask.faults.empty() || ask.faults[0].place == faults[0].place ? 0 : 1;
    EXPECT_EQ(after.impossible.empty(), before.impossible.empty()) << "seed " << seed;
    EXPECT_EQ(after.time, before.time) << "seed " << seed;
    EXPECT_EQ(after.classes.flows, before.classes.flows) << "seed " << seed;
  }
  EXPECT_GT(changed, 300 / static_cast<int>(kThinning));
}

TEST(Folded, TheNameOfTheFaultyChipChangesNoBit) {
  const auto machine = catalog_machine("atlas-950-superpod");
  const auto time = [&](const std::string& place) {
    return answer(machine, {.bytes = 1e8, .group = {}, .faults = faults_of(machine, {"slow-link@" + place + "/port=pod:0.3", "dead-link@" + place + "/port=board/peer=7"})}).time;
  };
  const auto first = time("cabinet=0/board=0/npu=0");
  for (const auto* place : {"cabinet=127/board=7/npu=6", "cabinet=64/board=1/npu=3", "cabinet=1/board=0/npu=5"}) EXPECT_EQ(time(place), first) << place;
}

}  // namespace
}  // namespace zettatwin::traffic
