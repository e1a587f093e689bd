// SPDX-License-Identifier: Apache-2.0
// The forwarding machine alone, while the hub stream is made anew or cut back under its session.
#include <gtest/gtest.h>

#include "tests/sync/forwarder_bench.hpp"

namespace sluice::sync {
namespace {

using core::Lane;

// 600 events acked: anchors at 256, 512 and the end.
void fill_the_hub(Bench& bench) {
  for (int i = 0; i < 600; ++i) bench.log.append(Lane::kTelemetry, 20);
  bench.open();
  bench.let_in();
  bench.pass(Time(1'000));
  ASSERT_EQ(bench.telemetry().acked(), 601u);
  ASSERT_EQ(bench.looks, 1) << "when it connects";
  bench.sent.clear();
}

void make_anew(Bench& bench) {
  bench.hub.created = "2026-11-22T00:00:00Z";
  bench.hub.last_seq = 0;
}

void append(Bench& bench) {
  bench.log.append(Lane::kTelemetry, 20);
  bench.forwarder.tail(Lane::kTelemetry, 1, bench.log.at(Lane::kTelemetry).last, bench.now);
  bench.settle();
}

std::string why_of(const Bench& bench, Lane lane) {
  for (const auto& [of, rewind] : bench.told)
    if (of == lane) return rewind.why;
  return "";
}

// All that the log has went to the hub again, of every lane, in order.
void expect_all_sent_again(const Bench& bench, core::Seq last) {
  EXPECT_EQ(why_of(bench, Lane::kTelemetry), "the hub stream was made anew");
  core::Seq next = 1;
  for (const auto& text : bench.sent) {
    const auto identity = core::Identity::parse(text);
    if (identity->lane == Lane::kTelemetry && identity->seq == next) ++next;
  }
  EXPECT_EQ(next, last + 1);
  for (const Lane lane : {Lane::kAlarm, Lane::kBulk, Lane::kSystem})
    EXPECT_EQ(sent_of(bench, lane), 1u) << core::lane_name(lane);
  EXPECT_EQ(bench.closed, "");
}

TEST(HubMadeAnew, UnderALiveLinkIsFilledFromTheFirstEventWhenAnAckShowsIt) {
  Bench bench;
  fill_the_hub(bench);
  make_anew(bench);
  append(bench);
  bench.pass(Time(1'000));
  EXPECT_EQ(bench.telemetry().acked(), 602u);
  expect_all_sent_again(bench, 602);
  EXPECT_EQ(bench.looks, 2);
  EXPECT_TRUE(bench.alarms.empty()) << bench.alarms[0];
  EXPECT_EQ(bench.forwarder.hub()->created, bench.hub.created);
  for (const auto& anchor : bench.log.lane_log(Lane::kTelemetry).anchors)
    EXPECT_EQ(anchor.created, bench.hub.created);
}

TEST(HubMadeAnew, AndFurtherThanItWasByOthersIsSeenByAnIdleGatewayWithinItsInterval) {
  Bench bench;
  fill_the_hub(bench);
  make_anew(bench);
  bench.hub.last_seq = 50'000;
  bench.pass(Time(3'590'000));
  EXPECT_EQ(bench.sent.size(), 0u);
  bench.pass(Time(20'000));
  expect_all_sent_again(bench, 601);
  EXPECT_EQ(bench.telemetry().acked(), 601u);
  EXPECT_EQ(bench.looks, 2);
}

TEST(HubMadeAnew, IsSeenAtOnceAtTheHubsWord) {
  Bench bench;
  fill_the_hub(bench);
  make_anew(bench);
  bench.forwarder.hub_changed(bench.now);
  bench.pass(Time(1'000));
  expect_all_sent_again(bench, 601);
}

TEST(HubMadeAnew, TheSameHubStreamIsLeftAlone) {
  Bench bench;
  fill_the_hub(bench);
  bench.forwarder.hub_changed(bench.now);
  auto look = std::move(bench.answers.front());
  bench.answers.clear();
  append(bench);  // acked between the question and its answer
  look();
  bench.pass(Time(1'000));
  EXPECT_EQ(bench.sent.size(), 1u);
  EXPECT_EQ(bench.telemetry().acked(), 602u);
  EXPECT_TRUE(bench.told.empty());
}

TEST(HubMadeAnew, AWordThatCameBeforeADoubtIsAnsweredForNothing) {
  Bench bench;
  fill_the_hub(bench);
  bench.forwarder.hub_changed(bench.now);  // answered with what the hub stream was
  ASSERT_EQ(bench.answers.size(), 1u);
  auto early = std::move(bench.answers.front());
  bench.answers.clear();
  make_anew(bench);
  bench.log.append(Lane::kTelemetry, 20);
  bench.forwarder.tail(Lane::kTelemetry, 1, 602, bench.now);
  bench.reads.front()();
  bench.reads.clear();
  bench.answers.front()();  // the ack that shows it
  bench.answers.pop_front();
  ASSERT_EQ(bench.looks, 3);
  early();
  EXPECT_TRUE(bench.told.empty());
  bench.pass(Time(1'000));
  expect_all_sent_again(bench, 602);
}

TEST(HubMadeAnew, WhatIsDeletedAndNotYetMadeAgainEndsTheSession) {
  Bench bench;
  fill_the_hub(bench);
  bench.is_hub_stream_gone = true;
  bench.forwarder.hub_changed(bench.now);
  bench.settle();
  EXPECT_NE(bench.closed.find("not found"), std::string::npos) << bench.closed;
}

TEST(HubMadeAnew, ALookWithoutAnAnswerEndsTheSessionAndTheDoubtOutlivesIt) {
  Bench bench;
  fill_the_hub(bench);
  // The hub stream goes back to 300 and takes two more, far apart; of the second one nothing comes
  // back, nor of anything after it.
  bench.is_silent = true;
  append(bench);
  append(bench);
  bench.forwarder.answer(Lane::kTelemetry, *(bench.tokens.end() - 2), {true, {301, false}, {}},
                         bench.now);
  bench.pass(Time(19'000));
  EXPECT_EQ(bench.closed, "");
  bench.pass(Time(2'000));
  EXPECT_NE(bench.closed.find("timeout"), std::string::npos) << bench.closed;
  bench.is_silent = false;
  bench.sent.clear();
  // Without the doubt, what was sent last would speak for all anchors.
  bench.hub.last_seq = 5'000;
  bench.stored = StoredMessage{4'000, "plant-7." + bench.log.epoch().text() + ".telemetry.603"};
  bench.reconnect();
  bench.pass(Time(1'000));
  EXPECT_EQ(bench.telemetry().acked(), 603u);
  EXPECT_EQ(sent_of(bench, Lane::kTelemetry), 603u - 256);
}

TEST(HubCutBack, UnderALiveLinkGoesOnFromTheAnchorBelowTheCut) {
  Bench bench;
  fill_the_hub(bench);
  bench.hub.last_seq = 300;
  bench.stored = StoredMessage{301, "plant-7." + bench.log.epoch().text() + ".telemetry.602"};
  append(bench);
  bench.pass(Time(1'000));
  EXPECT_EQ(bench.telemetry().acked(), 602u);
  EXPECT_EQ(sent_of(bench, Lane::kTelemetry), 1u + (602u - 256));
  EXPECT_EQ(why_of(bench, Lane::kTelemetry), "the hub stream was cut back");
  ASSERT_EQ(bench.alarms.size(), 1u);
  EXPECT_EQ(bench.alarms[0], "HubCutBack");
}

TEST(HubCutBack, TakesBackWhatWasAckedSinceTheNewestAnchorToo) {
  Bench bench;
  fill_the_hub(bench);
  const auto newest = bench.log.lane_log(Lane::kTelemetry).anchors.back();
  ASSERT_EQ(newest.acked, 601u);
  bench.stored = StoredMessage{newest.hub_seq, newest.identity};
  bench.is_silent = true;
  for (int i = 0; i < 4; ++i) append(bench);
  const std::vector<std::uint64_t> tokens(bench.tokens.end() - 4, bench.tokens.end());
  bench.is_silent = false;
  bench.sent.clear();
  // Two are acked, and the hub goes back to before them; nothing was handed to sluiced yet.
  bench.hub.last_seq = newest.hub_seq + 1;
  for (const std::uint64_t i : {0u, 1u})
    bench.forwarder.answer(Lane::kTelemetry, tokens[i], {true, {newest.hub_seq + 1 + i, false}, {}},
                           bench.now);
  bench.forwarder.answer(Lane::kTelemetry, tokens[2], {true, {newest.hub_seq + 1, false}, {}},
                         bench.now);
  bench.pass(Time(1'000));
  EXPECT_EQ(bench.telemetry().acked(), 605u);
  EXPECT_EQ(sent_of(bench, Lane::kTelemetry), 4u);
  const auto from = std::find_if(bench.told.begin(), bench.told.end(),
                                 [](const auto& told) { return told.first == Lane::kTelemetry; });
  ASSERT_NE(from, bench.told.end());
  EXPECT_EQ(from->second.from, 602u);
}

// Two questions about anchors are on their way when the first is answered.
TEST(HubCutBack, AnAnswerAboutAnAnchorFromBeforeItSaysNothing) {
  Bench bench;
  fill_the_hub(bench);
  bench.log.append(Lane::kAlarm, 20);
  bench.forwarder.tail(Lane::kAlarm, 1, 2, bench.now);
  bench.settle();
  const auto identity = [&](core::Seq seq) {
    return "plant-7." + bench.log.epoch().text() + ".telemetry." + std::to_string(seq);
  };
  bench.forwarder.session_closed(core::fail(core::Errc::kUnavailable, "gone"), bench.now);
  bench.now += Time(60'000);
  bench.forwarder.tick(bench.now);
  bench.forwarder.connected(1 << 20, bench.now);
  bench.forwarder.claimed(true, "", bench.now);
  bench.answers.front()();
  bench.answers.clear();  // four questions about anchors
  const auto alarm = bench.log.lane_log(Lane::kAlarm).anchors.back();
  bench.forwarder.anchor(Lane::kAlarm, StoredMessage{alarm.hub_seq, alarm.identity}, bench.now);
  bench.answers.clear();
  // Alarm goes on; a look finds that its last event is gone.
  bench.hub.last_seq = alarm.hub_seq - 50;
  bench.forwarder.hub_changed(bench.now);
  bench.answers.front()();
  bench.answers.clear();
  bench.sent.clear();
  // The first answer is from before the cut; the second: nothing of this subject is left.
  bench.forwarder.anchor(Lane::kTelemetry, StoredMessage{600, identity(601)}, bench.now);
  bench.stored.reset();
  bench.forwarder.anchor(Lane::kTelemetry, std::optional<StoredMessage>(), bench.now);
  bench.pass(Time(1'000));
  EXPECT_EQ(sent_of(bench, Lane::kTelemetry), 601u);
}

TEST(HubCutBack, IsSeenByAnIdleGatewayAtItsNextLook) {
  Bench bench;
  fill_the_hub(bench);
  bench.hub.last_seq = 300;
  const auto below = bench.log.lane_log(Lane::kTelemetry).anchors.front();
  ASSERT_EQ(below.acked, 256u);
  bench.stored = StoredMessage{below.hub_seq, below.identity};
  bench.pass(Time(3'600'000));
  EXPECT_EQ(bench.telemetry().acked(), 601u);
  EXPECT_EQ(sent_of(bench, Lane::kTelemetry), 601u - 256);
  EXPECT_EQ(why_of(bench, Lane::kTelemetry), "the hub stream was cut back");
}

}  // namespace
}  // namespace sluice::sync
