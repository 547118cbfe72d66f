// SPDX-License-Identifier: Apache-2.0
// A layer with multi-latent attention (DeepSeek-V2).
#include "operations_fixture.hpp"

namespace zettatwin::workload {
namespace {

using namespace testing;
using compute::AttentionOp;
using compute::Gemm;

TEST(LatentOperations, ShapesOfTheProducts) {
  const auto ops = layer_of(latent_model(), {});
  EXPECT_EQ(text(work_of<Gemm>(ops.forward, "q and kv down projection")), "4096 x 832 x 1024") << "512 + 256 + 64 rotary features";
  EXPECT_EQ(text(work_of<Gemm>(ops.forward, "q up projection")), "4096 x 1536 x 512") << "8 heads of 192";
  EXPECT_EQ(text(work_of<Gemm>(ops.forward, "kv up projection")), "4096 x 2048 x 256") << "8 heads of 128 + 128";
  EXPECT_EQ(text(work_of<Gemm>(ops.forward, "attention output projection")), "4096 x 1024 x 1024") << "8 value heads of 128";
  const auto& a = work_of<AttentionOp>(ops.forward, "attention");
  EXPECT_EQ(a.head_dim, 192);
  EXPECT_EQ(a.v_head_dim, 128);
  EXPECT_EQ(bytes_of(ops.forward, "latent norms"), 4 * kTokens * (512 + 256));
}

TEST(LatentOperations, WithoutQueryLatent) {
  const auto ops = layer_of(latent_model(0), {});
  EXPECT_EQ(text(work_of<Gemm>(ops.forward, "q projection")), "4096 x 1536 x 1024");
  EXPECT_EQ(text(work_of<Gemm>(ops.forward, "kv down projection")), "4096 x 320 x 1024");
}

TEST(LatentOperations, TensorParallelSplitsHeads) {
  const auto ops = layer_of(latent_model(), {.tp = 4});
  EXPECT_EQ(text(work_of<Gemm>(ops.forward, "q up projection")), "4096 x 384 x 512") << "two heads of 192";
  EXPECT_EQ(text(work_of<Gemm>(ops.forward, "kv up projection")), "4096 x 512 x 256");
  EXPECT_EQ(work_of<AttentionOp>(ops.forward, "attention").heads, 2);
  EXPECT_EQ(work_of<AttentionOp>(ops.forward, "attention").kv_heads, 2);
}

TEST(LatentOperations, UpProjectionsRunAgainUnderSelectiveRecomputation) {
  const auto ops = layer_of(latent_model(), {.recipe = plan::Recipe::fp8_block});
  EXPECT_TRUE(named(ops.forward, "q up projection").recomputed_selectively);
  EXPECT_TRUE(named(ops.forward, "kv up projection").recomputed_selectively);
  EXPECT_FALSE(named(ops.forward, "q and kv down projection").recomputed_selectively);
  EXPECT_FALSE(named(ops.forward, "attention").recomputed_selectively);
}

}  // namespace
}  // namespace zettatwin::workload
