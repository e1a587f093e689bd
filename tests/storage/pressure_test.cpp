// SPDX-License-Identifier: Apache-2.0
// A log without room: what goes first, what is told of it, and how it comes back.
#include <gtest/gtest.h>

#include "core/codec/json_data.hpp"
#include "sqlite/database.hpp"
#include "sqlite/fault_vfs.hpp"
#include "storage/segment_file.hpp"
#include "tests/storage/log_fixture.hpp"

namespace sluice::storage {
namespace {

using core::Errc;
using core::Lane;
using core::Seq;
using sqlite::FaultVfs;
using Fault = FaultVfs::Fault;
using Operation = FaultVfs::Operation;

constexpr Lane kLane = Lane::kTelemetry;

class PressureTest : public LogTest {
 protected:
  LaneSettings& lane() { return settings.lanes[core::index(kLane)]; }

  // One event of about 2 KB, with its own id.
  NewEvent large(std::uint64_t n) {
    NewEvent event = make_event("pump/7", "Measured", "\xda\x08\x02" + std::string(0x802, 'x'));
    event.id = make_id(n);
    return event;
  }
  // In tens, until one is refused, or `count`; gives how many were taken.
  std::uint64_t fill(std::uint64_t count) {
    for (std::uint64_t taken = 0; taken < count; taken += 10) {
      AppendRequest request;
      for (int i = 0; i < 10; ++i) request.events.push_back(large(next_id_++));
      if (!append(std::move(request))) return taken;
    }
    return count;
  }
  void wait_for_sealer() {
    ASSERT_TRUE(eventually([&] {
      const auto paths = segment_paths(kLane);
      for (std::size_t i = 0; i + 1 < paths.size(); ++i)
        if (wal_bytes(paths[i]) > 0) return false;
      return true;
    }));
  }
  // Data of the events of one type of lane system, as JSON.
  std::vector<std::string> told(const std::string& type) {
    std::vector<std::string> found;
    for (const Record& record : read_all(Lane::kSystem)) {
      const auto event = codec::decode_event(record.body);
      if (!event || event->type != type) continue;
      found.emplace_back();
      codec::data_to_json(event->data, found.back());
    }
    return found;
  }
  // What was acked or is set aside or is there: each seq must be one of them.
  void check_no_seq_is_missing(Seq last) {
    const auto from_disk = reader();
    const auto state = from_disk->lane_state(kLane);
    const auto aside = from_disk->set_aside(kLane);
    ASSERT_TRUE(state && aside);
    const auto epochs = from_disk->epochs(kLane);
    for (Seq seq = state->acked + 1; seq < state->first; ++seq) {
      const auto covers = [&](const SetAside& range) {
        return range.from <= seq && seq <= range.to;
      };
      const auto range = std::find_if(aside->begin(), aside->end(), covers);
      ASSERT_NE(range, aside->end()) << "seq " << seq << " went without a word";
      const auto is_its = [&](const EpochInfo& info) {
        return info.epoch == range->epoch && info.first_seq <= range->from;
      };
      ASSERT_TRUE(std::any_of(epochs->begin(), epochs->end(), is_its))
          << "the epoch of seq " << seq << " is forgotten";
    }
    Seq next = state->first;
    for (const Record& record : read_from(state->first)) ASSERT_EQ(record.seq, next++);
    EXPECT_EQ(next, last + 1);
  }
  std::vector<Record> read_from(Seq from) {
    const auto from_disk = reader();
    std::vector<Record> all;
    for (;;) {
      auto page = from_disk->read_lane(kLane, from);
      if (!page || page->empty()) return all;
      from = page->back().seq + 1;
      std::move(page->begin(), page->end(), std::back_inserter(all));
    }
  }

