// SPDX-License-Identifier: Apache-2.0
// The pure parts of what a log does without room, and of what it knows of ids.
#include <gtest/gtest.h>

#include "core/codec/json_data.hpp"
#include "core/config_reader.hpp"
#include "core/random.hpp"
#include "storage/filter_bank.hpp"
#include "storage/log_settings.hpp"
#include "storage/pressure.hpp"

namespace sluice::storage {
namespace {

using core::Seq;

std::vector<core::Uuid> random_ids(std::uint64_t seed, std::size_t count) {
  core::SeededRandom random(seed);
  std::vector<core::Uuid> ids(count);
  for (core::Uuid& id : ids)
    for (std::uint8_t& byte : id.bytes) byte = static_cast<std::uint8_t>(random.next());
  return ids;
}

TEST(DiskLevel, WorsensAtTheMarkAndRecoversWithASixteenthMore) {
  const auto next = [](std::uint64_t free, DiskLevel was) {
    return disk_level(free, 1600, 160, was);
  };
  EXPECT_EQ(next(1600, DiskLevel::kOk), DiskLevel::kOk);
  EXPECT_EQ(next(1599, DiskLevel::kOk), DiskLevel::kSoft);
  EXPECT_EQ(next(1650, DiskLevel::kSoft), DiskLevel::kSoft);
  EXPECT_EQ(next(1700, DiskLevel::kSoft), DiskLevel::kOk);
  EXPECT_EQ(next(159, DiskLevel::kOk), DiskLevel::kHard);
  EXPECT_EQ(next(165, DiskLevel::kHard), DiskLevel::kHard);
  EXPECT_EQ(next(170, DiskLevel::kHard), DiskLevel::kSoft);
  EXPECT_EQ(disk_level(0, 0, 0, DiskLevel::kOk), DiskLevel::kOk);
}

TEST(DroppedRanges, AreSplitWhereAnEpochBeginsAndLeaveOutWhatIsSetAside) {
  EpochInfo one, two, three;
  one.first_seq = 1;
  one.epoch.value = 11;
  two.first_seq = 50;
  two.epoch.value = 22;
  three.first_seq = 90;
  three.epoch.value = 33;
  const SetAside known{one.epoch, 20, 24, core::GapReason::kOversize};
  const auto ranges = ranges_to_drop(10, 60, {one, two, three}, {known});
  ASSERT_EQ(ranges.size(), 3u);
  const std::vector<std::tuple<std::uint64_t, Seq, Seq>> expected = {
      {11, 10, 19}, {11, 25, 49}, {22, 50, 60}};
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(std::tuple(ranges[i].epoch.value, ranges[i].from, ranges[i].to), expected[i]);
    EXPECT_EQ(ranges[i].reason, core::GapReason::kQuota);
  }
  EXPECT_TRUE(ranges_to_drop(20, 24, {one}, {known}).empty());
}

TEST(PressureNotes, OfOneLaneAreJoinedUntilTheyAreTold) {
  std::vector<PressureNote> notes;
  PressureNote note;
  note.kind = PressureNote::Kind::kEventsDropped;
  note.reason = "quota";
  note.from = 5;
  note.to = 9;
  note.events = 5;
  add_note(notes, note);
  note.from = 10;
  note.to = 12;
  note.events = 3;
  add_note(notes, note);
  note.lane = core::Lane::kBulk;
  add_note(notes, note);
  ASSERT_EQ(notes.size(), 2u);
  std::string json;
  const NewEvent event = make_own_event(notes.front());
  codec::data_to_json(event.data, json);
  EXPECT_EQ(event.stream.text(), "sluice/lane/telemetry");
  EXPECT_EQ(event.type, "EventsDropped");
  EXPECT_EQ(json, R"({"from":5,"to":12,"events":8,"reason":"quota"})");
}

TEST(ShorteningEpisode, IsToldOnceUntilAnHourWentByWithoutOne) {
  ShorteningEpisode episode;
  EXPECT_TRUE(episode.begins(1000));
  EXPECT_FALSE(episode.begins(3'000'000));
  EXPECT_FALSE(episode.begins(6'000'000));
  EXPECT_TRUE(episode.begins(6'000'000 + 3'600'001));
}

TEST(IdFilter, IsAskedForManySegmentsAtOnceWithTheSameAnswers) {
  FilterBank bank;
  struct Known {
    std::vector<core::Uuid> ids;
    IdFilter filter;
    FilterBank::Column column = 0;
  };
  std::vector<Known> segments;
  std::uint64_t seed = 1;
  for (const std::size_t count : {1u, 40u, 3000u, 5u, 700u, 3000u, 20u, 1u, 100u, 2000u, 9u}) {
    Known known{random_ids(seed++, count), {}, 0};
    known.filter = IdFilter::build(known.ids);
    ASSERT_TRUE(FilterBank::fits(known.filter));
    known.column = bank.add(known.filter);
    segments.push_back(std::move(known));
  }
  FilterBank::Mask mask;
  const auto check = [&] {
    for (const Known& known : segments) {
      for (const core::Uuid& id : known.ids) {
        bank.look_up(id, mask);
        ASSERT_TRUE(mask.has(known.column));
      }
    }
    for (const core::Uuid& id : random_ids(99, 2000)) {
      bank.look_up(id, mask);
      for (const Known& known : segments) {
        // The bank knows bits only, not the smallest and the largest id.
        EXPECT_TRUE(!known.filter.may_hold(id) || mask.has(known.column));
      }
    }
  };
  check();
  bank.remove(segments[2].column);
  segments.erase(segments.begin() + 2);
  Known fresh{random_ids(77, 500), {}, 0};
  fresh.filter = IdFilter::build(fresh.ids);
  fresh.column = bank.add(fresh.filter);
  segments.push_back(fresh);
  check();
  while (!segments.empty()) {
    bank.remove(segments.back().column);
    segments.pop_back();
  }
  EXPECT_EQ(bank.bytes(), 0u);
}

TEST(IdFilter, ASegmentLargerThanUsualIsFoldedAndStillFound) {
  const auto ids = random_ids(5, 80'000);
  const IdFilter filter = IdFilter::build(ids);
  ASSERT_GT(filter.bits(), IdFilter::kSliceBitsMax);
  FilterBank bank;
  const auto column = bank.add(filter);
  FilterBank::Mask mask;
  for (const core::Uuid& id : ids) {
    bank.look_up(id, mask);
    ASSERT_TRUE(mask.has(column));
  }
}

TEST(IdFilter, FalseHitsOfAFullSegmentAreBelowOneInTwentyThousand) {
  const IdFilter filter = IdFilter::build(random_ids(5, 65'536));
  EXPECT_EQ(filter.bits(), IdFilter::kSliceBitsMax);
  int hits = 0;
  for (const core::Uuid& id : random_ids(6, 400'000)) hits += filter.may_hold(id);
  EXPECT_LT(hits, 20);
}

TEST(LogSettings, RefuseWhatWouldBreakAPromise) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"[log]\nretention = \"10min\"\n", "ten times hub_sync_interval"},
      {"[log]\nretention = \"24h\"\nhub_sync_interval = \"3h\"\n", "ten times hub_sync_interval"},
      {"[log]\ndisk_hard = \"1GiB\"\n", "must not be above disk_soft"},
      {"[log]\nballast = \"1MiB\"\n", "at least 20MiB"},
      {"[log.bulk]\npolicy = \"drop-newest\"\n", "\"refuse-new\" or \"drop-oldest\""},
      {"[log.bulk]\npolicy = \"drop-oldest\"\nquota = \"15MiB\"\n", "at least 16MiB"},
      {"[log.bulk]\npolicy = \"drop-oldest\"\nack = \"hub\"\n", "does not go with policy"},
  };
  for (const auto& [text, words] : cases) {
    auto file = core::ConfigReader::parse(text, "test.toml");
    ASSERT_TRUE(file);
    LogSettings settings;
    visit(settings, *file);
    const auto done = file->finish();
    ASSERT_FALSE(done) << text;
    EXPECT_NE(done.error().message.find(words), std::string::npos) << text << done.error().message;
  }
}

}  // namespace
}  // namespace sluice::storage
