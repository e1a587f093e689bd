// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "core/config_reader.hpp"
#include "storage/anchor_book.hpp"
#include "storage/filesystem.hpp"
#include "storage/id_filter.hpp"
#include "storage/lane_book.hpp"
#include "storage/retention.hpp"
#include "storage/segment_file.hpp"
#include "storage/segment_index.hpp"
#include "tests/storage/log_fixture.hpp"

namespace sluice::storage {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Retention, ASegmentGoesWhenItsWindowIsOver) {
  EXPECT_FALSE(may_trim(1000, 1000 + 86'399'999, 50, 0, hours(24)));
  EXPECT_TRUE(may_trim(1000, 1000 + 86'400'000, 50, 0, hours(24)));
}
TEST(Retention, NothingGoesWhileARewindRuns) {
  EXPECT_FALSE(may_trim(0, UINT64_MAX, 50, 51, hours(24)));
  EXPECT_TRUE(may_trim(0, UINT64_MAX, 51, 51, hours(24)));
}
TEST(Retention, APoweredClockThatLaysBehindKeeps) {
  EXPECT_FALSE(may_trim(1000, 999, 50, 0, milliseconds(0)));
}

TEST(RestartWait, DoublesUpToItsMaximum) {
  EXPECT_EQ(crash_wait(0, seconds(60)), seconds(0));
  EXPECT_EQ(crash_wait(1, seconds(60)), seconds(1));
  EXPECT_EQ(crash_wait(4, seconds(60)), seconds(8));
  EXPECT_EQ(crash_wait(7, seconds(60)), seconds(60));
  EXPECT_EQ(crash_wait(UINT32_MAX, seconds(60)), seconds(60));
  EXPECT_EQ(crash_wait(7, seconds(0)), seconds(0));
}

