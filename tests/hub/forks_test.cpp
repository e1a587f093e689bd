// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "hub/fleet/forks.hpp"

namespace sluice::hub {
namespace {

using core::Epoch;
using core::Lane;
using projection::Branch;

Branch branch(std::uint64_t epoch, std::uint64_t previous, core::Seq previous_last,
              core::Seq hub_last, std::uint64_t siblings = 0, Lane lane = Lane::kTelemetry) {
  Branch out;
  out.gateway = "plant-7";
  out.lane = lane;
  out.epoch = Epoch{epoch};
  out.previous = Epoch{previous};
  out.previous_last = previous_last;
  out.hub_last = hub_last;
  out.siblings = siblings;
  out.order = static_cast<std::int64_t>(epoch);
  return out;
}

bool says(const std::string& text, const char* words) {
  return text.find(words) != std::string::npos;
}

TEST(Forks, MoreAtTheHubThanTheNextStartFoundIsALostTail) {
  const auto forks =
      forks_of("plant-7", {branch(2, 1, 60, 100), branch(2, 1, 10, 12, 0, Lane::kAlarm)}, nullptr);
  ASSERT_EQ(forks.size(), 1u);
  EXPECT_EQ(forks[0].kind, Fork::Kind::kLostTail);
  EXPECT_EQ(forks[0].events, 42u);  // of both lanes
  EXPECT_TRUE(says(forks[0].words, "0000000000000002 follows epoch 0000000000000001"))
      << forks[0].words;
  EXPECT_TRUE(says(forks[0].words, "42 events are here")) << forks[0].words;
  EXPECT_TRUE(says(forks[0].to_do, "sluice plugtest")) << forks[0].to_do;
}

TEST(Forks, ASecondEpochAfterTheSameOneIsAnOldCopy) {
  // Epoch 2 followed 1 rightly; then the state of epoch 1 came back, and 3 followed it.
  const auto forks =
      forks_of("plant-7", {branch(3, 1, 50, 60, 1), branch(2, 1, 60, 60, 1)}, nullptr);
  ASSERT_EQ(forks.size(), 1u);
  EXPECT_EQ(forks[0].kind, Fork::Kind::kOldCopy);
  EXPECT_EQ(forks[0].epoch, Epoch{3});
  EXPECT_TRUE(says(forks[0].words, "an older copy of its log was brought back")) << forks[0].words;
  EXPECT_TRUE(says(forks[0].to_do, "sluice bundle export --state")) << forks[0].to_do;
}

TEST(Forks, TwoMachinesInTurnMakeItAClone) {
  ReportKeeper::Gateway report;
  report.report.gateway = "plant-7";
  report.machines = {"board-1", "board-2"};
  const auto forks =
      forks_of("plant-7", {branch(3, 1, 60, 60, 1), branch(2, 1, 60, 60, 1)}, &report);
  ASSERT_EQ(forks.size(), 2u);
  EXPECT_EQ(forks[0].kind, Fork::Kind::kClone);
  EXPECT_TRUE(says(forks[0].words, "board-1, board-2")) << forks[0].words;
  EXPECT_TRUE(says(forks[0].to_do, "sluice-uplink --takeover"));
  EXPECT_EQ(forks[1].kind, Fork::Kind::kClone);
  EXPECT_EQ(forks[1].epoch, Epoch{3});
}

TEST(Forks, AGatewayThatStoppedItselfSaysSo) {
  ReportKeeper::Gateway report;
  report.report.gateway = "plant-7";
  report.report.machine = "board-2";
  report.report.stopped_as_clone = true;
  const auto forks = forks_of("plant-7", {}, &report);
  ASSERT_EQ(forks.size(), 1u);
  EXPECT_TRUE(says(forks[0].words, "machine board-2 has stopped forwarding")) << forks[0].words;
}

TEST(Forks, OthersForksAndAnUnbrokenHistoryAreNone) {
  EXPECT_TRUE(forks_of("plant-8", {branch(2, 1, 60, 100)}, nullptr).empty());
  EXPECT_TRUE(forks_of("plant-7", {}, nullptr).empty());
}

TEST(Forks, TheNewestComesFirstAndThereAreNotTooMany) {
  std::vector<Branch> branches;
  for (std::uint64_t i = 1; i <= 40; ++i) branches.push_back(branch(i + 1, i, 1, 5));
  const auto forks = forks_of("plant-7", branches, nullptr);
  ASSERT_EQ(forks.size(), kForksMax);
  EXPECT_EQ(forks[0].epoch, Epoch{41});
}

}  // namespace
}  // namespace sluice::hub