  std::uint64_t next_id_ = 1;
};

TEST_F(PressureTest, AQuotaTakesAckedSegmentsBeforeItRefuses) {
  lane().quota_bytes = 2'000'000;
  open();
  const std::uint64_t taken = fill(2000);
  ASSERT_LT(taken, 2000u);
  wait_for_sealer();
  const Seq acked = log->lane_state(kLane).last;
  ack(kLane, acked);
  // A segment that the sealer works at cannot go at that moment.
  std::uint64_t more = 0;
  EXPECT_TRUE(eventually([&] { return (more += fill(300 - more)) == 300; }));
  wait_for_sealer();
  const auto state = log->lane_state(kLane);
  EXPECT_GT(state.first, 1u);
  EXPECT_LE(state.first, acked + 1);
  EXPECT_EQ(log->counters().dropped_events, 0u);
  EXPECT_GT(log->counters().early_segments, 0u);
  ASSERT_TRUE(eventually([&] { return told("WindowShortened").size() == 1; }));
  EXPECT_NE(told("WindowShortened").front().find("\"reason\":\"quota\""), std::string::npos);
  check_no_seq_is_missing(state.last);
}

TEST_F(PressureTest, DropOldestSetsUnackedEventsAsideAndGoesOn) {
  lane().quota_bytes = 2'000'000;
  lane().policy = "drop-oldest";
  open();
  fill(150);
  reopen();  // a dropped range never spans two epochs
  ASSERT_EQ(fill(3000), 3000u);
  const auto state = log->lane_state(kLane);
  EXPECT_LE(state.bytes, 2'200'000u);
  EXPECT_GT(state.first, 1000u);
  check_no_seq_is_missing(state.last);
  ASSERT_TRUE(eventually([&] { return !told("EventsDropped").empty(); }));
  EXPECT_EQ(log->counters().dropped_events, state.first - 1);
  reopen();
  check_no_seq_is_missing(log->lane_state(kLane).last);
  EXPECT_TRUE(must_append(large(next_id_ - 1)).duplicate);
}

TEST_F(PressureTest, DropOldestBeginsWithWhatIsAcked) {
  lane().quota_bytes = 2'000'000;
  lane().policy = "drop-oldest";
  open();
  fill(350);
  wait_for_sealer();
  ack(kLane, 150);  // in the middle of the second segment
  fill(600);
  const auto aside = reader()->set_aside(kLane);
  ASSERT_TRUE(aside);
  for (const SetAside& range : *aside)
    EXPECT_TRUE(range.reason != core::GapReason::kQuota || range.from > 150u);
  check_no_seq_is_missing(log->lane_state(kLane).last);
}

TEST_F(PressureTest, RangesThatWereDroppedAreForgottenOnceTheHubHasTheirRecords) {
  lane().quota_bytes = 2'000'000;
  lane().policy = "drop-oldest";
  open();
  fill(1500);
  ASSERT_GT(reader()->set_aside(kLane)->size(), 1u);
  ack(kLane, log->lane_state(kLane).last);
  fill(1500);
  for (const SetAside& range : *reader()->set_aside(kLane)) EXPECT_GT(range.to, 1500u);
}

TEST_F(PressureTest, AQuotaTooSmallForTheStreamsOfADropOldestLaneIsRefusedAtStart) {
  open();
  for (int i = 0; i < 300; ++i) must_append(make_event("pump/" + std::to_string(i)));
  close();
  lane().policy = "drop-oldest";
  lane().quota_bytes = 60'000;
  const auto refused = try_open();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kConfig);
  EXPECT_NE(refused.error().message.find("quota"), std::string::npos);
}

class FullDiskTest : public PressureTest {
 protected:
  FullDiskTest()
      : faults("sluice-full-disk", [this](Operation operation, std::string_view file) {
          if (file.find("/telemetry/") == std::string_view::npos) return Fault::kNone;
          if (is_read_only && operation != Operation::kDelete) return Fault::kIoError;
          return is_full && operation == Operation::kWrite ? Fault::kDiskFull : Fault::kNone;
        }) {
    vfs = faults.name();
    read_only = [this] { return is_read_only.load(); };
  }
  ~FullDiskTest() override { close(); }