TEST(PoweredTime, CountsWithinABootAndTheAgeOfAnother) {
  const PoweredTime then{5000, core::Uuid{{1}}, 2'000'000'000};
  EXPECT_EQ(then.at(core::Uuid{{1}}, 3'500'000'000), 6500u);
  EXPECT_EQ(then.at(core::Uuid{{1}}, 1'000'000'000), 5000u);  // never backwards
  EXPECT_EQ(then.at(core::Uuid{{2}}, 700'000'000), 5700u);
}

TEST(IdFilter, KnowsAllItsIdsAndFewOthers) {
  std::vector<core::Uuid> ids;
  for (std::uint64_t n = 0; n < 20'000; ++n) ids.push_back(make_id(n));
  const IdFilter built = IdFilter::build(ids);
  const IdFilter filter =
      IdFilter::load(built.bytes(), built.smallest(), built.largest(), built.probes());
  for (const core::Uuid& id : ids) ASSERT_TRUE(filter.may_hold(id));
  int wrong = 0;
  for (std::uint64_t n = 100'000; n < 200'000; ++n) wrong += filter.may_hold(make_id(n));
  EXPECT_LT(wrong, 20);
  EXPECT_EQ(filter.bits(), IdFilter::kSliceBitsMax / 2);
  // An older program's: its own size, and the first eight probes of each id.
  IdFilter old = IdFilter::load(built.bytes(), built.smallest(), built.largest(),
                                IdFilter::kOldProbes);
  for (const core::Uuid& id : ids) ASSERT_TRUE(old.may_hold(id));
  EXPECT_FALSE(old.is_sliceable());
}

TEST(IdFilter, AscendingIdsAreToldApartByTheirRange) {
  core::SeededRandom random(7);
  core::UuidV7 generate(random);
  std::vector<core::Uuid> ids;
  for (int i = 0; i < 1000; ++i)
    ids.push_back(generate.next(1'790'000'000'000'000'000 + i * 1'000'000));
  const IdFilter filter = IdFilter::build(ids);
  for (int i = 0; i < 1000; ++i)
    EXPECT_FALSE(filter.may_hold(generate.next(1'790'001'000'000'000'000 + i * 1'000'000)));
}

TEST(IdFilter, AnEmptyOneHoldsNothing) {
  EXPECT_FALSE(IdFilter().may_hold(make_id(1)));
}

TEST(StreamTable, KeepsNamesVersionsAndCounts) {
  StreamTable table;
  for (int i = 0; i < 1000; ++i) {
    const auto stream = table.find_or_add("pump/" + std::to_string(i));
    table.set_version(stream, static_cast<std::uint64_t>(i));
  }
  EXPECT_EQ(table.live(), 999u);
  EXPECT_EQ(table.version(table.find("pump/500")), 500u);
  EXPECT_EQ(table.name(table.find("pump/7")), "pump/7");
  EXPECT_EQ(table.find("pump/1000"), StreamTable::kNone);
  table.set_version(table.find("pump/500"), 0);
  EXPECT_EQ(table.live(), 998u);
}

TEST(SegmentIndex, FindsIdsAndPositions) {
  SegmentIndex index(1001);
  for (std::uint64_t n = 0; n < 300; ++n) index.push(make_id(n), static_cast<std::uint32_t>(n % 3));
  EXPECT_EQ(index.find(make_id(42)), 1043u);
  EXPECT_EQ(index.find(make_id(300)), std::nullopt);
  EXPECT_EQ(index.count(1), 100u);
  // Stream 1 came with version 50 and has 150 now.
  EXPECT_EQ(index.positions(1, 150, 51, 2), (std::vector<core::Seq>{1002, 1005}));
  EXPECT_EQ(index.positions(1, 150, 150, 9), (std::vector<core::Seq>{1299}));
  EXPECT_EQ(index.positions(1, 150, 1, 3), (std::vector<core::Seq>{}));  // those lie before it
  EXPECT_TRUE(index.positions(1, 150, 151, 9).empty());
  index.pop();
  EXPECT_EQ(index.find(make_id(299)), std::nullopt);
  EXPECT_EQ(index.count(2), 99u);
}

TEST(AnchorBook, AGapRecordsIdentityIsKept) {
  AnchorBook book;
  Anchor anchor;
  anchor.acked = anchor.seq = 7;
  anchor.epoch = {5};
  anchor.identity = "plant-7.0000000000000005.bulk.5-7";
  EXPECT_TRUE(book.add(anchor, "plant-7", core::Lane::kBulk));
  EXPECT_FALSE(book.add(anchor, "plant-7", core::Lane::kBulk));  // not above the cursor
  const AnchorBook same = book.compacted("plant-7", core::Lane::kBulk);
  EXPECT_EQ(same.expand(same.entries()[0], "plant-7", core::Lane::kBulk).identity, anchor.identity);
  book.cut_above(6);
  EXPECT_EQ(book.cursor(), 0u);
  EXPECT_TRUE(book.entries().empty());
}

TEST(AnchorBook, AnchorsOfTrimmedEventsGoButNeverTheCursor) {
  AnchorBook book;
  for (core::Seq acked = 300; acked <= 1500; acked += 300) {
    Anchor anchor;
    anchor.acked = anchor.seq = acked;
    book.add(anchor, "plant-7", core::Lane::kBulk);
  }
  book.cut_below(700);
  EXPECT_EQ(book.entries().front().acked, 900u);
  book.cut_below(5000);
  ASSERT_EQ(book.entries().size(), 1u);
  EXPECT_EQ(book.cursor(), 1500u);
}

TEST(SegmentFile, OnlyProperNamesAreSegments) {
  const test::TempDir scratch;
  for (const char* name :
       {"00000000000000000002-0000000a.seg", "00000000000000000001-0000000b.seg",
        "00000000000000000000-0000000b.seg", "1-0000000b.seg",
        "00000000000000000003-0000000a.seg-wal", "0000000000000000000x-0000000b.seg", "notes.txt"})
    scratch.write(name, "x");
  const auto files = list_segments(scratch.path());
  ASSERT_TRUE(files);
  ASSERT_EQ(files->size(), 2u);
  EXPECT_EQ(files->at(0).first, 1u);
  EXPECT_EQ(files->at(1).first, 2u);
  core::SeededRandom random(1);
  EXPECT_NE(segment_name(5, random), segment_name(5, random));
}

TEST(Filesystem, NetworksAreUnfitAndFatIsDoubtful) {
  EXPECT_EQ(judge_filesystem(0x6969).fitness, Fitness::kUnfit);
  EXPECT_EQ(judge_filesystem(0x4d44).fitness, Fitness::kDoubtful);
  EXPECT_EQ(judge_filesystem(0xef53).fitness, Fitness::kFit);  // ext4
}

TEST(Filesystem, AMountWithoutBarriersIsDoubtful) {
  const std::string_view table =
      "22 1 253:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,errors=remount-ro\n"
      "40 22 7:3 / /srv rw,noatime - ext4 /dev/loop3 rw,nobarrier\n"
      "41 22 7:4 / /log rw - ext4 /dev/loop4 rw,data=writeback\n"
      "42 22 7:5 / /card rw shared:2 master:1 - f2fs /dev/loop5 rw,fsync_mode=nobarrier\n"
      "43 22 7:6 / /late rw - ext4 /dev/loop6 rw\n"
      "44 22 7:6 / /late rw - ext4 /dev/loop6 rw,barrier=0\n"
      "45 22 7:7 half a line\n";
  EXPECT_EQ(judge_mount(find_mount(table, 253, 0)).fitness, Fitness::kFit);
  for (const unsigned minor : {3u, 4u, 5u, 6u})
    EXPECT_EQ(judge_mount(find_mount(table, 7, minor)).fitness, Fitness::kDoubtful) << minor;
  EXPECT_EQ(judge_mount(find_mount(table, 7, 7)).fitness, Fitness::kFit);
  EXPECT_EQ(find_mount(table, 9, 9).type, "");
  // A real table: this folder's filesystem is in it.
  const test::TempDir scratch;
  EXPECT_NE(judge_folder(scratch.path()).fitness, Fitness::kUnfit);
}

TEST(LogSettings, AreReadAndPrinted) {
  auto file = core::ConfigReader::parse(
      "[log]\nretention = \"2h\"\nrestart_wait_max = \"0ms\"\n"
      "[log.alarm]\ncommit_interval = \"5ms\"\nquota = \"16MiB\"\n",
      "test.toml");
  ASSERT_TRUE(file);
  LogSettings settings;
  visit(settings, *file);
  EXPECT_TRUE(file->finish());
  EXPECT_EQ(settings.retention, hours(2));
  EXPECT_EQ(settings.restart_wait_max.count(), 0);
  EXPECT_EQ(settings.lanes[0].commit_interval.count(), 5);
  EXPECT_EQ(settings.lanes[0].quota_bytes, 16u << 20);
  core::ConfigPrinter printer;
  visit(settings, printer);
  auto again = core::ConfigReader::parse(printer.text(), "printed");
  ASSERT_TRUE(again);
  LogSettings copy;
  visit(copy, *again);
  EXPECT_TRUE(again->finish());
  EXPECT_EQ(copy.retention, hours(2));
}

}  // namespace
}  // namespace sluice::storage
