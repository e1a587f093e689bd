// SPDX-License-Identifier: Apache-2.0
#include "hub/fleet/report_keeper.hpp"

#include <gtest/gtest.h>

namespace sluice::hub {
namespace {

constexpr std::int64_t kMinute = 60'000'000'000;

std::string report(const std::string& gateway, const std::string& machine, core::Seq last = 10) {
  codec::Report out;
  out.gateway = gateway;
  out.machine = machine;
  out.epoch = core::Epoch{7};
  out.lanes[index(core::Lane::kTelemetry)] = {last, 4};
  return codec::encode_report(out);
}

TEST(ReportKeeper, KeepsTheNewestReportWithTheHubsTime) {
  ReportKeeper keeper;
  ASSERT_TRUE(keeper.take("plant-7", report("plant-7", "board-1", 10), 1 * kMinute));
  ASSERT_TRUE(keeper.take("plant-7", report("plant-7", "board-1", 12), 2 * kMinute));
  const auto all = keeper.all(3 * kMinute);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].report.lanes[index(core::Lane::kTelemetry)].last, 12u);
  EXPECT_EQ(all[0].received_ns, 2 * kMinute);
  EXPECT_FALSE(all[0].is_clone());
}

TEST(ReportKeeper, RefusesAReportThatNamesAnotherGateway) {
  ReportKeeper keeper;
  const auto taken = keeper.take("plant-7", report("plant-8", "board-1"), 1);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, core::Errc::kBadRequest);
  EXPECT_FALSE(keeper.take("plant-7", "\xc1garbage", 1));
  EXPECT_TRUE(keeper.all(1).empty());
}

TEST(ReportKeeper, TwoMachinesThatReportInTurnAreAClone) {
  ReportKeeper keeper;
  ASSERT_TRUE(keeper.take("plant-7", report("plant-7", "board-1"), 1 * kMinute));
  ASSERT_TRUE(keeper.take("plant-7", report("plant-7", "board-2"), 2 * kMinute));
  EXPECT_FALSE(keeper.all(2 * kMinute)[0].is_clone()) << "so far it may be a replaced board";
  ASSERT_TRUE(keeper.take("plant-7", report("plant-7", "board-1"), 3 * kMinute));
  const auto all = keeper.all(3 * kMinute);
  EXPECT_TRUE(all[0].is_clone());
  EXPECT_EQ(all[0].machines, (std::vector<std::string>{"board-1", "board-2"}));
  EXPECT_FALSE(keeper.all(30 * kMinute)[0].is_clone()) << "neither is live any more";
}

TEST(ReportKeeper, AReplacedBoardIsNoClone) {
  ReportKeeper keeper;
  for (int minute = 1; minute < 5; ++minute)
    ASSERT_TRUE(keeper.take("plant-7", report("plant-7", "board-1"), minute * kMinute));
  for (int minute = 5; minute < 9; ++minute)
    ASSERT_TRUE(keeper.take("plant-7", report("plant-7", "board-2"), minute * kMinute));
  EXPECT_FALSE(keeper.all(9 * kMinute)[0].is_clone());
}

TEST(ReportKeeper, ADeletedEntryIsForgotten) {
  ReportKeeper keeper;
  ASSERT_TRUE(keeper.take("plant-7", report("plant-7", "board-1"), 1));
  keeper.remove("plant-7");
  EXPECT_TRUE(keeper.all(1).empty());
}

}  // namespace
}  // namespace sluice::hub
