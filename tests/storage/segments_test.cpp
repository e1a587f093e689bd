// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <fstream>

#include "sqlite/database.hpp"
#include "storage/segment_file.hpp"
#include "tests/storage/log_fixture.hpp"

namespace sluice::storage {
namespace {

using core::Errc;
using core::Lane;
using sqlite::Database;
using sqlite::OpenMode;

class SegmentsTest : public LogTest {
 protected:
  bool is_sealed(const std::filesystem::path& path) {
    if (wal_bytes(path) > 0) return false;
    auto database = Database::open(path, OpenMode::kImmutable);
    if (!database) return false;
    const auto mark = database->query_int("SELECT count(*) FROM meta WHERE key='sealed'");
    return mark && *mark == 1;
  }
  bool all_but_newest_sealed(Lane lane) {
    const auto paths = segment_paths(lane);
    for (std::size_t i = 0; i + 1 < paths.size(); ++i)
      if (!is_sealed(paths[i])) return false;
    return true;
  }
  // Waits until the writer's memory of the sealed ones is gone as well.
  void wait_for_sealer(Lane lane) {
    ASSERT_TRUE(eventually([&] { return all_but_newest_sealed(lane); }));
  }
  void ack_all(Lane lane) { ack(lane, log->lane_state(lane).last); }
};

TEST_F(SegmentsTest, AFullSegmentIsSealedAndReadOn) {
  open();
  append_many(450);
  EXPECT_EQ(segment_files(Lane::kTelemetry), 5u);
  wait_for_sealer(Lane::kTelemetry);
  const auto records = read_all(Lane::kTelemetry);
  ASSERT_EQ(records.size(), 451u);
  EXPECT_EQ(records.front().seq, 1u);
  const auto state = log->lane_state(Lane::kTelemetry);
  EXPECT_EQ(state.segments, 5u);
  EXPECT_EQ(state.first, 1u);
  EXPECT_EQ(state.last, 451u);
}

TEST_F(SegmentsTest, AStreamIsReadAcrossSegments) {
  open();
  for (int i = 0; i < 150; ++i) {
    must_append(make_event("pump/7"));
    append_many(2, "pump/8");
  }
  must_append(make_event("valve/1"));
  const auto check = [&] {
    for (const std::uint64_t from : {0u, 1u, 2u, 60u, 149u, 150u, 151u}) {
      for (const std::size_t limit : {1u, 7u, 1000u}) {
        const auto inside = log->read_stream({"pump", "7"}, from, limit);
        const auto outside = reader()->read_stream({"pump", "7"}, from, limit);
        ASSERT_TRUE(inside);
        ASSERT_TRUE(outside);
        const std::uint64_t first = std::max<std::uint64_t>(from, 1);
        const std::size_t expected = first > 150 ? 0 : std::min<std::size_t>(limit, 151 - first);
        ASSERT_EQ(inside->size(), expected) << from << " " << limit;
        ASSERT_EQ(outside->size(), expected) << from << " " << limit;
        for (std::size_t i = 0; i < expected; ++i) {
          EXPECT_EQ(codec::decode_event(inside->at(i).body)->version, first + i);
          EXPECT_EQ(inside->at(i).body, outside->at(i).body);
        }
      }
    }
  };
  check();
  wait_for_sealer(Lane::kTelemetry);
  check();
  reopen();
  check();
  EXPECT_EQ(log->read_stream({"pump", "9"}, 1, 10)->size(), 0u);
  EXPECT_EQ(log->read_stream({"valve", "1"}, 1, 10)->size(), 1u);
}

TEST_F(SegmentsTest, AnIdIsKnownInSealedSegmentsAndAfterAReopen) {
  open();
  NewEvent event = make_event("pump/7");
  event.id = make_id(1);
  const Appended first = must_append(event);
  append_many(300, "pump/8");
  wait_for_sealer(Lane::kTelemetry);
  EXPECT_EQ(must_append(event).seq, first.seq);
  reopen();
  const Appended again = must_append(event);
  EXPECT_TRUE(again.duplicate);
  EXPECT_EQ(again.seq, first.seq);
  event.type = "Other";
  EXPECT_EQ(append(event).error().code, Errc::kIdConflict);
}

TEST_F(SegmentsTest, AckedSegmentsGoAfterTheRetentionWindowAndNeverTheNewest) {
  settings.retention = std::chrono::hours(24);
  open();
  append_many(350);
  wait_for_sealer(Lane::kTelemetry);
  ack_all(Lane::kTelemetry);
  clock.advance(std::chrono::hours(23));
  ack_all(Lane::kTelemetry);
  must_append(make_event("pump/7"));
  EXPECT_EQ(segment_files(Lane::kTelemetry), 4u);
  clock.advance(std::chrono::hours(2));
  EXPECT_TRUE(eventually([&] { return segment_files(Lane::kTelemetry) == 1; }));
  EXPECT_TRUE(eventually([&] { return log->counters().trimmed_segments == 3; }));
  const auto state = log->lane_state(Lane::kTelemetry);
  EXPECT_EQ(state.first, read_all(Lane::kTelemetry).front().seq);
  EXPECT_GT(state.first, 300u);
  const auto beginning = reader()->read_lane(Lane::kTelemetry, 1);
  ASSERT_TRUE(beginning);
  EXPECT_EQ(beginning->front().seq, state.first);
}

TEST_F(SegmentsTest, TimeSwitchedOffDoesNotCountForRetention) {
  open();
  append_many(150);
  wait_for_sealer(Lane::kTelemetry);
  ack_all(Lane::kTelemetry);
  close();
  clock.reboot();  // years may have gone by; this boot is five seconds old
  open();
  clock.advance(std::chrono::hours(23));
  must_append(make_event("pump/7"));
  EXPECT_EQ(segment_files(Lane::kTelemetry), 2u);
  clock.advance(std::chrono::hours(2));
  EXPECT_TRUE(eventually([&] { return segment_files(Lane::kTelemetry) == 1; }));
}

TEST_F(SegmentsTest, UnackedSegmentsStayForEver) {
  settings.retention = std::chrono::milliseconds(0);
  open();
  append_many(350);
  wait_for_sealer(Lane::kTelemetry);
  ack(Lane::kTelemetry, 150);
  EXPECT_TRUE(eventually([&] { return segment_files(Lane::kTelemetry) == 3; }));
  clock.advance(std::chrono::hours(1000));
  must_append(make_event("pump/7"));
  EXPECT_EQ(segment_files(Lane::kTelemetry), 3u);
}

TEST_F(SegmentsTest, ARewindStopsTrimmingUntilTheOldCursorIsPassed) {
  settings.retention = std::chrono::hours(1);
  open();
  append_many(350);
  wait_for_sealer(Lane::kTelemetry);
  ack(Lane::kTelemetry, 120);
  ack(Lane::kTelemetry, 340);
  ASSERT_TRUE(rewind(Lane::kTelemetry, 200));
  EXPECT_LT(log->lane_state(Lane::kTelemetry).acked, 200u);
  ack(Lane::kTelemetry, 330);
  reopen();  // it is remembered
  clock.advance(std::chrono::hours(2));
  must_append(make_event("pump/7"));
  EXPECT_EQ(segment_files(Lane::kTelemetry), 4u);
  ack(Lane::kTelemetry, 345);
  clock.advance(std::chrono::hours(2));
  EXPECT_TRUE(eventually([&] { return segment_files(Lane::kTelemetry) == 1; }));
}

TEST_F(SegmentsTest, VersionsOutliveTrimmedSegments) {
  settings.retention = std::chrono::milliseconds(0);
  open();
  append_many(3, "resting/1");
  append_many(400);
  wait_for_sealer(Lane::kTelemetry);
  ack_all(Lane::kTelemetry);
  ASSERT_TRUE(eventually([&] { return segment_files(Lane::kTelemetry) == 1; }));
  EXPECT_EQ(must_append(make_event("resting/1")).version, 4u);
  reopen();
  EXPECT_EQ(must_append(make_event("resting/1")).version, 5u);
  EXPECT_EQ(must_append(make_event("pump/7")).version, 401u);
  const auto epochs = reader()->epochs(Lane::kTelemetry);
  ASSERT_TRUE(epochs);
  EXPECT_FALSE(epochs->empty());
  EXPECT_EQ(epochs->back().epoch, log->epoch());
}

TEST_F(SegmentsTest, EpochsWithoutRetainedEventsAreForgottenInTheNextSegment) {
  settings.retention = std::chrono::milliseconds(0);
  for (int i = 0; i < 5; ++i) reopen();
  append_many(250);
  wait_for_sealer(Lane::kTelemetry);
  ack_all(Lane::kTelemetry);
  ASSERT_TRUE(eventually([&] { return segment_files(Lane::kTelemetry) == 1; }));
  append_many(100);
  const auto epochs = reader()->epochs(Lane::kTelemetry);
  ASSERT_TRUE(epochs);
  EXPECT_EQ(epochs->size(), 1u);
  EXPECT_NE(epochs->front().opened.previous.value, 0u);
}

TEST_F(SegmentsTest, ASegmentWithoutItsFirstTransactionIsRemovedAtBoot) {
  open();
  append_many(20);
  close();
  const auto folder = lane_folder(scratch.path() / "log", Lane::kTelemetry);
  const auto empty = folder / "00000000000000000022-0000000a.seg";
  std::ofstream(empty).put('x');
  const auto tables_only = folder / "00000000000000000022-0000000b.seg";
  {
    auto database = Database::open(tables_only, OpenMode::kCreate);
    ASSERT_TRUE(database);
    ASSERT_TRUE(
        database->exec("PRAGMA journal_mode=wal; CREATE TABLE other(a); "
                       "CREATE TABLE another(b)"));
  }
  EXPECT_EQ(reader()->lane_state(Lane::kTelemetry)->last, 21u);
  open();
  EXPECT_FALSE(std::filesystem::exists(empty));
  EXPECT_FALSE(std::filesystem::exists(tables_only));
  EXPECT_EQ(must_append(make_event("pump/7")).version, 21u);
  EXPECT_EQ(read_all(Lane::kTelemetry).size(), 23u);
}

TEST_F(SegmentsTest, AnUnfinishedSealIsFinishedAtBoot) {
  open();
  append_many(250);
  wait_for_sealer(Lane::kTelemetry);
  close();
  const auto first = segment_paths(Lane::kTelemetry).front();
  {
    // As if the writer had died before the sealer began: no indexes, no mark.
    auto database = Database::open(first, OpenMode::kReadWrite);
    ASSERT_TRUE(database);
    ASSERT_TRUE(database->exec(
        "DROP TABLE event_id; DROP TABLE stream_event; DELETE FROM meta WHERE key IN "
        "('sealed','last_seq','id_filter','id_smallest','id_largest','id_probes')"));
  }
  ASSERT_FALSE(is_sealed(first));
  open();
  EXPECT_TRUE(is_sealed(first));
  EXPECT_EQ(log->read_stream({"pump", "7"}, 1, 1000)->size(), 250u);
}

TEST_F(SegmentsTest, AForeignFolderIsRefused) {
  open();
  close();
  gateway = "plant-8";
  const auto foreign = try_open();
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().code, Errc::kConfig);
  EXPECT_NE(foreign.error().message.find("plant-7"), std::string::npos);
}

TEST_F(SegmentsTest, SegmentsOfDifferentGatewaysAreRefused) {
  open();
  append_many(150);
  wait_for_sealer(Lane::kTelemetry);
  close();
  {
    auto database = Database::open(segment_paths(Lane::kTelemetry).front(), OpenMode::kReadWrite);
    ASSERT_TRUE(database);
    ASSERT_TRUE(database->exec("UPDATE meta SET value='plant-8' WHERE key='gateway'"));
  }
  const auto mixed = try_open();
  ASSERT_FALSE(mixed);
  EXPECT_EQ(mixed.error().code, Errc::kConfig);
}

TEST_F(SegmentsTest, ANewerFormatIsRefusedAndLeftUntouched) {
  open();
  append_many(20);
  close();
  const auto newest = segment_paths(Lane::kTelemetry).back();
  {
    auto database = Database::open(newest, OpenMode::kReadWrite);
    ASSERT_TRUE(database);
    ASSERT_TRUE(database->exec("PRAGMA user_version=2"));
  }
  const auto content = [&] {
    std::ifstream in(newest, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  const std::string before = content();
  const auto newer = try_open();
  ASSERT_FALSE(newer);
  EXPECT_EQ(newer.error().code, Errc::kUnsupported);
  EXPECT_EQ(content(), before);
}

TEST_F(SegmentsTest, ADamagedRowOfTheNewestSegmentIsNamed) {
  open();
  append_many(20);
  close();
  {
    auto database = Database::open(segment_paths(Lane::kTelemetry).back(), OpenMode::kReadWrite);
    ASSERT_TRUE(database);
    ASSERT_TRUE(
        database->exec("UPDATE event SET body=substr(body,1,length(body)-1)||x'c2' "
                       "WHERE seq=7"));
  }
  const auto good = reader()->read_lane(Lane::kTelemetry, 1);
  ASSERT_TRUE(good);
  EXPECT_EQ(good->size(), 6u);
  const auto bad = reader()->read_lane(Lane::kTelemetry, 7);
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code, Errc::kCorrupt);
  EXPECT_EQ(bad.error().current, 7);
  open();
  EXPECT_TRUE(logger.saw("with seq 7 does not match its checksum"));
  const auto aside = *reader()->set_aside(Lane::kTelemetry);
  ASSERT_EQ(aside.size(), 1u);
  EXPECT_EQ(aside[0].from, 7u);
  EXPECT_EQ(aside[0].to, 7u);
}

TEST_F(SegmentsTest, ADamagedOldSegmentDoesNotStopTheLog) {
  open();
  append_many(250);
  close();
  const auto first = segment_paths(Lane::kTelemetry).front();
  {
    auto database = Database::open(first, OpenMode::kReadWrite);
    ASSERT_TRUE(database);
    ASSERT_TRUE(
        database->exec("DELETE FROM meta WHERE key='sealed'; "
                       "UPDATE event SET body=x'00' WHERE seq=7"));
  }
  open();
  EXPECT_TRUE(logger.saw("a damaged segment was set aside"));
  EXPECT_EQ(must_append(make_event("pump/7")).version, 251u);
  EXPECT_EQ(reader()->read_lane(Lane::kTelemetry, 8)->front().seq, 8u);
}

TEST_F(SegmentsTest, IdsOfADamagedSegmentAreStillKnownAfterAReopen) {
  open();
  NewEvent first = make_event("pump/1");
  first.id = make_id(1);
  const Appended original = must_append(first);
  append_many(250);
  wait_for_sealer(Lane::kTelemetry);
  close();
  {
    auto database = Database::open(segment_paths(Lane::kTelemetry).front(), OpenMode::kReadWrite);
    ASSERT_TRUE(database);
    ASSERT_TRUE(database->exec(
        "DROP TABLE event_id; DROP TABLE stream_event; DELETE FROM meta WHERE key IN "
        "('sealed','last_seq','id_filter','id_smallest','id_largest','id_probes');"
        "UPDATE event SET crc=crc+1 WHERE seq=50"));
  }
  open();
  const Appended again = must_append(first);
  EXPECT_TRUE(again.duplicate);
  EXPECT_EQ(again.seq, original.seq);
  // Streams are read around the damage.
  EXPECT_EQ(log->read_stream({"pump", "1"}, 1, 10)->size(), 1u);
  EXPECT_EQ(log->read_stream({"pump", "7"}, 1, 1000)->size(), 249u);
}

TEST_F(SegmentsTest, AMissingSegmentIsToldAndTheRestIsRead) {
  open();
  append_many(450);
  wait_for_sealer(Lane::kTelemetry);
  close();
  const auto paths = segment_paths(Lane::kTelemetry);
  ASSERT_TRUE(remove_segment(paths[1]));
  open();
  EXPECT_TRUE(logger.saw("a segment is missing"));
  const auto after = reader()->read_lane(Lane::kTelemetry, 150);
  ASSERT_TRUE(after);
  EXPECT_EQ(after->front().seq, list_segments(paths[0].parent_path())->at(1).first);
  EXPECT_EQ(must_append(make_event("pump/7")).version, 451u);
}

TEST_F(SegmentsTest, TheSettingsOfASegmentAreAsTheDesignSays) {
  open();
  auto database = Database::open(segment_paths(Lane::kAlarm).back(), OpenMode::kReadOnly);
  ASSERT_TRUE(database);
  EXPECT_EQ(*database->query_text("PRAGMA journal_mode"), "wal");
  EXPECT_EQ(*database->query_int("PRAGMA page_size"), 4096);
  EXPECT_EQ(*database->query_int("PRAGMA user_version"), 1);
  EXPECT_EQ(*database->query_text("PRAGMA integrity_check"), "ok");
}

}  // namespace
}  // namespace sluice::storage
