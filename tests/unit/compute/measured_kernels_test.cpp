// SPDX-License-Identifier: Apache-2.0
// Measured kernels of public operator tables against the forms, if the tables are at hand: ZT_SHARED_DATA, or shared/data
// beside the repository. The tables time isolated kernels, so the factor for long runs is left out; their narrow-format rows
// contain the quantisation of the activations, which is added here.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <memory>
#include <sstream>

#include "../../support/catalog_files.hpp"
#include "compute/operator_time.hpp"

namespace zettatwin::compute {
namespace {

using hardware::Chip;
using hardware::Precision;

std::filesystem::path tables() { return test::shared_data() / "op_tables"; }

using Row = std::map<std::string, std::string>;

// Calls `use` with every `stride`-th row of a gzipped table.
template <class F>
void each_row(const std::filesystem::path& file, int stride, F use) {
  const auto command = "gzip -dc '" + file.string() + "'";
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  ASSERT_TRUE(pipe) << command;
  std::vector<std::string> header;
  char line[1024];
  for (int i = 0; std::fgets(line, sizeof line, pipe.get()); ++i) {
    if (i % stride != 0) continue;
    std::vector<std::string> cells;
    std::istringstream text(std::string(line).substr(0, std::string(line).find_last_not_of("\r\n") + 1));
    for (std::string cell; std::getline(text, cell, ',');) cells.push_back(cell);
    if (header.empty()) {
      header = cells;
      continue;
    }
    Row row;
    for (std::size_t c = 0; c < std::min(cells.size(), header.size()); ++c) row[header[c]] = cells[c];
    use(row);
  }
}

double number(const Row& row, const char* key) { return std::strtod(row.at(key).c_str(), nullptr); }
std::int64_t size(const Row& row, const char* key) { return static_cast<std::int64_t>(number(row, key)); }
double seconds(const OperatorTime& t) { return t.time.seconds().si(); }

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

struct Case {
  const char* chip;
  const char* folder;
};
class MeasuredKernels : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    folder_ = tables() / GetParam().folder;
    if (!std::filesystem::exists(folder_)) GTEST_SKIP() << "no measured operator tables in " << folder_;
    chip_ = test::catalog_chip(GetParam().chip);
    chip_.efficiency.isolate();
  }
  void expect_median_below(double limit, const std::string& what, const std::vector<double>& ratios) {
    ASSERT_GT(ratios.size(), 20u) << what;
    std::vector<double> errors;
    for (const double r : ratios) errors.push_back(std::abs(r - 1));
    std::printf("%s %s: %zu rows, median error %.1f %%, bias %+.1f %%\n", GetParam().chip, what.c_str(), ratios.size(), 100 * median(errors), 100 * (median(ratios) - 1));
    EXPECT_LT(median(errors), limit) << what;
  }
  std::filesystem::path folder_;
  Chip chip_;
};

TEST_P(MeasuredKernels, Gemm) {
  const std::map<std::string, std::pair<Precision, double>> formats{{"bfloat16", {Precision::bf16, 0.07}}, {"fp8", {Precision::fp8, 0.09}}, {"nvfp4", {Precision::fp4, 0.14}}};
  constexpr double kMaximumPass = 6e-6;  // launch of the pass that finds the tensor's maximum, in per-tensor fp8 rows
  std::map<std::string, std::vector<double>> ratios;
  each_row(folder_ / "gemm.csv.gz", 7, [&](const Row& row) {
    const auto format = formats.find(row.at("gemm_dtype"));
    const Gemm op{.m = size(row, "m"), .n = size(row, "n"), .k = size(row, "k"), .precision = format == formats.end() ? Precision::bf16 : format->second.first};
    if (format == formats.end() || op.m < 512 || op.n < 512 || op.k < 512) return;
    double predicted = seconds(time_of(chip_, op));
    const double pass = seconds(time_of(chip_, Quantise{.elements = static_cast<double>(op.m * op.k), .precision = op.precision}));
    if (op.precision == Precision::fp8) predicted += 2 * pass + kMaximumPass;
    if (op.precision == Precision::fp4) predicted += pass;
    ratios[format->first].push_back(predicted / (number(row, "latency") * 1e-3));
  });
  for (const auto& [name, values] : ratios) expect_median_below(formats.at(name).second, "GEMM " + name, values);
}

