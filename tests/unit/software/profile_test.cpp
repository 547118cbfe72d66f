// SPDX-License-Identifier: Apache-2.0
#include "software/profile.hpp"

#include "../../support/software.hpp"

namespace zettatwin::software {
namespace {

std::optional<Profile> in_place(const std::string& text, config::Diagnostics& diagnostics, const std::string& changes = "") {
  const auto node = config::parse_document(text, "scenario.yaml", diagnostics);
  const auto over = changes.empty() ? std::optional(config::Node{}) : config::parse_document(changes, "changes.yaml", diagnostics);
  return node && over ? profile_from(test::CatalogFiles{}, *node, *over, diagnostics) : std::nullopt;
}

TEST(Profile, EveryOneOfTheCatalogLoadsWithProvenance) {
  const test::CatalogFiles catalog;
  const auto names = catalog.list("software");
  EXPECT_GE(names.size(), 8u);
  for (const auto& name : names) {
    config::Diagnostics diagnostics;
    const auto profile = load_profile(catalog, name, {}, diagnostics);
    ASSERT_TRUE(profile) << test::text_of(diagnostics);
    EXPECT_TRUE(diagnostics.all().empty()) << test::text_of(diagnostics);
    for (const auto* moved : {&profile->norm, &profile->residual, &profile->activation, &profile->gated_activation, &profile->cross_entropy}) {
      EXPECT_GT(moved->forward.si(), 0) << name;
      EXPECT_GT(moved->backward.si(), 0) << name;
      EXPECT_FALSE(moved->forward.provenance.source.empty()) << name;
    }
    EXPECT_EQ(profile->flash_attention, !profile->scores.forward.present) << name;
  }
}

TEST(Profile, DefaultIsFusedWithFlashAttention) {
  config::Diagnostics diagnostics;
  const auto profile = profile_from(test::CatalogFiles{}, config::Node{}, config::Node{}, diagnostics);
  ASSERT_TRUE(profile) << test::text_of(diagnostics);
  EXPECT_EQ(profile->name, kDefault);
  EXPECT_TRUE(profile->flash_attention);
  EXPECT_EQ(profile->eager_factor(), 1);
  EXPECT_TRUE(profile->recomputes(Module::layernorm));
  EXPECT_FALSE(profile->recomputes(Module::core_attn));
}

TEST(Profile, ChangesInPlaceAndOnTop) {
  config::Diagnostics diagnostics;
  const auto profile = in_place("{extends: megatron-2022, eager: 1.5, selective: [core_attn, mlp_act]}", diagnostics, "{workspace: 3 GiB, loss: eager}");
  ASSERT_TRUE(profile) << test::text_of(diagnostics);
  EXPECT_FALSE(profile->flash_attention) << "inherited";
  EXPECT_EQ(profile->eager_factor(), 1.5);
  EXPECT_EQ(profile->workspace.si(), 3 * units::GiB.si());
  EXPECT_EQ(profile->loss, LossKernel::eager);
  EXPECT_TRUE(profile->recomputes(Module::mlp_act));
  EXPECT_FALSE(profile->recomputes(Module::layernorm));
}

std::optional<Profile> dated(const std::string& name, config::Diagnostics& diagnostics) { return load_profile(test::CatalogFiles{}, name, {}, diagnostics); }

TEST(Profile, ADatePicksTheGeneration) {
  config::Diagnostics diagnostics;
  const auto today = dated("megatron-core", diagnostics), late = dated("megatron-core@2026", diagnostics);
  const auto no_deepep = dated("megatron-core@2025-04", diagnostics), unfused = dated("megatron-core@2024-12-31", diagnostics);
  const auto flash1 = dated("megatron-core@2023-04", diagnostics), y2022 = dated("megatron-core@2022-06", diagnostics), y2021 = dated("megatron-core@2021", diagnostics);
  ASSERT_TRUE(today && late && no_deepep && unfused && flash1 && y2022 && y2021) << test::text_of(diagnostics);
  EXPECT_EQ(late->dispatcher, Dispatcher::deduplicated);
  EXPECT_EQ(no_deepep->dispatcher, Dispatcher::all_to_all);
  EXPECT_EQ(no_deepep->permutation.forward.si(), today->permutation.forward.si());
  EXPECT_GT(unfused->permutation.forward.si(), today->permutation.forward.si()) << "changes of later dates hold too";
  EXPECT_EQ(unfused->dispatcher, Dispatcher::all_to_all);
  EXPECT_EQ(unfused->attention, AttentionKernel::best);
  EXPECT_EQ(flash1->attention, AttentionKernel::flash1);
  EXPECT_TRUE(flash1->flash_attention);
  EXPECT_FALSE(y2022->flash_attention);
  EXPECT_FALSE(y2022->accumulation.present);
  EXPECT_TRUE(y2021->accumulation.present);
  EXPECT_EQ(flash1->name, "megatron-core@2023-04");
}

TEST(Profile, AProfileInPlaceMayExtendADatedOne) {
  config::Diagnostics diagnostics;
  const auto profile = in_place("{extends: megatron-core@2024-12, dropout: true}", diagnostics);
  ASSERT_TRUE(profile) << test::text_of(diagnostics);
  EXPECT_EQ(profile->dispatcher, Dispatcher::all_to_all);
  EXPECT_TRUE(profile->dropout);
}

TEST(Profile, WhatIsNoDate) {
  for (const auto* name : {"megatron-core@", "megatron-core@24-12", "megatron-core@2024-1", "megatron-core@2024-12-3", "megatron-core@summer"}) {
    config::Diagnostics diagnostics;
    EXPECT_FALSE(dated(name, diagnostics)) << name;
    EXPECT_NE(test::text_of(diagnostics).find("is no date"), std::string::npos) << test::text_of(diagnostics);
  }
  config::Diagnostics diagnostics;
  EXPECT_FALSE(in_place("{title: mine, generations: [{before: soon, set: {dropout: true}}]}", diagnostics));
  EXPECT_NE(test::text_of(diagnostics).find("'soon' is no date"), std::string::npos);
}

TEST(Profile, SaysWhatIsWrong) {
  config::Diagnostics diagnostics;
  EXPECT_FALSE(in_place("{extends: megatron-core, selective: [core_atn], flash_attention: false, nrom: {forward: 4 B}}", diagnostics));
  const auto text = test::text_of(diagnostics);
  EXPECT_NE(text.find("core_atn"), std::string::npos);
  EXPECT_NE(text.find("unfused attention needs scores"), std::string::npos);
  EXPECT_NE(text.find("did you mean 'norm'"), std::string::npos);
  config::Diagnostics unknown;
  EXPECT_FALSE(in_place("megatron-cor", unknown));
  EXPECT_NE(test::text_of(unknown).find("did you mean 'megatron-core'"), std::string::npos);
}

}  // namespace
}  // namespace zettatwin::software
