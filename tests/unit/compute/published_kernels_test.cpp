// SPDX-License-Identifier: Apache-2.0
// Kernels of the Ascend 950DT (32 cores) as their authors publish them: github.com/deepseek-ai/DeepGEMM-Ascend README.md, 2026-09-30, cold cache.
#include <gtest/gtest.h>

#include <cmath>

#include "../../support/catalog_files.hpp"
#include "compute/operator_time.hpp"

namespace zettatwin::compute {
namespace {

using hardware::Precision;

hardware::Chip ascend() {
  auto chip = test::catalog_chip("ascend-950dt-32");
  chip.efficiency.isolate();
  return chip;
}

TEST(PublishedKernels, ProductsOfTheAscend950) {
  struct Row {
    std::int64_t m, n, k;
    double microseconds;
  };
  constexpr Row kRows[] = {{128, 2112, 7168, 15.0},  {128, 576, 7168, 10.1},  {128, 24576, 1536, 20.6},   {128, 32768, 512, 10.4},   {128, 7168, 16384, 54.8},
                           {128, 4096, 7168, 19.0},  {128, 7168, 2048, 10.1}, {4096, 2112, 7168, 156.9},  {4096, 576, 7168, 54.6},   {4096, 24576, 1536, 362.2},
                           {4096, 32768, 512, 164.3}, {4096, 7168, 16384, 1117.6}, {4096, 4096, 7168, 282.9}, {4096, 7168, 2048, 143.4}};
  const auto chip = ascend();
  for (const auto& row : kRows) {
    const double ratio = time_of(chip, Gemm{.m = row.m, .n = row.n, .k = row.k, .precision = Precision::fp8}).time.seconds().si() * 1e6 / row.microseconds;
    EXPECT_NEAR(ratio, 1, row.k > 512 ? 0.13 : 0.21) << row.m << " x " << row.n << " x " << row.k;
  }
  const Row large{4096, 7168, 16384, 0};
  const auto of = [&](Precision precision) { return time_of(chip, Gemm{.m = large.m, .n = large.n, .k = large.k, .precision = precision}).time.seconds().si() * 1e6; };
  EXPECT_NEAR(of(Precision::bf16) / 2229.9, 1, 0.02);
  EXPECT_NEAR(of(Precision::fp4) / 565.6, 1, 0.02);
}

// The published sizes are averages of drawn groups: rates are compared.
TEST(PublishedKernels, GroupedProductsOfTheAscend950) {
  struct Row {
    std::int64_t experts;
    double rows;
    std::int64_t n, k;
    double tera;
  };
  constexpr Row kRows[] = {{4, 8192, 6144, 7168, 818}, {4, 8192, 7168, 3072, 856}, {4, 8192, 4096, 4096, 855}, {4, 8192, 4096, 2048, 852},
                           {8, 4096, 6144, 7168, 831}, {8, 4096, 7168, 3072, 862}, {8, 4096, 4096, 4096, 861}, {8, 4096, 4096, 2048, 858}};
  const auto chip = ascend();
  for (const auto& row : kRows) {
    const GroupedGemm op{.experts = row.experts, .rows_total = static_cast<double>(row.experts) * row.rows, .n = row.n, .k = row.k, .precision = Precision::fp8};
    const double flop = 2 * op.rows_total * static_cast<double>(row.n) * static_cast<double>(row.k);
    EXPECT_NEAR(flop / time_of(chip, op).time.seconds().si() / 1e12 / row.tera, 1, 0.06) << row.experts << " experts, " << row.n << " x " << row.k;
  }
}

}  // namespace
}  // namespace zettatwin::compute
