// SPDX-License-Identifier: Apache-2.0
#include "gateway/log_marks.hpp"

#include <gtest/gtest.h>

namespace sluice::gateway {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

TEST(MarkSchedule, AMarkIsDueAfterTheIntervalIfTheLaneWentOn) {
  MarkSchedule schedule(std::chrono::minutes(10));
  schedule.start(100, 5 * kSecond);
  EXPECT_FALSE(schedule.due(100, 10'000 * kSecond));
  EXPECT_FALSE(schedule.due(101, 604 * kSecond));
  EXPECT_TRUE(schedule.due(101, 605 * kSecond));
  schedule.made(101, 605 * kSecond);
  EXPECT_FALSE(schedule.due(102, 1204 * kSecond));
  EXPECT_TRUE(schedule.due(102, 1205 * kSecond));
}

TEST(MarkSchedule, AMarkIsDueAtOnceAfterManyEvents) {
  MarkSchedule schedule(std::chrono::minutes(10));
  schedule.start(100, 0);
  EXPECT_FALSE(schedule.due(100 + MarkSchedule::kEventsMax - 1, 1));
  EXPECT_TRUE(schedule.due(100 + MarkSchedule::kEventsMax, 1));
}

}  // namespace
}  // namespace sluice::gateway