  std::atomic<bool> is_full{false};
  std::atomic<bool> is_read_only{false};
  FaultVfs faults;
};

TEST_F(FullDiskTest, TheBallastIsGivenBackAndMadeAgain) {
  settings.ballast = 20u << 20;
  open();
  const auto file = scratch.path() / "log" / "ballast";
  ASSERT_TRUE(std::filesystem::exists(file));
  EXPECT_EQ(std::filesystem::file_size(file), 20u << 20);
  is_full = true;
  EXPECT_EQ(append(large(1)).error().code, Errc::kLimit);
  EXPECT_TRUE(eventually([&] { return !std::filesystem::exists(file); }));
  is_full = false;
  EXPECT_TRUE(eventually([&] { return std::filesystem::exists(file); }, std::chrono::seconds(20)));
  ASSERT_TRUE(eventually([&] { return told("DiskState").size() >= 2; }));
  EXPECT_NE(told("DiskState").front().find("\"state\":\"hard\""), std::string::npos);
  EXPECT_NE(told("DiskState").back().find("\"state\":\"ok\""), std::string::npos);
}

TEST_F(FullDiskTest, AcksOfAFullDiskAreWrittenWhenThereIsRoomWithoutAnotherAppend) {
  open();
  fill(20);
  is_full = true;
  EXPECT_FALSE(append(large(100)));
  Anchor anchor;
  anchor.acked = anchor.seq = 10;
  anchor.epoch = log->epoch();
  anchor.hub_seq = 10;
  anchor.hub_stream = "EVENTS-main";
  anchor.created = "2026-11-21T00:00:00Z";
  log->record_acks(kLane, {anchor});
  EXPECT_FALSE(append(large(101)));
  is_full = false;
  ASSERT_TRUE(eventually([&] { return reader()->lane_state(kLane)->acked == 10; },
                         std::chrono::seconds(20)));
  reopen();
  EXPECT_EQ(log->lane_state(kLane).acked, 10u);
  check_no_seq_is_missing(log->lane_state(kLane).last);
}

TEST_F(FullDiskTest, AReadOnlyFilesystemRefusesEventsAndServesReadsAndNothingIsLost) {
  open();
  fill(20);
  const core::Epoch epoch = log->epoch();
  const Seq last = log->lane_state(kLane).last;
  is_read_only = true;
  EXPECT_FALSE(append(large(100)));
  const auto refused = append(large(101));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kUnavailable);
  EXPECT_EQ(refused.error().field, "read_only");
  EXPECT_TRUE(log->failure().empty());
  EXPECT_TRUE(eventually([&] { return !log->counters().refusing.empty(); }));
  const auto records = log->read_stream(*core::StreamName::parse("pump/7"), 1, 100);
  ASSERT_TRUE(records);
  EXPECT_EQ(records->size(), 20u);
  EXPECT_EQ(read_from(1).size(), last);
  Anchor anchor;
  anchor.acked = anchor.seq = 15;
  anchor.epoch = epoch;
  anchor.hub_seq = 15;
  log->record_acks(kLane, {anchor});
  ASSERT_TRUE(
      eventually([&] { return log->lane_state(kLane).acked == 15; }, std::chrono::seconds(20)));
  is_read_only = false;
  ASSERT_TRUE(
      eventually([&] { return log->counters().refusing.empty(); }, std::chrono::seconds(20)));
  EXPECT_EQ(must_append(large(100)).seq, last + 1);
  EXPECT_EQ(log->epoch(), epoch);
  reopen();
  EXPECT_EQ(log->lane_state(kLane).acked, 15u);
  EXPECT_TRUE(must_append(large(100)).duplicate);
  check_no_seq_is_missing(log->lane_state(kLane).last);
}

TEST_F(PressureTest, ReadersThatNeverEndDoNotGrowTheWalsOfAllLanesPastTheirCap) {
  settings.segment_events = 1'000'000;
  lane_map = {{"bulky", Lane::kBulk}, {"alarming", Lane::kAlarm}};
  open();
  const std::string data = "\xda\x3f\xff" + std::string(0x3fff, 'x');
  std::vector<std::unique_ptr<sqlite::Database>> stuck;
  std::uint64_t most = 0;
  for (int i = 0; i < 2000; ++i) {
    for (const char* stream : {"pump/7", "bulky/1", "alarming/1"})
      must_append(make_event(stream, "Measured", data));
    most = std::max(most, log->counters().wal_bytes);
    if (i % 1000 != 0) continue;
    for (const Lane each : {kLane, Lane::kBulk, Lane::kAlarm}) {
      auto reader =
          sqlite::Database::open(segment_paths(each).back(), sqlite::OpenMode::kReadOnly, {});
      ASSERT_TRUE(reader);
      stuck.push_back(std::make_unique<sqlite::Database>(std::move(*reader)));
      ASSERT_TRUE(stuck.back()->exec("BEGIN"));
      ASSERT_TRUE(stuck.back()->query_int("SELECT count(*) FROM event"));
    }
  }
  // 98 MB were written: alone each of the six could have kept 16 MB from being checkpointed.
  EXPECT_LT(most, 56u << 20);
  stuck.clear();
  EXPECT_TRUE(eventually(
      [&] {
        must_append(make_event("pump/7"));
        return log->counters().wal_bytes < 16u << 20;
      },
      std::chrono::seconds(20)));
}

}  // namespace
}  // namespace sluice::storage
