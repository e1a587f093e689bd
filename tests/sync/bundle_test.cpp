// SPDX-License-Identifier: Apache-2.0
// Bundles written from a real log and read back: whole, torn, altered, interrupted.
#include <gmock/gmock.h>

#include <fstream>
#include <set>

#include "sqlite/database.hpp"
#include "sync/bundle_export.hpp"
#include "sync/lane_items.hpp"
#include "tests/storage/log_fixture.hpp"

namespace sluice::sync {
namespace {

using core::Errc;
using core::Lane;
using core::Seq;
namespace fs = std::filesystem;

std::string content(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class BundleTest : public storage::LogTest {
 protected:
  BundleTest() { fs::create_directories(stick()); }
  fs::path stick() const { return scratch / "stick"; }

  ExportOrder order() const {
    ExportOrder out;
    out.folder = stick();
    out.lanes = {Lane::kTelemetry};
    out.machine = "board 7";
    return out;
  }
  ExportReport run(const ExportOrder& order) {
    const auto log_reader = reader();
    auto report = export_bundles(*log_reader, order, key_, clock);
    EXPECT_TRUE(report) << (report ? "" : core::to_string(report.error()));
    return report ? std::move(*report) : ExportReport{};
  }
  std::vector<fs::path> files() const {
    std::set<fs::path> found;
    for (const auto& entry : fs::directory_iterator(stick())) found.insert(entry.path());
    return {found.begin(), found.end()};
  }
  // All items of all files in the order of their names, which is that of their seqs.
  std::vector<Item> items() const {
    std::vector<Item> out;
    for (const auto& path : files()) {
      const auto bundle = verify_bundle(path);
      EXPECT_TRUE(bundle) << (bundle ? "" : core::to_string(bundle.error()));
      if (!bundle) continue;
      EXPECT_TRUE(read_items(*bundle, 0, [&](Item item) -> core::Result<void> {
        out.push_back(std::move(item));
        return {};
      }));
    }
    return out;
  }
  // What the uplink would send.
  std::vector<Item> sent(Seq acked = 0) {
    const auto log_reader = reader();
    auto lane = LaneItems::open(*log_reader, {gateway, "main"}, Lane::kTelemetry, clock);
    EXPECT_TRUE(lane);
    (*lane)->start_behind(acked);
    std::vector<Item> out;
    for (;;) {
      auto item = (*lane)->next();
      EXPECT_TRUE(item);
      if (!item || !*item) return out;
      out.push_back(std::move(**item));
    }
  }
  static void expect_equal(const std::vector<Item>& got, const std::vector<Item>& wanted) {
    ASSERT_EQ(got.size(), wanted.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
      EXPECT_EQ(got[i].identity, wanted[i].identity);
      EXPECT_EQ(got[i].subject, wanted[i].subject);
      EXPECT_EQ(got[i].body, wanted[i].body);
      EXPECT_EQ(got[i].is_gap, wanted[i].is_gap);
    }
  }
  core::Error refused(const std::string& bytes) {
    const auto path = scratch.write("one.slb", bytes);
    const auto bundle = verify_bundle(path);
    EXPECT_FALSE(bundle);
    return bundle ? core::Error{} : bundle.error();
  }

  core::SigningKey key_ = core::SigningKey::generate();
};

TEST_F(BundleTest, HoldsByteForByteWhatTheUplinkWouldSend) {
  open();
  append_many(40);
  ASSERT_TRUE(set_aside(Lane::kTelemetry, {log->epoch(), 7, 9, core::GapReason::kQuota}));
  reopen();
  append_many(10, "pump/8");
  const auto report = run(order());
  ASSERT_EQ(report.files.size(), 1u);
  const auto wanted = sent();
  EXPECT_EQ(wanted.size(), 50u);  // 52 seqs, three of them in one gap record
  expect_equal(items(), wanted);
  const auto bundle = verify_bundle(report.files.front().path);
  ASSERT_TRUE(bundle);
  EXPECT_EQ(bundle->header.gateway, "plant-7");
  EXPECT_EQ(bundle->header.machine, "board 7");
  EXPECT_EQ(bundle->trailer.to, 52u);
  EXPECT_EQ(bundle->trailer.missing, 3u);
  EXPECT_EQ(bundle->trailer.pieces.size(), 2u);
}

TEST_F(BundleTest, BeginsBehindTheCursor) {
  open();
  append_many(20);
  ack(Lane::kTelemetry, 12);
  run(order());
  expect_equal(items(), sent(12));
  EXPECT_EQ(items().front().from, 13u);
}

TEST_F(BundleTest, ByHandItBeginsWhereItIsTold) {
  open();
  append_many(20);
  ack(Lane::kTelemetry, 12);
  auto from_first = order();
  from_first.from = 0;
  run(from_first);
  expect_equal(items(), sent(0));
}

TEST_F(BundleTest, AFileThatEndsAnywhereBeforeItsEndIsRefused) {
  open();
  append_many(200);
  const std::string whole = content(run(order()).files.front().path);
  for (std::size_t i = 0; i < 64; ++i) {
    const auto error = refused(whole.substr(0, whole.size() * i / 64));
    EXPECT_EQ(error.code, Errc::kCorrupt) << i << ": " << error.message;
  }
  EXPECT_THAT(refused(whole.substr(0, whole.size() - 1)).message, testing::HasSubstr("torn"));
  EXPECT_EQ(refused(whole + "x").code, Errc::kCorrupt);
}

TEST_F(BundleTest, AFileWithOneOtherByteIsRefused) {
  open();
  append_many(200);
  const std::string whole = content(run(order()).files.front().path);
  for (std::size_t at = 0; at < whole.size(); at += 1 + whole.size() / 1500) {
    std::string other = whole;
    other[at] = static_cast<char>(other[at] ^ (1 << (at % 8)));
    const auto error = refused(other);
    EXPECT_TRUE(error.code == Errc::kCorrupt || error.code == Errc::kUnsupported)
        << at << ": " << core::to_string(error);
  }
}

TEST_F(BundleTest, ANewerFormatIsToldFromDamage) {
  open();
  append_many(5);
  std::string newer = content(run(order()).files.front().path);
  newer[8] = 2;
  EXPECT_EQ(refused(newer).code, Errc::kUnsupported);
}

TEST_F(BundleTest, AnInterruptedExportGoesOnBehindItsWholeFiles) {
  open();
  append_many(3000);
  auto small = order();
  small.file_bytes = BundleWriter::kBytesMin;
  ASSERT_GT(run(small).files.size(), 0u);
  const auto all = files();
  // As if the stick had been pulled out while the last one was written.
  const std::string last = content(all.back());
  fs::remove(all.back());
  std::ofstream(all.back().string() + ".tmp") << last.substr(0, last.size() / 2);
  const auto report = run(small);
  EXPECT_EQ(report.files.size(), 1u);
  EXPECT_EQ(report.kept.size(), all.size() - 1);
  EXPECT_EQ(files(), all);
  expect_equal(items(), sent());
}

TEST_F(BundleTest, AWholeFileThatWasDamagedIsWrittenAgain) {
  open();
  append_many(50);
  const auto path = run(order()).files.front().path;
  std::string bytes = content(path);
  bytes[bytes.size() / 2] ^= 4;
  std::ofstream(path, std::ios::binary) << bytes;
  const auto report = run(order());
  EXPECT_EQ(report.files.size(), 1u);
  EXPECT_EQ(report.useless.size(), 1u);
  expect_equal(items(), sent());
}

TEST_F(BundleTest, ALaterExportAddsOnlyWhatIsNew) {
  open();
  append_many(50);
  run(order());
  append_many(5);
  const auto report = run(order());
  ASSERT_EQ(report.files.size(), 1u);
  EXPECT_EQ(report.files.front().trailer.events, 5u);
  expect_equal(items(), sent());
  EXPECT_EQ(run(order()).files.size(), 0u);
}

TEST_F(BundleTest, WhatAStickHasNoRoomForIsSaidAndLeftForTheNext) {
  open();
  for (int i = 0; i < 40; ++i) {
    auto event = storage::make_event("pump/7", "Measured", [&] {
      std::string noise("\xc5\x20\x00", 3);  // 8 KiB that do not compress
      for (int b = 0; b < 8192; ++b) noise += static_cast<char>(random.below(256));
      return noise;
    }());
    must_append(std::move(event));
  }
  auto little = order();
  little.bytes_max = 200 * 1024;
  const auto first = run(little);
  ASSERT_EQ(first.lanes.size(), 1u);
  EXPECT_GT(first.lanes.front().left, 10u);
  EXPECT_GT(first.lanes.front().events, 10u);
  std::uint64_t bytes = 0;
  for (const auto& path : files()) bytes += fs::file_size(path);
  EXPECT_LE(bytes, little.bytes_max);
  // Another stick takes the rest, told where to begin.
  auto rest = order();
  rest.from = first.lanes.front().to + 1;
  run(rest);
  expect_equal(items(), sent());
}

TEST_F(BundleTest, ADamagedEventTravelsAsAGapRecord) {
  open();
  append_many(30);
  close();
  const auto path = segment_paths(Lane::kTelemetry).back();
  {
    auto database = sqlite::Database::open(path, sqlite::OpenMode::kReadWrite);
    ASSERT_TRUE(database);
    ASSERT_TRUE(database->exec("UPDATE event SET crc = crc + 1 WHERE seq = 12"));
  }
  run(order());
  const auto got = items();
  ASSERT_EQ(got.size(), 31u);
  EXPECT_TRUE(got[11].is_gap);
  EXPECT_EQ(got[11].identity.substr(got[11].identity.rfind('.')), ".12-12");
}

TEST_F(BundleTest, AFileOfAnotherKeyIsNotTakenForOnesOwn) {
  open();
  append_many(10);
  run(order());
  key_ = core::SigningKey::generate();
  const auto report = run(order());
  EXPECT_EQ(report.useless.size(), 1u);
  EXPECT_EQ(report.files.size(), 1u);
}

}  // namespace
}  // namespace sluice::sync
