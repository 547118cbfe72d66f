// SPDX-License-Identifier: Apache-2.0
// Bytes by hand.
#include <gtest/gtest.h>

#include "served.hpp"

namespace zettatwin::inference {
namespace {

using test::free_software;
using test::served;
using test::Toy;
using test::toy_machine;
using test::toy_model;

double part(const InstanceMemory& m, const std::string& name) {
  for (const auto& p : m.parts)
    if (p.name == name) return p.bytes.si();
  return -1;
}

TEST(Weights, OfADenseModelByPart) {
  const auto s = served(toy_machine(), toy_model(), free_software(), "tp=2,weights=fp8,instances=1");
  const auto& m = s.pools[0].memory;
  EXPECT_EQ(part(m, "attention"), 2 * 4 * 512 * 512 / 2);             // one byte, half of the heads
  EXPECT_EQ(part(m, "dense feed-forward"), 2 * 2 * 512 * 1024 / 2);
  EXPECT_EQ(part(m, "routers and norms"), 2 * 2 * 512 * 2);           // whole, two bytes
  EXPECT_EQ(part(m, "embedding and head"), 2 * 2 * 1024 * 512 / 2);
}

TEST(Weights, OfAnOutputProjectionInAFormatOfItsOwn) {
  const auto s = served(toy_machine(), toy_model(), free_software(), "tp=2,attention=bf16,attention_output=fp8,weights=fp8,instances=1");
  EXPECT_EQ(part(s.pools[0].memory, "attention"), 2 * 512 * 512 * (3 * 2 + 1) / 2);  // queries, keys and values in two bytes, the output in one
}

TEST(Weights, OfExpertsWithCopies) {
  const auto s = served(toy_machine(), toy_model(test::kToyExperts), free_software(), "dp=4,ep=4,redundant_experts=4,experts=fp8,instances=1");
  const auto& m = s.pools[0].memory;
  EXPECT_EQ(part(m, "routed experts"), 3 * (8 + 4) / 4 * 3 * 512 * 256);
  EXPECT_EQ(part(m, "shared experts"), 3 * 3 * 512 * 256 * 2);  // on every rank
  EXPECT_EQ(part(m, "attention"), 4 * 4 * 512 * 512 * 2);       // of a data-parallel rank, whole
}

TEST(Weights, OfSharedExpertsOnChipsOfTheirOwn) {
  const auto s = served(toy_machine(), toy_model(test::kToyExperts), free_software(), "dp=4,ep=4,shared_copies=2,experts=fp8,instances=1");
  EXPECT_EQ(part(s.pools[0].memory, "routed experts"), 3 * 8 / 2 * 3 * 512 * 256);  // of a chip that has no shared ones
  EXPECT_EQ(part(s.pools[0].memory, "shared experts"), 0);
}

TEST(Weights, AllChipsTogetherHoldTheModel) {
  const auto machine = toy_machine();
  const auto model = toy_model(test::kToyExperts);
  const auto whole = served(machine, model, free_software(), "instances=1").pools[0].memory.weights.si();
  const auto cut = served(machine, model, free_software(), "tp=4,ep=4,instances=1").pools[0].memory.weights.si();
  const double copied = 4 * (2 * 512 + 512 * 8 * 3.0 / 4) * 2;  // norms and routers are on every chip
  EXPECT_NEAR(4 * cut - whole, 3 * copied, 1e-6);
}

TEST(Cache, GroupedLatentWindowedAndLinear) {
  const auto bytes = [](const std::string& model, const std::string& text, bool windows = true) { return cache_size(toy_model(model), test::deployment(text).pools[0], windows); };
  const std::string grouped = "{model_type: transformer, hidden_size: 512, num_hidden_layers: 2, vocab_size: 1024, num_attention_heads: 4, num_key_value_heads: 2, intermediate_size: 1024}";
  EXPECT_EQ(bytes(grouped, "tp=1").per_token.si(), 2 * 2 * 2 * 128 * 2);
  EXPECT_EQ(bytes(grouped, "tp=2").per_token.si(), 2 * 1 * 2 * 128 * 2);
  EXPECT_EQ(bytes(grouped, "tp=4").per_token.si(), 2 * 1 * 2 * 128 * 2);  // copies of one head
  EXPECT_EQ(bytes(grouped, "tp=4,cache=fp8").per_token.si(), 2 * 2 * 128);
  EXPECT_EQ(bytes(grouped, "tp=2").token_in_instance.si(), 2 * 2 * 2 * 128 * 2);
  EXPECT_EQ(bytes(grouped, "tp=4").token_in_instance.si(), 2 * 2 * 2 * 2 * 128 * 2);  // ranks hand their copies over too
  const std::string latent = "{model_type: transformer, hidden_size: 512, num_hidden_layers: 2, vocab_size: 1024, num_attention_heads: 4, intermediate_size: 1024, kv_lora_rank: 64,"
                             " qk_nope_head_dim: 32, qk_rope_head_dim: 16, v_head_dim: 32}";
  EXPECT_EQ(bytes(latent, "tp=4").per_token.si(), 2 * (64 + 16) * 2);
  const std::string windowed = "{model_type: transformer, hidden_size: 512, num_hidden_layers: 2, vocab_size: 1024, num_attention_heads: 4, intermediate_size: 1024, sliding_window: 100,"
                               " full_attention_period: 2}";
  EXPECT_EQ(bytes(windowed, "tp=1").per_token.si(), 2 * 4 * 128 * 2);  // one of the two layers
  EXPECT_EQ(bytes(windowed, "tp=1").per_sequence.si(), 100 * 2 * 4 * 128 * 2);
  EXPECT_EQ(bytes(windowed, "tp=1", false).per_token.si(), 2 * 2 * 4 * 128 * 2);
  // Handed over: the window as far as it is full, of all ranks.
  const auto handed = bytes(windowed, "tp=2").in_instance;
  EXPECT_EQ(handed.of(60).si(), 60 * 2 * 2 * 4 * 128 * 2);
  EXPECT_EQ(handed.of(1000).si(), (1000 + 100) * 2 * 4 * 128 * 2);
  EXPECT_EQ(bytes(windowed, "tp=2", false).in_instance.of(1000).si(), 1000 * 2 * 2 * 4 * 128 * 2);
  EXPECT_EQ(bytes(windowed, "tp=2").token_in_instance.si(), 2 * 2 * 4 * 128 * 2);
  const std::string linear = "{model_type: transformer, hidden_size: 512, num_hidden_layers: 2, vocab_size: 1024, num_attention_heads: 4, intermediate_size: 1024,"
                             " layer_types: [linear_attention, full_attention], linear_num_value_heads: 4, linear_num_key_heads: 2, linear_value_head_dim: 8, linear_key_head_dim: 16}";
  EXPECT_EQ(bytes(linear, "tp=1").per_token.si(), 2 * 4 * 128 * 2);
  EXPECT_EQ(bytes(linear, "tp=1").per_sequence.si(), 4 * (4 * 16 * 8) + 2 * 3 * (2 * 2 * 16 + 4 * 8));
  EXPECT_EQ(bytes(linear, "tp=2").in_instance.of(10).si(), 10 * 2 * 4 * 128 * 2 + 4 * (4 * 16 * 8) + 2 * 3 * (2 * 2 * 16 + 4 * 8));
}

// 4 heads of 128 keys and values of 2 bytes in 2 layers: 4,096 bytes of a token.
TEST(Cache, TiersInBytesBecomeBlocks) {
  auto software = free_software();
  software.engine.tiers = {{.name = "host", .capacity = units::Bytes::from_si(4096e3), .bandwidth = units::BytesPerSecond::from_si(4096e4)}, {.name = "disk", .blocks = 7, .tokens_per_s = 9}};
  const auto tiers = served(toy_machine(), toy_model(), software, "tp=2,instances=1").pools[0].engine.tiers;
  EXPECT_EQ(tiers[0].blocks, 1000 / 16);
  EXPECT_DOUBLE_EQ(tiers[0].tokens_per_s, 1e4);
  EXPECT_EQ(tiers[1].blocks, 7);
  EXPECT_EQ(tiers[1].tokens_per_s, 9);
}

TEST(Cache, FillsWhatIsLeft) {
  Toy toy;
  toy.capacity = 1e9;
  const auto s = served(toy_machine(toy), toy_model(), free_software(), "instances=1");
  const auto& m = s.pools[0].memory;
  const auto tokens = static_cast<std::int64_t>((1e9 - m.used.si()) / (2 * 2 * 4 * 128 * 2));
  EXPECT_EQ(m.blocks, tokens / 16);
  EXPECT_EQ(s.pools[0].engine.blocks, m.blocks);
  const auto two = served(toy_machine(toy), toy_model(), free_software(), "dp=2,instances=1");
  EXPECT_GT(two.pools[0].memory.tokens, 19 * m.tokens / 10);  // each rank has its own
}

TEST(Infeasible, SaysWhatWhereAndBy) {
  Toy toy;
  toy.capacity = 20e6;
  const auto s = served(toy_machine(toy), toy_model(), free_software(), "instances=1");
  ASSERT_TRUE(s.infeasible);
  EXPECT_NE(s.infeasible->role.find("instances"), std::string::npos);
  EXPECT_GT(s.infeasible->needed, s.infeasible->available);
  EXPECT_FALSE(s.infeasible->suggestions.empty());
  EXPECT_FALSE(s.pools[0].timer);
  toy.capacity = 200e6;
  const auto narrow = served(toy_machine(toy), toy_model(), free_software(), "instances=1", 0, 1'000'000);
  ASSERT_TRUE(narrow.infeasible);
  EXPECT_EQ(narrow.infeasible->part, "cache of one request");
}

// A suggestion that promises to fit does, and each says what it saves.
TEST(Infeasible, SuggestionsKeepTheirWord) {
  const auto machine = test::catalog_machine("dgx-h200");
  const auto software = test::catalog_serving("vllm");
  struct Case {
    const char* model;
    const char* deployment;
    std::int64_t tokens;
  };
  for (const Case& c : {Case{"llama-3.1-405b", "tp=4,instances=1", 0}, Case{"llama-3.1-70b", "tp=1,instances=1", 0}, Case{"llama-3.1-70b", "tp=4,weights=fp8,instances=1", 2'000'000},
                        Case{"deepseek-v3", "dp=4,ep=4,weights=fp8_block,instances=1", 0}}) {
    const auto model = test::catalog_model(c.model);
    const auto s = served(machine, model, software, c.deployment, 0, c.tokens);
    ASSERT_TRUE(s.infeasible) << c.model;
    bool any = false;
    for (const auto& text : s.infeasible->suggestions) {
      EXPECT_NE(text.find(": saves "), std::string::npos) << text;
      const bool promises = text.ends_with(", then it fits");
      any |= promises;
      const auto change = text.substr(0, std::min(text.find(' '), text.find(':')));
      // The changed settings, before those of the case that they replace.
      std::string changed;
      for (const std::string& item : {std::string(c.deployment)}) {
        std::size_t at = 0;
        while (at < item.size()) {
          const auto end = std::min(item.find(',', at), item.size());
          const auto one = item.substr(at, end - at);
          if (("," + change).find("," + one.substr(0, one.find('=') + 1)) == std::string::npos) changed += one + ",";
          at = end + 1;
        }
      }
      const auto after = served(machine, model, software, (changed + change).c_str(), 0, c.tokens);
      EXPECT_EQ(!after.infeasible, promises) << c.model << " " << changed << change;
    }
    EXPECT_TRUE(any) << c.model;
  }
  // Nothing helps a prompt of a hundred million tokens, and nothing says so.
  const auto hopeless = served(machine, test::catalog_model("llama-3.1-70b"), software, "tp=4,weights=fp8,instances=1", 0, 100'000'000);
  ASSERT_TRUE(hopeless.infeasible);
  for (const auto& text : hopeless.infeasible->suggestions) EXPECT_FALSE(text.ends_with("then it fits")) << text;
}

TEST(MemoryRules, OfEngines) {
  Toy toy;
  toy.capacity = 1e9;
  auto software = free_software();
  software.memory_share.value = units::Ratio::from_si(0.5);
  const auto available = [&](MemoryRule rule) {
    software.memory_rule = rule;
    const auto s = served(toy_machine(toy), toy_model(), software, "instances=1");
    return std::pair(s.pools[0].memory.available.si(), s.pools[0].memory);
  };
  EXPECT_EQ(available(MemoryRule::all).first, 5e8);
  const auto [lasting, m] = available(MemoryRule::lasting);
  EXPECT_NEAR(lasting, 5e8 + m.used.si() - m.weights.si(), 1);
  const auto [left, n] = available(MemoryRule::left);
  EXPECT_NEAR(left, n.used.si() + 0.5 * (1e9 - n.used.si()), 1);
}

}  // namespace
}  // namespace zettatwin::inference
