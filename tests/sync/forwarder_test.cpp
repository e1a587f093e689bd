// SPDX-License-Identifier: Apache-2.0
// The forwarding machine alone, step by step: rewinds that ask, budgets, second looks at a hole,
// pings, and a log that went back under its writer.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/sync/forwarder_bench.hpp"

namespace sluice::sync {
namespace {

using core::Lane;

ForwarderSettings asking(std::uint64_t bytes, Time jitter = Time(0)) {
  ForwarderSettings out;
  out.window.rewind_ask_bytes = bytes;
  out.window.rewind_jitter = jitter;
  return out;
}

// All acked, and then the hub's store is gone.
void lose_the_hub(Bench& bench) {
  for (int i = 0; i < 50; ++i) bench.log.append(Lane::kTelemetry, 20);
  bench.open();
  bench.let_in();
  bench.pass(Time(100));
  ASSERT_EQ(bench.telemetry().acked(), 51u);
  bench.hub.created = "2026-11-22T00:00:00Z";
  bench.hub.last_seq = 0;
  bench.sent.clear();
  bench.reconnect();
}

TEST(Rewind, AboveTheLimitWaitsForAnOperatorAndKeepsWhatItNeedsWhileOtherLanesGoOn) {
  Bench bench(asking(1'000));
  lose_the_hub(bench);
  bench.pass(Time(5'000));
  ASSERT_TRUE(bench.telemetry().asks());
  EXPECT_TRUE(bench.forwarder.asks());
  EXPECT_TRUE(bench.forwarder.rests());
  EXPECT_EQ(sent_of(bench, Lane::kTelemetry), 0u);
  EXPECT_EQ(sent_of(bench, Lane::kAlarm), 1u) << "a lane with little to send again does not ask";
  // The cursor is back on disk, so nothing of it is trimmed however long this takes.
  EXPECT_EQ(bench.log.at(Lane::kTelemetry).trim_after, 51u);
  const auto told = std::find_if(bench.told.begin(), bench.told.end(),
                                 [](const auto& of) { return of.first == Lane::kTelemetry; });
  ASSERT_NE(told, bench.told.end());
  EXPECT_EQ(told->second.from, 1u);
  EXPECT_EQ(told->second.to, 51u);
  EXPECT_EQ(told->second.events, 51u);
  EXPECT_GT(told->second.bytes, 51u * 180);
  EXPECT_LT(told->second.bytes, 51u * 300);
  EXPECT_EQ(told->second.why, "the hub stream was made anew");

  // New events of the lane wait behind it: there is one order in a lane.
  bench.log.append(Lane::kTelemetry, 20);
  bench.forwarder.tail(Lane::kTelemetry, 1, 52, bench.now);
  bench.settle();
  EXPECT_EQ(sent_of(bench, Lane::kTelemetry), 0u);
  bench.forwarder.allow_rewinds(bench.now);
  bench.pass(Time(100));
  EXPECT_EQ(sent_of(bench, Lane::kTelemetry), 52u);
  EXPECT_EQ(bench.telemetry().acked(), 52u);
  EXPECT_FALSE(bench.telemetry().rewinding());
  EXPECT_EQ(bench.telemetry().rewinds(), 1u);
  EXPECT_EQ(bench.telemetry().rewound_events(), 51u);
}

TEST(Rewind, AfterARestartAsksAgainWhereItWasAndTellsNothingTwice) {
  Bench before(asking(1'000));
  lose_the_hub(before);
  Bench after(asking(1'000));
  after.log = before.log;
  after.hub = before.hub;
  after.open();
  after.let_in();
  after.pass(Time(1'000));
  ASSERT_TRUE(after.telemetry().asks());
  EXPECT_EQ(after.telemetry().rewinding()->events, 51u);
  for (const auto& [lane, rewind] : after.told) EXPECT_NE(lane, Lane::kTelemetry) << rewind.why;
  EXPECT_EQ(sent_of(after, Lane::kTelemetry), 0u);
}

TEST(Rewind, BeginsAfterAJitterThatGrowsWithItsSize) {
  Bench bench(asking(0, Time(30'000)));
  lose_the_hub(bench);
  // 51 events of about 200 bytes: at least 36 ms, as this random number is the highest.
  bench.pass(Time(20));
  EXPECT_EQ(sent_of(bench, Lane::kTelemetry), 0u);
  bench.pass(Time(40));
  EXPECT_EQ(sent_of(bench, Lane::kTelemetry), 51u);
}

TEST(Rewind, SaysSoWhenItIsTheLogThatWentBackAndNotTheHub) {
  Bench bench;
  for (int i = 0; i < 20; ++i) bench.log.append(Lane::kTelemetry, 20);
  bench.open();
  bench.let_in();
  bench.pass(Time(100));
  bench.forwarder.log_closed();
  bench.log.cut_tail(Lane::kTelemetry, 10);
  core::SeededRandom random(8);
  bench.log.start(random);
  bench.open();
  bench.let_in();
  bench.pass(Time(100));
  EXPECT_EQ(bench.telemetry().acked(), 11u);
  const auto told = std::find_if(bench.told.begin(), bench.told.end(),
                                 [](const auto& of) { return of.first == Lane::kTelemetry; });
  ASSERT_NE(told, bench.told.end());
  EXPECT_EQ(told->second.to, 11u) << "no more than there is";
  EXPECT_EQ(told->second.why, "this log is another than the one that was acknowledged");
}

TEST(Rewind, SilenceWhileItWaitsIsAskedIntoAndEndsTheSession) {
  Bench bench(asking(1'000));
  lose_the_hub(bench);
  bench.pass(Time(19'000));
  EXPECT_EQ(bench.pings, 0);
  bench.pass(Time(2'000));
  ASSERT_EQ(bench.pings, 1);
  bench.forwarder.alive(bench.now);
  bench.pass(Time(19'000));
  EXPECT_EQ(bench.pings, 1);
  EXPECT_EQ(bench.closed, "");
  bench.pass(Time(12'000));
  EXPECT_EQ(bench.pings, 2);
  EXPECT_NE(bench.closed.find("no sign of life"), std::string::npos) << bench.closed;
}

TEST(Budgets, ALaneSendsNoFasterAndTheOthersAsBefore) {
  ForwarderSettings settings;
  settings.budgets[core::index(Lane::kTelemetry)] = 1'000;
  Bench bench(settings);
  for (int i = 0; i < 100; ++i) bench.log.append(Lane::kTelemetry, 200);
  for (int i = 0; i < 100; ++i) bench.log.append(Lane::kBulk, 20);
  bench.open();
  bench.let_in();
  bench.pass(Time(10'000));
  EXPECT_EQ(bench.forwarder.lane(Lane::kBulk).acked(), 101u);
  // About 480 bytes each on the link: 10 s and the first second's worth.
  EXPECT_GE(sent_of(bench, Lane::kTelemetry), 18u);
  EXPECT_LE(sent_of(bench, Lane::kTelemetry), 25u);
  EXPECT_TRUE(bench.forwarder.rests()) << "a lane that saves up is not stuck";
}

TEST(Budgets, HoldForWhatANeedAsksForToo) {
  ForwarderSettings settings;
  settings.budgets[core::index(Lane::kTelemetry)] = 1'000;
  Bench bench(settings);
  for (int i = 0; i < 60; ++i) bench.log.append(Lane::kTelemetry, 200);
  bench.open();
  bench.let_in();
  bench.pass(Time(60'000));
  ASSERT_EQ(bench.telemetry().acked(), 61u);
  bench.sent.clear();
  bench.forwarder.need({bench.log.epoch(), Lane::kTelemetry, 1, 60}, bench.now);
  bench.pass(Time(10'000));
  EXPECT_GE(sent_of(bench, Lane::kTelemetry), 18u);
  EXPECT_LE(sent_of(bench, Lane::kTelemetry), 25u);
  bench.pass(Time(30'000));
  EXPECT_EQ(sent_of(bench, Lane::kTelemetry), 60u);
}

TEST(Holes, WhatIsThereAtTheSecondLookIsSentAndNotReplaced) {
  Bench bench;
  for (int i = 0; i < 20; ++i) bench.log.append(Lane::kTelemetry, 20);
  bench.hide = 5;
  bench.hide_once = true;
  bench.open();
  bench.let_in();
  bench.pass(Time(100));
  EXPECT_EQ(sent_of(bench, Lane::kTelemetry), 21u);
  for (const auto& identity : bench.sent)
    EXPECT_EQ(core::Identity::parse(identity)->to, 0u) << identity;
}

TEST(Holes, WhatIsMissingTwiceIsReplacedByAGapRecord) {
  Bench bench;
  for (int i = 0; i < 20; ++i) bench.log.append(Lane::kTelemetry, 20);
  bench.hide = 5;
  bench.open();
  bench.let_in();
  bench.pass(Time(100));
  EXPECT_EQ(bench.telemetry().acked(), 21u);
  std::size_t gaps = 0;
  for (const auto& text : bench.sent) {
    const auto identity = core::Identity::parse(text);
    if (identity->to == 0) continue;
    ++gaps;
    EXPECT_EQ(identity->seq, 5u);
    EXPECT_EQ(identity->to, 5u);
  }
  EXPECT_EQ(gaps, 1u);
}

TEST(Holes, ANeedForWhatWasSetAsideMeanwhileIsAnsweredWithItsGapRecord) {
  Bench bench;
  for (int i = 0; i < 20; ++i) bench.log.append(Lane::kTelemetry, i == 3 ? 900 : 20);
  bench.hub.message_bytes_max = 600;
  bench.open();
  bench.let_in();
  bench.pass(Time(100));
  ASSERT_EQ(bench.telemetry().acked(), 21u);
  bench.sent.clear();
  bench.forwarder.need({bench.log.epoch(), Lane::kTelemetry, 5, 5}, bench.now);
  bench.pass(Time(1'000));
  ASSERT_EQ(bench.sent.size(), 1u);
  EXPECT_EQ(core::Identity::parse(bench.sent[0])->to, 5u) << bench.sent[0];
}

TEST(Progress, AHubThatRefusesAndOneThatIsAwayAreMovesAndAnsweredNothingIsRest) {
  Bench bench;
  bench.open();
  bench.let_in();
  bench.pass(Time(100));
  EXPECT_TRUE(bench.forwarder.rests()) << "nothing waits";
  bench.refuses = true;
  bench.log.append(Lane::kTelemetry, 20);
  bench.forwarder.tail(Lane::kTelemetry, 1, 2, bench.now);
  bench.settle();
  EXPECT_FALSE(bench.forwarder.rests());
  auto before = bench.forwarder.moves();
  bench.pass(Time(60'000));
  EXPECT_GT(bench.forwarder.moves(), before + 3);
  before = bench.forwarder.moves();
  bench.forwarder.session_closed(core::fail(core::Errc::kUnavailable, "gone"), bench.now);
  for (int i = 0; i < 4; ++i) {
    bench.pass(Time(16'000));
    bench.forwarder.connect_failed(core::fail(core::Errc::kUnavailable, "away"), bench.now);
  }
  EXPECT_GE(bench.forwarder.moves(), before + 8);
  EXPECT_FALSE(bench.forwarder.rests());
}

TEST(Snapshot, AnEventOfTheRunningEpochThatTheLogDoesNotHaveIsToldAndNothingIsSent) {
  Bench bench;
  for (int i = 0; i < 20; ++i) bench.log.append(Lane::kTelemetry, 20);
  bench.open();
  bench.let_in();
  bench.pass(Time(100));
  bench.forwarder.log_closed();
  bench.sent.clear();
  // The hub has 40; this machine's memory and disk are back at 21.
  bench.stored = StoredMessage{99, "plant-7." + bench.log.epoch().text() + ".telemetry.40"};
  bench.hub.last_seq = 99;
  bench.open();
  bench.let_in();
  EXPECT_EQ(bench.future, 40u);
  EXPECT_NE(bench.closed, "");
  EXPECT_EQ(sent_of(bench, Lane::kTelemetry), 0u);
}

}  // namespace
}  // namespace sluice::sync
