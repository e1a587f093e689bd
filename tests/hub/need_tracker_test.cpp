// SPDX-License-Identifier: Apache-2.0
#include "hub/feed/need_tracker.hpp"

#include <gtest/gtest.h>

namespace sluice::hub {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

MissingRange range(core::Seq from, core::Seq to) {
  return {"plant-7", core::Epoch{0xabc}, core::Lane::kTelemetry, from, to};
}

TEST(NeedTracker, AHoleIsAskedForTenSecondsAfterItsConsumerHasReadUp) {
  NeedTracker tracker;
  tracker.observe("a/main", {range(5, 9)}, 100, 200, 0);
  EXPECT_TRUE(tracker.due(60 * kSecond).empty()) << "100 messages of that time are still unread";
  tracker.progress("a/main", 199, 60 * kSecond);
  EXPECT_TRUE(tracker.due(100 * kSecond).empty());
  tracker.progress("a/main", 200, 100 * kSecond);
  EXPECT_TRUE(tracker.due(109 * kSecond).empty());
  EXPECT_EQ(tracker.due(110 * kSecond), std::vector{range(5, 9)});
}

TEST(NeedTracker, AHealedHoleThatIsReadAgainIsNotAskedFor) {
  NeedTracker tracker;
  tracker.observe("a/main", {range(5, 9)}, 10, 500, 0);
  tracker.observe("a/main", {}, 300, 500, 1 * kSecond);  // what closes it came at 290
  tracker.progress("a/main", 500, 2 * kSecond);
  EXPECT_TRUE(tracker.due(60 * kSecond).empty());
}

TEST(NeedTracker, AskingAgainBacksOffFromTenSecondsToFiveMinutes) {
  NeedTracker tracker;
  tracker.observe("a/main", {range(5, 9)}, 200, 200, 0);
  std::vector<std::uint64_t> asked;
  for (std::uint64_t second = 0; second < 2000; ++second)
    if (!tracker.due(second * kSecond).empty()) asked.push_back(second);
  const std::vector<std::uint64_t> expected = {10,  20,  40,   80,   160, 320,
                                               620, 920, 1220, 1520, 1820};
  EXPECT_EQ(asked, expected);
}

TEST(NeedTracker, AHoleThatClosesPieceByPieceIsAskedForWithoutBackOff) {
  NeedTracker tracker;
  std::vector<std::uint64_t> asked;
  core::Seq from = 1;
  tracker.observe("a/main", {range(from, 5000)}, 200, 200, 0);
  for (std::uint64_t second = 0; second < 65; ++second)
    if (!tracker.due(second * kSecond).empty()) {
      asked.push_back(second);
      from += 500;  // what one answer brings
      tracker.observe("a/main", {range(from, 5000)}, 200 + from, 200 + from, second * kSecond + 1);
    }
  EXPECT_EQ(asked, (std::vector<std::uint64_t>{10, 20, 30, 40, 50, 60}));
}

TEST(NeedTracker, SeveralModelsAskOnce) {
  NeedTracker tracker;
  tracker.observe("a/main", {range(5, 9)}, 200, 200, 0);
  tracker.observe("b/main", {range(5, 9)}, 200, 200, 3 * kSecond);
  EXPECT_EQ(tracker.due(10 * kSecond).size(), 1u);
  EXPECT_TRUE(tracker.due(13 * kSecond).empty()) << "b's patience is over, but a has asked";
  tracker.observe("a/main", {}, 210, 210, 14 * kSecond);
  EXPECT_EQ(tracker.due(20 * kSecond).size(), 1u) << "b still sees it";
  tracker.observe("b/main", {}, 210, 210, 21 * kSecond);
  EXPECT_TRUE(tracker.due(1000 * kSecond).empty());
}

TEST(NeedTracker, AShrunkenHoleIsTheSameHole) {
  NeedTracker tracker;
  tracker.observe("a/main", {range(5, 9)}, 200, 200, 0);
  tracker.observe("a/main", {range(7, 9)}, 205, 205, 9 * kSecond);
  EXPECT_EQ(tracker.due(10 * kSecond), std::vector{range(7, 9)});
  tracker.observe("a/main", {range(8, 9)}, 206, 206, 11 * kSecond);
  EXPECT_TRUE(tracker.due(12 * kSecond).empty()) << "asked a moment ago";
  EXPECT_EQ(tracker.due(20 * kSecond), std::vector{range(8, 9)});
}

TEST(NeedTracker, AHoleThatOpensAgainStartsAnew) {
  NeedTracker tracker;
  tracker.observe("a/main", {range(5, 9)}, 200, 200, 0);
  EXPECT_EQ(tracker.due(10 * kSecond).size(), 1u);
  tracker.observe("a/main", {}, 201, 201, 11 * kSecond);
  tracker.observe("a/main", {range(5, 9)}, 202, 202, 12 * kSecond);
  EXPECT_TRUE(tracker.due(21 * kSecond).empty());
  EXPECT_EQ(tracker.due(22 * kSecond).size(), 1u);
}

TEST(NeedTracker, HolesOfOtherLanesEpochsAndGatewaysAreTheirOwn) {
  NeedTracker tracker;
  MissingRange lane = range(5, 9);
  lane.lane = core::Lane::kAlarm;
  MissingRange epoch = range(5, 9);
  epoch.epoch.value = 2;
  MissingRange gateway = range(5, 9);
  gateway.gateway = "plant-8";
  tracker.observe("a/main", {range(5, 9), lane, epoch, gateway, range(20, 30)}, 9, 9, 0);
  EXPECT_EQ(tracker.due(10 * kSecond).size(), 5u);
}

TEST(NeedTracker, AConsumerThatBeginsAnewForgetsItsMarks) {
  NeedTracker tracker;
  tracker.observe("a/main", {range(5, 9)}, 200, 200, 0);
  tracker.forget("a/main");
  EXPECT_TRUE(tracker.due(10 * kSecond).empty());
  tracker.observe("a/main", {range(5, 9)}, 3, 200, 20 * kSecond);
  tracker.progress("a/main", 200, 30 * kSecond);
  EXPECT_TRUE(tracker.due(39 * kSecond).empty());
  EXPECT_EQ(tracker.due(40 * kSecond).size(), 1u);
}

TEST(NeedTracker, KnowsTellsWhetherAnythingChanged) {
  NeedTracker tracker;
  EXPECT_FALSE(tracker.knows("a/main", {}));
  tracker.observe("a/main", {range(5, 9)}, 200, 200, 0);
  EXPECT_TRUE(tracker.knows("a/main", {range(5, 9)}));
  EXPECT_FALSE(tracker.knows("a/main", {range(6, 9)}));
  EXPECT_FALSE(tracker.knows("a/main", {}));
}

}  // namespace
}  // namespace sluice::hub
