// SPDX-License-Identifier: Apache-2.0
#include "storage/fsck.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "core/codec/chain_checker.hpp"
#include "sqlite/database.hpp"
#include "storage/salvage_log.hpp"
#include "storage/segment_file.hpp"
#include "tests/storage/damage.hpp"
#include "tests/storage/log_fixture.hpp"

namespace sluice::storage {
namespace {

using core::Lane;
using sqlite::Database;
using sqlite::OpenMode;
namespace fs = std::filesystem;

class FsckTest : public LogTest {
 protected:
  fs::path log_path() const { return scratch.path() / "log"; }
  FsckResult check() {
    auto result = check_log(log_path());
    if (!result) throw std::runtime_error(core::to_string(result.error()));
    return std::move(*result);
  }
  void mark(Lane lane) {
    AppendRequest request;
    request.own = true;
    NewEvent event;
    event.stream = core::lane_stream(lane);
    event.type = codec::kTypeChainMark;
    event.data = codec::encode_chain_mark(log->chain_mark(lane));
    request.events.push_back(std::move(event));
    ASSERT_TRUE(append(std::move(request)));
  }
  // Several segments, epochs and streams, with marks.
  void make_log() {
    for (int run = 0; run < 3; ++run) {
      reopen();
      for (int i = 0; i < 3; ++i) append_many(50, "pump/" + std::to_string(i));
      mark(Lane::kTelemetry);
    }
    ASSERT_TRUE(eventually([&] { return wal_bytes(segment_paths(Lane::kTelemetry)[3]) == 0; }));
    close();
  }
  void change(const fs::path& path, const std::string& sql) {
    auto database = Database::open(path, OpenMode::kReadWrite);
    ASSERT_TRUE(database);
    const auto done = database->exec(sql);
    ASSERT_TRUE(done) << core::to_string(done.error());
    database->close();
    std::ofstream(path.string() + "-wal", std::ios::app);  // closing took it away
  }
  // Exactly one kind of flaw, in one file.
  Flaw only_flaw() {
    const auto result = check();
    for (const Flaw& flaw : result.flaws) {
      if (flaw.what == result.flaws.front().what && flaw.file == result.flaws.front().file)
        continue;
      ADD_FAILURE() << flaw.what << " " << flaw.file << " " << flaw.words;
    }
    if (result.flaws.empty()) throw std::runtime_error("no flaw was found");
    return result.flaws.front();
  }
};

TEST_F(FsckTest, AWholeLogHasNoFlaw) {
  make_log();
  const auto result = check();
  for (const Flaw& flaw : result.flaws)
    ADD_FAILURE() << core::lane_name(flaw.lane) << " " << flaw.file << " " << flaw.what << " "
                  << flaw.from << "-" << flaw.to << " " << flaw.words;
  EXPECT_EQ(result.gateway, gateway);
  EXPECT_EQ(result.events, 453u + 6u + 3u + 3u);
  EXPECT_GE(result.hashes, 3u + 2u * 4u);
  EXPECT_EQ(result.known_missing, 0u);
}

TEST_F(FsckTest, ItLeavesTheFolderAsItIsAndRunsBesideAWriter) {
  make_log();
  const auto before = all_files(log_path());
  check();
  EXPECT_TRUE(all_files(log_path()) == before);
  open();
  append_many(70);
  // With WALs, and with a writer at work.
  for (int i = 0; i < 10; ++i) {
    const auto result = check();
    EXPECT_TRUE(result.flaws.empty()) << result.flaws.front().words;
    append_many(40);
  }
}

TEST_F(FsckTest, ADamagedRowIsNotToldASecondTimeWhereItsStreamGoesOn) {
  open();
  for (int i = 0; i < 12; ++i) append_many(1, "pump/" + std::to_string(i % 3));
  close();
  change(segment_paths(Lane::kTelemetry).front(), "UPDATE event SET crc=crc+1 WHERE seq=3");
  const Flaw flaw = only_flaw();
  EXPECT_EQ(flaw.what, "row");
  EXPECT_EQ(flaw.from, 3u);
  EXPECT_EQ(flaw.to, 3u);
}

TEST_F(FsckTest, ALogAfterAKillIsCheckedWithItsWal) {
  open();
  append_many(70);
  const test::TempDir crashed;
  fs::copy(log_path(), crashed.path() / "log", fs::copy_options::recursive);
  for (const auto& entry : fs::recursive_directory_iterator(crashed.path()))
    if (entry.path().extension() == ".seg-shm") fs::remove(entry.path());
  const auto before = all_files(crashed.path());
  const auto result = check_log(crashed.path() / "log");
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->flaws.empty());
  EXPECT_EQ(result->events, 74u);
  EXPECT_TRUE(all_files(crashed.path()) == before);
}

TEST_F(FsckTest, ANewestSegmentWithoutItsWalIsNamed) {
  make_log();
  const auto newest = segment_paths(Lane::kTelemetry).back();
  ASSERT_TRUE(fs::remove(newest.string() + "-wal"));
  const Flaw flaw = only_flaw();
  EXPECT_EQ(flaw.what, "wal");
  EXPECT_EQ(flaw.file, newest.filename());
  EXPECT_EQ(flaw.lane, Lane::kTelemetry);
}

TEST_F(FsckTest, ADamagedRowIsNamedWithItsFileAndSeq) {
  make_log();
  const auto paths = segment_paths(Lane::kTelemetry);
  change(paths[1], "UPDATE event SET crc=crc+1 WHERE seq BETWEEN 120 AND 122");
  const Flaw flaw = only_flaw();
  EXPECT_EQ(flaw.what, "row");
  EXPECT_EQ(flaw.file, paths[1].filename());
  EXPECT_EQ(flaw.from, 120u);
  EXPECT_EQ(flaw.to, 122u);
}

TEST_F(FsckTest, AChangedEventWithARightChecksumIsFoundByTheChain) {
  make_log();
  const auto paths = segment_paths(Lane::kTelemetry);
  std::string body;
  for (const Record& record : read_all(Lane::kTelemetry))
    if (record.seq == 130) body = record.body;
  body.back() = '\x01';  // another value of its data
  auto database = Database::open(paths[1], OpenMode::kReadWrite);
  auto update = database->prepare("UPDATE event SET body=?1, crc=?2 WHERE seq=130");
  update->bind_blob(1, std::string_view(body)).bind(2, std::int64_t{core::crc32c(body)});
  ASSERT_TRUE(update->run());
  *update = {};
  database->close();
  const Flaw flaw = only_flaw();
  EXPECT_EQ(flaw.what, "chain");
  EXPECT_LE(flaw.from, 130u);
  EXPECT_GE(flaw.to, 130u);
}

TEST_F(FsckTest, EveryTableIsCheckedAgainstTheRows) {
  struct Case {
    const char* what;
    std::size_t segment;
    const char* sql;
  };
  const Case cases[] = {
      {"missing", 99, ""},
      {"version", 1, "UPDATE stream SET version=version+1 WHERE name='pump/0'"},
      {"index", 1, "UPDATE event_id SET seq=seq+1 WHERE seq=150"},
      {"index", 1, "DELETE FROM event_id WHERE seq=150"},
      {"index", 1, "UPDATE meta SET value=zeroblob(length(value)) WHERE key='id_filter'"},
      {"chain", 2, "UPDATE meta SET value=zeroblob(32) WHERE key='chain'"},
      {"head", 1, "DELETE FROM meta WHERE key='chain'"},
      {"epoch", 100, "UPDATE epoch SET first_seq=first_seq+1 WHERE first_seq>300"},
      {"anchor", 100,
       "INSERT INTO word VALUES(0,'0000000000000001');"
       "INSERT INTO anchor VALUES(9999,0,9999,1,0,0,0,NULL)"},
  };
  make_log();
  for (const Case& one : cases) {
    SCOPED_TRACE(one.sql);
    const test::TempDir keep;
    fs::copy(log_path(), keep.path() / "log", fs::copy_options::recursive);
    const auto paths = segment_paths(Lane::kTelemetry);
    if (one.segment == 99)
      ASSERT_TRUE(remove_segment(paths[1]));
    else
      change(one.segment == 100 ? paths.back() : paths[one.segment], one.sql);
    bool found = false;
    for (const Flaw& flaw : check().flaws) found = found || flaw.what == one.what;
    EXPECT_TRUE(found) << one.what;
    fs::remove_all(log_path());
    fs::copy(keep.path() / "log", log_path(), fs::copy_options::recursive);
  }
}

TEST_F(FsckTest, DestroyedPagesNeverStopTheCheck) {
  make_log();
  const auto paths = segment_paths(Lane::kTelemetry);
  for (const std::size_t segment : {std::size_t{1}, paths.size() - 1}) {
    const std::uint64_t pages = fs::file_size(paths[segment]) / kPageBytes;
    for (std::uint64_t number = 1; number <= pages; ++number) {
      SCOPED_TRACE(number);
      const std::string before = content_of(paths[segment]);
      destroy_page(paths[segment], number);
      EXPECT_FALSE(check().flaws.empty());
      write_at(paths[segment], 0, before);
    }
  }
  EXPECT_TRUE(check().flaws.empty());
}

TEST_F(FsckTest, AfterASalvageNothingIsLeftButWhatIsKnownToBeMissing) {
  make_log();
  const auto paths = segment_paths(Lane::kTelemetry);
  change(paths[1], "UPDATE event SET crc=crc+1 WHERE seq BETWEEN 120 AND 122");
  destroy_page(paths[2], 1);
  const auto would = salvage_log(log_path(), true, random);
  ASSERT_TRUE(would) << core::to_string(would.error());
  ASSERT_EQ(would->size(), 2u);
  EXPECT_EQ(segment_paths(Lane::kTelemetry), paths);
  const auto done = salvage_log(log_path(), false, random);
  ASSERT_TRUE(done) << core::to_string(done.error());
  ASSERT_EQ(done->size(), 2u);
  EXPECT_EQ((*done)[0].lost + (*done)[1].lost, 3u);
  EXPECT_TRUE(salvage_log(log_path(), false, random)->empty());
  const auto result = check();
  for (const Flaw& flaw : result.flaws)
    ADD_FAILURE() << flaw.file << " " << flaw.what << " " << flaw.from << "-" << flaw.to << " "
                  << flaw.words;
  EXPECT_EQ(result.known_missing, 3u);
  EXPECT_EQ(result.set_aside_files, 2u);
  open();
  ASSERT_EQ(reader()->set_aside(Lane::kTelemetry)->size(), 1u);
  EXPECT_EQ(log->start_report().salvaged.size(), 2u);
  close();
  EXPECT_TRUE(check().flaws.empty());
}

TEST_F(FsckTest, ASalvageAsksForTheWritersLock) {
  open();
  const auto refused = salvage_log(log_path(), false, random);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, core::Errc::kBusy);
}

}  // namespace
}  // namespace sluice::storage
