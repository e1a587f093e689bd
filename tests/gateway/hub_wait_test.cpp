// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <optional>

#include "gateway/hub_wait.hpp"

namespace sluice::gateway {
namespace {

using core::Errc;
using core::Lane;

class HubWaits : public ::testing::Test {
 protected:
  struct Told {
    int times = 0;
    std::optional<Errc> error;
  };
  HubWait::Answer into(Told& told) {
    return [&told](core::Result<void> result) {
      ++told.times;
      if (!result) told.error = result.error().code;
    };
  }
  HubWait hub;
};

TEST_F(HubWaits, AnAppendIsAnsweredWhenTheCursorHasPassedItsLastEvent) {
  Told one;
  Told two;
  hub.add(Lane::kTelemetry, 5, 7, 100, into(one));
  hub.add(Lane::kTelemetry, 8, 8, 100, into(two));
  hub.cursor(Lane::kAlarm, 100);
  hub.cursor(Lane::kTelemetry, 6);
  EXPECT_EQ(one.times, 0);
  hub.cursor(Lane::kTelemetry, 7);
  EXPECT_EQ(one.times, 1);
  EXPECT_FALSE(one.error);
  EXPECT_EQ(two.times, 0);
  hub.cursor(Lane::kTelemetry, 20);
  EXPECT_EQ(two.times, 1);
  EXPECT_EQ(hub.waiting(), 0u);
}

TEST_F(HubWaits, WhatTheHubHasIsAnsweredAtOnceUntilARewindTakesItBack) {
  Told before;
  Told after;
  hub.cursor(Lane::kBulk, 10);
  hub.add(Lane::kBulk, 9, 9, 100, into(before));
  EXPECT_EQ(before.times, 1);
  hub.cursor(Lane::kBulk, 3);
  hub.add(Lane::kBulk, 9, 9, 100, into(after));
  EXPECT_EQ(after.times, 0);
}

TEST_F(HubWaits, ItsTimeOverAnAppendIsStoredButNotConfirmed) {
  Told early;
  Told late;
  hub.add(Lane::kAlarm, 1, 1, 100, into(early));
  hub.add(Lane::kAlarm, 2, 2, 200, into(late));
  hub.expire(99);
  EXPECT_EQ(early.times, 0);
  hub.expire(100);
  EXPECT_EQ(early.error, Errc::kUnavailable);
  EXPECT_EQ(late.times, 0);
  hub.give_up();
  EXPECT_EQ(late.error, Errc::kUnavailable);
  hub.cursor(Lane::kAlarm, 5);
  EXPECT_EQ(early.times + late.times, 2);
}

TEST_F(HubWaits, AGapRecordInTheEventsPlaceIsNoConfirmation) {
  Told waiting;
  Told beside;
  Told again;
  hub.add(Lane::kTelemetry, 4, 6, 100, into(waiting));
  hub.add(Lane::kTelemetry, 7, 7, 100, into(beside));
  hub.set_aside(Lane::kTelemetry, {core::Epoch{}, 5, 5, core::GapReason::kOversize});
  EXPECT_EQ(waiting.error, Errc::kTooLarge);
  hub.cursor(Lane::kTelemetry, 9);
  EXPECT_FALSE(beside.error);
  EXPECT_EQ(beside.times, 1);
  hub.add(Lane::kTelemetry, 4, 6, 100, into(again));  // a device's retry of it
  EXPECT_EQ(again.error, Errc::kTooLarge);
}

TEST_F(HubWaits, AnAnswerMayLeadToTheNextAppend) {
  int answered = 0;
  hub.add(Lane::kTelemetry, 1, 1, 100, [&](const core::Result<void>&) {
    ++answered;
    hub.add(Lane::kTelemetry, 2, 2, 100, [&](const core::Result<void>&) { ++answered; });
  });
  hub.cursor(Lane::kTelemetry, 2);
  EXPECT_EQ(answered, 2);
}

}  // namespace
}  // namespace sluice::gateway
