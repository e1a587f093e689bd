// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <thread>

#include "tests/storage/log_fixture.hpp"

namespace sluice::storage {
namespace {

using core::Errc;
using core::Lane;

class ReaderTest : public LogTest {};

TEST_F(ReaderTest, AFolderWithoutALogIsNotFound) {
  const auto none = LogReader::open(scratch.path() / "log");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Errc::kNotFound);
}

TEST_F(ReaderTest, RowsAndBytesAreLimitedAndTheFirstRowIsAlwaysGiven) {
  open();
  append_many(600);
  const auto from_disk = reader();
  EXPECT_EQ(from_disk->gateway().text(), "plant-7");
  EXPECT_EQ(from_disk->read_lane(Lane::kTelemetry, 1, 10)->size(), 10u);
  EXPECT_EQ(from_disk->read_lane(Lane::kTelemetry, 1, 5000)->size(), core::limits::kReaderRows);
  EXPECT_EQ(from_disk->read_lane(Lane::kTelemetry, 1, 10, 1)->size(), 1u);
  const auto two = from_disk->read_lane(Lane::kTelemetry, 99, 2);
  const std::size_t size = two->at(0).body.size() + two->at(1).body.size();
  // Across the border between two segments as well.
  EXPECT_EQ(from_disk->read_lane(Lane::kTelemetry, 99, 10, size)->size(), 2u);
  EXPECT_EQ(from_disk->read_lane(Lane::kTelemetry, 99, 10, size - 1)->size(), 1u);
  EXPECT_EQ(from_disk->read_lane(Lane::kTelemetry, 601, 10)->size(), 1u);
  EXPECT_TRUE(from_disk->read_lane(Lane::kTelemetry, 602, 10)->empty());
}

TEST_F(ReaderTest, AReaderSeesWhatIsCommittedWhileTheLogRunsOn) {
  open();
  const auto from_disk = reader();
  core::Seq next = 1;
  std::thread writer([&] { append_many(3000); });
  const bool all = eventually([&] {
    const auto page = from_disk->read_lane(Lane::kTelemetry, next);
    EXPECT_TRUE(page) << core::to_string(page.error());
    if (!page) return true;
    for (const Record& record : *page) EXPECT_EQ(record.seq, next++);
    return next == 3002;
  });
  writer.join();
  EXPECT_TRUE(all);
}

TEST_F(ReaderTest, AReaderFollowsALogThatIsTrimmedUnderIt) {
  settings.retention = std::chrono::milliseconds(0);
  open();
  const auto from_disk = reader();
  append_many(250);
  EXPECT_EQ(from_disk->read_lane(Lane::kTelemetry, 1, 10)->front().seq, 1u);
  ack(Lane::kTelemetry, 250);
  ASSERT_TRUE(eventually([&] { return segment_files(Lane::kTelemetry) == 1; }));
  const auto rest = from_disk->read_lane(Lane::kTelemetry, 1, 10);
  ASSERT_TRUE(rest);
  EXPECT_EQ(rest->front().seq, log->lane_state(Lane::kTelemetry).first);
  EXPECT_EQ(from_disk->lane_state(Lane::kTelemetry)->first, rest->front().seq);
}

TEST_F(ReaderTest, ALogThatWasClosedIsReadToo) {
  open();
  append_many(250);
  close();
  EXPECT_EQ(read_all(Lane::kTelemetry).size(), 251u);
  const auto state = reader()->lane_state(Lane::kTelemetry);
  ASSERT_TRUE(state);
  EXPECT_EQ(state->last, 251u);
  EXPECT_EQ(state->first, 1u);
  EXPECT_EQ(state->segments, 3u);
}

TEST_F(ReaderTest, ReadingLeavesNoFilesBesideSealedSegments) {
  open();
  append_many(450);
  ASSERT_TRUE(eventually([&] { return log->counters().wal_bytes < 4u << 20; }));
  close();
  open();  // finishes what was left unsealed
  read_all(Lane::kTelemetry);
  const auto paths = segment_paths(Lane::kTelemetry);
  for (std::size_t i = 0; i + 1 < paths.size(); ++i)
    EXPECT_FALSE(std::filesystem::exists(paths[i].string() + "-shm")) << paths[i];
}

}  // namespace
}  // namespace sluice::storage
