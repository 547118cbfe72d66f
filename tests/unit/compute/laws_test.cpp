// SPDX-License-Identifier: Apache-2.0
// Laws of operator times on every chip of the catalog, over shapes drawn from a fixed sequence: never below the datasheet
// bound, never faster with more work, never not_faster with a better chip, the same bits twice.
#include <gtest/gtest.h>

#include <random>
#include <variant>

#include "../../support/catalog_files.hpp"
#include "compute/operator_time.hpp"

namespace zettatwin::compute {
namespace {

using hardware::Chip;
using hardware::Precision;
using Operator = std::variant<Gemm, GroupedGemm, AttentionOp, MemoryOp, Quantise>;

OperatorTime timed(const Chip& chip, const Operator& op) {
  return std::visit([&](const auto& o) { return time_of(chip, o); }, op);
}

class Draw {
 public:
  explicit Draw(const Chip& chip) {
    for (const auto p : {Precision::bf16, Precision::fp8, Precision::mxfp8, Precision::fp4})
      if (chip.peak(p).si() > 0) precisions_.push_back(p);
  }
  std::int64_t size(double most) { return static_cast<std::int64_t>(std::exp2(std::uniform_real_distribution<>(0, std::log2(most))(random_))); }
  Precision precision() { return precisions_[random_() % precisions_.size()]; }
  Library library() { return random_() % 2 == 0 ? Library::training : Library::inference; }
  Operator gemm() {
    return Gemm{.m = size(40000), .n = size(40000), .k = size(40000), .batch = size(8), .precision = precision(), .accumulate = size(4) == 1, .library = library()};
  }
  Operator grouped() {
    const bool gradient = size(4) == 1;
    return GroupedGemm{.experts = size(300), .rows_total = static_cast<double>(size(100000)), .n = size(8000), .k = size(8000),
                       .imbalance = 1 + 0.1 * static_cast<double>(size(50)), .precision = precision(), .accumulate = gradient, .library = library()};
  }
  Operator attention() {
    const auto q = size(20000), heads = size(64);
    return AttentionOp{.batch = size(16), .heads = heads, .kv_heads = std::max<std::int64_t>(1, heads / 4), .q_length = q, .kv_length = q + size(5000) - 1,
                       .head_dim = size(256), .v_head_dim = size(256), .window = size(4) == 1 ? size(5000) : 0, .backward = size(4) == 1, .precision = Precision::bf16};
  }
  Operator any() {
    switch (random_() % 5) {
      case 0: return gemm();
      case 1: return grouped();
      case 2: return attention();
      case 3: return MemoryOp{.bytes = units::Bytes::from_si(static_cast<double>(size(1e10))), .kernels = size(10)};
      default: return Quantise{.elements = static_cast<double>(size(1e9)), .precision = precision(), .copies = size(3)};
    }
  }

 private:
  std::mt19937_64 random_{42};
  std::vector<Precision> precisions_;
};

Precision precision_of(const Operator& op) {
  if (const auto* g = std::get_if<Gemm>(&op)) return g->precision;
  if (const auto* g = std::get_if<GroupedGemm>(&op)) return g->precision;
  return Precision::bf16;
}

class OnEveryChip : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { chip_ = test::catalog_chip(GetParam()); }
  Chip chip_;
};

TEST_P(OnEveryChip, NeverBelowTheBound) {
  Draw draw(chip_);
  for (int i = 0; i < 1000; ++i) {
    const auto op = draw.any();
    const auto t = timed(chip_, op);
    ASSERT_LE(bound_of(chip_, t.flop, precision_of(op), t.bytes), t.time) << "draw " << i;
    ASSERT_EQ(t.time, timed(chip_, op).time);
  }
}

TEST_P(OnEveryChip, MoreWorkIsNotFaster) {
  Draw draw(chip_);
  const auto not_faster = [&](const Operator& more, const Operator& less) { return timed(chip_, less).time <= timed(chip_, more).time; };
  for (int i = 0; i < 1000; ++i) {
    const auto gemm = std::get<Gemm>(draw.gemm());
    for (const auto side : {&Gemm::m, &Gemm::n, &Gemm::k, &Gemm::batch}) {
      auto more = gemm;
      more.*side += draw.size(3000);
      ASSERT_TRUE(not_faster(more, gemm)) << gemm.m << " " << gemm.n << " " << gemm.k;
    }
    const auto grouped = std::get<GroupedGemm>(draw.grouped());
    auto more = grouped;
    more.rows_total += static_cast<double>(draw.size(3000));
    ASSERT_TRUE(not_faster(more, grouped)) << grouped.experts << " " << grouped.rows_total;
    const auto attention = std::get<AttentionOp>(draw.attention());
    auto longer = attention;
    longer.kv_length += draw.size(3000);
    ASSERT_TRUE(not_faster(longer, attention)) << attention.q_length << " " << attention.kv_length << " " << attention.window;
  }
}

TEST_P(OnEveryChip, ABetterChipIsNotSlower) {
  auto faster = chip_, wider = chip_, cached = chip_;
  for (auto& [p, peak] : faster.matrix_peak) peak.value *= 1.3;
  wider.memory.bandwidth.value *= 1.3;
  for (auto& [p, gemm] : cached.efficiency.gemm) gemm.l2_bandwidth.value *= 1.3;
  Draw draw(chip_);
  for (int i = 0; i < 1000; ++i) {
    const auto op = draw.any();
    for (const auto* better : {&faster, &wider, &cached}) ASSERT_LE(timed(*better, op).time, timed(chip_, op).time) << "draw " << i;
  }
}

std::string identifier(const testing::TestParamInfo<std::string>& chip) {
  auto name = chip.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}
INSTANTIATE_TEST_SUITE_P(Catalog, OnEveryChip, testing::ValuesIn(test::CatalogFiles{}.list("chips")), identifier);

TEST(Sustained, LargeSquareOnTheH100) {
  auto chip = test::catalog_chip("h100");
  const Gemm op{.m = 8192, .n = 8192, .k = 8192};
  const auto share = [&] { const auto t = time_of(chip, op); return t.flop.si() / t.time.seconds().si() / chip.peak(op.precision).si(); };
  EXPECT_NEAR(share(), 0.80 * 0.855, 0.01);
  chip.efficiency.sustained.value = units::Ratio::from_si(1);
  EXPECT_NEAR(share(), 0.80, 0.01);
}

}  // namespace
}  // namespace zettatwin::compute