// The tables add the preparation of q and k to the kernel, which the forms count as an operator of its own.
TEST_P(MeasuredKernels, CausalAttention) {
  std::vector<double> ratios;
  each_row(folder_ / "context_attention.csv.gz", 7, [&](const Row& row) {
    if (row.at("attn_dtype") != "bfloat16" || row.at("kv_cache_dtype") != "bfloat16" || size(row, "window_size") != 0) return;
    const double measured = number(row, "latency") * 1e-3;
    if (measured < 500e-6) return;
    const auto length = size(row, "isl"), dim = size(row, "head_dim");
    const AttentionOp op{.batch = size(row, "batch_size"), .heads = size(row, "num_heads"), .kv_heads = size(row, "num_key_value_heads"),
                         .q_length = length, .kv_length = length, .head_dim = dim, .v_head_dim = dim};
    ratios.push_back(seconds(time_of(chip_, op)) / measured);
  });
  expect_median_below(0.12, "attention bfloat16", ratios);
}

// Transformer Engine's profile of the twelve products of a layer on a B300 (docs/examples/gemm_profiling at 8f2e635): 15,872 tokens, hidden 4096, feed-forward
// 16384, with casts of both operands for both directions ("autocast") and without. The rate in fp4
// and the sustained rate are set by it, all else is fitted to other measurements.
TEST(MeasuredTraining, ProductsOfALayerAndTheirCasts) {
  struct Published {
    Precision precision;
    double products, with_casts;  // ms
  };
  const Published rows[] = {{Precision::bf16, 13.102, 12.758}, {Precision::mxfp8, 7.161, 8.984}, {Precision::fp4, 3.764, 6.453}};
  const std::pair<std::int64_t, std::int64_t> weights[] = {{4096, 12288}, {4096, 4096}, {4096, 16384}, {16384, 4096}};
  const auto chip = test::catalog_chip("b300");
  for (const auto& row : rows) {
    const auto precision = row.precision;
    constexpr std::int64_t kTokens = 15872;
    double alone = 0, casts = 0;
    const auto product = [&](std::int64_t m, std::int64_t n, std::int64_t k) {
      alone += 1e3 * seconds(time_of(chip, Gemm{.m = m, .n = n, .k = k, .precision = precision}));
      for (const auto elements : {m * k, n * k})
        if (precision != Precision::bf16) casts += 1e3 * seconds(time_of(chip, Quantise{.elements = static_cast<double>(elements), .precision = precision, .copies = 2}));
    };
    for (const auto& [in, out] : weights) {
      product(kTokens, out, in);
      product(kTokens, in, out);
      product(out, in, kTokens);
    }
    std::printf("b300 %s: products %.2f ms (B300 %.2f), casts %.2f ms (%.2f)\n", std::string(name_of(precision)).c_str(), alone, row.products, casts, row.with_casts - row.products);
    EXPECT_NEAR(alone / row.products, 1, 0.12) << name_of(precision);
    EXPECT_NEAR((alone + casts) / row.with_casts, 1, 0.12) << name_of(precision);
  }
}

INSTANTIATE_TEST_SUITE_P(Chips, MeasuredKernels,
                         testing::Values(Case{"h100", "h100_sxm"}, Case{"h200", "h200_sxm"}, Case{"b200", "b200_sxm"}, Case{"gb200", "gb200"}),
                         [](const testing::TestParamInfo<Case>& c) { return std::string(c.param.chip); });

}  // namespace
}  // namespace zettatwin::compute
