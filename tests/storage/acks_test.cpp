// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "sqlite/database.hpp"
#include "tests/storage/log_fixture.hpp"

namespace sluice::storage {
namespace {

using core::Lane;

class AcksTest : public LogTest {
 protected:
  AcksTest() { settings.segment_events = 1000; }
  std::vector<core::Seq> anchors() {
    const auto stored = reader()->anchors(Lane::kTelemetry);
    std::vector<core::Seq> acked;
    if (stored)
      for (const Anchor& anchor : *stored) acked.push_back(anchor.acked);
    return acked;
  }
};

TEST_F(AcksTest, TheCursorIsTheNewestAnchorAndSurvivesReopen) {
  open();
  append_many(20);
  ack(Lane::kTelemetry, 5);
  ack(Lane::kTelemetry, 9);
  EXPECT_EQ(log->lane_state(Lane::kTelemetry).acked, 9u);
  EXPECT_EQ(anchors(), (std::vector<core::Seq>{5, 9}));
  ack(Lane::kTelemetry, 12);  // 9 was near 5: it is not kept
  EXPECT_EQ(anchors(), (std::vector<core::Seq>{5, 12}));
  const core::Epoch epoch = log->epoch();
  reopen();
  EXPECT_EQ(log->lane_state(Lane::kTelemetry).acked, 12u);
  EXPECT_EQ(reader()->lane_state(Lane::kTelemetry)->acked, 12u);
  const auto stored = reader()->anchors(Lane::kTelemetry);
  ASSERT_TRUE(stored);
  const Anchor& cursor = stored->back();
  EXPECT_EQ(cursor.hub_stream, "EVENTS-main");
  EXPECT_EQ(cursor.created, "2026-11-21T00:00:00Z");
  EXPECT_EQ(cursor.epoch, epoch);
  EXPECT_EQ(cursor.seq, 12u);
  EXPECT_EQ(cursor.hub_seq, 1012u);
  EXPECT_EQ(cursor.subject, "ev.main.plant-7.telemetry.pump.Measured");
  EXPECT_EQ(cursor.identity, "plant-7." + epoch.text() + ".telemetry.12");
}

TEST_F(AcksTest, OneAnchorAboutEvery256IsKeptAcrossSegmentsAndStarts) {
  open();
  append_many(2500);
  for (core::Seq acked = 100; acked <= 2400; acked += 100) {
    ack(Lane::kTelemetry, acked);
    if (acked % 700 == 0) reopen();
  }
  const auto kept = anchors();
  ASSERT_GE(kept.size(), 5u) << ::testing::PrintToString(kept);
  EXPECT_EQ(kept.back(), 2400u);
  for (std::size_t i = 1; i + 1 < kept.size(); ++i) {
    EXPECT_GE(kept[i] - kept[i - 1], 256u);
    EXPECT_LE(kept[i] - kept[i - 1], 511u) << ::testing::PrintToString(kept);
  }
  append_many(1000);  // a new segment carries them
  EXPECT_EQ(anchors(), kept);
  const auto stored = reader()->anchors(Lane::kTelemetry);
  for (const Anchor& anchor : *stored)
    EXPECT_EQ(anchor.subject, "ev.main.plant-7.telemetry.pump.Measured");
}

TEST_F(AcksTest, AcksAreWrittenWithoutAnotherCommitWithinSeconds) {
  open();
  append_many(10);
  Anchor anchor;
  anchor.acked = anchor.seq = 4;
  anchor.epoch = log->epoch();
  anchor.hub_stream = "EVENTS-main";
  log->record_acks(Lane::kTelemetry, {anchor});
  EXPECT_EQ(log->lane_state(Lane::kTelemetry).acked, 0u);  // it waits for company
  EXPECT_TRUE(eventually([&] { return log->lane_state(Lane::kTelemetry).acked == 4; }));
}

TEST_F(AcksTest, AcksWaitingAtStopAreWritten) {
  open();
  append_many(10);
  Anchor anchor;
  anchor.acked = anchor.seq = 4;
  anchor.epoch = log->epoch();
  anchor.hub_stream = "EVENTS-main";
  log->record_acks(Lane::kTelemetry, {anchor});
  close();
  EXPECT_EQ(reader()->lane_state(Lane::kTelemetry)->acked, 4u);
}

TEST_F(AcksTest, AnAckOfWhatTheLogDoesNotHaveIsIgnored) {
  open();
  append_many(10);
  ack(Lane::kTelemetry, 500);
  EXPECT_EQ(log->lane_state(Lane::kTelemetry).acked, 0u);
}

TEST_F(AcksTest, ARewindDeletesTheAnchorsAboveDurably) {
  open();
  append_many(900);
  for (const core::Seq acked : {100u, 400u, 700u, 850u}) ack(Lane::kTelemetry, acked);
  ASSERT_TRUE(rewind(Lane::kTelemetry, 400));
  EXPECT_EQ(anchors(), (std::vector<core::Seq>{100, 400}));
  EXPECT_EQ(log->lane_state(Lane::kTelemetry).acked, 400u);
  reopen();
  EXPECT_EQ(anchors(), (std::vector<core::Seq>{100, 400}));
  ASSERT_TRUE(rewind(Lane::kTelemetry, 0));
  EXPECT_TRUE(anchors().empty());
  ack(Lane::kTelemetry, 300);
  EXPECT_EQ(anchors(), (std::vector<core::Seq>{300}));
}

TEST_F(AcksTest, ARangeSetAsideIsRemembered) {
  open();
  append_many(20);
  const SetAside range{log->epoch(), 5, 7, core::GapReason::kOversize};
  ASSERT_TRUE(set_aside(Lane::kTelemetry, range));
  reopen();
  const auto stored = reader()->set_aside(Lane::kTelemetry);
  ASSERT_TRUE(stored);
  ASSERT_EQ(stored->size(), 1u);
  EXPECT_EQ(stored->front().from, 5u);
  EXPECT_EQ(stored->front().to, 7u);
  EXPECT_EQ(stored->front().epoch, range.epoch);
  EXPECT_EQ(stored->front().reason, core::GapReason::kOversize);
}

// The tail of the log was lost after the hub had acked it: those seqs will be given to others.
TEST_F(AcksTest, AnAnchorThatNoEventMatchesIsCutBackAtOpen) {
  open();
  append_many(900);
  ack(Lane::kTelemetry, 300);
  ack(Lane::kTelemetry, 800);
  close();
  {
    auto database = sqlite::Database::open(segment_paths(Lane::kTelemetry).back(),
                                           sqlite::OpenMode::kReadWrite);
    ASSERT_TRUE(database);
    ASSERT_TRUE(database->exec("DELETE FROM event WHERE seq>600"));
  }
  open();
  EXPECT_EQ(log->lane_state(Lane::kTelemetry).acked, 300u);
  EXPECT_EQ(anchors(), (std::vector<core::Seq>{300}));
  EXPECT_TRUE(logger.saw("dropping an anchor"));
  EXPECT_EQ(must_append(make_event("pump/7")).seq, 602u);
}

TEST_F(AcksTest, TheDedupWindowIsTheAgeOfTheOldestAckedSegment) {
  settings.segment_events = 100;
  open();
  append_many(250);
  EXPECT_EQ(log->counters().dedup_window_ms, 0u);
  ack(Lane::kTelemetry, 240);
  clock.advance(std::chrono::minutes(90));
  EXPECT_TRUE(eventually([&] { return log->counters().dedup_window_ms == 90u * 60 * 1000; }));
}

TEST_F(AcksTest, TheOldestUnackedEventIsTold) {
  open();
  const std::int64_t first = clock.wall_ns();
  append_many(2);
  clock.advance(std::chrono::minutes(5));
  append_many(2);
  EXPECT_EQ(log->lane_state(Lane::kTelemetry).oldest_unacked_wall_ns, first);
  ack(Lane::kTelemetry, 3);
  EXPECT_EQ(log->lane_state(Lane::kTelemetry).oldest_unacked_wall_ns, clock.wall_ns());
  EXPECT_EQ(reader()->lane_state(Lane::kTelemetry)->oldest_unacked_wall_ns, clock.wall_ns());
  ack(Lane::kTelemetry, 5);
  EXPECT_EQ(log->lane_state(Lane::kTelemetry).oldest_unacked_wall_ns, 0);
}

}  // namespace
}  // namespace sluice::storage
