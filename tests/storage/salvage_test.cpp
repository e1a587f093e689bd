// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>

#include "core/hash.hpp"
#include "sqlite/database.hpp"
#include "storage/salvage.hpp"
#include "storage/segment_file.hpp"
#include "storage/segment_pages.hpp"
#include "tests/storage/damage.hpp"
#include "tests/storage/log_fixture.hpp"

// Damage of every kind to a log at rest, and what the next start makes of it.
namespace sluice::storage {
namespace {

using core::Lane;
using sqlite::Database;
using sqlite::OpenMode;
namespace fs = std::filesystem;

constexpr std::uint64_t kPage = kPageBytes;

class SalvageTest : public LogTest {
 protected:
  SalvageTest() { settings.segment_events = 10'000; }

  fs::path log_path() const { return scratch.path() / "log"; }
  fs::path newest() const { return segment_paths(Lane::kTelemetry).back(); }

  // A telemetry lane with `count` events of four streams; ids 1..count; everything in the file.
  void make_log(std::size_t count) {
    open();
    for (std::size_t i = 1; i <= count;) {
      AppendRequest request;
      for (; i <= count && request.events.size() < 50; ++i) {
        NewEvent event = make_event("pump/" + std::to_string(i % 4), "Measured",
                                    std::string("\xd9\x40", 2) + std::string(64, 'x'));
        event.id = make_id(i);
        request.events.push_back(std::move(event));
      }
      ASSERT_TRUE(append(std::move(request)));
    }
    close();
    for (const Record& record : read_all(Lane::kTelemetry)) before_[record.seq] = record.body;
  }
  // What can be read now, with holes.
  std::map<core::Seq, std::string> rows() {
    std::map<core::Seq, std::string> found;
    const auto from_disk = reader();
    for (core::Seq next = 1;;) {
      const auto page = from_disk->read_lane(Lane::kTelemetry, next);
      if (!page) throw std::runtime_error(core::to_string(page.error()));
      if (page->empty()) return found;
      for (const Record& record : *page) found[record.seq] = record.body;
      next = page->back().seq + 1;
    }
  }
  // Every seq of the lane is there with its old bytes, or named by a range that was set aside.
  // Gives the number of the latter among the events of before.
  std::size_t check_all_accounted_for() {
    const auto found = rows();
    const auto aside = *reader()->set_aside(Lane::kTelemetry);
    const auto state = *reader()->lane_state(Lane::kTelemetry);
    std::size_t lost = 0;
    for (core::Seq seq = 1; seq <= state.last; ++seq) {
      bool is_aside = false;
      for (const SetAside& range : aside) {
        if (range.from > seq || seq > range.to) continue;
        is_aside = true;
        EXPECT_EQ(range.reason, core::GapReason::kDamaged);
        EXPECT_EQ(range.epoch, epoch_of(seq)) << seq;
      }
      EXPECT_NE(found.contains(seq), is_aside) << seq;
      if (!before_.contains(seq)) continue;
      if (is_aside) ++lost;
      if (found.contains(seq)) {
        EXPECT_EQ(found.at(seq), before_.at(seq)) << seq;
      }
    }
    return lost;
  }
  core::Epoch epoch_of(core::Seq seq) {
    core::Epoch epoch;
    for (const EpochInfo& info : *reader()->epochs(Lane::kTelemetry))
      if (info.first_seq <= seq) epoch = info.epoch;
    return epoch;
  }
  // Pages of the newest segment that hold rows, by the seqs on them.
  std::map<std::uint64_t, std::vector<core::Seq>> pages_of(const fs::path& path) {
    std::map<std::uint64_t, std::vector<core::Seq>> pages;
    auto opened = SegmentPages::open(path);
    if (!opened) throw std::runtime_error(core::to_string(opened.error()));
    for (const auto& place : opened->rows()) {
      EXPECT_FALSE(place.in_wal);
      pages[place.offset / kPage + 1].push_back(place.seq);
    }
    return pages;
  }
  const SalvagedSegment& only_salvaged() {
    const auto& salvaged = log->start_report().salvaged;
    if (salvaged.size() != 1) throw std::runtime_error(std::to_string(salvaged.size()));
    return salvaged.front();
  }
  NewEvent retry_of(core::Seq n) {
    NewEvent event = make_event("pump/" + std::to_string(n % 4), "Measured",
                                std::string("\xd9\x40", 2) + std::string(64, 'x'));
    event.id = make_id(n);
    return event;
  }

  std::map<core::Seq, std::string> before_;
};

TEST_F(SalvageTest, EveryRowAroundThreeDestroyedPagesOfTheNewestSegmentIsKept) {
  make_log(4000);
  const fs::path damaged = newest();
  const auto pages = pages_of(damaged);
  ASSERT_GT(pages.size(), 30u);
  std::size_t on_them = 0;
  auto page = pages.begin();
  for (int i = 0; i < 3; ++i) {
    std::advance(page, 8);
    destroy_page(damaged, page->first);
    on_them += page->second.size();
  }
  const std::string as_found = content_of(damaged);
  open();
  EXPECT_EQ(check_all_accounted_for(), on_them);
  const SalvagedSegment& salvaged = only_salvaged();
  EXPECT_EQ(salvaged.lost, on_them);
  EXPECT_EQ(salvaged.kept, before_.size() - on_them);
  EXPECT_EQ(salvaged.first, 1u);
  EXPECT_EQ(salvaged.last, 4001u);
  EXPECT_EQ(salvaged.file, damaged.filename());
  EXPECT_TRUE(logger.saw("a damaged segment was set aside"));
  // The damaged file was kept as it was.
  EXPECT_FALSE(fs::exists(damaged));
  EXPECT_EQ(content_of(log_path() / "damaged" / "telemetry" / damaged.filename()), as_found);
  // Versions go on, retries of what was kept are known, and a new epoch stands behind it all.
  EXPECT_EQ(must_append(make_event("pump/1")).version, 1001u);
  const auto again = must_append(retry_of(4000));
  EXPECT_TRUE(again.duplicate);
  EXPECT_EQ(again.seq, 4001u);
  EXPECT_EQ(reader()->epochs(Lane::kTelemetry)->back().first_seq, 4002u);
  EXPECT_FALSE(reader()->epochs(Lane::kTelemetry)->back().opened.chain);
}

TEST_F(SalvageTest, ASalvagedLogIsWholeAtTheNextStart) {
  make_log(3000);
  destroy_page(newest(), std::next(pages_of(newest()).begin(), 9)->first);
  open();
  const std::size_t lost = check_all_accounted_for();
  EXPECT_GT(lost, 0u);
  const std::size_t segments = segment_files(Lane::kTelemetry);
  reopen();
  EXPECT_EQ(check_all_accounted_for(), lost);
  EXPECT_EQ(segment_files(Lane::kTelemetry), segments);
  EXPECT_EQ(log->start_report().salvaged.size(), 1u);  // no event told of it yet
  ASSERT_TRUE(log->salvage_told(only_salvaged()));
  reopen();
  EXPECT_TRUE(log->start_report().salvaged.empty());
  EXPECT_TRUE(must_append(retry_of(2999)).duplicate);
  // Streams are read around the hole, and further than one page of it.
  for (const std::size_t limit : {1u, 100u, 1000u}) {
    std::size_t read = 0;
    for (std::uint64_t from = 1;;) {
      const auto some = log->read_stream({"pump", "1"}, from, limit);
      ASSERT_TRUE(some);
      if (some->empty()) break;
      read += some->size();
      from = codec::decode_event(some->back().body)->version + 1;
    }
    EXPECT_GT(read, 700u);
    EXPECT_LT(read, 750u);
  }
}

// A crash between any two steps of a salvage.
TEST_F(SalvageTest, AnInterruptedSalvageIsFinishedByTheNextStart) {
  make_log(1000);
  const fs::path damaged = newest();
  destroy_page(damaged, std::next(pages_of(damaged).begin(), 5)->first);
  const std::string as_found = content_of(damaged);
  const fs::path aside = log_path() / "damaged" / "telemetry" / damaged.filename();
  const auto half = [&](const std::string& content) {
    const fs::path path = damaged.parent_path() / "00000000000000000001-00000000.seg";
    std::ofstream(path, std::ios::binary) << content;
  };
  enum { kBefore, kHalfWritten, kNotReported, kNotMoved, kNoNewSegment };
  for (int step = kBefore; step <= kNoNewSegment; ++step) {
    SCOPED_TRACE(step);
    const test::TempDir keep;
    fs::copy(log_path(), keep.path() / "log", fs::copy_options::recursive);
    if (step == kHalfWritten) half(as_found.substr(0, kPage));
    if (step >= kNotReported) {
      SalvageJob job{log_path(), gateway, Lane::kTelemetry, {1, damaged}};
      job.reason = "a destroyed page";
      ASSERT_TRUE(salvage_segment(job, random));
      if (step <= kNotMoved) fs::rename(aside, damaged);
      if (step == kNotReported) fs::remove(aside.string() + ".report");
    }
    open();
    const std::size_t lost = check_all_accounted_for();
    EXPECT_GT(lost, 0u);
    EXPECT_EQ(only_salvaged().lost, lost);
    EXPECT_EQ(content_of(aside), as_found);
    EXPECT_EQ(segment_files(Lane::kTelemetry), 2u);
    EXPECT_EQ(must_append(make_event("pump/1")).version, 251u);
    close();
    fs::remove_all(log_path());
    fs::copy(keep.path() / "log", log_path(), fs::copy_options::recursive);
  }
}

TEST_F(SalvageTest, APageOfTheHeadThatIsGoneCostsNoRow) {
  make_log(1000);
  const fs::path path = newest();
  const auto rows_on = pages_of(path);
  for (std::uint64_t number = 1; number <= 12; ++number) {
    SCOPED_TRACE(number);
    if (rows_on.contains(number)) continue;
    const test::TempDir keep;
    fs::copy(log_path(), keep.path() / "log", fs::copy_options::recursive);
    destroy_page(path, number);
    open();
    EXPECT_EQ(check_all_accounted_for(), 0u);
    EXPECT_EQ(must_append(make_event("pump/1")).version, 251u);
    EXPECT_TRUE(must_append(retry_of(1)).duplicate);
    EXPECT_EQ(log->lane_state(Lane::kTelemetry).last, 1003u);
    close();
    fs::remove_all(log_path());
    fs::copy(keep.path() / "log", log_path(), fs::copy_options::recursive);
  }
}

TEST_F(SalvageTest, ADestroyedFirstPageDoesNotStopTheStart) {
  make_log(1000);
  destroy_page(newest(), 1);
  open();
  EXPECT_EQ(check_all_accounted_for(), 0u);
  const auto epochs = *reader()->epochs(Lane::kTelemetry);
  ASSERT_EQ(epochs.size(), 2u);
  EXPECT_EQ(epochs[0].first_seq, 1u);
  EXPECT_EQ(epochs[1].opened.previous, epochs[0].epoch);
  EXPECT_EQ(epochs[1].opened.last_seq, 1001u);
}

TEST_F(SalvageTest, AMissingRowIsAHoleAndNotTheEndOfTheLane) {
  make_log(500);
  {
    auto database = Database::open(newest(), OpenMode::kReadWrite);
    ASSERT_TRUE(database);
    ASSERT_TRUE(database->exec("DELETE FROM event WHERE seq IN (7, 8, 200)"));
    ASSERT_TRUE(database->exec("UPDATE event SET body=x'00' WHERE seq=300"));
  }
  open();
  EXPECT_EQ(check_all_accounted_for(), 4u);
  EXPECT_EQ(only_salvaged().lost, 4u);
}

TEST_F(SalvageTest, ALostEpochOpenedIsStillKnownForItsGapRecord) {
  make_log(100);
  reopen();
  append_many(50);
  const core::Epoch second = log->epoch();
  close();
  for (const Record& record : read_all(Lane::kTelemetry)) before_[record.seq] = record.body;
  {
    auto database = Database::open(newest(), OpenMode::kReadWrite);
    ASSERT_TRUE(database);
    ASSERT_TRUE(database->exec("DELETE FROM event WHERE seq BETWEEN 95 AND 110"));
  }
  open();
  EXPECT_EQ(check_all_accounted_for(), 16u);
  const auto aside = *reader()->set_aside(Lane::kTelemetry);
  ASSERT_EQ(aside.size(), 2u);
  EXPECT_EQ(aside[0].to, 101u);
  EXPECT_EQ(aside[1].from, 102u);
  EXPECT_EQ(aside[1].epoch, second);
  const auto epochs = *reader()->epochs(Lane::kTelemetry);
  EXPECT_EQ(epochs[1].first_seq, 102u);
  EXPECT_EQ(epochs[1].opened.last_seq, 101u);
}

TEST_F(SalvageTest, AnEpochWhoseOpeningAndTableAreUnreadableIsKnownByItsRows) {
  make_log(100);
  reopen();
  append_many(50);
  close();
  for (const Record& record : read_all(Lane::kTelemetry)) before_[record.seq] = record.body;
  {
    auto database = Database::open(newest(), OpenMode::kReadWrite);
    ASSERT_TRUE(database);
    ASSERT_TRUE(database->exec(
        "DELETE FROM event WHERE seq BETWEEN 95 AND 110; UPDATE epoch SET epoch='?'"));
  }
  open();
  EXPECT_EQ(check_all_accounted_for(), 16u);
  const auto epochs = *reader()->epochs(Lane::kTelemetry);
  ASSERT_EQ(epochs.size(), 3u);
  EXPECT_EQ(epochs[1].first_seq, 110u);
  EXPECT_EQ(epochs[1].opened.previous, epochs[0].epoch);
  EXPECT_EQ(epochs[1].opened.last_seq, 109u);
}

TEST_F(SalvageTest, AnOldDamagedSegmentIsSalvagedInItsPlace) {
  settings.segment_events = 1000;
  make_log(3500);
  const auto paths = segment_paths(Lane::kTelemetry);
  ASSERT_EQ(paths.size(), 4u);
  destroy_page(paths[1], 1);
  open();
  EXPECT_EQ(check_all_accounted_for(), 0u);
  EXPECT_EQ(segment_files(Lane::kTelemetry), 4u);
  EXPECT_TRUE(must_append(retry_of(1500)).duplicate);
  EXPECT_EQ(log->read_stream({"pump", "2"}, 1, 10'000)->size(), 875u);
  EXPECT_EQ(must_append(make_event("pump/2")).version, 876u);
  EXPECT_TRUE(reader()->epochs(Lane::kTelemetry)->back().opened.chain);  // the newest is whole
}

TEST_F(SalvageTest, AnOldSegmentThatNothingCanBeReadOfIsReplacedByGapRecords) {
  settings.segment_events = 1000;
  make_log(3500);
  const auto paths = segment_paths(Lane::kTelemetry);
  const core::Seq first = list_segments(paths[1].parent_path())->at(1).first;
  const core::Seq next = list_segments(paths[1].parent_path())->at(2).first;
  std::ofstream(paths[1], std::ios::binary) << std::string(64 * kPage, '\0');
  open();
  EXPECT_EQ(check_all_accounted_for(), next - first);
  EXPECT_EQ(only_salvaged().kept, 0u);
  EXPECT_EQ(only_salvaged().lost, next - first);
  reopen();
  EXPECT_EQ(check_all_accounted_for(), next - first);
}

// What the uplink does with it: it sets aside the seq that the error names, and goes on behind it.
TEST_F(SalvageTest, ADestroyedPageOfASealedSegmentIsReadAroundRowByRow) {
  settings.segment_events = 1000;
  make_log(3500);
  const fs::path sealed = segment_paths(Lane::kTelemetry)[1];
  const auto pages = pages_of(sealed);
  const auto& [number, seqs] = *std::next(pages.begin(), 4);
  destroy_page(sealed, number);
  open();  // does not look at the rows of sealed segments
  EXPECT_TRUE(log->start_report().salvaged.empty());
  const auto from_disk = reader();
  std::set<core::Seq> unreadable;
  std::size_t read = 0;
  for (core::Seq next = 1;;) {
    const auto page = from_disk->read_lane(Lane::kTelemetry, next);
    if (page && page->empty()) break;
    if (page) {
      read += page->size();
      next = page->back().seq + 1;
      continue;
    }
    ASSERT_EQ(page.error().code, core::Errc::kCorrupt);
    ASSERT_EQ(page.error().current, static_cast<std::int64_t>(next));
    unreadable.insert(next++);
  }
  EXPECT_EQ(unreadable, std::set<core::Seq>(seqs.begin(), seqs.end()));
  EXPECT_EQ(read + unreadable.size(), log->lane_state(Lane::kTelemetry).last);
}

TEST_F(SalvageTest, AMissingSegmentIsReplacedByGapRecords) {
  settings.segment_events = 1000;
  make_log(3500);
  const auto files = *list_segments(segment_paths(Lane::kTelemetry)[0].parent_path());
  ASSERT_TRUE(remove_segment(files[1].path));
  open();
  const auto aside = *reader()->set_aside(Lane::kTelemetry);
  ASSERT_EQ(aside.size(), 1u);
  EXPECT_EQ(aside[0].from, files[1].first);
  EXPECT_EQ(aside[0].to, files[2].first - 1);
  EXPECT_EQ(aside[0].reason, core::GapReason::kLost);
  EXPECT_EQ(only_salvaged().file, "");
  EXPECT_EQ(only_salvaged().lost, files[2].first - files[1].first);
  ASSERT_TRUE(log->salvage_told(only_salvaged()));
  reopen();
  EXPECT_TRUE(log->start_report().salvaged.empty());
  EXPECT_EQ(reader()->set_aside(Lane::kTelemetry)->size(), 1u);
}

TEST_F(SalvageTest, WithoutItsNewestSegmentALaneBeginsANewOne) {
  settings.segment_events = 1000;
  make_log(3500);
  const auto paths = segment_paths(Lane::kTelemetry);
  ASSERT_TRUE(remove_segment(paths.back()));
  open();
  const core::Seq last = reader()->epochs(Lane::kTelemetry)->back().first_seq;
  EXPECT_LT(last, 3500u);
  EXPECT_EQ(log->lane_state(Lane::kTelemetry).last, last);
  EXPECT_EQ(rows().size(), last);
  append_many(100);
  reopen();
  EXPECT_EQ(rows().size(), last + 101);
}

TEST_F(SalvageTest, DamageInsideTheWalIsSeenAndWhatLiesBehindItIsKept) {
  open();
  for (int i = 0; i < 40; ++i) must_append(retry_of(static_cast<core::Seq>(i + 1)));
  for (const Record& record : read_all(Lane::kTelemetry)) before_[record.seq] = record.body;
  const test::TempDir copy;
  const fs::path from = newest();
  for (const char* suffix : {"", "-wal"})
    fs::copy(from.string() + suffix, copy.path() / (from.filename().string() + suffix));
  close();
  for (const char* suffix : {"", "-wal"})
    fs::copy(copy.path() / (from.filename().string() + suffix), from.string() + suffix,
             fs::copy_options::overwrite_existing);
  fs::remove(from.string() + "-shm");
  const auto wal = fs::file_size(from.string() + "-wal");
  write_at(from.string() + "-wal", wal / 2, "bit rot");  // SQLite would end the WAL here, silently
  open();
  // The rows of older transactions lie, again, on the pages that later ones wrote.
  EXPECT_EQ(check_all_accounted_for(), 0u);
  EXPECT_EQ(only_salvaged().kept, 41u);
}

TEST_F(SalvageTest, ALogOfANewerVersionIsRefusedUntouched) {
  open();
  append_many(120);
  const test::TempDir crashed;  // with WALs, as after a kill
  fs::copy(log_path(), crashed.path() / "log", fs::copy_options::recursive);
  close();
  fs::remove_all(log_path());
  fs::copy(crashed.path() / "log", log_path(), fs::copy_options::recursive);
  // The newest of the lane that is opened last: nothing may have happened to the others by then.
  write_at(segment_paths(Lane::kBulk).back(), 60, std::string("\0\0\0\x02", 4));
  const auto before = all_files(log_path());
  EXPECT_GT(before.size(), 12u);
  const auto refused = try_open();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, core::Errc::kUnsupported);
  EXPECT_TRUE(all_files(log_path()) == before);
}

}  // namespace
}  // namespace sluice::storage
