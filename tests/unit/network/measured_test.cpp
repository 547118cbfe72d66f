// SPDX-License-Identifier: Apache-2.0
// Published measurements against the catalog's machines. The rows are part of what the figures were fitted to where the machine's file says so,
// so these bands guard the fit; they are no proof of prediction.
#include <gtest/gtest.h>

#include <cmath>

#include "machines.hpp"

namespace zettatwin::network {
namespace {

constexpr double kMiB = 1048576.0, kGiB = 1024 * kMiB;

// Bus bandwidth of nccl-tests in GB/s: what a ring would move per chip.
double bus(const hardware::Machine& machine, Collective op, double bytes, topology::Spread spread) {
  const double n = static_cast<double>(spread.size());
  const double share = (op == Collective::all_reduce ? 2 : 1) * (n - 1) / n;
  return bytes * share / test::seconds(machine, {.op = op, .bytes = units::Bytes::from_si(bytes), .spread = std::move(spread)}) / 1e9;
}

struct Row {
  const char* machine;
  Collective op;
  double bytes;
  topology::Spread spread;
  double measured;
  double band;
};

void expect_within(const std::vector<Row>& rows) {
  for (const auto& row : rows) {
    const double predicted = bus(test::catalog_machine(row.machine), row.op, row.bytes, row.spread);
    EXPECT_NEAR(predicted / row.measured, 1, row.band) << row.machine << " " << row.bytes / kMiB << " MiB: " << predicted << " for " << row.measured;
    std::printf("%-12s %-15s %5lld ranks %9.1f MiB  measured %7.2f  predicted %7.2f GB/s  %+5.1f %%\n", row.machine, std::string(name_of(row.op)).c_str(),
                static_cast<long long>(row.spread.size()), row.bytes / kMiB, row.measured, predicted, 100 * (predicted / row.measured - 1));
  }
}

TEST(Measured, OneHopperNode) {
  const auto ar = Collective::all_reduce;
  expect_within({{"dgx-h100", ar, 8 * kGiB, {{8, 1}}, 478.87, 0.05},
                 {"dgx-h100", ar, 1 * kGiB, {{8, 1}}, 466.35, 0.05},
                 {"dgx-h100", ar, 256 * kMiB, {{8, 1}}, 423.38, 0.08},
                 {"dgx-h100", ar, 64 * kMiB, {{8, 1}}, 361.78, 0.12},
                 {"dgx-h100", ar, 16 * kMiB, {{8, 1}}, 234.45, 0.15},
                 {"dgx-h100", Collective::all_gather, 512 * kMiB, {{8, 1}}, 335.4, 0.06},
                 {"dgx-h100", Collective::reduce_scatter, 64 * kMiB, {{8, 1}}, 286.2, 0.10},
                 {"dgx-h100", Collective::all_to_all, 64 * kMiB, {{8, 1}}, 270.2, 0.12},
                 {"dgx-h200", ar, 16 * kGiB, {{8, 1}}, 482.26, 0.05},
                 {"dgx-h200", ar, 8 * kGiB, {{5, 1}}, 414.2, 0.05},
                 {"dgx-h200", Collective::all_gather, 16 * kGiB, {{8, 1}}, 361.4, 0.05}});
}

TEST(Measured, OtherNodes) {
  const auto ar = Collective::all_reduce;
  expect_within({{"dgx-h800", ar, 8 * kGiB, {{8, 1}}, 215, 0.05},
                 {"dgx-a100", ar, 8 * kGiB, {{8, 1}}, 231.58, 0.05},
                 {"dgx-a100", ar, 64 * kMiB, {{8, 1}}, 166.63, 0.10},
                 {"dgx-a100", ar, 1 * kMiB, {{8, 1}}, 36.22, 0.20},
                 {"dgx-b200", ar, 8 * kGiB, {{8, 1}}, 838.0, 0.05},
                 {"dgx-b200", ar, 512 * kMiB, {{8, 1}}, 661.7, 0.08},
                 {"dgx-b200", Collective::all_gather, 512 * kMiB, {{8, 1}}, 616.6, 0.08}});
}

TEST(Measured, OneRackOfSeventyTwo) {
  const auto ar = Collective::all_reduce;
  expect_within({{"gb200-nvl72", ar, 8 * kGiB, {{72, 1}}, 834.57, 0.06},
                 {"gb200-nvl72", ar, 4 * kGiB, {{72, 1}}, 839.16, 0.05},
                 {"gb200-nvl72", ar, 1 * kGiB, {{72, 1}}, 681.17, 0.05},
                 {"gb200-nvl72", ar, 512 * kMiB, {{72, 1}}, 586.06, 0.05}});
}

// Not fitted: several nodes or racks.
TEST(Measured, SeveralNodes) {
  const auto ar = Collective::all_reduce;
  expect_within({{"dgx-h100", ar, 8 * kGiB, {{8, 2}}, 440.58, 0.08},
                 {"dgx-b200", ar, 8 * kGiB, {{8, 2}}, 690.07, 0.20},
                 {"dgx-h200", ar, 4 * kGiB, {{8, 4}}, 364.87, 0.08},
                 {"gb200-nvl72", ar, 16 * kGiB, {{72, 2}}, 810.41, 0.05},
                 {"gb200-nvl72", ar, 2 * kGiB, {{72, 2}}, 680.30, 0.05}});
}

}  // namespace
}  // namespace zettatwin::network
